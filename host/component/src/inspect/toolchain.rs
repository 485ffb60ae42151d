//! Who made a component: the `producers` and `name` sections that toolchains leave behind
//! (WebAssembly tool conventions, ProducersSection.md).
//!
//! Whatever stands there is a claim: it is shown to people, and nothing is decided by it.

use wasmparser::ComponentName;
use wasmparser::CustomSectionReader;
use wasmparser::KnownCustom;
use wasmparser::Name;
use wasmparser::ProducersSectionReader;

/// Who made a component, as it says itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toolchain {
    /// Languages of its source, each with its version, in the order in which they are found.
    pub languages: Vec<Tool>,
    /// Compilers, linkers and generators that it went through.
    pub processed_by: Vec<Tool>,
    /// What its authors worked with.
    pub sdks: Vec<Tool>,
    /// The component's own name, if it has one.
    pub name: Option<String>,
}

/// A language or a tool, and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Such as `Rust` or `wit-component`.
    pub name: String,
    /// Such as `1.95.0`; empty where none is said.
    pub version: String,
}

/// More is not kept of one kind: the section is the author's to write.
const TOOLS_MAX: usize = 32;
/// Nor of one name or version.
const CHARACTERS_MAX: usize = 80;

impl Toolchain {
    /// Takes in a custom section, if it is one that tells of tools. One that cannot be read is left out: it is no fault of
    /// the code.
    pub fn read(&mut self, section: &CustomSectionReader<'_>, is_outermost: bool) {
        match section.as_known() {
            KnownCustom::Producers(producers) => self.read_producers(producers),
            KnownCustom::ComponentName(names) if is_outermost => {
                let found = names.into_iter().flatten().find_map(|name| match name {
                    ComponentName::Component { name, .. } => Some(short(name)),
                    _ => None,
                });
                self.name = found.or(self.name.take());
            }
            // In a component without a name of its own, the first module's: that is the author's code.
            KnownCustom::Name(names) if self.name.is_none() => {
                self.name = names.into_iter().flatten().find_map(|name| match name {
                    Name::Module { name, .. } => Some(short(name)),
                    _ => None,
                });
            }
            _ => {}
        }
    }

    fn read_producers(&mut self, producers: ProducersSectionReader<'_>) {
        for field in producers.into_iter().map_while(Result::ok) {
            let tools = match field.name {
                "language" => &mut self.languages,
                "processed-by" => &mut self.processed_by,
                _ => &mut self.sdks,
            };
            for value in field.values.into_iter().map_while(Result::ok) {
                let tool = Tool { name: short(value.name), version: short(value.version) };
                if tools.len() < TOOLS_MAX && !tools.contains(&tool) {
                    tools.push(tool);
                }
            }
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(CHARACTERS_MAX).collect()
}
