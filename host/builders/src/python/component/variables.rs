//! Variables that an app's own source reads, told from the source: an import shows only those up to the first that is
//! missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use guesthouse_types::name::AppName;

use crate::progress::say;
use crate::python::component::declared;

/// What reads a variable whose name follows as a literal: of `os`, django-environ, decouple.
const READERS: [&str; 8] = ["environ[", "environ.get(", "getenv(", "env(", "env.", "env[", "config(", "environ.pop("];
/// The methods of django-environ.
const TYPES: [&str; 13] = [
    "str(", "bool(", "int(", "float(", "list(", "tuple(", "dict(", "json(", "url(", "db(", "db_url(", "cache(", "path(",
];
/// What a WSGI app finds in the `environ` of a request (PEP 3333, RFC 3875 section 4.1).
const OF_A_REQUEST: [&str; 18] = [
    "AUTH_TYPE",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "GATEWAY_INTERFACE",
    "PATH_INFO",
    "PATH_TRANSLATED",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REMOTE_HOST",
    "REMOTE_IDENT",
    "REMOTE_USER",
    "REQUEST_METHOD",
    "REQUEST_URI",
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
];
/// No app has more, and a list that is longer is read by nobody.
const MAX: usize = 60;
/// So many are told.
const TOLD_MAX: usize = 12;

/// Names of variables, each with where it is read: the file and its line.
pub type Variables = BTreeMap<String, (PathBuf, usize)>;

/// Those that the Python `files` of the source in `folder` read.
pub fn read(folder: &Path, files: &[PathBuf]) -> Variables {
    let mut found = Variables::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "py") && !is_test(file)) {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#')) {
            for name in names(line) {
                if found.len() < MAX {
                    found.entry(name.to_owned()).or_insert_with(|| (file.clone(), number + 1));
                }
            }
        }
        for (name, number) in declared::fields(&text) {
            if found.len() < MAX {
                found.entry(name).or_insert_with(|| (file.clone(), number));
            }
        }
    }
    found
}

fn is_test(file: &Path) -> bool {
    file.iter().any(|part| {
        let part = part.to_string_lossy();
        matches!(&*part, "tests" | "test" | "docs" | "conftest.py" | "manage.py" | "setup.py")
            || part.starts_with("test_")
    })
}

/// The names that a line of Python reads.
fn names(line: &str) -> impl Iterator<Item = &str> {
    READERS.iter().flat_map(move |reader| {
        line.match_indices(reader).filter_map(move |(at, _)| {
            let is_word = reader.starts_with("env") || reader.starts_with("config");
            if is_word && line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                return None;
            }
            let mut rest = &line[at + reader.len()..];
            if *reader == "env." {
                rest = TYPES.iter().find_map(|method| rest.strip_prefix(method))?;
            }
            let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let name = rest[1..].split(quote).next()?;
            let is_name = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
                && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            let is_a_requests = !line[..at].ends_with("os.") && is_of_a_request(name);
            (is_name && !is_a_requests).then_some(name)
        })
    })
}

fn is_of_a_request(name: &str) -> bool {
    name.starts_with("HTTP_") || OF_A_REQUEST.contains(&name)
}

/// Says what the app `name` reads, and writes it down beside its component, once.
pub fn tell(variables: &Variables, name: &AppName, apps: &Path) -> anyhow::Result<()> {
    if variables.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = variables.keys().take(TOLD_MAX).map(|name| format!("`{name}`")).collect();
    let more = match variables.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (given, example) = (format!("{name}.toml"), format!("{name}.toml.example"));
    say(format_args!(
        "  it reads {}{more} of its environment, which `[environment]` in {given} gives it: {example} has the lines",
        names.join(", ")
    ));
    if !apps.join(&given).exists() && !apps.join(&example).exists() {
        fs::write(apps.join(&example), manifest(variables)).with_context(|| format!("cannot write `{example}`"))?;
    }
    Ok(())
}

/// The lines of a manifest that give them, with where each is read.
fn manifest(variables: &Variables) -> String {
    let line = |(name, (file, number)): (&String, &(PathBuf, usize))| {
        format!("# {name} = \"…\"    # {}, line {number}\n", file.display())
    };
    format!(
        "# What the app reads of its environment. Copy the lines that it needs into the manifest beside the component (the\n\
         # same name without `.example`), with their values; a secret is better named: `{{ file = \"name\" }}`. A `.env`\n\
         # in the operator's secrets directory does it as well: `env_file = \"name\"`, before `[environment]`.\n[environment]\n{}",
        variables.iter().map(line).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_found_in_all_spellings() {
        for (line, expected) in [
            ("KEY = os.environ['SECRET_KEY']", &["SECRET_KEY"][..]),
            ("x = os.environ.get(\"A\") or getenv('B', '')", &["A", "B"]),
            ("DEBUG = env.bool('DJANGO_DEBUG', False)", &["DJANGO_DEBUG"]),
            ("D = env(\"DATABASE_URL\")", &["DATABASE_URL"]),
            ("S = config('SECRET_KEY', cast=str)", &["SECRET_KEY"]),
            ("app.config['SECRET_KEY'] = myenv('A')", &[]),
            ("environ['PATH_INFO' + x], environ.get('wsgi.input')", &[]),
            ("environ.get('HTTP_HOST', '') or os.environ['HTTP_PROXY']", &["HTTP_PROXY"]),
            ("os.environ[name]", &[]),
        ] {
            let mut found: Vec<&str> = names(line).collect();
            found.sort();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn they_are_listed_as_a_manifest_has_them() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("settings.py"), "\n# os.environ['NO']\nA = os.environ['B']\nA = os.environ['B']\n")
            .unwrap();
        fs::write(root.path().join("test_x.py"), "os.environ['T']\n").unwrap();
        let files = ["settings.py".into(), "test_x.py".into()];
        let found = read(root.path(), &files);
        assert_eq!(found, Variables::from([("B".to_owned(), ("settings.py".into(), 3))]));
        let text = manifest(&found);
        assert!(text.ends_with("[environment]\n# B = \"…\"    # settings.py, line 3\n"), "{text}");
        assert!(text.parse::<toml::Table>().is_ok());
    }
}
