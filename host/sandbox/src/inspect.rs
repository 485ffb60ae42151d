//! What is in these bytes? Answered by parsing alone, before anything is compiled.

use std::fmt;

use wasmparser::BinaryReaderError;
use wasmparser::Encoding;
use wasmparser::Parser;
use wasmparser::Payload;

/// The interface through which a component is called, found from its exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// `guesthouse:gateway/handler@0.1`.
    Gateway,
    /// `wasi:http/handler@0.3`.
    Http03,
    /// `wasi:http/incoming-handler@0.2`.
    Http02,
}

/// The kind of engine that a component needs. Nothing made by one engine is ever handed to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Small components that are called by one request at a time, in a pool of reusable slots.
    Plain,
    /// Small components that use the component model's asynchronous half (all of WASI 0.3), in a pool of their own.
    Concurrent,
    /// Interpreters and the like, of any lane, whose memory does not fit the pools' tuning: instances on demand.
    Large,
}

/// What a component is, as far as its bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// How it is called.
    pub lane: Lane,
    /// Which engine it needs.
    pub class: Class,
    /// What it imports, as `package:name/interface@version`.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The linear memory that it needs to start, all memories together, in bytes.
    pub memory_bytes_min: u64,
    /// Its section [`SETTINGS_SECTION`], not looked into.
    pub settings: Option<Vec<u8>>,
}

/// The custom section in which a builder writes what it knows about a component.
pub const SETTINGS_SECTION: &str = "guesthouse";
/// It holds a few lines of text.
const SETTINGS_BYTES_MAX: usize = 4 << 10;

/// Why some bytes cannot be an app.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// The bytes end inside a section: an upload that is still going on, most likely.
    #[error("the file ends after {bytes} bytes, in the middle of a section: the upload is not complete")]
    Truncated {
        /// How many bytes there are.
        bytes: usize,
    },
    /// Not WebAssembly at all.
    #[error("not WebAssembly: {0}")]
    NotWasm(&'static str),
    /// A core module where a component is needed.
    #[error("a core module, not a component: {0}")]
    CoreModule(&'static str),
    /// A component that has no export which this host calls.
    #[error("{0}")]
    NoLane(String),
    /// Its section of settings cannot be one.
    #[error("its section `{SETTINGS_SECTION}` {0}")]
    Settings(String),
    /// WebAssembly that breaks its own rules.
    #[error("not a valid component: {0}")]
    Invalid(String),
}

/// The largest start memory that fits the pool's tuning: beyond it, keeping a slot's pages resident would cost more than
/// it saves.
const PLAIN_MEMORY_BYTES_MAX: u64 = 8 << 20;
/// Memories, tables and core instances for which the pool has room in one component.
const PLAIN_MEMORIES_MAX: u32 = 1;
pub(crate) const PLAIN_TABLES_MAX: u32 = 4;
pub(crate) const PLAIN_CORE_INSTANCES_MAX: u32 = 50;
/// Entries of the largest table of a plain component.
pub(crate) const PLAIN_TABLE_ELEMENTS_MAX: u64 = 20_000;

/// Reads a component's outline. Never panics, whatever the bytes.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, InspectError> {
    check_preamble(bytes)?;
    let mut outline = Outline::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| broken(bytes, &error))?;
        if let Payload::UnknownSection { id, range, .. } = &payload {
            return Err(InspectError::Invalid(format!("section {id} does not exist (at byte {})", range.start)));
        }
        if let Payload::CustomSection(section) = &payload
            && section.name() == SETTINGS_SECTION
        {
            outline.settings(section.data())?;
        }
        outline.read(payload).map_err(|error| broken(bytes, &error))?;
    }
    Ok(Inspection {
        lane: outline.lane()?,
        class: outline.class(),
        memory_bytes_min: outline.memory_bytes,
        imports: outline.imports,
        exports: outline.exports,
        settings: outline.settings,
    })
}

/// The first eight bytes tell a component from everything else that is dropped by mistake.
fn check_preamble(bytes: &[u8]) -> Result<(), InspectError> {
    const MAGIC: &[u8] = b"\0asm";
    if bytes.len() < 8 && (MAGIC.starts_with(bytes) || bytes.starts_with(MAGIC)) {
        return Err(InspectError::Truncated { bytes: bytes.len() });
    }
    match bytes {
        [b'\0', b'a', b's', b'm', _, _, 0, 0] => Err(InspectError::CoreModule(
            "build it for the target `wasm32-wasip2`, or wrap it with `wasm-tools component new`",
        )),
        [b'\0', b'a', b's', b'm', ..] => Ok(()),
        [0x7f, b'E', b'L', b'F', ..] => Err(InspectError::NotWasm(
            "machine code (an ELF file); precompiled artefacts are never loaded from the apps folder",
        )),
        [b'(', ..] => Err(InspectError::NotWasm("text; turn it into a binary with `wasm-tools parse`")),
        _ => Err(InspectError::NotWasm("it does not begin with the bytes `\\0asm`")),
    }
}

fn broken(bytes: &[u8], error: &BinaryReaderError) -> InspectError {
    // A section's length is written before it, so that bytes which stop early are told from bytes which are wrong.
    let at_the_end = error.offset() >= bytes.len() || error.message().contains("unexpected end");
    if at_the_end {
        return InspectError::Truncated { bytes: bytes.len() };
    }
    InspectError::Invalid(format!("{} (at byte {})", error.message(), error.offset()))
}

/// What has been read so far. Only the outermost component's imports and exports count; memories and tables count wherever
/// they are.
#[derive(Default)]
struct Outline {
    depth: usize,
    imports: Vec<String>,
    exports: Vec<String>,
    memories: u32,
    memory_bytes: u64,
    tables: u32,
    table_elements_max: u64,
    core_instances: u32,
    settings: Option<Vec<u8>>,
    /// Whether what lies directly in the outermost component, and is being read, is a core module.
    in_own_module: bool,
}

impl Outline {
    /// Takes the settings of the outermost component or of one of its core modules, where compilers put them. Those of
    /// components inside are about something else.
    fn settings(&mut self, found: &[u8]) -> Result<(), InspectError> {
        if self.depth > 2 || (self.depth == 2 && !self.in_own_module) {
            return Ok(());
        }
        if found.len() > SETTINGS_BYTES_MAX {
            let length = found.len();
            return Err(InspectError::Settings(format!("has {length} bytes; at most {SETTINGS_BYTES_MAX} are read")));
        }
        match &self.settings {
            Some(known) if known != found => {
                Err(InspectError::Settings("is there twice, and not the same: which one counts?".to_owned()))
            }
            _ => {
                self.settings = Some(found.to_owned());
                Ok(())
            }
        }
    }

    fn read(&mut self, payload: Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.depth += 1;
                if self.depth == 2 {
                    self.in_own_module = encoding == Encoding::Module;
                }
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if self.depth == 1 => {
                for import in section {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if self.depth == 1 => {
                for export in section {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory?;
                    let page_bytes = 1_u64.checked_shl(memory.page_size_log2.unwrap_or(16)).unwrap_or(u64::MAX);
                    self.memories += 1;
                    self.memory_bytes = self.memory_bytes.saturating_add(memory.initial.saturating_mul(page_bytes));
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.tables += 1;
                    self.table_elements_max = self.table_elements_max.max(table?.ty.initial);
                }
            }
            Payload::InstanceSection(section) => self.core_instances += section.count(),
            _ => {}
        }
        Ok(())
    }

    fn lane(&self) -> Result<Lane, InspectError> {
        let exports = |prefix: &str| self.exports.iter().any(|name| name.starts_with(prefix));
        if exports("guesthouse:gateway/handler@0.1.") {
            return Ok(Lane::Gateway);
        }
        if exports("wasi:http/handler@0.3.") {
            return Ok(Lane::Http03);
        }
        if exports("wasi:http/incoming-handler@0.2.") {
            return Ok(Lane::Http02);
        }
        Err(InspectError::NoLane(self.why_no_lane()))
    }

    fn why_no_lane(&self) -> String {
        let exports = |prefix: &str| self.exports.iter().find(|name| name.starts_with(prefix));
        const WANTED: &str = "this host calls `guesthouse:gateway/handler@0.1`, `wasi:http/handler@0.3` and \
                              `wasi:http/incoming-handler@0.2`";
        if let Some(name) = exports("wasi:cli/run@") {
            return format!(
                "it exports `{name}`: a command, not an app; {WANTED} (build it as a library, crate-type `cdylib`)"
            );
        }
        if let Some(name) = exports("guesthouse:gateway/").or_else(|| exports("wasi:http/")) {
            return format!("it exports `{name}`, which is not a version that this host calls: {WANTED}");
        }
        match self.exports.as_slice() {
            [] => format!("it exports nothing; {WANTED}"),
            names => format!("it exports `{}`; {WANTED}", names.join("`, `")),
        }
    }

    fn class(&self) -> Class {
        let fits = self.memories <= PLAIN_MEMORIES_MAX
            && self.memory_bytes <= PLAIN_MEMORY_BYTES_MAX
            && self.tables <= PLAIN_TABLES_MAX
            && self.table_elements_max <= PLAIN_TABLE_ELEMENTS_MAX
            && self.core_instances <= PLAIN_CORE_INSTANCES_MAX;
        match fits {
            false => Class::Large,
            true if self.is_concurrent() => Class::Concurrent,
            true => Class::Plain,
        }
    }

    /// Whether it speaks WASI 0.3 anywhere: those interfaces have asynchronous functions, streams and futures.
    fn is_concurrent(&self) -> bool {
        let is_03 = |name: &String| name.starts_with("wasi:") && name.contains("@0.3.");
        self.imports.iter().chain(&self.exports).any(is_03)
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Lane::Gateway => "guesthouse:gateway 0.1",
            Lane::Http03 => "wasi:http 0.3",
            Lane::Http02 => "wasi:http 0.2",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let found =
            inspect(bytes).map(|inspection| format!("{inspection:?}")).unwrap_or_else(|error| error.to_string());
        assert!(found.starts_with(expected), "{found}");
    }

    #[test]
    fn what_is_not_a_component_is_named() {
        check(b"", "the file ends after 0 bytes");
        check(b"\0as", "the file ends after 3 bytes");
        check(b"\0asm\x0d\0\x01", "the file ends after 7 bytes");
        check(b"\0asm\x01\0\0\0", "a core module, not a component: build it for");
        check(b"\x7fELF........", "not WebAssembly: machine code");
        check(b"(component)", "not WebAssembly: text");
        check(b"<!doctype html>", "not WebAssembly: it does not begin");
        check(b"\0asm\x0d\0\x01\0", "it exports nothing; this host calls");
    }

    /// A section of a binary: its id, its length, its content.
    fn section(id: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        assert!(content.len() < 1 << 14);
        let length = [content.len() as u8 & 0x7f | 0x80, (content.len() >> 7) as u8];
        [&[id][..], &length, &content].concat()
    }

    #[test]
    fn settings_are_those_of_the_component_itself_and_of_its_own_modules() {
        let custom = |text: &str| section(0, &[b"\x0aguesthouse", text.as_bytes()]);
        let component = |parts: &[&[u8]]| [&b"\0asm\x0d\0\x01\0"[..], &parts.concat()].concat();
        // With one export, so that there is a lane: of a function type's place, which nobody looks at here.
        let name = b"\x00\x21wasi:http/incoming-handler@0.2.99\x05\x00\x00";
        let export = section(11, &[&[1], name]);
        let module = |text: &str| section(1, &[b"\0asm\x01\0\0\0", &custom(text)]);
        let found = |parts: &[&[u8]]| {
            let bytes = component(&[&parts.concat(), &export]);
            inspect(&bytes).map(|inspection| inspection.settings.map(|text| String::from_utf8(text).unwrap()))
        };
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(found(&[&custom("a")]), some("a"));
        assert_eq!(found(&[&module("a")]), some("a"));
        assert_eq!(found(&[&module("a"), &custom("a")]), some("a"));
        // Of another component that this one is made of.
        let inner = section(4, &[&component(&[&custom("b"), &module("c")])]);
        assert_eq!(found(&[&inner]), Ok(None));
        assert_eq!(found(&[&module("a"), &inner, &module("a")]), some("a"));

        let error = |parts: &[&[u8]]| found(parts).unwrap_err().to_string();
        let twice = "its section `guesthouse` is there twice, and not the same: which one counts?";
        assert_eq!(error(&[&module("a"), &custom("b")]), twice);
        let long = "its section `guesthouse` has 4097 bytes; at most 4096 are read";
        assert_eq!(error(&[&custom(&"x".repeat(4097))]), long);
    }

    #[test]
    fn a_cut_section_is_not_a_broken_one() {
        // A custom section that claims 100 bytes.
        check(b"\0asm\x0d\0\x01\0\0\x64\x01a", "the file ends after 12 bytes");
        // A section id that does not exist.
        check(b"\0asm\x0d\0\x01\0\x3f\x01a", "not a valid component: ");
    }
}
