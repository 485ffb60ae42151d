//! What is in these bytes? Answered by parsing alone, before anything is compiled.

use std::fmt;

use wasmparser::BinaryReaderError;
use wasmparser::Parser;
use wasmparser::Payload;

use crate::inspect::origin::Origin;
use crate::inspect::origin::origin;
use crate::inspect::outline::Outline;
use crate::inspect::toolchain::Toolchain;
use crate::inspect::world::world;
use crate::interface::Interface;
use crate::interface::Track;

mod core_module;
mod foreign;
mod no_lane;
pub mod origin;
mod outline;
mod settings;
pub mod toolchain;
mod world;

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
    /// Interpreters and the like, whose memory does not fit the pools' tuning: instances on demand.
    Large,
    /// The same with the component model's asynchronous half.
    LargeConcurrent,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 4] = [Class::Plain, Class::Concurrent, Class::Large, Class::LargeConcurrent];

    /// Whether its engine has the component model's asynchronous half.
    pub fn is_concurrent(self) -> bool {
        matches!(self, Class::Concurrent | Class::LargeConcurrent)
    }

    /// Whether its instances are made on demand.
    pub fn is_large(self) -> bool {
        matches!(self, Class::Large | Class::LargeConcurrent)
    }
}

/// What a component is, as far as its bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// How it is called.
    pub lane: Lane,
    /// Which engine it needs.
    pub class: Class,
    /// Why that one.
    pub class_why: String,
    /// The world it was made for, as far as its exports tell: `wasi:http/proxy@0.2.12`.
    pub world: String,
    /// What it imports, as `package:name/interface@version`.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The linear memory that it needs to start, all memories together, in bytes.
    pub memory_bytes_min: u64,
    /// The linear memory that it will ever ask for, in bytes; `None` where it names no maximum.
    pub memory_bytes_max: Option<u64>,
    /// How many core modules are in it.
    pub core_modules: u32,
    /// How many tables of functions.
    pub tables: u32,
    /// Entries of the largest of them.
    pub table_elements_max: u64,
    /// Where it comes from, as far as its traces tell.
    pub origin: Origin,
    /// Who made it, as it says itself.
    pub toolchain: Toolchain,
    /// Its section [`SETTINGS_SECTION`], not looked into.
    pub settings: Option<Vec<u8>>,
}

/// The custom section in which a builder writes what it knows about a component.
pub const SETTINGS_SECTION: &str = "guesthouse";

/// Why some bytes cannot be an app.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// The bytes end inside a section: an upload that is still going on, most likely.
    #[error(
        "the file ends after {bytes} bytes, in the middle of a section: the upload is not complete; waiting for the rest of the file \
         (if that is all, copy it again)"
    )]
    Truncated {
        /// How many bytes there are.
        bytes: usize,
    },
    /// Not WebAssembly at all.
    #[error("not WebAssembly but {0}")]
    NotWasm(&'static str),
    /// A core module where a component is needed.
    #[error("a core module, not a component: {0}")]
    CoreModule(String),
    /// A component in a draft of the format.
    #[error(
        "a component in a draft of the format (version {version:#04x}, where this host reads {COMPONENT_VERSION:#04x}): build \
         it again with current tools"
    )]
    Draft {
        /// The version that it says.
        version: u16,
    },
    /// A component that has no export which this host calls.
    #[error("{0}")]
    NoLane(String),
    /// A component of which no instance would fit, whatever its limits.
    #[error("{0}")]
    TooLarge(String),
    /// Its section of settings cannot be one.
    #[error("its section `{SETTINGS_SECTION}` {0}")]
    Settings(String),
    /// WebAssembly that breaks its own rules.
    #[error("not a valid component: {0}; build it again, `wasm-tools validate` tells more")]
    Invalid(String),
}

/// The version that the first release of the component model's binary format carries.
const COMPONENT_VERSION: u16 = 0x0d;

/// Entries of an instance's tables together: more than any toolchain makes, few enough that they are no way around the
/// memory limit.
pub const TABLE_ELEMENTS_MAX: usize = 100_000;

/// The largest start memory that fits the pool's tuning: beyond it, keeping a slot's pages resident would cost more than
/// it saves.
const PLAIN_MEMORY_BYTES_MAX: u64 = 8 << 20;
/// Memories of one component for which the pool has room.
pub const PLAIN_MEMORIES_MAX: u32 = 1;
/// Tables, likewise.
pub const PLAIN_TABLES_MAX: u32 = 4;
/// Core instances, likewise.
pub const PLAIN_CORE_INSTANCES_MAX: u32 = 50;
/// Entries of the largest table of a plain component.
pub const PLAIN_TABLE_ELEMENTS_MAX: u64 = 20_000;
/// Components within components. Composing makes a few; each level takes memory of whoever reads it.
const DEPTH_MAX: usize = 100;
/// Core instances, memories and tables of any component: what a wasmtime store holds at most.
const PARTS_MAX: u32 = 10_000;

/// Reads a component's outline. Never panics, whatever the bytes.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, InspectError> {
    check_preamble(bytes)?;
    let mut outline = Outline::new();
    let (mut toolchain, mut settings) = (Toolchain::default(), None);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| broken(bytes, &error))?;
        match &payload {
            Payload::UnknownSection { id, range, .. } => {
                return Err(InspectError::Invalid(format!("section {id} does not exist (at byte {})", range.start)));
            }
            // Of the outermost component, or of one of its core modules, where compilers put it. Those of components inside
            // are about something else.
            Payload::CustomSection(section)
                if section.name() == SETTINGS_SECTION && (outline.is_outermost() || outline.is_in_own_module()) =>
            {
                settings::take(&mut settings, section.data()).map_err(InspectError::Settings)?;
            }
            Payload::CustomSection(section) => toolchain.read(section, outline.is_outermost()),
            _ => {}
        }
        outline.read(payload).map_err(|error| broken(bytes, &error))?;
        if outline.depth() > DEPTH_MAX {
            return Err(InspectError::TooLarge(format!(
                "it has more than {DEPTH_MAX} components within each other: compose it flatter"
            )));
        }
    }
    let (lane, door) = door(&outline.exports).ok_or_else(|| InspectError::NoLane(no_lane::why(&outline.exports)))?;
    check_size(&outline)?;
    Ok(Inspection {
        lane,
        class: class(&outline),
        class_why: class_why(&outline),
        tables: outline.tables,
        table_elements_max: outline.table_elements_max,
        origin: origin(&toolchain, &outline.exports),
        world: world(door, &outline.exports, &outline.imports),
        core_modules: outline.core_modules,
        memory_bytes_min: outline.memory_bytes_min,
        memory_bytes_max: outline.memory_bytes_max,
        imports: outline.imports,
        exports: outline.exports,
        toolchain,
        settings,
    })
}

/// The first eight bytes tell a component from everything else that is dropped by mistake.
fn check_preamble(bytes: &[u8]) -> Result<(), InspectError> {
    const MAGIC: &[u8] = b"\0asm";
    if bytes.len() < 8 && (MAGIC.starts_with(bytes) || bytes.starts_with(MAGIC)) {
        return Err(InspectError::Truncated { bytes: bytes.len() });
    }
    match bytes {
        [b'\0', b'a', b's', b'm', _, _, 0, 0, ..] => {
            let advice = core_module::advise(bytes).map_err(|error| broken(bytes, &error))?;
            Err(InspectError::CoreModule(advice))
        }
        [b'\0', b'a', b's', b'm', low, high, 1, 0, ..] => match u16::from_le_bytes([*low, *high]) {
            COMPONENT_VERSION => Ok(()),
            version => Err(InspectError::Draft { version }),
        },
        [b'\0', b'a', b's', b'm', ..] => Ok(()),
        _ => Err(InspectError::NotWasm(foreign::name(bytes))),
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

/// The lane, and the export that opens it. A draft of an interface is another interface.
fn door(exports: &[String]) -> Option<(Lane, &str)> {
    let doors = [
        (Lane::Gateway, "guesthouse:gateway", "handler", Track::Minor(1)),
        (Lane::Http03, "wasi:http", "handler", Track::Minor(3)),
        (Lane::Http02, "wasi:http", "incoming-handler", Track::Minor(2)),
    ];
    doors.into_iter().find_map(|(lane, package, name, track)| {
        let is_door = |export: &&String| {
            Interface::parse(export).is_some_and(|found| found.is(package, name) && found.track() == track)
        };
        exports.iter().find(is_door).map(|export| (lane, export.as_str()))
    })
}

/// What no limit in a manifest can make room for. (Memory it can: that is looked at where the limits are known.)
fn check_size(outline: &Outline) -> Result<(), InspectError> {
    let Outline { table_elements_max, core_instances, memories, tables, .. } = outline;
    let most = TABLE_ELEMENTS_MAX as u64;
    if *table_elements_max > most {
        return Err(InspectError::TooLarge(format!(
            "it needs a table of {table_elements_max} entries, and a table has {most} at most, in every app: a table holds \
             the functions that are called through pointers; link less code into one module"
        )));
    }
    for (count, what) in [(core_instances, "core instances"), (memories, "memories"), (tables, "tables")] {
        if *count > PARTS_MAX {
            return Err(InspectError::TooLarge(format!(
                "it has {count} {what}, and an app has {PARTS_MAX} at most: compose it of fewer components"
            )));
        }
    }
    Ok(())
}

fn class(outline: &Outline) -> Class {
    let fits = outline.memories <= PLAIN_MEMORIES_MAX
        && outline.memory_bytes_min <= PLAIN_MEMORY_BYTES_MAX
        && outline.tables <= PLAIN_TABLES_MAX
        && outline.table_elements_max <= PLAIN_TABLE_ELEMENTS_MAX
        && outline.core_instances <= PLAIN_CORE_INSTANCES_MAX;
    // WASI 0.3 has asynchronous functions, streams and futures in its interfaces.
    let is_03 = |name: &String| name.starts_with("wasi:") && name.contains("@0.3.");
    let is_concurrent = outline.imports.iter().chain(&outline.exports).any(is_03);
    match (fits, is_concurrent) {
        (true, false) => Class::Plain,
        (true, true) => Class::Concurrent,
        (false, false) => Class::Large,
        (false, true) => Class::LargeConcurrent,
    }
}

/// The same decision in words.
fn class_why(outline: &Outline) -> String {
    let Outline { memories, memory_bytes_min, tables, table_elements_max, core_instances, .. } = outline;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let beyond = [
        (*memories > PLAIN_MEMORIES_MAX, format!("it has {memories} memories")),
        (
            *memory_bytes_min > PLAIN_MEMORY_BYTES_MAX,
            format!(
                "it starts with {:.1} MiB of memory, above {} MiB",
                mib(*memory_bytes_min),
                mib(PLAIN_MEMORY_BYTES_MAX)
            ),
        ),
        (*tables > PLAIN_TABLES_MAX, format!("it has {tables} tables, above {PLAIN_TABLES_MAX}")),
        (
            *table_elements_max > PLAIN_TABLE_ELEMENTS_MAX,
            format!("it has a table of {table_elements_max} entries, above {PLAIN_TABLE_ELEMENTS_MAX}"),
        ),
        (
            *core_instances > PLAIN_CORE_INSTANCES_MAX,
            format!("it has {core_instances} core instances, above {PLAIN_CORE_INSTANCES_MAX}"),
        ),
    ];
    let reasons: Vec<String> = beyond.into_iter().filter_map(|(is_beyond, why)| is_beyond.then_some(why)).collect();
    match class(outline) {
        Class::Large | Class::LargeConcurrent => reasons.join(", and "),
        Class::Concurrent => "it uses WASI 0.3, whose functions are asynchronous".to_owned(),
        Class::Plain => "it is small, and is called by one request at a time".to_owned(),
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Class::Plain => "plain",
            Class::Concurrent => "concurrent",
            Class::Large => "large",
            Class::LargeConcurrent => "large-concurrent",
        })
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
        check(b"\0asm\x01\0\0\0", "a core module, not a component: build it as a library for");
        check(b"\0asm\x01\0\0\0\x02\x64", "the file ends after 10 bytes");
        check(b"\0asm\x0a\0\x01\0", "a component in a draft of the format (version 0x0a, where this host reads 0x0d)");
        check(b"\x7fELF........", "not WebAssembly but machine code");
        check(b"(component)", "not WebAssembly but its text format");
        check(b"<!doctype html>", "not WebAssembly but a page");
        check(b"\0asm\x0d\0\x01\0", "it exports nothing; this host calls");
    }

    #[test]
    fn the_class_is_told_by_size_and_by_what_is_named() {
        for (memory, import, expected) in [
            (0, "wasi:http/types@0.2.3", Class::Plain),
            (0, "wasi:http/types@0.3.0", Class::Concurrent),
            (64 << 20, "wasi:http/types@0.2.3", Class::Large),
            (64 << 20, "wasi:http/types@0.3.0", Class::LargeConcurrent),
        ] {
            let mut outline = Outline::new();
            outline.memory_bytes_min = memory;
            outline.imports.push(import.to_owned());
            assert_eq!(class(&outline), expected, "{memory} {import}");
        }
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
