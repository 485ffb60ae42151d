//! `Procfile`, and the shell scripts that start an app on servers: `boot.sh`, `startup.sh`.

use std::fs;
use std::path::Path;

use crate::source::python::candidate::Candidate;
use crate::source::python::servers;
use crate::source::python::shell::commands;

/// How the file is called.
pub const FILE: &str = "Procfile";
/// What scripts are called that start an app.
const SCRIPTS: [&str; 6] = ["startup.sh", "start.sh", "boot.sh", "run.sh", "entrypoint.sh", "docker-entrypoint.sh"];

/// What the Procfile in `folder` serves: its process `web`, then the others.
pub fn candidates(folder: &Path) -> Vec<Candidate> {
    let text = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    let processes =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(|line| line.split_once(':'));
    let (web, others): (Vec<_>, Vec<_>) = processes.partition(|(name, _)| name.trim() == "web");
    web.into_iter().chain(others).flat_map(|(_, line)| of_line(folder, line, FILE)).collect()
}

/// What the scripts in `folder` serve.
pub fn of_scripts(folder: &Path) -> Vec<Candidate> {
    SCRIPTS.iter().flat_map(|script| of_script(folder, script)).collect()
}

/// What a line of a shell serves, or the script of the source's own that it runs.
pub fn of_line(folder: &Path, line: &str, said_by: &str) -> Vec<Candidate> {
    let mut found = servers::candidates(folder, line, said_by);
    for words in commands(line) {
        for word in words.iter().take(2).filter(|word| word.ends_with(".sh")) {
            found.extend(of_script(folder, word.trim_start_matches("./")));
        }
    }
    found
}

/// What a script of the source's own serves.
pub fn of_script(folder: &Path, script: &str) -> Vec<Candidate> {
    // In an image it lies at the root, or where the app is copied to.
    let name = script.rsplit('/').next().unwrap_or(script);
    let path = if folder.join(script).is_file() && !script.starts_with('/') { script } else { name };
    let text = fs::read_to_string(folder.join(path)).unwrap_or_default().replace("\\\n", " ");
    text.lines().flat_map(|line| servers::candidates(folder, line, path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_process_counts_first_and_scripts_are_followed() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
        let found = || -> Vec<String> {
            candidates(root.path()).into_iter().map(|one| format!("{}: {}", one.said_by, one.target.module)).collect()
        };
        assert_eq!(found(), Vec::<String>::new());
        write(
            "Procfile",
            "# x\nworker: rq worker\nadmin: gunicorn admin:app\nweb: flask db upgrade; gunicorn shop:app\n",
        );
        assert_eq!(found(), ["`gunicorn shop:app` in Procfile: shop", "`gunicorn admin:app` in Procfile: admin"]);
        write("boot.sh", "#!/bin/sh\nexec gunicorn -b :5000 \\\n  till:app\n");
        write("Procfile", "web: ./boot.sh\n");
        assert_eq!(found(), ["`gunicorn till:app` in boot.sh: till"]);
        assert_eq!(of_scripts(root.path()).len(), 1);
    }
}
