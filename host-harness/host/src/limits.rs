//! Bounds of a call.

use std::time::Duration;

use wasmtime::{ResourceLimiter, Result};

use crate::error::Limit;

/// Bounds of a call. The defaults are generous for a refund and nothing for a machine.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory of one instance, in bytes.
    pub memory: usize,
    /// Entries of one table.
    pub table: usize,
    /// Stack of one instance, in bytes.
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
    /// Largest answer, in bytes.
    pub response: u64,
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
            response: 16 << 20,
            concurrency: 128,
        }
    }
}

/// Says no to growth beyond the bounds, and remembers that it was a bound.
pub(crate) struct Guard {
    pub(crate) memory: usize,
    pub(crate) table: usize,
}

impl ResourceLimiter for Guard {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        if desired > self.memory {
            return Err(Limit::Memory(self.memory).into());
        }
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        if desired > self.table {
            return Err(Limit::Table(self.table).into());
        }
        Ok(true)
    }
}
