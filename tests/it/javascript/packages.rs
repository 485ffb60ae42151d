//! Packages come with the author's own manager, apart from the source.

use std::fs;

use crate::harness::client::post;
use crate::harness::tools::has_node;
use crate::javascript::workshop::build;
use crate::javascript::workshop::served;
use crate::javascript::workshop::write;

const REACT: &str = "
import { renderToReadableStream, renderToString } from 'react-dom/server';
import { Suspense, useId, useState } from 'react';
function Count({ from }: { from: number }) { const [n] = useState(from); return <p id={useId()}>{n} books</p>; }
async function Late() { await new Promise((done) => setTimeout(done, 5)); return <b>late</b>; }
export const page = () => new Response(renderToString(<Count from={3} />));
export const stream = async () => new Response(await renderToReadableStream(<Suspense fallback='…'><Late /></Suspense>));
";

const PREACT: &str = "
/** @jsxImportSource preact */
import { renderToString } from 'preact-render-to-string';
import { useMemo } from 'preact/hooks';
const Page = ({ name }: { name: string }) => <h1>{useMemo(() => name.toUpperCase(), [name])}</h1>;
export const page = () => new Response(renderToString(<Page name='<x>' />));
";

const ITTY: &str = "
import { AutoRouter } from 'itty-router';
import * as preact from './preact.tsx';
import * as react from './react.tsx';
const router = AutoRouter();
router.get('/books/:id', ({ params }) => ({ id: params.id }));
router.post('/echo', async (request) => ({ got: await request.json() }));
router.get('/preact', preact.page).get('/react', react.page).get('/stream', react.stream);
export default router;
";

/// A workspace: an app, and a library beside it that is never published and needs a package of the index.
fn workspace(folder: &std::path::Path, app: &str, reference: &str, files: &[(&str, &str)]) {
    let package = format!(r#"{{"name":"a","version":"1.0.0","dependencies":{{"@x/money":"{reference}"}}}}"#);
    let settings = format!("name = \"{app}\"\n");
    let source = "import { euro } from '@x/money';\nexport default () => new Response(euro(5));\n";
    let money = r#"{"name":"@x/money","version":"1.0.0","main":"money.ts","dependencies":{"ms":"^2.1.0"}}"#;
    let library = "import ms from 'ms';\nimport { version } from 'ms/package.json';\n\
                   export const euro = (n: number): string => `${n} EUR in ${ms(60000)} by ${version}`;\n";
    write(
        folder,
        &[
            ("apps/a/package.json", &package),
            ("apps/a/guesthouse.toml", &settings),
            ("apps/a/src/index.js", source),
            ("libs/money/package.json", money),
            ("libs/money/money.ts", library),
        ],
    );
    write(folder, files);
}

#[tokio::test]
async fn the_locks_of_npm_pnpm_and_yarn_are_obeyed_in_workspaces() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let source = home.path().join("source");
    let root = ("package.json", r#"{"name":"root","private":true,"workspaces":["apps/*","libs/*"]}"#);
    workspace(&source.join("npm"), "npm", "*", &[root, ("package-lock.json", include_str!("locks/package-lock.json"))]);
    workspace(&source.join("yarn"), "yarn", "*", &[root, ("yarn.lock", include_str!("locks/yarn-1.lock"))]);
    workspace(&source.join("berry"), "berry", "workspace:*", &[root, ("yarn.lock", include_str!("locks/yarn-4.lock"))]);
    workspace(
        &source.join("pnpm"),
        "pnpm",
        "workspace:*",
        &[
            ("package.json", r#"{"name":"root","private":true}"#),
            ("pnpm-workspace.yaml", "packages:\n  - apps/*\n  - libs/*\n"),
            ("pnpm-lock.yaml", include_str!("locks/pnpm-lock.yaml")),
        ],
    );
    let apps = ["npm", "yarn", "berry", "pnpm"];
    let (said, host) = served(&source, &apps[..1]).await;
    assert!(!said.contains("building money"), "a library is no app: {said}");
    // The newest that its package.json allows is another.
    assert_eq!(host.get("/npm/").await.text(), "5 EUR in 1m by 2.1.2", "{said}");
    let component = |app: &str| fs::read(home.path().join("apps").join(app).with_extension("wasm")).unwrap();
    for app in apps {
        assert!(component(app) == component("npm"), "{app}: {said}");
        let installed =
            source.join(app).join("node_modules").exists() || source.join(app).join("apps/a/node_modules").exists();
        assert!(!installed, "{app}");
    }
}

#[tokio::test]
async fn without_a_lock_and_with_packages_for_its_author_an_app_is_built() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let source = home.path().join("source");
    // As a bundler's template has it: some that it needs are for its author.
    let package = r#"{
        "dependencies": {"itty-router": "5.0.18", "react": "19.1.0", "react-dom": "19.1.0"},
        "devDependencies": {"preact": "10.26.4", "preact-render-to-string": "6.5.13"}
    }"#;
    let settings = r#"{"compilerOptions":{"jsx":"react-jsx"}}"#;
    let files = [
        ("package.json", package),
        ("tsconfig.json", settings),
        ("src/react.tsx", REACT),
        ("src/preact.tsx", PREACT),
        ("src/index.ts", ITTY),
    ];
    write(&source.join("shop"), &files);
    let (said, host) = served(&source, &["shop"]).await;
    assert!(said.contains("it imports what its package.json has among the packages for its author"), "{said}");
    assert_eq!(host.get("/shop/books/7").await.text(), r#"{"id":"7"}"#);
    assert_eq!(host.send(post("/shop/echo", "[1]")).await.text(), r#"{"got":[1]}"#);
    assert_eq!(host.get("/shop/preact").await.text(), "<h1>&lt;X></h1>");
    let page = host.get("/shop/react").await.text();
    assert!(page.starts_with("<p id=") && page.ends_with(">3<!-- --> books</p>"), "{page}");
    assert!(host.get("/shop/stream").await.text().contains("<b>late</b>"));
}

#[tokio::test]
async fn packages_that_cannot_be_installed_are_told() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("shop");
    write(
        &folder,
        &[
            ("package.json", r#"{"dependencies":{"ms":"^2.1.0","@guesthouse-nobody/nothing":"1.0.0"}}"#),
            ("index.js", "import 'ms'; export default () => new Response();"),
        ],
    );
    let ended = build(&folder, &home.path().join("apps")).await;
    let expected = "its packages cannot be installed apart from it: run `npm install` in";
    assert!(ended.stderr.contains(expected) && ended.stderr.contains("npm error"), "{}", ended.stderr);
    assert!(ended.stderr.contains("(the newest that package.json allows: there is no lock)"), "{}", ended.stderr);

    let lock = include_str!("locks/package-lock.json").replace("sha512-sGk", "sha512-AAA");
    let manifest = r#"{"name":"root","private":true,"workspaces":["apps/*","libs/*"]}"#;
    workspace(&home.path().join("all"), "a", "*", &[("package.json", manifest), ("package-lock.json", &lock)]);
    let ended = build(&home.path().join("all"), &home.path().join("apps")).await;
    assert!(ended.stderr.contains(expected) && ended.stderr.contains("EINTEGRITY"), "{}", ended.stderr);
    assert!(fs::read_dir(home.path().join("apps")).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound));
}
