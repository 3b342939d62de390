//! The clocks and tasks that the application layer is given.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use refund_app::{Lost, Runtime};

use crate::executor::{Later, Micros, ProcessId};
use crate::weather::MILLI;
use crate::world::Shared;

/// Time and tasks of one process.
#[derive(Clone)]
pub(crate) struct Simulated {
    world: Arc<Shared>,
    process: ProcessId,
}

impl Simulated {
    pub(crate) fn new(world: Arc<Shared>, process: ProcessId) -> Self {
        Self { world, process }
    }
}

impl Runtime for Simulated {
    fn now(&self) -> u64 {
        self.world.unix_now(self.process)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.world.executor.now())
    }

    async fn sleep(&self, time: Duration) {
        let micros = Micros::try_from(time.as_micros()).unwrap_or(Micros::MAX);
        self.world.pass(micros..micros.saturating_add(MILLI)).await;
    }

    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Lost>> + Send + 'static {
        let ended = Later::default();
        let gives = ended.clone();
        let seed = self.world.executor.draw(fastrand::Rng::fork).u64(..);
        let call = self.world.executor.current_call().unwrap_or_default();
        self.world.executor.start(self.process, call, seed, async move { gives.give(task.await) });
        async move { Ok(ended.await) }
    }
}
