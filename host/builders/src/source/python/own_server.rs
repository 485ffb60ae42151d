//! Programs that are their own web server: there is nothing in them that a host could call.

use std::fs;
use std::path::Path;

use crate::source::python::layout;

/// What opens a socket for itself, with the line that imports it.
const SERVERS: &[(&str, &[&str])] = &[
    ("aiohttp", &["from aiohttp import web", "from aiohttp.web import", "import aiohttp.web", "import aiohttp_"]),
    ("Gradio", &["import gradio", "from gradio"]),
    ("Python's http.server", &["from http.server import", "import http.server", "from http import server"]),
    ("Streamlit", &["import streamlit", "from streamlit"]),
    ("Tornado", &["import tornado", "from tornado"]),
    ("Twisted", &["from twisted.web", "import twisted.web"]),
];
/// A project has few files that matter here.
const FILES_MAX: usize = 200;

/// Why what is in `folder`, which people call `shown`, cannot be called, if that is why.
pub fn told(folder: &Path, shown: &Path) -> Option<String> {
    let (framework, file) = find(folder)?;
    Some(format!(
        "`{}` is its own web server, by {framework} ({file}), and a guest opens no socket: the host calls apps that speak WSGI or \
         ASGI, as those of Flask, Django, FastAPI, Starlette or Bottle do",
        shown.display()
    ))
}

fn find(folder: &Path) -> Option<(&'static str, String)> {
    let mut files = layout::files(folder);
    for package in [String::new()].into_iter().chain(layout::roots(folder)).flat_map(|root| packages(folder, &root)) {
        files.extend(layout::files(&folder.join(&package)).into_iter().map(|file| format!("{package}/{file}")));
    }
    files.into_iter().take(FILES_MAX).find_map(|file| {
        let text = fs::read_to_string(folder.join(&file)).ok()?;
        let imports = |starts: &[&str]| text.lines().any(|line| starts.iter().any(|start| line.starts_with(start)));
        SERVERS.iter().find(|(_, starts)| imports(starts)).map(|(framework, _)| (*framework, file))
    })
}

fn packages(folder: &Path, root: &str) -> Vec<String> {
    let below = |name: String| if root.is_empty() { name } else { format!("{root}/{name}") };
    layout::folders(&folder.join(root)).into_iter().map(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_serves_itself_is_told_with_the_file_that_does() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("polls")).unwrap();
        for (file, text, expected) in [
            ("tool.py", "import json\n", None),
            ("polls/main.py", "import logging\nfrom aiohttp import web\n", Some("by aiohttp (polls/main.py)")),
            ("server.py", "from http.server import HTTPServer\n", Some("by Python's http.server (server.py)")),
        ] {
            fs::write(root.path().join(file), text).unwrap();
            let told = told(root.path(), Path::new("x"));
            assert_eq!(told.is_some(), expected.is_some(), "{file}");
            assert!(told.unwrap_or_default().contains(expected.unwrap_or_default()), "{file}");
        }
    }
}
