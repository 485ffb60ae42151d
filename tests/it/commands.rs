//! `guesthouse run`: commands of an app's own, with its state, by the host that serves it and without one.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

use guesthouse_test_guests as guest;
use tokio::io::AsyncWriteExt as _;

use crate::frameworks::hall::built;
use crate::frameworks::hall::hall;
use crate::frameworks::hall::socket;
use crate::frameworks::visit::Visit;
use crate::harness::client::Client;
use crate::harness::folder::AppsFolder;
use crate::harness::process::Ended;
use crate::harness::process::command;
use crate::harness::process::run;
use crate::harness::serving::Serving;
use crate::harness::within;

/// `guesthouse run APP … -- WORDS`, which reads `input`.
async fn run_with(input: &str, folder: &Path, flags: &[&str], words: &[&str]) -> Ended {
    let arguments = [&["run"], flags, &["--"], words].concat();
    let mut child = command(&arguments, folder).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that reads nothing may have ended before.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = within("the command to end", child.wait_with_output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// By the host with all samples.
async fn in_hall(input: &str, app: &str, words: &[&str]) -> Ended {
    let at = format!("unix:{}", socket().display());
    run_with(input, Path::new("/"), &[app, "--admin-listen", &at], words).await
}

fn check(ended: &Ended, code: i32, stdout: &str, stderr: &str) {
    let is_right = ended.status.code() == Some(code) && ended.stdout == stdout && ended.stderr.contains(stderr);
    assert!(is_right, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_has_its_arguments_its_input_and_its_end() {
    let Some(_) = hall().await else { return };
    let code = "import sys; print(sys.argv[1:], sys.stdin.read().upper()); print('aside', file=sys.stderr)";
    check(&in_hall("typed", "wsgi", &["-c", code, "a b", "ü"]).await, 0, "['a b', 'ü'] TYPED\n", "aside\n");
    check(&in_hall("print(6 * 7)\n", "wsgi", &["python"]).await, 0, "42\n", "");
    check(&in_hall("", "wsgi", &["-c", "raise SystemExit('no such user')"]).await, 1, "", "no such user\n");
    check(&in_hall("", "wsgi", &["-c", "1 / 0"]).await, 1, "", "ZeroDivisionError");
    check(&in_hall("", "wsgi", &["missing.py"]).await, 1, "", "missing.py");
    let long = "print('x' * 99 + '\\n', end='') or [print('y' * 9999) for _ in range(300)]";
    assert_eq!(in_hall("", "wsgi", &["-c", long]).await.stdout.len(), 100 + 300 * 10_000);
    let script = in_hall("", "flask", &["flask", "--version"]).await;
    assert!(script.status.success() && script.stdout.contains("Flask 3."), "{script:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_works_on_the_state_that_visitors_see() {
    let Some(mut visit) = Visit::of("django").await else { return };
    let code = "from books.models import Book; Book.objects.create(title='Lady Susan', author='Austen')";
    let ended = in_hall("", "django", &["manage.py", "shell", "-c", code]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(visit.get("/").await.text().contains("<li>Lady Susan by Austen</li>"));
}

#[tokio::test]
async fn what_cannot_be_run_is_told() {
    let home = tempfile::tempdir().unwrap();
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.rename_in("hello.wasm", guest::bytes(guest::HELLO));
    let serve = &["serve", "--listen", "127.0.0.1:0", "--state", "state"];
    let mut serving = Serving::begin(&mut command(serve, home.path())).await;
    serving.host.logs("`hello` is live").await;
    let commands = async |app: &str| run(&["run", app, "--state", "state", "--", "x"], home.path()).await;
    check(
        &commands("hello").await,
        1,
        "",
        "error: its component runs no commands: it does not export `wasi:cli/run@0.2`",
    );
    check(&commands("till").await, 1, "", "error: there is no app `till`: there are `hello`");
    let elsewhere = run(&["run", "hello", "--state", "state", "--admin-listen", "off", "--", "x"], home.path()).await;
    check(&elsewhere, 1, "", "another guesthouse");
    check(&run(&["run", "hello", "--dev", "--", "x"], home.path()).await, 1, "", "no `guesthouse dev` runs");
    // No visitor runs anything.
    let asked = Client::new(serving.address).get("/v1/apps/hello/run?arguments=x").await;
    assert_eq!(asked.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_host_a_command_runs_here_and_leaves_its_state() {
    let Some(_) = hall().await else { return };
    let home = tempfile::tempdir().unwrap();
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.rename_in("shop.wasm", fs::read(built("wsgi")).unwrap());
    apps.rename_in("shop.toml", "[state]\nsize = \"1MiB\"\n[environment]\nPRICE = \"7\"\n");
    fs::write(home.path().join("g.toml"), "[policy]\nstate = true\n").unwrap();
    let flags = &["shop", "--state", "state", "--config", "g.toml"];
    let write = "import os; open('/data/note', 'w').write(os.environ['PRICE'])";
    check(&run_with("", home.path(), flags, &["-c", write]).await, 0, "", "");
    assert_eq!(fs::read_to_string(home.path().join("state/data/shop/note")).unwrap(), "7");
    let read = "print(open('/data/note').read())";
    check(&run_with("", home.path(), flags, &["-c", read]).await, 0, "7\n", "");

    // What ends in the midst of a transaction leaves SQLite's lock, and keeps nobody out for ever.
    let leave = "import sqlite3, sys; sys.kept = c = sqlite3.connect('/data/x.db', isolation_level=None); \
                 c.execute('create table t (x)'); c.execute('begin immediate'); c.execute('insert into t values (1)')";
    check(&run_with("", home.path(), flags, &["-c", leave]).await, 0, "", "");
    let lock = home.path().join("state/data/shop/x.db.lock");
    fs::File::open(&lock).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let go_on = "import sqlite3; c = sqlite3.connect('/data/x.db'); print(*c.execute('select count(*) from t').fetchone()); \
                 c.execute('insert into t values (2)'); c.commit()";
    check(&run_with("", home.path(), flags, &["-c", go_on]).await, 0, "0\n", "");
    assert!(!lock.exists());
    check(
        &run_with("", home.path(), &["till", "--state", "state"], &["x"]).await,
        1,
        "",
        "there is no app `till`: no host",
    );
}
