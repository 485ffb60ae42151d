//! Pools of slots, in which instances are made without asking the system for memory each time.

use wasmtime::Enabled;
use wasmtime::PoolingAllocationConfig;
use wasmtime::component::Component;

use crate::inspect::Class;
use crate::inspect::PLAIN_CORE_INSTANCES_MAX;
use crate::inspect::PLAIN_TABLE_ELEMENTS_MAX;
use crate::inspect::PLAIN_TABLES_MAX;

/// Slots beside those for requests, so that a new revision can be tried while the house is full.
const PROBES_AT_ONCE: u32 = 16;

/// Room for one component.
struct Slot {
    memories: u32,
    tables: u32,
    table_elements: usize,
    core_instances: u32,
    /// Of each linear memory, what stays in the host's memory between two instances, in bytes.
    resident_bytes: usize,
    /// Slots that keep it while nobody uses them.
    warm_max: u32,
}

/// A small component: slots keep their pages between requests, and only what a request wrote is reset.
const SMALL: Slot = Slot {
    memories: 1,
    tables: PLAIN_TABLES_MAX,
    table_elements: PLAIN_TABLE_ELEMENTS_MAX as usize,
    core_instances: PLAIN_CORE_INSTANCES_MAX,
    resident_bytes: 2 << 20,
    warm_max: 100,
};

/// An interpreter: CPython has 14 core instances, 2 tables and 1 memory, StarlingMonkey a table of 8,000 entries; twice of
/// everything is for what is composed with it.
const LARGE: Slot = Slot {
    memories: 2,
    tables: 8,
    table_elements: PLAIN_TABLE_ELEMENTS_MAX as usize,
    core_instances: 100,
    resident_bytes: 32 << 20,
    warm_max: 4,
};

fn slot(class: Class) -> &'static Slot {
    match class {
        Class::Plain | Class::Concurrent => &SMALL,
        Class::Large => &LARGE,
    }
}

/// The pool for components of `class`, for so many instances at work at once, each with so much memory at most.
pub(crate) fn pool(class: Class, instances_max: u32, memory_bytes_max: u64) -> PoolingAllocationConfig {
    let Slot { memories: _, tables, table_elements, core_instances, resident_bytes, warm_max } = *slot(class);
    // As many may wait for a request as may be at work on one.
    let instances = instances_max.saturating_mul(2).saturating_add(PROBES_AT_ONCE);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(core_instances))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(tables))
        .total_stacks(instances)
        .table_elements(table_elements)
        .max_memory_size(usize::try_from(memory_bytes_max).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(resident_bytes)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(warm_max)
        .pagemap_scan(Enabled::Auto);
    if class == Class::Large
        && let Ok(v) = std::env::var("GH_RES")
    {
        pool.linear_memory_keep_resident(v.parse().unwrap());
    }
    if class == Class::Large
        && let Ok(v) = std::env::var("GH_WARM")
    {
        pool.max_unused_warm_slots(v.parse().unwrap());
    }
    pool
}

/// Why a compiled component does not fit into a slot of the pool for `class`, with the figures.
pub(crate) fn misfit(class: Class, component: &Component, memory_bytes_max: u64) -> Option<String> {
    let Slot { memories, tables, table_elements, .. } = *slot(class);
    let Some(needs) = component.resources_required() else {
        return Some("it imports core modules or instances".to_owned());
    };
    let memory_bytes = needs.max_initial_memory_size.unwrap_or_default().saturating_mul(64 << 10);
    let elements = needs.max_initial_table_size.unwrap_or_default();
    let fits = needs.num_memories <= memories
        && needs.num_tables <= tables
        && elements <= table_elements as u64
        && memory_bytes <= memory_bytes_max;
    (!fits).then(|| {
        format!(
            "it needs {} memories of up to {memory_bytes} bytes and {} tables of up to {elements} entries, and a slot has \
             {memories} of {memory_bytes_max} bytes and {tables} of {table_elements} entries",
            needs.num_memories, needs.num_tables
        )
    })
}
