//! Packages with native code: what does without it is installed without, what needs it is compiled for the guest.

use std::fs;
use std::time::Duration;

use guesthouse::config::Config;
use tokio::time::timeout;

use crate::harness::host::TestHost;
use crate::harness::tools::has_python;
use crate::python::workshop::Workshop;

/// The first build compiles three packages in Rust.
const COMPILED_WITHIN: Duration = Duration::from_secs(1200);

/// What is compiled is first imported by a request, so that the bundle must find it.
const APP: &str = r#"
import yaml
from PIL import Image


def app(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/":
        return [yaml.safe_load("a: pure").get("a").encode()]
    if environ["PATH_INFO"] == "/picture":
        try:
            Image.open("wall.png")
        except RuntimeError as error:
            return [str(error).encode()]
    import bcrypt
    import orjson
    import rpds

    assert bcrypt.checkpw(b"engine", bcrypt.hashpw(b"engine", bcrypt.gensalt(4)))
    found = {"rpds": rpds.HashTrieMap({"a": 1})["a"], "native": rpds.rpds.__file__, "salt": bcrypt.gensalt(4).decode()}
    return [orjson.dumps(found)]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn native_packages_are_compiled_left_out_or_pure() {
    if !has_python().await {
        return;
    }
    let needed = "pyyaml==6.0.4\nbcrypt==5.0.0\norjson==3.13.0\nrpds-py==2026.9.1\nuvloop\npsycopg2-binary\n\
                  pillow\ntyping_extensions==4.8.0\n";
    let shop = Workshop::with(&[("app.py", APP), ("requirements.txt", needed)]);
    let built = timeout(COMPILED_WITHIN, shop.command().output()).await.expect("a build ends").unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}");
    for part in [
        "left out `uvloop`",
        "left out `psycopg2-binary`",
        "warning: `pillow`",
        "`typing_extensions==4.8.0` cannot run on Python 3.14, which a guest has",
        "orjson 3.13.0 (compiled for the guest)",
        "PyYAML 6.0.4 (from its source)",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    // A later build has the packages already, and explains them again.
    shop.write("app.py", &format!("{APP}\n# edited\n"));
    let again = timeout(COMPILED_WITHIN, shop.command().output()).await.expect("a build ends").unwrap();
    let said = String::from_utf8_lossy(&again.stderr);
    for part in ["left out `uvloop`", "warning: `pillow`", "dependencies as before: "] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    let component = fs::read(shop.component()).unwrap();
    let long = |config: &mut Config| config.deploy.compile.deadline = COMPILED_WITHIN;
    let host = TestHost::new().config(long).app("app", component).run().await;
    assert_eq!(host.get("/app/").await.text(), "pure");
    let told = host.get("/app/picture").await.text();
    assert!(
        told.ends_with("needs libjpeg and zlib as libraries of the guest: `PIL.Image.open` cannot be used"),
        "{told}"
    );
    let (one, other) = (host.get("/app/late").await.text(), host.get("/app/late").await.text());
    assert!(one.contains("\"rpds\":1") && one.contains(".cpython-314-wasm32-wasi.so\""), "{one}");
    assert_ne!(one, other, "salts are drawn anew");
}
