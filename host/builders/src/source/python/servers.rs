//! The command lines of Python's servers: which app they are told to serve, and from which folder.

use std::path::Path;

use crate::source::python::candidate::Candidate;
use crate::source::python::shell::commands;
use crate::source::python::target::Target;

/// The programs, and the options of each that take no value: the word after any other one is its value.
const SERVERS: [(&str, &[&str]); 7] = [
    (
        "gunicorn",
        &[
            "--reload",
            "--daemon",
            "-D",
            "--preload",
            "--preload-app",
            "-R",
            "--capture-output",
            "--spew",
            "--check-config",
            "--print-config",
            "--no-sendfile",
            "--reuse-port",
            "--enable-stdio-inheritance",
            "--disable-redirect-access-to-syslog",
            "--log-syslog",
            "--proxy-protocol",
            "--strip-header-spaces",
            "--initgroups",
        ],
    ),
    (
        "uvicorn",
        &[
            "--reload",
            "--factory",
            "--proxy-headers",
            "--no-proxy-headers",
            "--server-header",
            "--no-server-header",
            "--date-header",
            "--no-date-header",
            "--access-log",
            "--no-access-log",
            "--use-colors",
            "--no-use-colors",
        ],
    ),
    ("hypercorn", &["--reload", "--debug"]),
    ("daphne", &["--proxy-headers", "--no-server-name"]),
    (
        "waitress-serve",
        &[
            "--call",
            "--expose-tracebacks",
            "--no-expose-tracebacks",
            "--no-ipv4",
            "--no-ipv6",
            "--clear-untrusted-proxy-headers",
            "--log-untrusted-proxy-headers",
        ],
    ),
    ("granian", &["--reload", "--factory", "--no-ws", "--no-access-log", "--access-log"]),
    ("uwsgi", &["--master", "--http-socket-modifier1", "--enable-threads", "--vacuum", "--die-on-term", "--need-app"]),
];

/// The apps that the shell's `line` serves. `said_by` is what the line stands in.
pub fn candidates(folder: &Path, line: &str, said_by: &str) -> Vec<Candidate> {
    let (mut found, mut below) = (Vec::new(), String::new());
    for words in commands(line) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["cd", to] => below = to.trim_start_matches("./").trim_end_matches('/').to_owned(),
            words => found.extend(of_words(folder, words, &below, said_by)),
        }
    }
    found
}

/// The app that one command serves; `below` is the folder that it is started in.
pub fn of_words(folder: &Path, words: &[&str], below: &str, said_by: &str) -> Option<Candidate> {
    let program = words.first()?.rsplit('/').next()?;
    let (program, options) = match (program, &words[1..]) {
        ("python" | "python3", ["-m", module, rest @ ..]) => (*module, rest),
        ("python" | "python3", ["-u", rest @ ..] | rest) => return script(folder, rest, below, said_by),
        ("fastapi", ["run" | "dev", rest @ ..]) => return script(folder, rest, below, said_by),
        ("flask", ["--app" | "-A", app, ..]) => {
            let target = Target::of_path(&folder.join(below), app)?;
            return Some(Candidate::of(target, below, format!("`flask --app {app}` in {said_by}")));
        }
        (program, rest) => (program, rest),
    };
    let (name, switches) = SERVERS.iter().find(|(name, _)| *name == program)?;
    let (mut home, mut app, mut is_factory, mut is_module) = (below.to_owned(), None, false, None);
    let mut words = options.iter();
    while let Some(word) = words.next() {
        let (option, attached) = word.split_once('=').map_or((*word, None), |(option, value)| (option, Some(value)));
        if !word.starts_with('-') || *word == "-" {
            app = app.or(Some(*word));
            continue;
        }
        is_factory |= matches!(option, "--factory" | "--call");
        if switches.contains(&option) {
            continue;
        }
        // `-w4`: attached to a short one.
        let is_attached = attached.is_some() || (!option.starts_with("--") && option.len() > 2);
        let value = if is_attached { attached } else { words.next().copied() };
        match option {
            "--chdir" | "--app-dir" | "--pythonpath" | "--working-dir" => home = value.unwrap_or_default().to_owned(),
            "--module" | "-w" if *name == "uwsgi" => is_module = value,
            "--app" => app = app.or(value),
            _ => {}
        }
    }
    let app = is_module.or(app)?;
    let app = app.strip_prefix("wsgi:").or_else(|| app.strip_prefix("asgi:")).unwrap_or(app);
    let mut target = Target::parse(app).or_else(|| Target::of_path(folder, app))?;
    if is_factory
        && let Some(callable) = &mut target.callable
        && !callable.ends_with(')')
    {
        callable.push_str("()");
    }
    let shown = if is_factory {
        format!("`{name} {app}` (a factory) in {said_by}")
    } else {
        format!("`{name} {app}` in {said_by}")
    };
    Some(Candidate::of(target, home.trim_start_matches("./").trim_end_matches('/'), shown))
}

/// `python shop.py`, `fastapi run app/main.py`: a file that makes an app.
fn script(folder: &Path, words: &[&str], below: &str, said_by: &str) -> Option<Candidate> {
    let file = words.iter().find(|word| word.ends_with(".py")).filter(|word| !word.ends_with("manage.py"))?;
    let target = Target::of_path(&folder.join(below), file)?;
    Some(Candidate::of(target, below, format!("`{file}` in {said_by}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_is_found_among_the_flags() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("app.py"), "").unwrap();
        for (line, expected) in [
            ("gunicorn autoapp:app -b 0.0.0.0:$PORT -w 3", Some(("", "autoapp:app"))),
            ("gunicorn --config gunicorn.conf.py shop.wsgi", Some(("", "shop.wsgi"))),
            ("gunicorn -w4 --preload --chdir web shop:app", Some(("web", "shop:app"))),
            ("gunicorn -k uvicorn.workers.UvicornWorker shop:app", Some(("", "shop:app"))),
            ("gunicorn --workers=3 \"shop:create_app('prod')\" --log-file -", Some(("", "shop:create_app('prod')"))),
            ("uvicorn --host 0.0.0.0 --factory shop.main:create_app", Some(("", "shop.main:create_app()"))),
            ("uvicorn shop:app --app-dir src --reload", Some(("src", "shop:app"))),
            ("cd web && poetry run uvicorn --host=0.0.0.0 app.main:app", Some(("web", "app.main:app"))),
            ("hypercorn wsgi:shop:app -b :80", Some(("", "shop:app"))),
            ("waitress-serve --port=80 --call shop:create_app", Some(("", "shop:create_app()"))),
            ("daphne -b 0.0.0.0 -p 80 shop.asgi:application", Some(("", "shop.asgi:application"))),
            ("python -m uvicorn main:app --host 0.0.0.0", Some(("", "main:app"))),
            ("uwsgi --http :80 --master --module shop.wsgi:application", Some(("", "shop.wsgi:application"))),
            ("python app.py", Some(("", "app"))),
            ("flask --app app run", Some(("", "app"))),
            ("python manage.py runserver", None),
            ("celery -A shop worker", None),
            ("gunicorn", None),
        ] {
            let found = candidates(root.path(), line, "Procfile");
            let found = found.first().map(|one| {
                let Target { module, callable, .. } = &one.target;
                let app = callable.as_ref().map_or_else(|| module.clone(), |callable| format!("{module}:{callable}"));
                (one.home.clone(), app)
            });
            assert_eq!(found.as_ref().map(|(home, app)| (home.as_str(), app.as_str())), expected, "{line}");
        }
    }
}
