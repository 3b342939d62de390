//! A loaded component, and a call into it.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Store, UpdateDeadline};

use crate::api;
use crate::api::duplicates::{Group, Options};
use crate::api::eligibility::{Ask, Facts, Rules, Verdict};
use crate::api::live::{Checked, Funds, ScanRange, Scanned};
use crate::api::node::InvokeError;
use crate::api::refunds::{CreateError, CreateRequest, Created, ListFilter, RefundPage};
use crate::api::types::{self, Connection, FieldProblem, PaymentRef, Refund};
use crate::api::webhooks::{Action, Event, ParseError, Verified, VerifyError, VerifyOptions};
use crate::egress::{ChangesSent, Hook};
use crate::engine::TICK;
use crate::error::{CallError, CallFailure, ComponentError, Limit};
use crate::host::Host;
use crate::offers::Offers;
use crate::scanner::Scanner;
use crate::session::Session;
use crate::state::State;

/// A loaded component. Cheap to clone, and called by many tasks at once: every call runs in a fresh
/// instance of its own.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    host: Host,
    pre: InstancePre<State>,
    digest: String,
    cached: bool,
    faces: Faces,
}

/// Where the exported functions are. The two that need HTTP are absent in the world `pure`.
pub(crate) struct Faces {
    pub(crate) eligibility: api::eligibility::GuestIndices,
    pub(crate) duplicates: api::duplicates::GuestIndices,
    pub(crate) webhooks: api::webhooks::GuestIndices,
    pub(crate) node: api::node::GuestIndices,
    refunds: Option<api::refunds::GuestIndices>,
    live: Option<api::live::GuestIndices>,
    pub(crate) offers: Offers,
}

/// An instance that is ready to be called, and its turn.
pub(crate) struct Opened {
    pub(crate) store: Store<State>,
    pub(crate) instance: Instance,
    _turn: OwnedSemaphorePermit,
}

impl Opened {
    /// A guest that was denied a request may go on as it likes; what it says then counts for nothing.
    pub(crate) fn within_limits(&self) -> Result<(), CallFailure> {
        self.store.data().reached().map_or(Ok(()), |limit| Err(CallFailure::Limit(limit)))
    }
}

/// What a typed call gives: the component's answer, or the host's error around it.
pub type Answer<T, E> = Result<Result<T, E>, CallError>;

/// What came of an operation, and whether a request that changes something left for it.
#[derive(Debug)]
pub struct Invoked {
    /// The output, a JSON object; or why there is none.
    pub answer: Result<Result<String, InvokeError>, CallError>,
    /// How many requests that change something left, or may have. With none, nothing was changed at Stripe.
    pub changes_sent: u32,
}

/// Opens a sandbox, calls one function of one interface, all within the time of a call.
macro_rules! call_once {
    ($node:expr, $face:expr, $function:ident ( $($argument:expr),* )) => {{
        let changes = $crate::egress::ChangesSent::default();
        let hook = $node.way_out(&changes);
        $crate::node::call_through!($node, hook, &changes, $face, $function($($argument),*))
    }};
}

/// The same through a given way out, counting the requests that change something.
macro_rules! call_through {
    ($node:expr, $hook:expr, $changes:expr, $face:expr, $function:ident ( $($argument:expr),* )) => {{
        let changes: &$crate::egress::ChangesSent = $changes;
        $node.within(async {
            let mut opened = $node.open_with($hook).await?;
            let face = $face
                .load(&mut opened.store, &opened.instance)
                .map_err(|error| $node.failure(&error))?;
            let answer = face.$function(&mut opened.store, $($argument),*).await;
            opened.within_limits()?;
            answer.map_err(|error| $node.ended(&error, &mut opened.store))
        })
        .await
        .map_err(|failure| $crate::error::CallError::new(failure, changes.count()))
    }};
}

pub(crate) use {call_once, call_through};

impl Node {
    pub(crate) fn new(
        host: Host,
        pre: InstancePre<State>,
        digest: String,
        cached: bool,
    ) -> Result<Self, ComponentError> {
        let missing = |error: wasmtime::Error| ComponentError::MissingExport {
            export: error.root_cause().to_string(),
        };
        let faces = Faces {
            eligibility: api::eligibility::GuestIndices::new(&pre).map_err(missing)?,
            duplicates: api::duplicates::GuestIndices::new(&pre).map_err(missing)?,
            webhooks: api::webhooks::GuestIndices::new(&pre).map_err(missing)?,
            node: api::node::GuestIndices::new(&pre).map_err(missing)?,
            refunds: api::refunds::GuestIndices::new(&pre).ok(),
            live: api::live::GuestIndices::new(&pre).ok(),
            offers: Offers::new(&pre),
        };
        Ok(Self(Arc::new(Inner { host, pre, digest, cached, faces })))
    }

    /// SHA-256 of the component file, in lower-case hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// Whether its compiled code came from the cache.
    pub fn was_cached(&self) -> bool {
        self.0.cached
    }

    /// Opens an instance that is kept between calls.
    pub async fn session(&self) -> Result<Session, CallError> {
        Ok(Session::new(self.clone(), self.open_closed().await?))
    }

    /// An instance that reaches nothing.
    pub(crate) async fn open_closed(&self) -> Result<Opened, CallFailure> {
        self.within(self.open_with(self.0.host.egress.closed())).await
    }

    /// The manifest, a JSON object.
    pub async fn describe(&self) -> Result<String, CallError> {
        call_once!(self, self.0.faces.node, call_describe())
    }

    /// Runs one operation: JSON object in, JSON object out.
    pub async fn invoke(&self, operation: &str, input: &str) -> Answer<String, InvokeError> {
        self.call(operation, input).await.answer
    }

    /// The same, and how many requests that change something left for it.
    pub async fn call(&self, operation: &str, input: &str) -> Invoked {
        let changes = ChangesSent::default();
        let hook = self.way_out(&changes);
        let face = &self.0.faces.node;
        let answer = call_through!(self, hook, &changes, face, call_invoke(operation, input));
        Invoked { answer, changes_sent: changes.count() }
    }

    /// Runs one operation that may only read: a request that changes something is denied, whatever the component is.
    pub async fn invoke_reading(
        &self,
        operation: &str,
        input: &str,
    ) -> Answer<String, InvokeError> {
        let (hook, none) = (self.0.host.egress.reads(), ChangesSent::default());
        call_through!(self, hook, &none, self.0.faces.node, call_invoke(operation, input))
    }

    /// Makes a refund, carefully.
    pub async fn create(
        &self,
        connection: &Connection,
        request: &CreateRequest,
    ) -> Answer<Created, CreateError> {
        call_once!(self, self.refunds("refunds.create")?, call_create(connection, request))
    }

    /// Reads one refund.
    pub async fn retrieve(
        &self,
        connection: &Connection,
        id: &str,
    ) -> Answer<Refund, types::CallError> {
        call_once!(self, self.refunds("refunds.retrieve")?, call_retrieve(connection, id))
    }

    /// Reads a page of refunds.
    pub async fn list(
        &self,
        connection: &Connection,
        filter: &ListFilter,
    ) -> Answer<RefundPage, types::CallError> {
        call_once!(self, self.refunds("refunds.list")?, call_list(connection, filter))
    }

    /// Sets metadata keys.
    pub async fn update_metadata(
        &self,
        connection: &Connection,
        id: &str,
        metadata: &types::Metadata,
    ) -> Answer<Refund, types::ChangeError> {
        let face = self.refunds("refunds.update-metadata")?;
        call_once!(self, face, call_update_metadata(connection, id, metadata))
    }

    /// Cancels a refund that waits for the customer.
    pub async fn cancel(
        &self,
        connection: &Connection,
        id: &str,
    ) -> Answer<Refund, types::ChangeError> {
        call_once!(self, self.refunds("refunds.cancel")?, call_cancel(connection, id))
    }

    /// Decides on given facts.
    pub async fn check(
        &self,
        ask: &Ask,
        facts: &Facts,
        rules: &Rules,
        now: u64,
    ) -> Answer<Verdict, Vec<FieldProblem>> {
        call_once!(self, self.0.faces.eligibility, call_check(ask, facts, rules, now))
    }

    /// Reads what can be paid out now, by currency.
    pub async fn balance(&self, connection: &Connection) -> Answer<Vec<Funds>, types::CallError> {
        call_once!(self, self.live("refunds.balance")?, call_balance(connection))
    }

    /// Fetches the facts, then decides.
    pub async fn check_live(
        &self,
        connection: &Connection,
        payment: &PaymentRef,
        ask: &Ask,
        rules: &Rules,
    ) -> Answer<Checked, types::CallError> {
        let face = self.live("eligibility.check-live")?;
        call_once!(self, face, call_check_live(connection, payment, ask, rules))
    }

    /// Finds duplicates in a list.
    pub async fn detect(
        &self,
        charges: &[types::Charge],
        options: &Options,
    ) -> Answer<Vec<Group>, Vec<FieldProblem>> {
        call_once!(self, self.0.faces.duplicates, call_detect(charges, options))
    }

    /// Reads charges, then finds duplicates.
    pub async fn scan_live(
        &self,
        connection: &Connection,
        range: &ScanRange,
        options: &Options,
    ) -> Answer<Scanned, types::CallError> {
        let face = self.live("duplicates.scan-live")?;
        call_once!(self, face, call_scan_live(connection, range, options))
    }

    /// Opens a scanner that takes charges page by page. It keeps its instance until it is dropped.
    pub async fn scanner(
        &self,
        options: &Options,
        direction: api::duplicates::Direction,
    ) -> Result<Scanner, CallError> {
        let hook = self.way_out(&ChangesSent::default());
        let mut opened = self.within(self.open_with(hook)).await?;
        let face = self.0.faces.duplicates.load(&mut opened.store, &opened.instance);
        let face = face.map_err(|error| self.failure(&error))?;
        Scanner::open(self.clone(), opened, face, options, direction).await
    }

    /// Checks a webhook's signature.
    pub async fn verify(
        &self,
        payload: &[u8],
        header: Option<&str>,
        secrets: &[String],
        options: VerifyOptions,
        now: u64,
    ) -> Answer<Verified, VerifyError> {
        let face = &self.0.faces.webhooks;
        call_once!(self, face, call_verify(payload, header, secrets, options, now))
    }

    /// Reads a webhook event.
    pub async fn parse(&self, payload: &[u8]) -> Answer<Event, ParseError> {
        call_once!(self, self.0.faces.webhooks, call_parse(payload))
    }

    /// Says what follows from an event.
    pub async fn interpret(&self, event: &Event) -> Result<Action, CallError> {
        call_once!(self, self.0.faces.webhooks, call_interpret(event))
    }

    pub(crate) fn faces(&self) -> &Faces {
        &self.0.faces
    }

    fn refunds(&self, operation: &'static str) -> Result<&api::refunds::GuestIndices, CallFailure> {
        self.0.faces.refunds.as_ref().ok_or(CallFailure::NoHttp(operation))
    }

    pub(crate) fn live(
        &self,
        operation: &'static str,
    ) -> Result<&api::live::GuestIndices, CallFailure> {
        self.0.faces.live.as_ref().ok_or(CallFailure::NoHttp(operation))
    }

    /// To what is on the allow-list.
    pub(crate) fn way_out(&self, changes: &ChangesSent) -> Hook {
        self.0.host.egress.hook(changes.clone())
    }

    /// A fresh instance, bounded on every side.
    pub(crate) async fn open_with(&self, hook: Hook) -> Result<Opened, CallFailure> {
        let host = &self.0.host;
        let turn = Arc::clone(&host.turns).acquire_owned().await;
        let turn = turn.map_err(|error| CallFailure::Sandbox(error.to_string()))?;
        let state = State::new(hook, &host.limits);
        let mut store = Store::new(&host.engine, state);
        store.set_hostcall_fuel(host.limits.transfer);
        store.limiter(|state| &mut state.guard);
        self.start_clock(&mut store);
        let instance = self.0.pre.instantiate_async(&mut store).await;
        let instance = instance.map_err(|error| self.failure(&error))?;
        Ok(Opened { store, instance, _turn: turn })
    }

    /// Each tick of the engine's clock the guest gives way to other tasks, so that the time of the call
    /// is kept; after so many ticks of computing it is stopped.
    pub(crate) fn start_clock(&self, store: &mut Store<State>) {
        let cpu = self.0.host.limits.cpu;
        let mut left = cpu.as_millis() / TICK.as_millis();
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            left = left.saturating_sub(1);
            if left == 0 { Err(Limit::Cpu(cpu).into()) } else { Ok(UpdateDeadline::Yield(1)) }
        });
    }

    /// Bounds the whole call: guests that compute give way, guests that wait are dropped.
    pub(crate) async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, CallFailure>>,
    ) -> Result<T, CallFailure> {
        let most = self.0.host.limits.call;
        match tokio::time::timeout(most, call).await {
            Ok(answer) => answer,
            Err(_) => Err(CallFailure::Limit(Limit::Call(most))),
        }
    }

    pub(crate) fn failure(&self, error: &wasmtime::Error) -> CallFailure {
        self.0.failure(error)
    }

    /// What a guest that was stopped leaves: a core dump, where one is wanted, and the reason.
    pub(crate) fn ended(&self, error: &wasmtime::Error, store: &mut Store<State>) -> CallFailure {
        self.0.host.dump(error, store, &self.0.digest);
        self.failure(error)
    }
}

impl Inner {
    fn failure(&self, error: &wasmtime::Error) -> CallFailure {
        let failure = CallFailure::from_wasmtime(error, &self.host.limits);
        tracing::debug!(%failure, "a call ended without an answer");
        failure
    }
}
