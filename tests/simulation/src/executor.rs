//! Virtual time and tasks: one thread, and no clock of this machine.
//!
//! A task is a future that belongs to a process. Everything that is due stands in one queue, ordered by virtual time; what
//! a task waits for, and for how long, is drawn from the random numbers of that task. So the seed decides the schedule,
//! and leaving one task out does not change what the others draw.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use fastrand::Rng;

/// Virtual time since the beginning, in microseconds.
pub(crate) type Micros = u64;
/// A second.
pub(crate) const SECOND: Micros = 1_000_000;
/// The longest time between a wake and the next poll.
const WAKE_MICROS: u64 = 200;

/// One of the processes of a world, by its place.
pub(crate) type ProcessId = usize;
type TaskId = u64;
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
type CrashHook = Box<dyn Fn(ProcessId) + Send>;

/// Time, tasks, and which processes are alive.
#[derive(Clone)]
pub(crate) struct Executor(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    now: Micros,
    entries: u64,
    queue: BinaryHeap<Reverse<Entry>>,
    next_task: TaskId,
    tasks: BTreeMap<TaskId, Task>,
    processes: Vec<Process>,
    current: Option<TaskId>,
    /// Processes that crash at the end of the poll that is under way.
    doomed: Vec<ProcessId>,
    crash_hook: Option<CrashHook>,
}

struct Task {
    process: ProcessId,
    call: usize,
    random: Rng,
    /// Absent while it is polled.
    work: Option<Work>,
    is_scheduled: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Process {
    is_alive: bool,
    frozen_until: Micros,
    /// How far its wall clock is ahead, in microseconds.
    clock_lead: i64,
}

enum Due {
    Poll(TaskId),
    Wake(Waker),
    Run(Box<dyn FnOnce() + Send>),
}

struct Entry {
    at: Micros,
    order: u64,
    due: Due,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl Inner {
    fn push(&mut self, at: Micros, due: Due) {
        self.entries += 1;
        let entry = Entry { at: at.max(self.now), order: self.entries, due };
        self.queue.push(Reverse(entry));
    }

    fn schedule(&mut self, id: TaskId) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(&id).filter(|task| !task.is_scheduled) else { return };
        task.is_scheduled = true;
        let at = now + task.random.u64(..WAKE_MICROS);
        self.push(at, Due::Poll(id));
    }

    /// What is due next, up to that time.
    fn next(&mut self, until: Micros) -> Option<Due> {
        if self.queue.peek().is_none_or(|Reverse(entry)| entry.at > until) {
            self.now = self.now.max(until);
            return None;
        }
        let Reverse(entry) = self.queue.pop()?;
        self.now = entry.at;
        Some(entry.due)
    }
}

impl Executor {
    /// No time has passed; every process is dead until it is started.
    pub(crate) fn new(processes: usize) -> Self {
        let processes = vec![Process::default(); processes];
        Self(Arc::new(Mutex::new(Inner { processes, ..Inner::default() })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The virtual time.
    pub(crate) fn now(&self) -> Micros {
        self.inner().now
    }

    /// Is called after a process crashed.
    pub(crate) fn on_crash(&self, hook: impl Fn(ProcessId) + Send + 'static) {
        self.inner().crash_hook = Some(Box::new(hook));
    }

    /// Starts a task of a process. `seed` decides what it draws; `call` is kept for whoever asks which call runs now.
    pub(crate) fn start(
        &self,
        process: ProcessId,
        call: usize,
        seed: u64,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let mut inner = self.inner();
        let id = inner.next_task;
        inner.next_task += 1;
        let task = Task {
            process,
            call,
            random: Rng::with_seed(seed),
            work: Some(Box::pin(work)),
            is_scheduled: false,
        };
        inner.tasks.insert(id, task);
        inner.schedule(id);
    }

    /// Does something at a time, whatever becomes of any process.
    pub(crate) fn at(&self, at: Micros, work: impl FnOnce() + Send + 'static) {
        self.inner().push(at, Due::Run(Box::new(work)));
    }

    /// Draws from the random numbers of the task that runs now.
    pub(crate) fn draw<T>(&self, from: impl FnOnce(&mut Rng) -> T) -> T {
        let mut inner = self.inner();
        let current = inner.current.expect("only tasks draw");
        from(&mut inner.tasks.get_mut(&current).expect("the task that runs is there").random)
    }

    /// The call that the running task belongs to.
    pub(crate) fn current_call(&self) -> Option<usize> {
        let inner = self.inner();
        inner.current.and_then(|id| inner.tasks.get(&id)).map(|task| task.call)
    }

    /// Waits.
    pub(crate) fn sleep(&self, time: Micros) -> Sleep {
        Sleep { executor: self.clone(), time, until: None, waker: None }
    }

    /// Wakes somebody at a time.
    pub(crate) fn wake_at(&self, at: Micros, waker: Waker) {
        self.inner().push(at, Due::Wake(waker));
    }

    /// Does what is due, until that time.
    pub(crate) fn run_until(&self, until: Micros) {
        self.bury();
        loop {
            let due = self.inner().next(until);
            match due {
                None => return,
                Some(Due::Poll(task)) => self.poll(task),
                Some(Due::Wake(waker)) => waker.wake(),
                Some(Due::Run(work)) => work(),
            }
            self.bury();
        }
    }

    /// Does what is due while there are tasks, until that time at most. Whether no task is left.
    pub(crate) fn run_while_busy(&self, until: Micros) -> bool {
        while !self.inner().tasks.is_empty() {
            let next = self.inner().queue.peek().map(|Reverse(entry)| entry.at);
            match next.filter(|next| *next <= until) {
                Some(next) => self.run_until(next),
                None => return false,
            }
        }
        true
    }

    fn poll(&self, id: TaskId) {
        let Some(mut work) = self.take(id) else { return };
        let waker = Waker::from(Arc::new(TaskWaker { executor: Arc::downgrade(&self.0), id }));
        let ended = work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut inner = self.inner();
        inner.current = None;
        if ended {
            inner.tasks.remove(&id);
        } else if let Some(task) = inner.tasks.get_mut(&id) {
            task.work = Some(work);
            return;
        }
        drop(inner);
        // Not while the executor is locked: what it holds may wake somebody.
        drop(work);
    }

    /// The work of a task that is polled now; none while its process is frozen.
    fn take(&self, id: TaskId) -> Option<Work> {
        let mut inner = self.inner();
        let now = inner.now;
        let process = inner.tasks.get(&id)?.process;
        let frozen_until = inner.processes[process].frozen_until;
        if frozen_until > now {
            inner.push(frozen_until, Due::Poll(id));
            return None;
        }
        let task = inner.tasks.get_mut(&id)?;
        task.is_scheduled = false;
        let work = task.work.take();
        inner.current = Some(id);
        work
    }

    /// Ends the processes that crashed: their tasks are dropped where they stand.
    fn bury(&self) {
        let doomed = std::mem::take(&mut self.inner().doomed);
        for process in doomed {
            self.kill(process);
        }
    }

    fn kill(&self, process: ProcessId) {
        let mut inner = self.inner();
        if !inner.processes[process].is_alive {
            return;
        }
        inner.processes[process].is_alive = false;
        inner.processes[process].frozen_until = 0;
        let mut dead = Vec::new();
        inner.tasks.retain(|_, task| {
            let lives = task.process != process;
            if !lives {
                dead.push(task.work.take());
            }
            lives
        });
        let hook = inner.crash_hook.take();
        drop(inner);
        drop(dead);
        if let Some(hook) = hook {
            hook(process);
            self.inner().crash_hook.get_or_insert(hook);
        }
    }

    /// Starts a process.
    pub(crate) fn revive(&self, process: ProcessId) {
        self.inner().processes[process].is_alive = true;
    }

    /// Whether a process runs.
    pub(crate) fn is_alive(&self, process: ProcessId) -> bool {
        self.inner().processes[process].is_alive
    }

    /// A process crashes, now or at the end of the poll that is under way.
    pub(crate) fn crash(&self, process: ProcessId) {
        let mut inner = self.inner();
        if !inner.doomed.contains(&process) {
            inner.doomed.push(process);
        }
    }

    /// The process of the running task.
    pub(crate) fn current_process(&self) -> Option<ProcessId> {
        let inner = self.inner();
        inner.current.and_then(|id| inner.tasks.get(&id)).map(|task| task.process)
    }

    /// The process of the running task crashes.
    pub(crate) fn crash_current(&self) {
        if let Some(process) = self.current_process() {
            self.crash(process);
        }
    }

    /// A process stands still for a time; its requests do not.
    pub(crate) fn freeze(&self, process: ProcessId, time: Micros) {
        let mut inner = self.inner();
        let until = inner.now + time;
        let frozen_until = &mut inner.processes[process].frozen_until;
        *frozen_until = until.max(*frozen_until);
    }

    /// Every process goes on.
    pub(crate) fn thaw(&self) {
        let mut inner = self.inner();
        for process in &mut inner.processes {
            process.frozen_until = 0;
        }
    }

    /// Sets how far the wall clock of a process is ahead of the true time.
    pub(crate) fn set_clock(&self, process: ProcessId, lead: i64) {
        self.inner().processes[process].clock_lead = lead;
    }

    /// The wall clock of a process, in microseconds since the beginning.
    pub(crate) fn wall_clock(&self, process: ProcessId) -> i64 {
        let inner = self.inner();
        let now = i64::try_from(inner.now).unwrap_or(i64::MAX);
        now.saturating_add(inner.processes[process].clock_lead)
    }

    /// Ends everything. Tasks hold what holds the executor, so this must be called.
    pub(crate) fn clear(&self) {
        let mut inner = self.inner();
        let queue = std::mem::take(&mut inner.queue);
        let tasks = std::mem::take(&mut inner.tasks);
        let hook = inner.crash_hook.take();
        drop(inner);
        drop((queue, tasks, hook));
    }
}

struct TaskWaker {
    executor: Weak<Mutex<Inner>>,
    id: TaskId,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if let Some(inner) = self.executor.upgrade() {
            inner.lock().unwrap_or_else(PoisonError::into_inner).schedule(self.id);
        }
    }
}

/// Ends after a time.
pub(crate) struct Sleep {
    executor: Executor,
    time: Micros,
    until: Option<Micros>,
    waker: Option<Waker>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let now = self.executor.now();
        let time = self.time;
        let until = *self.until.get_or_insert(now + time);
        if now >= until {
            return Poll::Ready(());
        }
        // Whoever polls may be another one by now.
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.waker = Some(context.waker().clone());
            self.executor.wake_at(until, context.waker().clone());
        }
        Poll::Pending
    }
}

/// A value that comes later, from another task or from none.
pub(crate) struct Later<T>(Arc<Mutex<Slot<T>>>);

struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

impl<T> Clone for Later<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Later<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Slot { value: None, waker: None })))
    }
}

impl<T> Later<T> {
    fn slot(&self) -> MutexGuard<'_, Slot<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the value, unless one is there.
    pub(crate) fn give(&self, value: T) {
        let mut slot = self.slot();
        slot.value.get_or_insert(value);
        let waker = slot.waker.take();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Later<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut slot = self.slot();
        if let Some(value) = slot.value.take() {
            return Poll::Ready(value);
        }
        slot.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
