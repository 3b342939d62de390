//! What one call owns: nothing but what the imports need.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::egress::Hook;
use crate::limits::{Guard, Limit, Limits};

/// The data of a store.
pub(crate) struct State {
    table: ResourceTable,
    clocks: WasiClocksCtx,
    http: WasiHttpCtx,
    hook: Hook,
    pub(crate) guard: Guard,
}

impl State {
    pub(crate) fn new(hook: Hook, limits: &Limits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.headers);
        let guard = Guard::new(limits);
        Self { table, clocks: WasiClocksCtx::default(), http, hook, guard }
    }

    /// The bound that the call ran into without being stopped by it.
    pub(crate) fn reached(&self) -> Option<Limit> {
        self.hook.reached()
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiClocksView for State {
    fn clocks(&mut self) -> WasiClocksCtxView<'_> {
        WasiClocksCtxView { ctx: &mut self.clocks, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hook, table: &mut self.table, ctx: &mut self.http }
    }
}
