//! The one place where an engine is made: a differing setting anywhere else would silently turn
//! compiled code into a recompile.

use std::sync::Once;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::HostError;
use crate::limits::{Limits, MEMORIES, MODULES};

/// How often a running guest is looked at.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// So much of an instance's memory is kept for the next one, in bytes. The component's stack, data and first
/// allocations fit in.
const KEPT: usize = 512 << 10;

/// Makes the engine and starts its clock.
pub(crate) fn engine(limits: &Limits, core_dumps: bool) -> Result<Engine, HostError> {
    // Pooling needs address space that some machines do not give; without it everything works, slower.
    let engine = Engine::new(config(limits, true).coredump_on_trap(core_dumps))
        .or_else(|error| {
            static TOLD: Once = Once::new();
            TOLD.call_once(
                || tracing::warn!(%error, "no room for the pooling allocator, going on without"),
            );
            Engine::new(config(limits, false).coredump_on_trap(core_dumps))
        })
        .map_err(|error| HostError::Engine(error.to_string()))?;
    tick(&engine);
    Ok(engine)
}

fn config(limits: &Limits, pooling: bool) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // A call has a store to itself and runs from its begin to its end: what guests need to run side by side in one
    // would be kept up in every call, and again where a composed component calls the next.
    config.concurrency_support(false);
    config.max_wasm_stack(limits.stack);
    config.async_stack_size(limits.stack + (512 << 10));
    if pooling {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(limits.concurrency)
            .total_core_instances(limits.concurrency * MODULES)
            .total_memories(limits.concurrency * MEMORIES)
            .total_tables(limits.concurrency * MODULES)
            .max_core_instances_per_component(MODULES)
            .max_memories_per_component(MEMORIES)
            .max_tables_per_component(MODULES)
            .total_stacks(limits.concurrency)
            .max_memory_size(limits.memory)
            .table_elements(limits.table)
            // What a call wrote is written over, not given back to the system: the next call then has its pages.
            .linear_memory_keep_resident(KEPT.min(limits.memory))
            .table_keep_resident(KEPT)
            .pagemap_scan(Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// Moves the epoch on until the engine is gone.
fn tick(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    });
}

#[cfg(test)]
mod tests {
    use wasmtime::{Instance, Module, Store};

    use super::*;

    /// `stain` writes all over a memory that grew, `left` counts what is not zero.
    const GUEST: &str = r#"(module
        (memory 16)
        (data (i32.const 64) "seed")
        (func (export "stain")
            (drop (memory.grow (i32.const 16)))
            (memory.fill (i32.const 0) (i32.const 170) (i32.const 2097152)))
        (func (export "left") (result i32) (local $at i32) (local $found i32)
            (loop $next
                (local.set $found (i32.add (local.get $found)
                    (i32.ne (i32.load8_u (local.get $at)) (i32.const 0))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))))
            (local.get $found)))"#;

    #[test]
    fn an_instance_finds_nothing_of_the_one_before() {
        let limits = Limits { concurrency: 1, ..Limits::default() };
        let engine = engine(&limits, false).unwrap();
        let module = Module::new(&engine, wat::parse_str(GUEST).unwrap()).unwrap();
        for _ in 0..3 {
            let mut store = Store::new(&engine, ());
            store.set_epoch_deadline(1000);
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let left = instance.get_typed_func::<(), i32>(&mut store, "left").unwrap();
            assert_eq!(left.call(&mut store, ()).unwrap(), 4);
            let stain = instance.get_typed_func::<(), ()>(&mut store, "stain").unwrap();
            stain.call(&mut store, ()).unwrap();
            assert!(left.call(&mut store, ()).unwrap() > 2_000_000);
        }
    }
}
