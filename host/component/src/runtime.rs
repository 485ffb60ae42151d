//! The runtimes that our builders put around an app, an interpreter above all: recognised in a component, whatever app is
//! in it.
//!
//! A snapshot of an app differs from that of any other in its data, in how much memory it begins with, and in the first
//! values of globals that may change; not in its code. What is left without these is the runtime, and it is known by its
//! digest. So bytes that are called a runtime here are bytes that we know, whoever sent them.

use std::fmt;

use sha2::Digest as _;
use sha2::Sha256;
use wasm_encoder::Component;
use wasm_encoder::ConstExpr;
use wasm_encoder::Encode as _;
use wasm_encoder::MemorySection;
use wasm_encoder::MemoryType;
use wasm_encoder::Module;
use wasm_encoder::ModuleSection;
use wasm_encoder::NestedComponentSection;
use wasm_encoder::RawSection;
use wasm_encoder::SectionId;
use wasmparser::BinaryReaderError;
use wasmparser::Encoding;
use wasmparser::GlobalSectionReader;
use wasmparser::MemorySectionReader;
use wasmparser::Parser;
use wasmparser::Payload;
use wasmparser::ValType;

/// What is known: a digest and a name a line. Entries stay when a builder goes on to another runtime: components that it
/// made before are dropped again.
const KNOWN: &str = include_str!("runtimes.txt");

/// What every memory begins with in a runtime, in pages of 64 KiB: as much as any module may ask of one that it imports.
/// How much that is has no influence on the code that is made.
const PAGES: u64 = 2048;

/// A runtime in a component.
#[derive(Clone, PartialEq, Eq)]
pub struct Runtime {
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub digest: String,
    /// Its name in our list.
    pub name: &'static str,
    /// A component of its own: the one that it was found in, without what is an app's.
    pub bytes: Vec<u8>,
}

impl Runtime {
    /// The runtime in the component `bytes`, if it is one of ours. Takes time in proportion to its length.
    pub fn recognise(bytes: &[u8]) -> Option<Runtime> {
        let bytes = without_app(bytes).ok()?;
        let digest = digest(&bytes);
        let name = name(&digest)?;
        Some(Runtime { digest, name, bytes })
    }

    /// Whether `bytes` are a runtime of ours, as they are. The child that compiles one asks this, whatever it was told.
    pub fn is_known(bytes: &[u8]) -> bool {
        name(&digest(bytes)).is_some()
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Runtime({}, {})", self.name, self.digest)
    }
}

/// The digest that a component's runtime has, or would have if it were one of ours.
pub fn digest_of(component: &[u8]) -> Option<String> {
    Some(digest(&without_app(component).ok()?))
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn name(digest: &str) -> Option<&'static str> {
    let known = KNOWN.lines().filter(|line| !line.starts_with('#'));
    known.filter_map(|line| line.split_once(' ')).find(|(known, _)| *known == digest).map(|(_, name)| name.trim())
}

/// What is being read: a component or a core module, and what was taken of it so far.
enum Level {
    Component(Component),
    Module(Module),
}

impl Level {
    fn put(&mut self, id: u8, data: &[u8]) {
        let section = RawSection { id, data };
        match self {
            Level::Component(component) => _ = component.section(&section),
            Level::Module(module) => _ = module.section(&section),
        }
    }
}

/// The component without custom sections and data, all memories of the same size, and globals that may change at zero.
fn without_app(bytes: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut levels: Vec<Level> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        match &payload {
            Payload::Version { encoding: Encoding::Component, .. } => levels.push(Level::Component(Component::new())),
            Payload::Version { encoding: Encoding::Module, .. } => levels.push(Level::Module(Module::new())),
            Payload::End(_) => {
                let Some(done) = levels.pop() else { continue };
                match (levels.last_mut(), done) {
                    (Some(Level::Component(around)), Level::Module(module)) => {
                        around.section(&ModuleSection(&module));
                    }
                    (Some(Level::Component(around)), Level::Component(component)) => {
                        around.section(&NestedComponentSection(&component));
                    }
                    (_, Level::Component(component)) => return Ok(component.finish()),
                    (_, Level::Module(module)) => return Ok(module.finish()),
                }
            }
            Payload::CustomSection(_) | Payload::DataCountSection { .. } | Payload::DataSection(_) => {}
            Payload::MemorySection(memories) => {
                let memories = same_memories(memories.clone())?;
                if let Some(Level::Module(module)) = levels.last_mut() {
                    module.section(&memories);
                }
            }
            Payload::GlobalSection(globals) => {
                let globals = without_values(bytes, globals.clone())?;
                if let Some(level) = levels.last_mut() {
                    level.put(SectionId::Global as u8, &globals);
                }
            }
            other => {
                // Of nested components and modules what is in them comes next; of code the whole section is taken at once.
                let is_nested = matches!(other, Payload::ModuleSection { .. } | Payload::ComponentSection { .. });
                if let (false, Some((id, range)), Some(level)) = (is_nested, other.as_section(), levels.last_mut()) {
                    level.put(id, &bytes[range]);
                }
            }
        }
    }
    Ok(Vec::new())
}

fn same_memories(memories: MemorySectionReader<'_>) -> Result<MemorySection, BinaryReaderError> {
    let mut section = MemorySection::new();
    for memory in memories {
        let memory = memory?;
        section.memory(MemoryType {
            minimum: memory.maximum.map_or(PAGES, |maximum| maximum.min(PAGES)),
            maximum: memory.maximum,
            memory64: memory.memory64,
            shared: memory.shared,
            page_size_log2: memory.page_size_log2,
        });
    }
    Ok(section)
}

/// The section of globals. The types are taken as they stand.
fn without_values(bytes: &[u8], globals: GlobalSectionReader<'_>) -> Result<Vec<u8>, BinaryReaderError> {
    let mut section = Vec::new();
    globals.count().encode(&mut section);
    for global in globals.into_iter_with_offsets() {
        let (start, global) = global?;
        let value = global.init_expr.get_binary_reader().range();
        section.extend(&bytes[start..value.start]);
        let zero = match global.ty.content_type {
            ValType::I32 => Some(ConstExpr::i32_const(0)),
            ValType::I64 => Some(ConstExpr::i64_const(0)),
            _ => None,
        };
        match zero {
            Some(zero) if global.ty.mutable => zero.encode(&mut section),
            _ => section.extend(&bytes[value]),
        }
    }
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with one module in a component in it, which begins with what is said.
    fn component(first: i32, pages: u64, data: &[u8]) -> Vec<u8> {
        let mut globals = wasm_encoder::GlobalSection::new();
        let ty = |mutable| wasm_encoder::GlobalType { val_type: wasm_encoder::ValType::I32, mutable, shared: false };
        globals.global(ty(true), &ConstExpr::i32_const(first)).global(ty(false), &ConstExpr::i32_const(7));
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: pages,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut segments = wasm_encoder::DataSection::new();
        segments.active(0, &ConstExpr::i32_const(0), data.iter().copied());
        let mut module = Module::new();
        module.section(&memories).section(&globals).section(&segments);
        let (mut inner, mut outer) = (Component::new(), Component::new());
        inner.section(&ModuleSection(&module));
        inner.section(&wasm_encoder::CustomSection { name: "app".into(), data: data.into() });
        outer.section(&NestedComponentSection(&inner));
        outer.finish()
    }

    #[test]
    fn two_apps_in_one_runtime_are_alike_without_themselves() {
        let one = without_app(&component(1, 3, b"one")).unwrap();
        assert_eq!(one, without_app(&component(70_000, 900, b"another one")).unwrap());
        assert_eq!(one, without_app(&one).unwrap());
        wasmparser::validate(&one).unwrap();
        // What never changes is code's to rely on.
        let same = component(1, 3, b"one");
        let mut other = same.clone();
        let place = other.windows(3).position(|bytes| bytes == [0x41, 7, 0x0b]).unwrap();
        other[place + 1] = 8;
        assert_ne!(without_app(&same).unwrap(), without_app(&other).unwrap());
    }

    #[test]
    fn what_is_no_component_has_no_runtime_and_a_stranger_is_not_known() {
        for bytes in [b"".as_slice(), b"\0asm", &[7; 100]] {
            assert_eq!(Runtime::recognise(bytes), None);
        }
        assert_eq!(Runtime::recognise(&component(1, 3, b"one")), None);
        assert!(!Runtime::is_known(&without_app(&component(1, 3, b"one")).unwrap()));
    }

    #[test]
    fn each_line_of_the_list_is_a_digest_and_a_name() {
        for line in KNOWN.lines().filter(|line| !line.starts_with('#')) {
            let (digest, name) = line.split_once(' ').unwrap();
            assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
            assert!(!name.trim().is_empty(), "{line}");
        }
    }
}
