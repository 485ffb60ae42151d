//! Which world of the SDK an app is built for: TLS on connections of its own is imported by those that may ask for it.

use std::fs;
use std::path::Path;

use guesthouse_types::name::AppName;
use toml::Table;
use toml::Value;

use crate::mode::BuildMode;

/// A world of `sdk/python/wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// What it imports is there on every host of `wasi:http`.
    App,
    /// With `wasi:tls`, which other hosts do not have.
    AppTls,
}

impl World {
    /// That of the app `name`, whose component and manifest lie in `apps`. Under `dev`, where everything is let out, no
    /// manifest has to say so.
    pub fn of(name: &AppName, apps: &Path, purpose: BuildMode<'_>) -> World {
        let manifest = fs::read_to_string(apps.join(format!("{name}.toml"))).unwrap_or_default();
        if purpose.is_live() || asks_for_tcp(&manifest) { World::AppTls } else { World::App }
    }

    /// As the WIT calls it.
    pub fn name(self) -> &'static str {
        match self {
            World::App => "app",
            World::AppTls => "app-tls",
        }
    }
}

/// Whether `[outbound] tcp` has an entry. What is no manifest asks for nothing: the host will say so.
fn asks_for_tcp(manifest: &str) -> bool {
    let manifest: Table = manifest.parse().unwrap_or_default();
    let places = manifest.get("outbound").and_then(|outbound| outbound.get("tcp")).and_then(Value::as_array);
    places.is_some_and(|places| !places.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_for_apps_whose_manifest_asks_for_tcp_and_for_those_that_are_worked_on() {
        let apps = tempfile::tempdir().unwrap();
        let name = AppName::parse("shop").unwrap();
        let of = |purpose| World::of(&name, apps.path(), purpose).name();
        assert_eq!((of(BuildMode::Serve), of(BuildMode::Live(Path::new("/live")))), ("app", "app-tls"));
        for (manifest, expected) in [
            ("[outbound]\ntcp = [\"db.example.org:5432\"]", "app-tls"),
            ("[outbound]\ntcp = []", "app"),
            ("[outbound]\nhttp = [\"https://*\"]", "app"),
            ("no manifest", "app"),
        ] {
            fs::write(apps.path().join("shop.toml"), manifest).unwrap();
            assert_eq!(of(BuildMode::Serve), expected, "{manifest}");
        }
    }
}
