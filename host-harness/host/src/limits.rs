//! Bounds of a call.

use std::fmt;
use std::time::Duration;

use wasmtime::{ResourceLimiter, Result};

/// Bounds of a call. The defaults are generous for a refund and nothing for a machine.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory of one call, all memories of its component together, in bytes.
    pub memory: usize,
    /// Entries of one table.
    pub table: usize,
    /// Stack of one call, in bytes.
    pub stack: usize,
    /// Time spent computing.
    pub cpu: Duration,
    /// Time of the whole call, waiting for Stripe and between tries included.
    pub call: Duration,
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the answer begins, the connection included. Stripe's own libraries wait 80 seconds.
    pub first_byte: Duration,
    /// Between two parts of an answer.
    pub between_bytes: Duration,
    /// Largest body of a request, in bytes. A file of evidence has up to 5 MiB; all text of a dispute, escaped,
    /// up to 1.8 MB.
    pub request: usize,
    /// Largest answer, in bytes.
    pub response: u64,
    /// Largest set of headers, in bytes of memory.
    pub headers: usize,
    /// Requests of one call. The longest scan reads a thousand pages.
    pub requests: u32,
    /// Requests of one call that are under way at the same time. The refund node has one.
    pub open_requests: u32,
    /// Resources of the host that one call holds at the same time: requests, streams, timers. It has to be larger
    /// than `requests`, since wasmtime-wasi-http keeps the options of every request until the call ends.
    pub handles: usize,
    /// Bytes that a guest hands to the host, or gets from it, in one step.
    pub transfer: usize,
    /// Largest component file, in bytes.
    pub component: usize,
    /// Calls at the same time; more wait for their turn.
    pub concurrency: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            table: 10_000,
            stack: 512 << 10,
            cpu: Duration::from_secs(10),
            call: Duration::from_mins(5),
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(80),
            between_bytes: Duration::from_secs(20),
            request: 6 << 20,
            response: 16 << 20,
            headers: 64 << 10,
            requests: 3_000,
            open_requests: 16,
            handles: 4_000,
            transfer: 32 << 20,
            component: 8 << 20,
            concurrency: 128,
        }
    }
}

/// A bound that a call ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of memory.
    Memory(usize),
    /// Entries of a table.
    Table(usize),
    /// Time spent computing.
    Cpu(Duration),
    /// Time of the whole call, waiting included.
    Call(Duration),
    /// Depth of the stack, in bytes.
    Stack(usize),
    /// Requests of one call.
    Requests(u32),
    /// Requests of one call at the same time.
    OpenRequests(u32),
    /// Requests, streams and timers that a call holds.
    Handles(usize),
    /// Bytes of a set of headers.
    Headers(usize),
    /// Bytes that pass between guest and host in one step.
    Transfer(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "memory ({bytes} bytes)"),
            Self::Table(entries) => write!(f, "table ({entries} entries)"),
            Self::Cpu(time) => write!(f, "computing time ({time:?})"),
            Self::Call(time) => write!(f, "time of a call ({time:?})"),
            Self::Stack(bytes) => write!(f, "stack ({bytes} bytes)"),
            Self::Requests(count) => write!(f, "requests ({count})"),
            Self::OpenRequests(count) => write!(f, "open requests ({count})"),
            Self::Handles(count) => write!(f, "handles ({count})"),
            Self::Headers(bytes) => write!(f, "headers ({bytes} bytes)"),
            Self::Transfer(bytes) => write!(f, "transfer ({bytes} bytes)"),
        }
    }
}

impl std::error::Error for Limit {}

/// Modules of a component, each with a memory and a few tables. wit-component makes one memory and three
/// modules; a pipeline composed of four components has room.
pub(crate) const MEMORIES: u32 = 4;
/// See [`MEMORIES`].
pub(crate) const MODULES: u32 = 4 * MEMORIES;

/// Says no to growth beyond the bounds, and remembers that it was a bound.
pub(crate) struct Guard {
    memory: usize,
    taken: usize,
    table: usize,
}

impl Guard {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { memory: limits.memory, taken: 0, table: limits.table }
    }
}

impl ResourceLimiter for Guard {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let taken = self.taken.saturating_add(desired.saturating_sub(current));
        if taken > self.memory {
            return Err(Limit::Memory(self.memory).into());
        }
        self.taken = taken;
        Ok(true)
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }

    fn tables(&self) -> usize {
        MODULES as usize
    }

    fn instances(&self) -> usize {
        MODULES as usize
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        if desired > self.table {
            return Err(Limit::Table(self.table).into());
        }
        Ok(true)
    }
}
