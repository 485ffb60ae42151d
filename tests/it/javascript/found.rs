//! Where an app begins is told from what its author's other tools read, and what starts a server elsewhere is served here.

use crate::harness::process::Process;
use crate::harness::tools::has_node;
use crate::javascript::workshop::build;
use crate::javascript::workshop::guesthouse;
use crate::javascript::workshop::served;
use crate::javascript::workshop::write;

#[tokio::test]
async fn apps_are_found_by_what_their_tools_read() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let source = home.path().join("source");
    let answer = |text: &str| format!("export default () => new Response('{text}');\n");
    write(
        &source.join("toml"),
        &[
            ("package.json", r#"{"main":"other.js"}"#),
            ("wrangler.toml", "name = \"x\"\nmain = \"lib/worker.ts\"\n[vars]\nmain = \"no\"\n"),
            ("lib/worker.ts", &answer("by wrangler.toml")),
            ("other.js", &answer("no")),
        ],
    );
    write(
        &source.join("jsonc"),
        &[
            ("package.json", "{}"),
            ("wrangler.jsonc", "{\n  // \"main\": \"index.js\",\n  \"main\": \"lib/worker.mts\", /* here */\n}"),
            ("lib/worker.mts", &answer("by wrangler.jsonc")),
            ("index.js", &answer("no")),
        ],
    );
    write(
        &source.join("script"),
        &[
            // What is built elsewhere is not there.
            (
                "package.json",
                r#"{"main":"dist/x.js","scripts":{"dev":"tsx watch -r ./env.ts code/begin.ts","build":"tsc"}}"#,
            ),
            ("env.ts", ""),
            ("code/begin.ts", &answer("by a script")),
        ],
    );
    let hono = r#"{"type":"module","dependencies":{"hono":"4.13.19","@hono/node-server":"1.14.0"}}"#;
    write(
        &source.join("node-server"),
        &[
            ("package.json", hono),
            (
                "src/index.ts",
                "import { serve } from '@hono/node-server';\n\
             import { getConnInfo } from '@hono/node-server/conninfo';\n\
             import { Hono } from 'hono';\n\
             const app = new Hono();\n\
             app.get('/', (c) => c.text(`hello ${getConnInfo(c).remote.address}`));\n\
             serve({ fetch: app.fetch, port: 3000 }, (info) => console.log(`on http://localhost:${info.port}`));\n",
            ),
        ],
    );
    write(
        &source.join("bun"),
        &[
            ("package.json", r#"{"scripts":{"start":"bun run server.ts"}}"#),
            ("server.ts", "Bun.serve({ fetch(request) { return new Response(new URL(request.url).pathname); } });\n"),
        ],
    );
    write(
        &source.join("deno"),
        &[
            ("package.json", "{}"),
            ("main.ts", "Deno.serve({ port: 1 }, () => new Response(`deno ${Deno.env.get('NONE')}`));\n"),
        ],
    );
    let (said, host) = served(&source, &["node-server", "bun", "deno"]).await;
    for bundled in ["bundled lib/worker.ts", "bundled lib/worker.mts", "bundled code/begin.ts"] {
        assert!(said.contains(&format!("{bundled}, ")), "{bundled}: {said}");
    }
    for (path, expected) in [("/node-server/", "hello 127.0.0.1"), ("/bun/a", "/a"), ("/deno/", "deno undefined")] {
        assert_eq!(host.get(path).await.text(), expected, "{path}: {said}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_told_with_what_may_make_it() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("shop");
    write(&folder, &[("package.json", r#"{"main":"dist/x.js","scripts":{"build":"vite build"}}"#)]);
    let said = build(&folder, &home.path().join("apps")).await.stderr;
    let expected = "no file is the app (package.json names `dist/x.js`, which is not there; `npm run build` may make it): \
                    write src/index.js, name it in package.json (`\"main\": \"src/index.js\"`), or on the command line (`--app src/index.js`)";
    assert!(said.contains(expected), "{said}");
    write(&folder, &[("lib/other.ts", "export default () => new Response('other');")]);
    let mut command = guesthouse(&["build", "shop", "--apps", "apps", "--app", "./lib/other.ts"], home.path());
    let said = Process::spawn(&mut command).ended().await.stderr;
    assert!(said.contains("bundled lib/other.ts, ") && said.contains("built shop ("), "{said}");
    write(&folder, &[("wrangler.toml", "main = ")]);
    let said = build(&folder, &home.path().join("apps")).await.stderr;
    assert!(said.contains("wrangler.toml cannot be read: "), "{said}");
}
