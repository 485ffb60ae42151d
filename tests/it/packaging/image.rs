//! The container image, unpacked and run without an engine.

use std::fs;
use std::path::Path;

use guesthouse_test_guests as guest;
use serde_json::Value;
use tempfile::TempDir;

use crate::packaging::artefacts::can;
use crate::packaging::artefacts::dist;
use crate::packaging::artefacts::file;
use crate::packaging::artefacts::version;
use crate::packaging::chroot::enter;
use crate::packaging::installed::assert_serves;
use crate::packaging::installed::published;
use crate::packaging::installed::run;

/// Unpacks the image: `rootfs`, and what an engine would run in it.
async fn unpacked(archive: &Path) -> (TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("layout")).unwrap();
    run("tar", &["-xf", &archive.display().to_string(), "-C", "layout"], folder.path()).await;
    run("umoci", &["unpack", "--image", &format!("layout:guesthouse:{}", version()), "bundle"], folder.path()).await;
    let config = fs::read(folder.path().join("bundle/config.json")).unwrap();
    (folder, serde_json::from_slice(&config).unwrap())
}

fn words(values: &Value) -> Vec<&str> {
    values.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_image_serves_without_root_and_with_nothing_else_in_it() {
    let Some(dist) = dist().await else { return };
    if !can("the container image, run", &["umoci", "unshare", "chroot"], true) {
        return;
    }
    let (folder, config) = unpacked(&file(dist, "guesthouse-", ".oci.tar")).await;
    let (process, rootfs) = (&config["process"], folder.path().join("bundle/rootfs"));
    assert_eq!((&process["user"]["uid"], &process["user"]["gid"]), (&65532.into(), &65532.into()));
    assert_eq!(words(&process["args"]), ["/usr/bin/guesthouse", "serve"]);
    for absent in ["bin/sh", "usr/bin/dpkg", "usr/bin/env"] {
        assert!(!rootfs.join(absent).exists(), "{absent}");
    }

    fs::write(rootfs.join("apps/hello.wasm"), guest::bytes(guest::HELLO)).unwrap();
    // On a free port instead of 8080.
    let start = [&words(&process["args"])[..], &["--listen", "127.0.0.1:0"]].concat();
    let mut command = enter(&rootfs, "65532:65532", &start);
    command.envs(words(&process["env"]).iter().filter_map(|pair| pair.split_once('=')));
    let serving = published(&mut command).await;
    assert_serves(serving, "localhost", "/hello/").await;
}
