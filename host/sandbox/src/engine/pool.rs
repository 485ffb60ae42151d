//! The pool of slots, in which instances of small components are made without asking the system for memory each time.

use guesthouse_component::inspect::PLAIN_CORE_INSTANCES_MAX;
use guesthouse_component::inspect::PLAIN_MEMORIES_MAX;
use guesthouse_component::inspect::PLAIN_TABLE_ELEMENTS_MAX;
use guesthouse_component::inspect::PLAIN_TABLES_MAX;
use wasmtime::Enabled;
use wasmtime::PoolingAllocationConfig;
use wasmtime::component::Component;

/// Slots beside those for requests, so that a new revision can be tried while the host is full.
const PROBES_AT_ONCE: u32 = 16;

/// The pool for so many instances at work at once, each with so much memory at most: slots keep their pages between
/// requests, and only what a request wrote is reset.
pub(crate) fn pool(instances_max: u32, memory_bytes_max: u64) -> PoolingAllocationConfig {
    // As many may wait for a request as may be at work on one.
    let instances = instances_max.saturating_mul(2).saturating_add(PROBES_AT_ONCE);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(PLAIN_CORE_INSTANCES_MAX))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(PLAIN_TABLES_MAX))
        .total_stacks(instances)
        .table_elements(PLAIN_TABLE_ELEMENTS_MAX as usize)
        .max_memory_size(usize::try_from(memory_bytes_max).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Why a compiled component does not fit into a slot of the pool, with the figures. Its bytes were looked through before they
/// were compiled: this is the compiler's own count.
pub(crate) fn misfit(component: &Component, memory_bytes_max: u64) -> Option<String> {
    let Some(needs) = component.resources_required() else {
        return Some("it imports core modules or instances".to_owned());
    };
    // It is counted in pages.
    let bytes = needs.max_initial_memory_size.unwrap_or_default().saturating_mul(64 << 10);
    let elements = needs.max_initial_table_size.unwrap_or_default();
    let fits = needs.num_memories <= PLAIN_MEMORIES_MAX
        && needs.num_tables <= PLAIN_TABLES_MAX
        && elements <= PLAIN_TABLE_ELEMENTS_MAX
        && bytes <= memory_bytes_max;
    (!fits).then(|| {
        format!(
            "it needs {} memories of up to {bytes} bytes and {} tables of up to {elements} entries, and a slot of the pool has \
             {PLAIN_MEMORIES_MAX} of {memory_bytes_max} bytes and {PLAIN_TABLES_MAX} of {PLAIN_TABLE_ELEMENTS_MAX} entries",
            needs.num_memories, needs.num_tables
        )
    })
}
