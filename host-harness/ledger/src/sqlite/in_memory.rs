//! A ledger in memory that answers at once: for simulations, where one seed decides everything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use refund_core::id::OperationId;
use refund_outbox::Sinks;
use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::audit::{self, Audited};
use super::connection::prepare;
use super::transaction::{Shared, Transaction};
use super::{operations, schema};
use crate::error::LedgerError;
use crate::holder::Holder;
use crate::store::{Store, Tx};

/// A ledger in memory. Every process of a simulation has one over the same tables, under a name of its own.
#[derive(Clone)]
pub struct InMemory {
    tables: Arc<Mutex<Connection>>,
    shared: Shared,
}

impl InMemory {
    /// An empty ledger. `alive` says which names are processes that run.
    pub fn new(
        name: &str,
        alive: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Self, LedgerError> {
        let mut connection = Connection::open_in_memory()?;
        prepare(&connection)?;
        connection.pragma_update(None, "synchronous", "off")?;
        schema::migrate(&mut connection, ":memory:")?;
        Ok(Self { tables: Arc::new(Mutex::new(connection)), shared: shared(name, alive) })
    }

    /// The same tables, for another process.
    #[must_use]
    pub fn for_process(
        &self,
        name: &str,
        alive: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { tables: Arc::clone(&self.tables), shared: shared(name, alive) }
    }

    /// A throw-away copy: what is written to it changes nothing. It has no processes but its own.
    pub fn scratch(&self) -> Result<Self, LedgerError> {
        let mut copy = Connection::open_in_memory()?;
        prepare(&copy)?;
        Backup::new(&self.connection(), &mut copy)?.step(-1)?;
        let name = format!("{}-scratch", self.shared.holder.name());
        Ok(Self { tables: Arc::new(Mutex::new(copy)), shared: shared(&name, |_| false) })
    }

    /// Does some work in one transaction, now.
    ///
    /// # Errors
    /// When the work fails; then nothing is changed.
    pub fn transact<T>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let done = work(&mut Transaction::new(&transaction, &self.shared))?;
        transaction.commit()?;
        Ok(done)
    }

    /// Checks the audit, as [`super::Ledger::audit`] does.
    pub fn audit(&self) -> Result<Audited, LedgerError> {
        audit::verify(&self.connection(), None)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that panicked was rolled back.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shared(name: &str, alive: impl Fn(&str) -> bool + Send + Sync + 'static) -> Shared {
    let holder = Holder::named(name.to_owned(), Box::new(alive));
    Shared { holder: Arc::new(holder), sinks: Arc::new(Sinks::default()) }
}

impl Store for InMemory {
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.transact(work)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.transact(work)
    }

    fn let_go(&self, operation: &OperationId) {
        let holder = &self.shared.holder;
        holder.leave(operation.as_str());
        let left = [operation.to_string()];
        if operations::free(&self.connection(), &left, holder).is_ok() {
            holder.forget(&left);
        }
    }
}
