//! What kind of thing a file is, by its name.

use std::path::Path;

/// The media type that goes with a name. Texts are UTF-8: that is what tools write, and what the web is.
pub fn media_type(path: &Path) -> String {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let guessed = match extension.to_ascii_lowercase().as_str() {
        // What modules must be called to be loaded, and what HTML calls it today.
        "mjs" | "cjs" => "text/javascript",
        // A source map is JSON.
        "map" => "application/json",
        _ => mime_guess::from_ext(extension).first_raw().unwrap_or("application/octet-stream"),
    };
    if guessed.starts_with("text/") { format!("{guessed}; charset=utf-8") } else { guessed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_types() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("a/APP.JS", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("app.js.map", "application/json"),
            ("style.css", "text/css; charset=utf-8"),
            ("data.json", "application/json"),
            ("logo.svg", "image/svg+xml"),
            ("logo.avif", "image/avif"),
            ("font.woff2", "font/woff2"),
            ("app.wasm", "application/wasm"),
            ("site.webmanifest", "application/manifest+json"),
            ("app.js.gz", "application/gzip"),
            ("README", "application/octet-stream"),
            ("odd.xyzzy", "application/octet-stream"),
        ] {
            assert_eq!(media_type(Path::new(name)), expected, "{name}");
        }
    }
}
