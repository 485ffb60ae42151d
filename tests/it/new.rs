//! `guesthouse new`: in an empty folder, without a checkout of ours, a project that builds, serves and passes its tests.

use std::fs;
use std::path::Path;
use std::time::Duration;

use guesthouse::config::Config;
use tempfile::TempDir;
use tokio::process::Command;

use crate::harness::host::TestHost;
use crate::harness::host::program;
use crate::harness::process::command;
use crate::harness::process::run;
use crate::harness::within;

/// A template as an author meets it.
struct Case {
    template: &'static str,
    /// What an author runs or has before all else; where it fails, as without a network, nothing is tried.
    before: &'static [&'static str],
    /// The command that runs its own tests, as its README says.
    test: &'static [&'static str],
    /// Pages, and a part of what each answers.
    pages: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        template: "rust-gateway",
        before: &[],
        test: &["cargo", "test"],
        pages: &[("/", "Hello, world"), ("/?name=Ada", "Hello, Ada"), ("/nowhere", "404")],
    },
    Case {
        template: "rust-http02",
        before: &[],
        test: &["cargo", "test"],
        pages: &[("/", "href=\"/rust-http02/lines\""), ("/lines", "line 5\n"), ("/echo", "405")],
    },
    Case {
        template: "rust-http03",
        before: &[],
        test: &["cargo", "test"],
        pages: &[("/", "href=\"/rust-http03/lines\""), ("/lines", "line 5\n"), ("/echo", "405")],
    },
    // The frameworks' own tests skip themselves where the framework is not installed.
    Case {
        template: "python-wsgi",
        before: &["python", "--version"],
        test: &["python", "-m", "unittest"],
        pages: &[("/", "<tr><th>SCRIPT_NAME<td>/python-wsgi"), ("/lines", "line 5\n"), ("/nowhere", "404")],
    },
    Case {
        template: "python-flask",
        before: &["python", "--version"],
        test: &["python", "-m", "unittest"],
        pages: &[
            ("/", "href=\"/python-flask/static/app.css\""),
            ("/static/app.css", "max-width"),
            ("/lines", "line 5\n"),
            ("/nowhere", "There is no such page here"),
        ],
    },
    Case {
        template: "python-fastapi",
        before: &["python", "--version"],
        test: &["python", "-m", "unittest"],
        pages: &[("/", "\"hello\""), ("/hello?name=Ada", "{\"hello\":\"Ada\"}"), ("/openapi.json", "exclusiveMinimum")],
    },
    Case {
        template: "python-django",
        before: &["python", "--version"],
        test: &["python", "-m", "unittest"],
        pages: &[
            ("/", "href=\"/python-django/static/notes/notes.css\""),
            ("/static/notes/notes.css", "max-width"),
            ("/admin/login/", "Log in"),
        ],
    },
    Case {
        template: "javascript-hono",
        before: &["npm", "install", "--no-audit", "--no-fund"],
        test: &["node", "--test"],
        pages: &[
            ("/", "action=\"/javascript-hono/greet\""),
            ("/?name=Ada", "Hello, Ada"),
            ("/api/hello/Ada", "{\"hello\":\"Ada\"}"),
            ("/nowhere", "404"),
        ],
    },
];

/// The first build in a language installs its tools, and the first with pydantic compiles its core.
const BUILD_MAX: Duration = Duration::from_secs(1800);

/// Kept between runs and shared, so that what the templates depend on is built once.
const TARGET: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/new");

async fn made(template: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let made = run(&["new", template, "--template", template], home.path()).await;
    assert!(made.status.success(), "{template}: {}", made.stderr);
    assert!(made.stdout.starts_with(&format!("made `{template}` from {template}: ")), "{}", made.stdout);
    home
}

/// A tool in the project, in the surroundings of an author.
fn tool(arguments: &[&str], folder: &Path) -> Command {
    // Not every machine calls it so.
    let name = if arguments[0] == "python" { "python3" } else { arguments[0] };
    let mut tool = Command::new(name);
    for (name, _) in std::env::vars_os() {
        // The outer cargo's marks are not meant for this one.
        let of_the_outer = name.to_str().is_some_and(|name| name.starts_with("CARGO") || name == "RUSTUP_TOOLCHAIN");
        if of_the_outer && name != "CARGO_HOME" {
            tool.env_remove(name);
        }
    }
    tool.args(&arguments[1..]).current_dir(folder).kill_on_drop(true);
    tool.env("GUESTHOUSE", program()).env("CARGO_TARGET_DIR", TARGET).env_remove("RUST_BACKTRACE");
    tool
}

/// What the Django template asks for; and a busy machine takes its time to compile an interpreter.
fn allow_state(config: &mut Config) {
    config.deploy.policy.rules.state = Some(true);
    config.deploy.compile.deadline = BUILD_MAX;
}

async fn own_tests_pass(case: &Case, folder: &Path) {
    let tested = within(case.template, tool(case.test, folder).output()).await.unwrap();
    let said = [tested.stdout, tested.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(tested.status.success() && !said.contains("skipped: there is no"), "{}:\n{said}", case.template);
}

async fn check(case: &Case) {
    let home = made(case.template).await;
    let folder = home.path().join(case.template);
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let (test, build) = (case.test.join(" "), "guesthouse build . --apps apps");
    for line in [test.as_str(), build, "guesthouse dev ."] {
        assert!(readme.contains(line), "{}: no `{line}` in its README.md", case.template);
    }
    let is_ready = match case.before {
        [] => true,
        before => {
            within("what comes before", tool(before, &folder).output()).await.is_ok_and(|ran| ran.status.success())
        }
    };
    if !is_ready {
        println!("{}: not tested, because `{}` failed", case.template, case.before.join(" "));
        return;
    }
    own_tests_pass(case, &folder).await;
    let mut build = command(&["build", case.template, "--apps", "apps"], home.path());
    build.env("CARGO_TARGET_DIR", TARGET).env("GUESTHOUSE_TOOLS", concat!(env!("CARGO_TARGET_TMPDIR"), "/tools"));
    let built = tokio::time::timeout(BUILD_MAX, build.output()).await.expect("the build ends").unwrap();
    assert!(built.status.success(), "{}: {}", case.template, String::from_utf8_lossy(&built.stderr));
    let component = fs::read(home.path().join(format!("apps/{}.wasm", case.template))).unwrap();
    let host = TestHost::new().config(allow_state).run().await;
    host.drop_in(case.template, &component).await;
    for (path, part) in case.pages {
        let reply = host.get(&format!("/{}{path}", case.template)).await;
        assert!(reply.text().contains(part), "{}{path}: {} {}", case.template, reply.status, reply.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_template_builds_serves_and_passes_its_tests() {
    for case in CASES {
        check(case).await;
    }
}

#[tokio::test]
async fn every_template_that_is_listed_is_tried() {
    let home = tempfile::tempdir().unwrap();
    let listed = run(&["new", "--list"], home.path()).await;
    assert!(listed.status.success(), "{}", listed.stderr);
    let names: Vec<&str> = listed.stdout.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    let tried: Vec<&str> = CASES.iter().map(|case| case.template).collect();
    assert_eq!(names, tried);
}

#[tokio::test]
async fn without_a_terminal_the_templates_are_told() {
    let home = tempfile::tempdir().unwrap();
    let ended = run(&["new", "shop"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("--template NAME") && ended.stderr.contains("1. rust-gateway"), "{}", ended.stderr);
    let ended = run(&["new", "shop", "--template", "perl"], home.path()).await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.stderr.contains("there is no template `perl`; there are:"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_there_is_not_overwritten() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("shop")).unwrap();
    fs::write(home.path().join("shop/notes"), "mine").unwrap();
    let ended = run(&["new", "shop", "--template", "rust-gateway"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("there is something in `shop` already"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(home.path().join("shop")).unwrap().count(), 1);
    let ended = run(&["new", "My_Shop", "--template", "rust-gateway"], home.path()).await;
    assert!(ended.stderr.contains("rename it to `my-shop`?"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}
