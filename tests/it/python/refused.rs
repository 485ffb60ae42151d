//! What does not build is told in a sentence that says what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::tools::has_python;
use crate::python::workshop::Workshop;
use crate::python::workshop::run;

const APP: &str = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return []\n";

#[tokio::test]
async fn a_failed_import_is_explained_with_the_apps_own_line() {
    if !has_python().await {
        return;
    }
    let shop = Workshop::with(&[("app.py", "import flusk\n\napp = flusk.Flask()\n")]);
    let ended = shop.build().await;
    assert_eq!(ended.status.code(), Some(1));
    for said in [
        "error: `app` was not built: the module `flusk` is missing: add the package that provides it to requirements.txt",
        "`app:app` cannot be imported: ModuleNotFoundError: No module named 'flusk'",
        "File \"app.py\", line 1",
    ] {
        assert!(ended.stderr.contains(said), "no `{said}` in\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(!shop.component().exists());
}

#[tokio::test]
async fn a_module_of_the_projects_own_is_never_asked_of_an_index() {
    if !has_python().await {
        return;
    }
    let shop =
        Workshop::with(&[("app.py", "import myshop\n\napp = myshop.app\n"), ("web/lib/myshop/__init__.py", APP)]);
    let ended = shop.build().await;
    assert_eq!(ended.status.code(), Some(1));
    let expected = "the module `myshop` is missing: it is the project's own, at `web/lib/myshop`";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    assert!(!ended.stderr.contains("requirements"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_package_with_native_code_is_refused_by_name() {
    if !has_python().await {
        return;
    }
    let shop = Workshop::with(&[("app.py", APP), ("requirements.txt", "numpy\n")]);
    let ended = shop.build().await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.stderr.contains("`numpy` ") && ended.stderr.contains("its build runs programs that it has made"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("leave the numbers to another service"), "{}", ended.stderr);
    // Nobody has heard of this one: that it needs a compiler is found out, and then that there are no headers.
    shop.write("requirements.txt", "regex==2024.11.6\n");
    let ended = run(shop.command().env("GUESTHOUSE_PYTHON_INCLUDE", shop.path())).await;
    let expected = "`regex` 2024.11.6 needs native code that cannot be had for a guest (compiling C needs the headers";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    shop.write("requirements.txt", "flask==0.0.99\n");
    let ended = shop.build().await;
    assert!(ended.stderr.contains("requirements.txt cannot be resolved: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("flask==0.0.99"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_missing_python_is_one_sentence_with_the_command() {
    let shop = Workshop::with(&[("app.py", APP)]);
    let programs = shop.path().join("bin");
    fs::create_dir(&programs).unwrap();
    let ended = run(shop.command().env("PATH", &programs)).await;
    assert_eq!(ended.status.code(), Some(1));
    let expected = "building Python apps needs Python 3.9 or newer, and there is none on the PATH: Debian has it with apt-get \
                    install python3 python3-venv";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);

    let python = programs.join("python3");
    for (version, expected) in [("3, 12", "apt-get install python3-venv"), ("3, 6", "is 3.6)")] {
        let answer = format!("{{\"executable\": \"/usr/bin/python3\", \"version\": [{version}], \"venv\": false}}");
        fs::write(&python, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        let ended = run(shop.command().env("PATH", &programs)).await;
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_mistake_in_the_settings_is_told_with_its_line() {
    let shop = Workshop::with(&[("app.py", APP), ("guesthouse.toml", "[build]\nsnapshto = \"app\"\n")]);
    let ended = shop.build().await;
    assert_eq!(ended.status.code(), Some(1));
    let expected = "error: app/guesthouse.toml:2: unknown key `snapshto` in [build] (did you mean `snapshot`?)";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    shop.write("guesthouse.toml", "[build]\napp = \"till:app\"\n");
    let ended = shop.build().await;
    assert!(ended.stderr.contains("there is no module `till`"), "{}", ended.stderr);
}
