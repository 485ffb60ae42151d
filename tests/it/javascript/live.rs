//! `guesthouse dev` for JavaScript: an edit is served at once, by instances that evaluate what the source comes to now.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use http::StatusCode;
use http::header::ACCEPT;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::process::Process;
use crate::harness::tools::assert_known;
use crate::harness::tools::has_node;
use crate::harness::within;
use crate::javascript::workshop::guesthouse;
use crate::javascript::workshop::write;

/// `dev` for `my-app` in `home`, and where it listens.
async fn dev(home: &Path) -> (Process, SocketAddr) {
    let mut dev = Process::spawn(&mut guesthouse(&["dev", "my-app", "--listen", "127.0.0.1:0"], home));
    let line = dev.says("listening on http://").await;
    let address = line.trim().trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    (dev, address)
}

async fn end(dev: Process) -> String {
    dev.signal(Signal::INT);
    let ended = dev.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    ended.stderr
}

/// As a browser asks.
async fn until_the_page_shows(address: SocketAddr, expected: &str) -> Reply {
    within(&format!("`{expected}` on the page"), async {
        let mut client = Client::new(address);
        loop {
            let mut asked = get("/my-app/");
            asked.headers_mut().insert(ACCEPT, "text/html".parse().unwrap());
            let reply = client.send(asked).await;
            // In a note, what stands between backticks is code, and places are links.
            if reply.text().contains(expected) || words(&reply.text()).contains(&expected.replace('`', "")) {
                return reply;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// What somebody reads of HTML.
fn words(html: &str) -> String {
    let pieces = html.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    pieces.collect::<String>().replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn page(shows: &str) -> String {
    format!(
        "import {{ Page }} from './page';\nimport {{ render }} from 'tiny-jsx';\n\
         export default () => new Response(render(Page('{shows}')), {{ headers: {{ 'content-type': 'text/html' }} }});\n"
    )
}

/// The process of the tools that `dev` keeps.
fn tools_of(dev: &Process) -> Pid {
    let pid = dev.pid();
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let children = tasks.flat_map(|task| {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.split_whitespace().map(|child| child.parse::<i32>().unwrap()).collect::<Vec<_>>()
    });
    let is_node =
        |child: &i32| fs::read_to_string(format!("/proc/{child}/cmdline")).is_ok_and(|line| line.contains("live.mjs"));
    Pid::from_raw(children.into_iter().find(is_node).expect("it keeps a process of the tools")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_live_without_a_build_in_all_that_an_app_is_made_of() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my-app");
    let jsx = "import { h } from 'tiny-jsx';\nimport { name } from './lib/name';\n\
               export const Page = (shows: string) => <p title={name}>{shows}</p>;\n";
    write(
        &folder,
        &[
            ("package.json", r#"{"type":"module","main":"index.ts","dependencies":{"tiny-jsx":"1"}}"#),
            ("tsconfig.json", r#"{"compilerOptions":{"jsx":"react","jsxFactory":"h"}}"#),
            ("index.ts", &page("one")),
            ("page.tsx", jsx),
            ("lib/name.ts", "export const name: string = 'first' as const;\n"),
            ("node_modules/tiny-jsx/package.json", r#"{"name":"tiny-jsx","type":"module","main":"index.js"}"#),
            (
                "node_modules/tiny-jsx/index.js",
                "export const h = (tag, given, ...inner) => ({ tag, given, inner });\n\
                 export const render = ({ tag, given, inner }) => `<${tag} title=\"${given.title}\">${inner}</${tag}>`;\n",
            ),
        ],
    );
    let (mut running, address) = dev(home.path()).await;
    until_the_page_shows(address, "<p title=\"first\">one</p>").await;
    let component = || fs::read(home.path().join(".guesthouse/dev/apps/my-app.wasm")).unwrap();
    let built = component();
    assert_known(&built);

    write(&folder, &[("index.ts", &page("two"))]);
    running.says("my-app: live ").await;
    until_the_page_shows(address, "<p title=\"first\">two</p>").await;
    write(&folder, &[("lib/name.ts", "export const name: string = 'second';\n")]);
    until_the_page_shows(address, "<p title=\"second\">two</p>").await;
    write(&folder, &[("page.tsx", &jsx.replace("<p title={name}>{shows}</p>", "<b title={name}>{shows}</b>"))]);
    until_the_page_shows(address, "<b title=\"second\">two</b>").await;

    // What ends beside it is begun again.
    kill_process(tools_of(&running), Signal::KILL).unwrap();
    write(&folder, &[("index.ts", &page("three"))]);
    until_the_page_shows(address, "<b title=\"second\">three</b>").await;
    let tools = tools_of(&running);
    assert!(component() == built, "nothing was built");
    assert_eq!(running.log().matches("built my-app (").count(), 1, "{}", running.log());

    // What its author asks for is in the component.
    write(&folder, &[("guesthouse.toml", "[instances]\nreuse = 7\n")]);
    within("another component", async {
        while component() == built {
            tokio::task::yield_now().await;
        }
    })
    .await;
    end(running).await;
    let is_gone = || !fs::read_to_string(format!("/proc/{tools}/cmdline")).is_ok_and(|line| line.contains("live.mjs"));
    within("the end of the tools", async {
        while !is_gone() {
            tokio::task::yield_now().await;
        }
    })
    .await;

    // What was edited meanwhile is served too.
    write(&folder, &[("index.ts", &page("four"))]);
    let (running, address) = dev(home.path()).await;
    until_the_page_shows(address, "<b title=\"second\">four</b>").await;
    end(running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_load_leaves_the_old_one_and_is_told_with_its_place() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my-app");
    let answer = |text: &str| {
        format!("export default () => new Response('<p>{text}', {{ headers: {{ 'content-type': 'text/html' }} }});\n")
    };
    write(&folder, &[("package.json", "{\"type\": \"module\"}"), ("index.js", &answer("one"))]);
    let (mut running, address) = dev(home.path()).await;
    until_the_page_shows(address, "<p>one").await;

    let cases: [(&str, &[&str]); 4] = [
        ("\nexport default = broken\n", &["index.js cannot be bundled", "index.js:2:16"]),
        ("\nimport { x } from './other.ts';\nx();\n", &["`./other.ts` is imported in index.js: there is no such file"]),
        (
            "\nfunction deep() { throw new TypeError('no') }\ndeep();\n",
            &["fails while it is loaded", "TypeError: no", "at deep (index.js:2:"],
        ),
        (
            "const id = crypto.randomUUID(); export default () => id;",
            &["`randomUUID` is called while the app is loaded"],
        ),
    ];
    for (source, expected) in cases {
        write(&folder, &[("index.js", source)]);
        for text in expected {
            running.logs(text).await;
            let reply = until_the_page_shows(address, text).await;
            assert_eq!(reply.status, StatusCode::OK, "{source}");
            assert!(reply.text().starts_with("<p>one"), "{source}: {}", reply.text());
        }
    }
    let program = Client::new(address).get("/my-app/").await;
    assert_eq!(program.text(), "<p>one");

    // It answers, and what it throws then has its place too.
    write(
        &folder,
        &[("index.js", "// Moves it down a line.\nconst none = undefined;\nexport default () => none.such;\n")],
    );
    let thrown = until_the_page_shows(address, "TypeError: ").await;
    assert_eq!(thrown.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(thrown.text().contains("index.js:3:"), "{}", thrown.text());
    write(&folder, &[("index.js", &answer("two"))]);
    until_the_page_shows(address, "<p>two").await;
    let log = end(running).await;
    assert_eq!(log.matches("built my-app (").count(), 1, "{log}");
}
