//! The templates: real projects in `sdk/templates`, embedded in the program.

use std::fmt::Write as _;
use std::str::FromStr;

use include_dir::Dir;
use include_dir::DirEntry;
use include_dir::include_dir;

static FOLDERS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/templates");
static SDK_SOURCE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/rust/src");

/// The Rust SDK beside its source. It is not published: a project carries its own copy, so that it builds wherever it is
/// cloned.
const SDK_FILES: &[(&str, &[u8])] = &[
    ("Cargo.toml", include_bytes!("../../../../sdk/rust/Cargo.toml")),
    // Else the project's `cargo fmt` would write it anew.
    ("rustfmt.toml", include_bytes!("../../../../rustfmt.toml")),
    ("wit/gateway.wit", include_bytes!("../../../../wit/gateway.wit")),
    ("LICENSE-APACHE", include_bytes!("../../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_bytes!("../../../../LICENSE-MIT")),
];

/// Where it lies in a project.
const SDK_FOLDER: &str = "guesthouse-sdk";

/// What a project can begin as.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// How it is called: language, then framework or interface.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// The command that comes before all others, where there is one.
    pub first: Option<&'static str>,
    /// The command that runs its tests.
    pub test: &'static str,
    /// Folders below `sdk/templates` that make it up, without a file in common.
    folders: &'static [&'static str],
    /// Whether the Rust SDK goes with it.
    has_sdk: bool,
}

/// One file of a template.
#[derive(Debug)]
pub struct File {
    /// Below the project's folder.
    pub path: String,
    /// What stands in it.
    pub content: &'static [u8],
}

/// All of them, as they are listed.
pub const TEMPLATES: &[Template] = &[
    Template {
        name: "rust-gateway",
        about: "Rust: one function from a request to a response; the least code, and the least cost",
        first: None,
        test: "cargo test",
        folders: &["rust", "rust-gateway"],
        has_sdk: true,
    },
    Template {
        name: "rust-http02",
        about: "Rust: the standard wasi:http 0.2, streamed both ways, for every host of it",
        first: None,
        test: "cargo test",
        folders: &["rust", "rust-http", "rust-http02"],
        has_sdk: false,
    },
    Template {
        name: "rust-http03",
        about: "Rust: the standard wasi:http 0.3, asynchronous, many requests at once in one instance",
        first: None,
        test: "cargo test",
        folders: &["rust", "rust-http", "rust-http03"],
        has_sdk: false,
    },
    Template {
        name: "python-wsgi",
        about: "Python: one file, one WSGI callable, nothing to install",
        first: None,
        test: "python -m unittest",
        folders: &["python", "python-wsgi"],
        has_sdk: false,
    },
    Template {
        name: "python-flask",
        about: "Python: Flask, with templates, a session, a form and messages",
        first: None,
        test: "python -m unittest",
        folders: &["python", "python-flask"],
        has_sdk: false,
    },
    Template {
        name: "python-fastapi",
        about: "Python: FastAPI with pydantic 2, typed bodies and queries, and a description of the interface",
        first: None,
        test: "python -m unittest",
        folders: &["python", "python-fastapi"],
        has_sdk: false,
    },
    Template {
        name: "python-django",
        about: "Python: Django, with a model, the admin, SQLite and static files",
        first: None,
        test: "python -m unittest",
        folders: &["python", "python-django"],
        has_sdk: false,
    },
    Template {
        name: "javascript-hono",
        about: "JavaScript: Hono, with a page, a form and JSON",
        first: Some("npm install"),
        test: "node --test",
        folders: &["javascript-hono"],
        has_sdk: false,
    },
];

impl Template {
    /// Its files.
    pub fn files(&self) -> Vec<File> {
        let mut files = Vec::new();
        for folder in self.folders {
            let dir = FOLDERS.get_dir(folder).expect("a test looks at every template");
            add(dir, dir, "", &mut files);
        }
        if self.has_sdk {
            add(&SDK_SOURCE, &SDK_SOURCE, &format!("{SDK_FOLDER}/src/"), &mut files);
            files
                .extend(SDK_FILES.iter().map(|(path, content)| File { path: format!("{SDK_FOLDER}/{path}"), content }));
        }
        files
    }

    /// Whether its project is a Rust package.
    pub fn is_rust(&self) -> bool {
        self.folders.contains(&"rust")
    }
}

fn add(root: &Dir<'static>, dir: &Dir<'static>, below: &str, files: &mut Vec<File>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(inner) => add(root, inner, below, files),
            DirEntry::File(file) => {
                let path = file.path().strip_prefix(root.path()).unwrap_or(file.path());
                files.push(File { path: format!("{below}{}", path.display()), content: file.contents() });
            }
        }
    }
}

/// A line for each, with its number.
pub fn listed() -> String {
    let mut text = String::new();
    for (at, template) in TEMPLATES.iter().enumerate() {
        // Writing to a String does not fail.
        let _ =
            write!(text, "{}  {}. {:<16} {}", if at == 0 { "" } else { "\n" }, at + 1, template.name, template.about);
    }
    text
}

impl FromStr for Template {
    type Err = String;

    /// By its name, or by the part of it that no other has: `flask`.
    fn from_str(text: &str) -> Result<Template, String> {
        let named = TEMPLATES.iter().find(|template| template.name == text);
        let mut like = TEMPLATES.iter().filter(|template| template.name.split('-').any(|part| part == text));
        match (named, like.next(), like.next()) {
            (Some(template), ..) | (None, Some(template), None) => Ok(*template),
            _ => Err(format!("there is no template `{text}`; there are:\n{}", listed())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_template_has_what_a_project_needs_and_nothing_that_tools_left_behind() {
        for template in TEMPLATES {
            let paths: Vec<String> = template.files().into_iter().map(|file| file.path).collect();
            let different: BTreeSet<&String> = paths.iter().collect();
            assert_eq!(different.len(), paths.len(), "{}: a file comes from two folders", template.name);
            for needed in ["README.md", ".gitignore"] {
                assert!(different.contains(&needed.to_owned()), "{}: no {needed}", template.name);
            }
            assert!(paths.iter().any(|path| path.contains("test")), "{}: no test", template.name);
            let made = ["target/", "node_modules/", "__pycache__/", "Cargo.lock", ".sqlite3", "collected/"];
            for path in &paths {
                assert!(!made.iter().any(|made| path.contains(made)), "{}: remove `{path}`", template.name);
            }
        }
    }

    #[test]
    fn a_template_is_called_by_its_name_or_by_what_only_it_is_called() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(text.parse::<Template>().ok().map(|template| template.name), expected, "{text}");
        };
        check("rust-gateway", Some("rust-gateway"));
        check("gateway", Some("rust-gateway"));
        check("flask", Some("python-flask"));
        check("javascript", Some("javascript-hono"));
        check("rust", None);
        check("", None);
        let error = "perl".parse::<Template>().unwrap_err();
        assert!(error.starts_with("there is no template `perl`; there are:\n  1. rust-gateway "), "{error}");
    }
}
