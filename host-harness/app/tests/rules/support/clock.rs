//! Clocks that stand still until a test moves them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use refund_app::{Lost, Runtime};

/// When tests begin, Unix seconds; before today, which the dispatcher of follow-ups goes by.
pub const START: u64 = 1_780_000_000;

/// A wall clock, and a second clock that moves with every wait.
#[derive(Clone)]
pub struct Clock {
    unix: Arc<AtomicU64>,
    elapsed_millis: Arc<AtomicU64>,
}

impl Clock {
    pub fn new() -> Self {
        Self { unix: Arc::new(AtomicU64::new(START)), elapsed_millis: Arc::default() }
    }

    /// Unix seconds.
    pub fn unix(&self) -> u64 {
        self.unix.load(Ordering::SeqCst)
    }

    /// Sets the wall clock.
    pub fn set(&self, unix: u64) {
        self.unix.store(unix, Ordering::SeqCst);
    }

    /// Time passes.
    pub fn advance(&self, seconds: u64) {
        self.unix.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Runtime for Clock {
    fn now(&self) -> u64 {
        self.unix()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_millis.load(Ordering::SeqCst))
    }

    /// Waits are over at once, but for a moment in which other tasks run.
    async fn sleep(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.elapsed_millis.fetch_add(millis, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Lost>> + Send + 'static {
        let running = tokio::spawn(task);
        async move { running.await.map_err(|error| Lost(error.to_string())) }
    }
}
