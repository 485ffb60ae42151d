//! The component that stands before a gateway app on other hosts.

use std::fs;

use anyhow::Context as _;
use include_dir::Dir;
use include_dir::include_dir;

use crate::cache::tools::Cache;
use crate::own_crate::OwnCrate;

static SOURCE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/adapter/src");

const ADAPTER: OwnCrate = OwnCrate {
    kind: "portable",
    what: "the adapter for portable apps",
    source: &SOURCE,
    files: &[
        (".cargo/config.toml", include_bytes!("../../../../sdk/adapter/.cargo/config.toml")),
        ("Cargo.lock", include_bytes!("../../../../sdk/adapter/Cargo.lock")),
        ("Cargo.toml", include_bytes!("../../../../sdk/adapter/Cargo.toml")),
        ("wit/gateway.wit", include_bytes!("../../../../wit/gateway.wit")),
    ],
    library: "guesthouse_adapter",
    file: "adapter.wasm",
};

/// The adapter's bytes, from the folder of tools; made now if it is not there.
pub async fn adapter() -> anyhow::Result<Vec<u8>> {
    let file = ADAPTER.ready(&Cache::of_process()?).await?;
    fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))
}
