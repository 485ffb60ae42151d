//! A core module where a component is needed: what kind it is, and the way from there to a component.

use wasmparser::BinaryReaderError;
use wasmparser::Parser;
use wasmparser::Payload;

const LIBRARY: &str = "build it as a library for the target `wasm32-wasip2` (in Rust: `src/lib.rs`, with \
                       `crate-type = [\"cdylib\"]` in Cargo.toml)";

/// What a core module gives away of itself.
#[derive(Default)]
struct Signs {
    is_preview1: bool,
    has_start: bool,
    is_for_javascript: bool,
    /// It was linked with a component in mind: only the last step is missing.
    is_unwrapped: bool,
}

/// What the core module `bytes` is, and what to do.
pub fn advise(bytes: &[u8]) -> Result<String, BinaryReaderError> {
    let signs = Signs::read(bytes)?;
    Ok(match signs {
        Signs { is_preview1: true, has_start: true, .. } => {
            format!(
                "a command for WASI 0.1 (`wasm32-wasip1`, with `_start`): it would run once and end, where an app is called \
                     for each request; {LIBRARY}"
            )
        }
        Signs { is_unwrapped: true, is_preview1, .. } => {
            let adapter = if is_preview1 { " --adapt wasi_snapshot_preview1.reactor.wasm" } else { "" };
            format!(
                "everything is in it but the component around it: wrap it with `wasm-tools component new app.wasm{adapter} \
                 -o component.wasm`, or build for the target `wasm32-wasip2`, which does that by itself"
            )
        }
        Signs { is_preview1: true, .. } => format!("a library for WASI 0.1 (`wasm32-wasip1`): {LIBRARY}"),
        Signs { is_for_javascript: true, .. } => {
            format!(
                "made for JavaScript around it (a browser, or Node): its imports are functions that only a page has; {LIBRARY}"
            )
        }
        Signs { has_start: true, .. } => {
            format!(
                "a program with `_start`: it would run once and end, where an app is called for each request; {LIBRARY}"
            )
        }
        Signs { .. } => format!("{LIBRARY}, or wrap it with `wasm-tools component new`"),
    })
}

impl Signs {
    fn read(bytes: &[u8]) -> Result<Signs, BinaryReaderError> {
        let mut signs = Signs::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        signs.import(import?.module);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let name = export?.name;
                        signs.has_start |= name == "_start";
                        signs.is_unwrapped |= name.contains('#') && name.contains(':');
                    }
                }
                Payload::CustomSection(section) => signs.is_unwrapped |= section.name().starts_with("component-type"),
                _ => {}
            }
        }
        Ok(signs)
    }

    fn import(&mut self, module: &str) {
        self.is_preview1 |= matches!(module, "wasi_snapshot_preview1" | "wasi_unstable");
        let is_bindgen = module.starts_with("__wbindgen") || module == "wbg" || module.ends_with("_bg.js");
        self.is_for_javascript |= is_bindgen || matches!(module, "gojs" | "go" | "env");
        self.is_unwrapped |= module.contains(':') && module.contains('/');
    }
}
