//! The samples, and what is told of an app that is wrong.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use http::StatusCode;
use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::client::post;
use crate::harness::folder::AppsFolder;
use crate::harness::host::Running;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::serving::until;
use crate::harness::tools::assert_known;
use crate::harness::tools::has_node;
use crate::harness::within;
use crate::javascript::workshop::build;
use crate::javascript::workshop::guesthouse;
use crate::javascript::workshop::patient;
use crate::javascript::workshop::with_npm;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("guest-apps/javascript")
}

/// The component of a sample.
async fn sample(name: &str) -> Vec<u8> {
    static APPS: OnceCell<PathBuf> = OnceCell::const_new();
    let apps = APPS.get_or_init(async || {
        let apps = Path::new(env!("CARGO_TARGET_TMPDIR")).join("javascript");
        let ended = build(&samples(), &apps).await;
        assert!(ended.status.success(), "{}", ended.stderr);
        apps
    });
    fs::read(apps.await.join(format!("{name}.wasm"))).unwrap()
}

async fn ask(host: &Running, method: Method, path: &str) -> Reply {
    let mut request = get(path);
    *request.method_mut() = method;
    host.send(request).await
}

#[tokio::test]
async fn a_hono_app_answers_as_its_author_wrote_it() {
    if !has_node().await {
        return;
    }
    let environment = "[environment]\nGREETING = \"moin\"\n";
    let host = patient().app("hono", sample("hono").await).manifest("hono", environment).run().await;

    let page = host.get("/hono/").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=UTF-8"));
    assert!(page.text().contains("href=\"/hono/books/1\">Frankenstein"), "{}", page.text());
    let found = host.get("/hono/api/books?q=w%C3%A9lls").await;
    assert_eq!(found.text(), "[]");
    let found = host.get("/hono/api/books?q=wells").await;
    assert_eq!(found.text(), r#"[{"id":2,"title":"The War of the Worlds","author":"H. G. Wells","year":1898}]"#);
    assert!(found.header("etag").starts_with('"'), "{found:?}");

    let book = host.get("/hono/books/3").await;
    assert!(book.header("set-cookie").starts_with("seen=3"), "{book:?}");
    let mut again = get("/hono/");
    again.headers_mut().insert("cookie", "seen=3".parse().unwrap());
    assert!(host.send(again).await.text().contains("Theodor Fontane (seen last)"));

    let mut form = post("/hono/suggestions", "title=%3Cb%3E&author=A.+N.+Author");
    form.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let thanks = host.send(form).await;
    assert_eq!(thanks.status, StatusCode::CREATED);
    assert!(thanks.text().contains("&lt;b&gt; by A. N. Author"), "{}", thanks.text());

    let read = host.get("/hono/read").await;
    assert_eq!((read.header("content-length"), read.text().lines().count()), ("", 4), "{read:?}");
    assert_eq!(host.get("/hono/environment").await.text(), "moin");
    assert_eq!(host.get("/hono/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(host.get("/hono/broken").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let head = ask(&host, Method::HEAD, "/hono/api/books").await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(host.get("/hono/api/books/1").await.status, StatusCode::OK, "and the instance goes on");
}

#[tokio::test]
async fn instances_of_a_fetch_handler_answer_many_requests_and_share_no_chance() {
    if !has_node().await {
        return;
    }
    let component = sample("fetch").await;
    let host = patient().app("fetch", &component).app("fresh", &component);
    let host = host.manifest("fresh", "[instances]\nreuse = 1\n").run().await;

    // The engine's own event breaks on an instance's second request: this fails if the runtime's door does, too.
    let mut client = host.client();
    let first = client.get("/fetch/instance").await.text();
    let (number, name) = first.split_once(',').unwrap();
    assert_eq!(number, "{\"number\":1");
    for number in 2..5 {
        let next = client.get("/fetch/instance").await.text();
        assert_eq!(next, format!("{{\"number\":{number},{name}"));
    }
    // Nothing random is in the component: instances that begin anew differ.
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(host.get("/fresh/instance").await.text());
    }
    assert!(names.iter().all(|name| name.starts_with("{\"number\":1,")), "{names:?}");
    assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2], "{names:?}");

    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert!(host.get("/fetch/digest?text=hello").await.text().contains(hello));
    assert!(host.get("/fetch/").await.text().contains("href=\"/fetch/digest?text=hello\""));
    let ticks = host.get("/fetch/ticks?n=3&ms=1").await;
    assert_eq!(ticks.text(), "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    let body: Vec<u8> = b"piece by piece, ".iter().copied().cycle().take(3_000_000).collect();
    let loud = host.send(post("/fetch/shout", body.clone())).await;
    assert!(loud.body == body.to_ascii_uppercase(), "{} bytes of {}", loud.body.len(), body.len());
    let empty = host.send(post("/fetch/shout", "")).await;
    assert_eq!((empty.status, empty.body.len()), (StatusCode::OK, 0));
    let missing = host.get("/fetch/nothing").await;
    assert_eq!((missing.status, missing.header("content-length")), (StatusCode::NOT_FOUND, "23"));
}

#[tokio::test]
async fn the_same_source_makes_the_same_component_and_is_not_built_twice() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let apps = home.path().join("apps");
    let write = |folder: &str, says: &str| {
        let folder = home.path().join(folder).join("shop");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("package.json"), "{\"main\": \"start.js\"}").unwrap();
        fs::write(folder.join("other.js"), format!("export const text = \"{says}\";")).unwrap();
        let start = "import { text } from './other.js';\nexport default () => new Response(text);\n";
        fs::write(folder.join("start.js"), start).unwrap();
        folder
    };
    let (here, there) = (write("here", "one"), write("there", "one"));
    let component = || fs::read(apps.join("shop.wasm")).unwrap();

    let built = build(&here, &apps).await;
    assert!(built.stderr.contains("built shop ("), "{}", built.stderr);
    let first = component();
    let unchanged = build(&here, &apps).await;
    assert_eq!(unchanged.stderr.lines().next(), Some("shop is unchanged"), "{}", unchanged.stderr);
    build(&there, &apps).await;
    assert!(component() == first, "another folder, the same component");

    write("here", "two");
    let edited = build(&here, &apps).await;
    assert!(edited.stderr.contains("built shop ("), "{}", edited.stderr);
    assert!(component() != first);
}

#[tokio::test]
async fn what_an_author_got_wrong_is_said_with_its_place() {
    if !has_node().await {
        return;
    }
    const CASES: &[(&str, &str)] = &[
        ("export const answer = 42;", "index.js exports `answer`, but no handler: `export default app`"),
        (
            "import fs from 'node:fs'; export default () => fs;",
            "`node:fs` is imported in index.js: Node.js has it built in",
        ),
        (
            "import x from 'hono'; export default x;",
            "`hono` is imported in index.js: there is no such package; `npm install hono`",
        ),
        ("import x from './x.js'; export default x;", "`./x.js` is imported in index.js: there is no such file"),
        ("export default { fetch() { return 1 };", "index.js cannot be bundled"),
        ("\nfunction deep() { throw new TypeError('no') }\ndeep();", "    TypeError: no\n        at deep (index.js:2:"),
        ("const id = crypto.randomUUID(); export default () => id;", "`randomUUID` is called while the app is loaded"),
        ("await new Promise(() => {});", "it never comes to its end"),
    ];
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("wrong");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("package.json"), "{\"type\": \"module\"}").unwrap();
    for (source, expected) in CASES {
        fs::write(folder.join("index.js"), source).unwrap();
        let ended = build(&folder, &home.path().join("apps")).await;
        assert_eq!(ended.status.code(), Some(1), "{source}");
        assert!(ended.stderr.contains(expected), "{source}\n{}", ended.stderr);
    }

    fs::write(folder.join("index.js"), "const key = process.env.KEY; export default () => new Response(key);").unwrap();
    let warned = build(&folder, &home.path().join("apps")).await;
    assert!(warned.stderr.contains("warning: `wrong`: it reads `KEY` from `process.env`"), "{}", warned.stderr);
}

#[tokio::test]
async fn without_node_it_is_said_what_to_install() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("shop");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("package.json"), "{}").unwrap();
    let mut command = guesthouse(&["build", "shop", "--apps", "apps"], home.path());
    let ended = Process::spawn(command.env("PATH", home.path())).ended().await;
    let expected = "cannot find `node`: building JavaScript apps needs Node.js 20.19 or newer with npm, which \
                    https://nodejs.org has";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
}

#[tokio::test]
async fn a_listener_in_typescript_answers_one_request_after_another() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let source = home.path().join("listener/src/index.ts");
    fs::create_dir_all(source.parent().unwrap()).unwrap();
    fs::write(home.path().join("listener/package.json"), "{}").unwrap();
    let listener = "let answered: number = 0;\n\
                    addEventListener(\"fetch\", (event: any) => event.respondWith(new Response(`${++answered}`)));\n";
    fs::write(&source, listener).unwrap();
    let apps = home.path().join("apps");
    let ended = build(&home.path().join("listener"), &apps).await;
    assert!(ended.status.success(), "{}", ended.stderr);
    let host = patient().app("listener", fs::read(apps.join("listener.wasm")).unwrap()).run().await;
    let mut client = host.client();
    for number in ["1", "2", "3"] {
        assert_eq!(client.get("/listener/").await.text(), number);
    }
}

#[tokio::test]
async fn the_engine_is_known_and_its_functions_are_compiled_once_for_all_apps() {
    if !has_node().await {
        return;
    }
    assert_known(&sample("fetch").await);
    assert_known(&sample("hono").await);
    let home = tempfile::tempdir().unwrap();
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.rename_in("fetch.wasm", sample("fetch").await);
    let mut command = command(&["serve", "--listen", "127.0.0.1:0", "--state", "state"], home.path());
    let mut host = Process::spawn(command.env("RUST_LOG", "guesthouse=debug").env("GUESTHOUSE_LOG_FORMAT", "json"));
    // Long work at a low priority, beside all other tests.
    let made = async {
        while !host.log().contains("compiled StarlingMonkey") {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1200), made).await.unwrap_or_else(|_| panic!("{}", host.log()));
    apps.rename_in("hono.wasm", sample("hono").await);
    let line = host.logs("`hono` is compiled: of ").await;
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    let figure = |name: &str| record[format!("functions.{name}")].as_u64().unwrap_or_else(|| panic!("{line}"));
    let (shared, compiled) = (figure("shared"), figure("compiled"));
    println!("of {} functions of the second app {compiled} were not known", shared + compiled);
    assert!(shared > 10 * compiled, "{line}");
    host.logs("`hono` is live").await;
    // What was new in it is its own, and serves its next revision alone.
    let packs = |folder: &str| {
        let names = fs::read_dir(home.path().join("state").join(folder)).unwrap();
        names
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "functions"))
            .count()
    };
    assert_eq!((packs("functions"), packs("cache")), (1, 1));
}

#[tokio::test]
async fn an_edited_app_is_built_again() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let source = home.path().join("my-app/index.js");
    fs::create_dir(home.path().join("my-app")).unwrap();
    fs::write(home.path().join("my-app/package.json"), "{\"type\": \"module\"}").unwrap();
    fs::write(&source, "export default () => new Response('one');").unwrap();
    let mut dev = Process::spawn(&mut guesthouse(&["dev", "my-app", "--listen", "127.0.0.1:0"], home.path()));
    dev.logs("built my-app (").await;
    dev.says("listening on http://").await;

    fs::write(&source, "export default = broken").unwrap();
    dev.logs("index.js cannot be bundled").await;
    fs::write(&source, "export default () => new Response('two');").unwrap();
    let built = async || dev.log().matches("built my-app (").count();
    until("the second build", built, |count| *count == 2, |_| {}).await;
    dev.signal(Signal::INT);
    assert_eq!(dev.ended().await.status.code(), Some(0));
}

#[tokio::test]
async fn the_samples_own_tests_pass() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    for (name, needs_packages) in [("fetch", false), ("hono", true)] {
        let copy = home.path().join(name);
        copy_folder(&samples().join(name), &copy);
        if needs_packages {
            npm(&["ci", "--no-audit", "--no-fund"], &copy).await;
        }
        let said = npm(&["test"], &copy).await;
        assert!(said.contains("# fail 0") && !said.contains("# pass 0"), "{name}: {said}");
    }
}

async fn npm(arguments: &[&str], folder: &Path) -> String {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(folder).kill_on_drop(true);
    let ended = within("npm", with_npm(&mut npm).output()).await.unwrap();
    let (said, complained) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "npm {arguments:?} in {}:\n{said}\n{complained}", folder.display());
    said.into_owned()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "node_modules" => {}
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
