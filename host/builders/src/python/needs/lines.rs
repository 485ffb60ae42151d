//! The lines of a file of requirements, as pip reads them: what each of them names besides packages.

use anyhow::bail;

use crate::config::settings::FILE;

/// Ends of files that pip takes for packages.
const ARCHIVES: [&str; 7] = [".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz"];

/// What stands in one line besides a requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Other files of requirements or constraints.
    pub files: Vec<String>,
    /// Whether these are constraints.
    pub is_constraint: bool,
    /// Folders or pages where packages are looked for.
    pub places: Vec<String>,
}

/// Lines as they count: those that go on in the next are joined, and comments are gone.
pub fn logical(text: &str) -> Vec<String> {
    let (mut lines, mut joined) = (Vec::new(), String::new());
    for line in text.trim_start_matches('\u{feff}').lines() {
        let is_comment = line.trim_start().starts_with('#');
        match line.strip_suffix('\\') {
            Some(begun) if !is_comment => joined.push_str(begun),
            // A comment ends what goes on.
            _ => {
                joined.push_str(if is_comment { "" } else { line });
                lines.push(std::mem::take(&mut joined));
            }
        }
    }
    lines.push(joined);
    let without_comment = |line: String| {
        let end = line.find(" #").into_iter().chain(line.find("\t#")).min().unwrap_or(line.len());
        line[..end].trim().to_owned()
    };
    lines.into_iter().map(without_comment).filter(|line| !line.is_empty()).collect()
}

/// Reads the options in `line`. Packages on this machine are refused: what is in them may change without a line that
/// changes, and such a package belongs into the source.
pub fn read(line: &str, origin: &str) -> anyhow::Result<Named> {
    let mut named = Named::default();
    let mut words = line.split_whitespace().map(|word| word.trim_matches(['"', '\''])).peekable();
    if !line.starts_with('-') && is_path(line) {
        bail!("{}", refusal(line, origin));
    }
    while let Some(word) = words.next() {
        let (option, attached) = option(word);
        let mut value = || attached.clone().or_else(|| words.next().map(str::to_owned)).unwrap_or_default();
        match option {
            "--editable" if local(line).is_some() => bail!("{}", refusal(line, origin)),
            "--requirement" | "--constraint" => {
                let file = value();
                if file.contains("://") {
                    bail!(
                        "{origin}: `{line}` is on the network, where it may change unseen: put the file beside the others"
                    );
                }
                named.is_constraint = option == "--constraint";
                named.files.push(file);
            }
            "--find-links" => named.places.push(value()),
            _ => {}
        }
    }
    Ok(named)
}

/// The folder that a line installs from this machine: `-e .`, `-e ./lib[x]`, `./lib`, `lib @ file:lib`; nothing for other
/// lines. Whether it is one of the source's own is for others to see.
pub fn local(line: &str) -> Option<String> {
    let line = line.split(';').next().unwrap_or(line).trim();
    let (word, attached) = option(line.split_whitespace().next()?);
    let path = match (word, attached) {
        ("--editable", Some(path)) => path,
        ("--editable", None) => line.split_whitespace().nth(1)?.to_owned(),
        _ if line.starts_with('-') || !is_path(line) => return None,
        _ => line.split_once(" @ ").map_or(line, |(_, path)| path.trim()).to_owned(),
    };
    let path = path.trim_matches(['"', '\'']).trim_start_matches("file://").trim_start_matches("file:");
    let path = path.split(['[', '#']).next().unwrap_or(path).trim_end_matches('/');
    let is_archive = ARCHIVES.iter().any(|end| path.to_ascii_lowercase().ends_with(end));
    (!is_archive && !path.contains("://")).then(|| path.to_owned())
}

/// Variables of the author's that are named as `${NAME}`, which pip puts in their place.
pub fn variables(text: &str) -> Vec<&str> {
    let names = text.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    let is_name = |name: &&str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    names.filter(is_name).collect()
}

/// An option by its long name, and what is attached to it: `-rbase.txt`, `--find-links=x`, `--requ x`.
fn option(word: &str) -> (&'static str, Option<String>) {
    const LONG: [(&str, &str); 4] =
        [("--requirement", "--requirem"), ("--constraint", "--cons"), ("--editable", "--ed"), ("--find-links", "--f")];
    const SHORT: [(&str, &str); 4] =
        [("--requirement", "-r"), ("--constraint", "-c"), ("--editable", "-e"), ("--find-links", "-f")];
    if word.starts_with("--") {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value.to_owned())));
        let known = LONG.into_iter().find(|(long, least)| name.starts_with(least) && long.starts_with(name));
        return known.map_or(("", None), |(long, _)| (long, value));
    }
    let known = SHORT.into_iter().find(|(_, short)| word.starts_with(short));
    let attached = |short: &str| Some(word[short.len()..].trim_start_matches('=').to_owned()).filter(|v| !v.is_empty());
    known.map_or(("", None), |(long, short)| (long, attached(short)))
}

/// Whether a requirement is a file or a folder.
fn is_path(line: &str) -> bool {
    let requirement = line.split(" -").next().unwrap_or(line).split(';').next().unwrap_or(line).trim();
    let is_archive = ARCHIVES.iter().any(|end| requirement.to_ascii_lowercase().ends_with(end));
    let is_local = !requirement.contains("://") && (requirement.contains('/') || is_archive);
    requirement.starts_with(['.', '/', '~']) || requirement.contains("file:") || is_local
}

fn refusal(line: &str, origin: &str) -> String {
    if let Some(path) = local(line) {
        let name =
            path.rsplit('/').next().filter(|name| !name.is_empty() && !name.starts_with(['.', '~'])).unwrap_or("lib");
        return format!(
            "{origin}: `{line}` is a package on this machine, outside of the app's folder, which is all that a build reads: put it \
             into that folder and write `./{name}`, or name a release of it, as `{name}>=1`"
        );
    }
    format!(
        "{origin}: `{line}` is a package on this machine, and only those of an index can be taken: put it into the app's \
         folder, or say in {FILE} what is needed, as `[build]` `requirements = [\"flask>=3\"]`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_comments_go() {
        let text =
            "\u{feff}flask==3 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n# x \\\njinja2 # y\n\nx#y\t# z\nlast \\";
        assert_eq!(logical(text), ["flask==3     --hash=sha256:1     --hash=sha256:2", "jinja2", "x#y", "last"]);
    }

    #[test]
    fn files_and_places_are_found_in_all_spellings() {
        for line in [
            "-r a.txt",
            "-ra.txt",
            "--requirement a.txt",
            "--requirement=a.txt",
            "-c a.txt",
            "--constr=a.txt",
            "-r 'a.txt'",
        ] {
            assert_eq!(read(line, "x").unwrap().files, ["a.txt"], "{line}");
        }
        let both = read("-i https://index.example -f wheels -r a.txt", "x").unwrap();
        assert_eq!((both.files, both.places), (vec!["a.txt".to_owned()], vec!["wheels".to_owned()]));
        for line in ["flask>=3", "--pre", "--require-hashes", "--extra-index-url https://x", "flask --hash=sha256:1"] {
            assert_eq!(read(line, "x").unwrap(), Named::default(), "{line}");
        }
        assert!(read("-r https://x/a.txt", "x").unwrap_err().to_string().contains("is on the network"));
    }

    #[test]
    fn packages_on_this_machine_are_refused() {
        for line in [
            "-e .",
            "-e.",
            "--editable=lib",
            "./lib",
            "/opt/lib",
            "~/lib",
            "lib/",
            "lib @ file:///opt/lib",
            "wheels/x-1-py3-none-any.whl",
            "x-1.tar.gz",
            "git+file:///opt/lib",
            "lib/x ; python_version > '3'",
        ] {
            let error = read(line, "requirements.txt").unwrap_err().to_string();
            assert!(error.starts_with(&format!("requirements.txt: `{line}` is a package on this machine")), "{error}");
        }
        for line in [
            "x @ https://host/x-1-py3-none-any.whl",
            "git+https://host/x.git@v1#egg=x",
            "https://host/x.zip",
            "x[y]>=1",
        ] {
            assert!(read(line, "x").is_ok(), "{line}");
        }
    }

    #[test]
    fn folders_on_this_machine_are_found() {
        for (line, expected) in [
            ("-e .", Some(".")),
            ("-e.", Some(".")),
            ("--editable=./lib[dev]", Some("./lib")),
            ("-e ./lib/#egg=x", Some("./lib")),
            ("./lib ; python_version > '3'", Some("./lib")),
            ("lib @ file:./lib", Some("./lib")),
            ("-e git+https://host/x.git@v1#egg=x", None),
            ("-r base.txt", None),
            ("flask>=3", None),
            ("wheels/x-1-py3-none-any.whl", None),
        ] {
            assert_eq!(local(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn variables_are_found() {
        assert_eq!(variables("-i https://${USER}:${TOKEN_2}@x/${lower}${"), ["USER", "TOKEN_2"]);
    }
}
