//! What a component is made of, gathered while it is parsed.

use wasmparser::BinaryReaderError;
use wasmparser::Encoding;
use wasmparser::Payload;

/// What has been read so far. Only the outermost component's imports and exports count; modules, memories and tables count
/// wherever they are.
#[derive(Default)]
pub struct Outline {
    depth: usize,
    /// Whether what lies directly in the outermost component, and is being read, is a core module.
    in_own_module: bool,
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    pub core_modules: u32,
    pub core_instances: u32,
    pub memories: u32,
    pub memory_bytes_min: u64,
    /// `None` once a memory is found that names no maximum.
    pub memory_bytes_max: Option<u64>,
    pub tables: u32,
    pub table_elements_max: u64,
}

impl Outline {
    pub fn new() -> Outline {
        Outline { memory_bytes_max: Some(0), ..Outline::default() }
    }

    /// How many components and core modules are open at this point, one within the other.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Whether what is read now belongs to the outermost component itself.
    pub fn is_outermost(&self) -> bool {
        self.depth == 1
    }

    /// Whether what is read now belongs to a core module of the outermost component.
    pub fn is_in_own_module(&self) -> bool {
        self.depth == 2 && self.in_own_module
    }

    pub fn read(&mut self, payload: Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.depth += 1;
                if self.depth == 2 {
                    self.in_own_module = encoding == Encoding::Module;
                }
                self.core_modules = self.core_modules.saturating_add(u32::from(encoding == Encoding::Module));
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if self.is_outermost() => {
                for import in section {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if self.is_outermost() => {
                for export in section {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory?;
                    let page_bytes = 1_u64.checked_shl(memory.page_size_log2.unwrap_or(16)).unwrap_or(u64::MAX);
                    let bytes = |pages: u64| pages.saturating_mul(page_bytes);
                    self.memories = self.memories.saturating_add(1);
                    self.memory_bytes_min = self.memory_bytes_min.saturating_add(bytes(memory.initial));
                    let both = self.memory_bytes_max.zip(memory.maximum);
                    self.memory_bytes_max = both.map(|(sum, more)| sum.saturating_add(bytes(more)));
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.tables = self.tables.saturating_add(1);
                    self.table_elements_max = self.table_elements_max.max(table?.ty.initial);
                }
            }
            Payload::InstanceSection(section) => {
                self.core_instances = self.core_instances.saturating_add(section.count());
            }
            _ => {}
        }
        Ok(())
    }
}
