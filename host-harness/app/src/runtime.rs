//! Time and tasks: real ones, or those of a simulation.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A task ended without a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task was lost: {0}")]
pub struct Lost(pub String);

/// Time and tasks.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// The wall clock, Unix seconds. It may jump.
    fn now(&self) -> u64;
    /// Time since some instant; it never goes back.
    fn elapsed(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
    /// Runs a task beside this one, to its end even if the caller stops waiting.
    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Lost>> + Send + 'static;
}

/// The clocks of this machine, and tasks of tokio.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn elapsed(&self) -> Duration {
        static START: std::sync::OnceLock<tokio::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(tokio::time::Instant::now).elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Lost>> + Send + 'static {
        let running = tokio::spawn(task);
        async move { running.await.map_err(|error| Lost(error.to_string())) }
    }
}
