//! What Node.js has built in: polyfilled, or refused by name.

use crate::harness::client::post;
use crate::harness::outside::Outside;
use crate::harness::tools::has_node;
use crate::javascript::workshop::build;
use crate::javascript::workshop::patient;
use crate::javascript::workshop::served;
use crate::javascript::workshop::write;

const APP: &str = r#"
import assert from "node:assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, createHmac, hkdfSync, pbkdf2Sync, randomBytes, randomInt, scryptSync, timingSafeEqual } from "crypto";
import EventEmitter, { once } from "events";
import path from "path";
import { Readable, Transform, pipeline } from "stream";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as wait } from "timers/promises";
import url, { fileURLToPath } from "url";
import util, { inspect, isDeepStrictEqual, promisify } from "util";
import zlib from "zlib";
import shout from "./old.cjs";

const request = new AsyncLocalStorage();
const here = fileURLToPath(new URL("page.html", import.meta.url));
const begun = performance.now();

const found = {
  async als() {
    const both = await request.run({ id: 7 }, async () => {
      const early = request.getStore().id;
      await wait(2);
      return [early, request.getStore().id, request.run({ id: 8 }, () => request.getStore().id), request.getStore().id];
    });
    return both;
  },
  assert: () => assert.throws(() => assert.equal(1, 2)) ?? "threw",
  buffer: () => [Buffer.from("hü").toString("base64"), Buffer.concat([Buffer.from([1]), Buffer.alloc(1)]).length],
  crypto: () => [
    createHash("sha256").update("a").update(Buffer.from("bc")).digest("hex"),
    createHash("md5").update("").digest("base64"),
    createHmac("sha1", "key").update("The quick brown fox jumps over the lazy dog").digest("hex"),
    pbkdf2Sync("password", "salt", 2, 20, "sha1").toString("hex"),
    scryptSync("", "", 64, { N: 16, r: 1, p: 1 }).toString("hex").slice(0, 16),
    Buffer.from(hkdfSync("sha256", "key", "salt", "info", 4)).length,
    randomBytes(70000).length,
    [...Array(100)].every(() => randomInt(2, 5) >= 2 && randomInt(2, 5) < 5),
    timingSafeEqual(Buffer.from("a"), Buffer.from("b")),
  ],
  async events() {
    const emitter = new EventEmitter();
    setTimeout(() => emitter.emit("done", 42), 1);
    return [await once(emitter, "done"), emitter instanceof EventEmitter.EventEmitter];
  },
  path: () => [path.join("/a", "../b", "c.txt"), path.extname("x.tar.gz"), here],
  process: () => [typeof process.nextTick, process.cwd(), process.versions.node ?? "none", begun],
  stream: () => new Promise((done, fail) => {
    const upper = new Transform({ transform: (piece, _encoding, next) => next(null, `${piece}`.toUpperCase()) });
    let all = "";
    pipeline(Readable.from(["a", "b"]), upper, (error) => (error ? fail(error) : done(all))).on("data", (piece) => (all += piece));
  }),
  string_decoder: () => new StringDecoder("utf8").write(Buffer.from("ü")),
  url: () => [url.parse("http://a/b?c=d").query, url.format(new URL("http://a/"))],
  util: () => [inspect({ a: [1, { b: 2 }] }), util.format("%s %d", "a", 1), isDeepStrictEqual({ a: 1 }, { a: 1 }), typeof promisify(setTimeout)],
  zlib: () => zlib.gunzipSync(zlib.gzipSync("pressed")).toString(),
  old: () => shout("cjs"),
  meta: () => [import.meta.url, import.meta.env.PROD, typeof import.meta.hot],
};

export default async () => {
  const answers = {};
  for (const [name, ask] of Object.entries(found)) answers[name] = await ask();
  return Response.json(answers);
};
"#;

/// A package as they were written before there were modules.
const OLD: &str = r#"
const EventEmitter = require("events");
const util = require("util");
function Shouter() { EventEmitter.call(this); }
util.inherits(Shouter, EventEmitter);
module.exports = (text) => {
  const shouter = new Shouter();
  let heard = "";
  shouter.on("said", (what) => (heard = what + Buffer.from("!").toString()));
  shouter.emit("said", text.toUpperCase());
  return [heard, typeof global, __dirname, require("path").basename(__filename)];
};
"#;

#[tokio::test]
async fn what_bundlers_polyfill_works() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let source = home.path().join("builtin");
    write(&source, &[("package.json", "{}"), ("index.mjs", APP), ("old.cjs", OLD)]);
    let (said, host) = served(&source, &["builtin"]).await;
    let answer = host.get("/builtin/").await.text();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}\n{said}"));
    let expected = serde_json::json!({
        "als": [7, 7, 8, 7],
        "assert": "threw",
        "buffer": ["aMO8", 2],
        "crypto": [
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "1B2M2Y8AsgTpgAmY7PhCfg==",
            "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9",
            "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957",
            "77d6576238657b20",
            4,
            70000,
            true,
            false,
        ],
        "events": [[42], true],
        "path": ["/b/c.txt", ".gz", "/page.html"],
        "process": ["function", "/", "none", 0],
        "stream": "AB",
        "string_decoder": "ü",
        "url": ["c=d", "http://a/"],
        "util": ["{ a: [ 1, { b: 2 } ] }", "a 1", true, "function"],
        "zlib": "pressed",
        "old": ["CJS!", "object", "/", "app.js"],
        "meta": ["file:///app.js", true, "undefined"],
    });
    assert_eq!(answer, expected, "{said}");
}

#[tokio::test]
async fn the_rest_is_refused_by_name() {
    if !has_node().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("wrong");
    for (name, expected) in [
        ("node:http", "Node.js has it built in, an app here has not: the host answers visitors"),
        ("child_process", "Node.js has it built in, an app here has not: an instance is one thread, alone"),
        ("fs/promises", "Node.js has it built in, an app here has not: there are no files"),
        ("node:net", "Node.js has it built in, an app here has not"),
    ] {
        let source = format!("import * as x from '{name}'; export default () => x;");
        write(&folder, &[("package.json", "{}"), ("index.mjs", &source)]);
        let said = build(&folder, &home.path().join("apps")).await.stderr;
        assert!(said.contains(&format!("`{name}` is imported in index.mjs: {expected}")), "{said}");
    }
    // What cannot be is said by what is called, not by what is imported.
    write(&folder, &[("index.mjs", "import { createSign } from 'crypto'; createSign('x'); export default () => 1;")]);
    let said = build(&folder, &home.path().join("apps")).await.stderr;
    assert!(
        said.contains("`crypto.createSign` is not there: `crypto.subtle` signs, verifies and imports keys"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetch_goes_where_it_is_granted() {
    if !has_node().await {
        return;
    }
    const CALLS: &str = r#"
export default {
  async fetch(request) {
    try {
      const asked = new URL(request.url).searchParams;
      const [url, redirect] = [asked.get("url"), asked.get("redirect") ?? undefined];
      const sent = { method: "POST", body: "from a guest", headers: { "x-kept": "yes", authorization: "x" } };
      const answer = await fetch(url, request.method === "POST" ? { ...sent, redirect } : { redirect });
      return new Response(`${answer.status}\n${answer.redirected ? `${answer.url}\n` : ""}${await answer.text()}`);
    } catch (error) {
      return new Response(`${error}`);
    }
  },
};
"#;
    let outside = Outside::begin().await;
    let home = tempfile::tempdir().unwrap();
    let source = home.path().join("calls");
    write(&source, &[("package.json", r#"{"name": "calls", "type": "module"}"#), ("src/index.js", CALLS)]);
    let folder = home.path().join("apps");
    let built = build(&source, &folder).await;
    assert!(built.status.success(), "{}", built.stderr);
    let policy = toml::from_str("outbound = [\"http://*:*\"]\nprivate_networks = [\"127.0.0.0/8\"]\n").unwrap();
    let host = patient().config(move |config| config.deploy.policy = policy);
    let host = host.app("calls", std::fs::read(folder.join("calls.wasm")).unwrap());
    let manifest = format!("[outbound]\nhttp = [\"http://{}\"]\n", outside.address);
    let host = host.manifest("calls", &manifest).run().await;
    let told = host.send(post(&format!("/calls/?url=http://{}/x", outside.address), "")).await.text();
    assert!(told.starts_with("200\nPOST /x HTTP/1.1\n") && told.ends_with("\n\nfrom a guest"), "{told}");
    assert!(told.contains("\nx-kept: yes\n"), "{told}");
    for _ in 0..10 {
        let refused = host.send(post("/calls/?url=http://elsewhere.example/", "")).await.text();
        assert!(refused.contains("TypeError"), "{refused}");
        let told = host.get(&format!("/calls/?url=http://{}/y", outside.address)).await.text();
        assert!(told.starts_with("200\nGET /y HTTP/1.1\n"), "{told}");
    }

    // Redirects are followed as the Fetch standard has it, and each hop is asked about.
    let here = format!("http://{}", outside.address);
    let sent =
        async |path: &str, more: &str| host.send(post(&format!("/calls/?url={here}{path}{more}"), "")).await.text();
    let kept = sent("/onwards%3F307=/z", "").await;
    assert!(
        kept.starts_with(&format!("200\n{here}/z\nPOST /z HTTP/1.1\n")) && kept.ends_with("from a guest"),
        "{kept}"
    );
    assert!(kept.contains("\nauthorization: x\n"), "{kept}");
    let seen = sent("/onwards%3F302=/z", "").await;
    assert!(seen.starts_with(&format!("200\n{here}/z\nGET /z HTTP/1.1\n")) && seen.ends_with("\n\n"), "{seen}");
    let manual = sent("/onwards%3F302=/z", "&redirect=manual").await;
    assert_eq!(manual, "302\n");
    let refused = sent("/onwards%3F302=/z", "&redirect=error").await;
    assert!(refused.contains("TypeError"), "{refused}");
    let round = sent("/round", "").await;
    assert!(round.contains("more than 20 redirects"), "{round}");
    let elsewhere = sent("/redirect", "").await;
    assert!(elsewhere.contains("TypeError"), "{elsewhere}");
}
