//! What a command needs: key, allow-list, component, ledger, and who calls.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use refund_app::{Application, Caller, Connection, Settings, Tokio, WasmComponent};
use refund_host::{Allow, Host, HostBuilder, KeyMode, Limits, Node, Pace, default_cache};
use refund_ledger::{Ledger, Outbox, Scope, UserName};
use refund_outbox::{Dispatcher, NoContactFinder, Sinks};

use crate::args::Global;
use crate::exit::Exit;
use crate::secrets::key;

/// Where `refund-node simulate` listens unless another port is given.
const SIMULATOR: &str = "http://127.0.0.1:12111";

/// Why no address of a customer is read.
const WITHOUT_KEY: &str =
    "this command has no Stripe key: give one with --key-file or STRIPE_SECRET_KEY";

/// The application layer of this command.
pub(crate) type App = Application<WasmComponent, Ledger, Tokio>;

/// A component that may reach Stripe, or a simulator.
pub(crate) struct Context {
    pub(crate) host: Host,
    pub(crate) component: WasmComponent,
    pub(crate) scope: Scope,
}

/// A component that reaches nothing: for everything pure.
pub(crate) fn pure(global: &Global) -> anyhow::Result<Node> {
    load(&host(global).build()?, global)
}

impl Context {
    /// Reads key and address. The key stays here: it is not in the connection that the component sees.
    pub(crate) fn new(global: &Global) -> anyhow::Result<Self> {
        Self::build(global, &Limits::default(), |_| None)
    }

    /// The same, with other limits.
    pub(crate) fn limited(global: &Global, limits: &Limits) -> anyhow::Result<Self> {
        Self::build(global, limits, |_| None)
    }

    /// The same, keeping to rates that may depend on the mode of the key.
    pub(crate) fn paced(
        global: &Global,
        pace: impl FnOnce(KeyMode) -> Option<Pace>,
    ) -> anyhow::Result<Self> {
        Self::build(global, &Limits::default(), pace)
    }

    fn build(
        global: &Global,
        limits: &Limits,
        pace: impl FnOnce(KeyMode) -> Option<Pace>,
    ) -> anyhow::Result<Self> {
        let base_url = base_url(global);
        let allow = match base_url {
            Some(url) => Allow::stripe_at(url).map_err(Exit::bad_input)?,
            None => Allow::stripe(),
        };
        let key = key(global)?;
        let scope = Scope { live: key.mode() == KeyMode::Live, ..scope(global) };
        let pace = pace(key.mode());
        let first_byte = Duration::from_secs(global.timeout);
        let limits = Limits { first_byte, ..limits.clone() };
        let mut host = host(global).key(key).allow(allow).limits(limits);
        if let Some(pace) = pace {
            host = host.pace(pace);
        }
        let host = host.build()?;
        let connection =
            Connection { base_url: base_url.map(str::to_owned), account: global.account.clone() };
        let component = WasmComponent::new(load(&host, global)?, connection);
        Ok(Self { host, component, scope })
    }

    /// The ledger of this account and mode.
    pub(crate) fn ledger(&self, global: &Global) -> anyhow::Result<Ledger> {
        with_sinks(global, Ledger::open(&ledger_path(global), &self.scope)?)
    }

    /// The application layer over the ledger of this account and mode.
    pub(crate) fn application(&self, global: &Global) -> anyhow::Result<App> {
        Ok(self.over(global, self.ledger(global)?))
    }

    /// The application layer over a ledger.
    pub(crate) fn over(&self, global: &Global, ledger: Ledger) -> App {
        Application::new(self.component.clone(), ledger, Tokio, settings(global))
    }
}

/// How the application layer behaves for this command.
pub(crate) fn settings(global: &Global) -> Settings {
    Settings { grace_secs: global.grace, ..Settings::default() }
}

/// An application layer over an existing ledger, whatever account it is for: to read it, and to decide about approvals.
pub(crate) fn without_key(global: &Global) -> anyhow::Result<App> {
    let component = WasmComponent::new(pure(global)?, Connection::default());
    let ledger = with_sinks(global, any_ledger(global)?)?;
    Ok(Application::new(component, ledger, Tokio, settings(global)))
}

/// Who calls, for the audit log: `--as`, or the login.
pub(crate) fn caller(global: &Global, command: &str) -> anyhow::Result<Caller> {
    Ok(Caller::new(user(global)?.unwrap_or_else(UserName::unknown), command))
}

/// Who calls, where that must be known.
pub(crate) fn named_caller(global: &Global, command: &str) -> anyhow::Result<Caller> {
    let user = user(global)?.ok_or_else(|| {
        Exit::bad_input("no user name is known: name yourself with --as, or in REFUND_NODE_USER")
    })?;
    Ok(Caller::new(user, command))
}

fn user(global: &Global) -> anyhow::Result<Option<UserName>> {
    let login = || ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let (flag, name) = match &global.user {
        Some(name) => ("--as", Some(name.clone())),
        None => ("the login name, instead of which --as names you,", login()),
    };
    let Some(name) = name else { return Ok(None) };
    UserName::parse(&name).map(Some).map_err(|problem| Exit::bad_input(problem.at(flag)))
}

/// A ledger to read, whatever account it is for.
pub(crate) fn any_ledger(global: &Global) -> anyhow::Result<Ledger> {
    Ok(Ledger::open_existing(&ledger_path(global))?)
}

/// The ledger of this account and mode, without a key.
pub(crate) fn ledger_without_key(global: &Global) -> anyhow::Result<Ledger> {
    with_sinks(global, Ledger::open(&ledger_path(global), &scope(global))?)
}

/// The same ledger; follow-ups go to the sinks that were named.
pub(crate) fn with_sinks(global: &Global, ledger: Ledger) -> anyhow::Result<Ledger> {
    match &global.sinks {
        Some(file) => Ok(ledger.with_sinks(Arc::new(sinks(file)?))),
        None => Ok(ledger),
    }
}

/// Delivers the follow-ups of a ledger. Addresses of customers are read with the component, where there is a key.
pub(crate) fn dispatcher(ledger: &Ledger, component: Option<WasmComponent>) -> Dispatcher<Outbox> {
    match component {
        Some(component) => ledger.dispatcher().finding(component),
        None => ledger.dispatcher().finding(NoContactFinder(WITHOUT_KEY.to_owned())),
    }
}

/// Sinks out of a document; all its problems at once.
pub(crate) fn sinks(file: &Path) -> anyhow::Result<Sinks> {
    Sinks::load(file).map_err(|error| {
        let problems: Vec<_> = error.0.iter().map(ToString::to_string).collect();
        Exit::bad_input(problems.join("\n       "))
    })
}

pub(crate) fn ledger_path(global: &Global) -> PathBuf {
    global.ledger.clone().unwrap_or_else(|| PathBuf::from("refund-node.ledger"))
}

fn base_url(global: &Global) -> Option<&str> {
    if global.simulator { Some(SIMULATOR) } else { global.base_url.as_deref() }
}

fn scope(global: &Global) -> Scope {
    Scope {
        base_url: base_url(global).unwrap_or("https://api.stripe.com").to_owned(),
        live: global.live,
        account: global.account.clone(),
    }
}

/// What every host of this command has.
pub(crate) fn host(global: &Global) -> HostBuilder {
    let mut host = Host::builder();
    let folder = global.cache.clone().or_else(default_cache);
    if let Some(folder) = folder.filter(|_| !global.no_cache) {
        host = host.cache(folder);
    }
    if let Some(digest) = &global.digest {
        host = host.pin(digest);
    }
    if let Some(key) = &global.signed_by {
        host = host.signed_by(key.clone());
    }
    host
}

pub(crate) fn load(host: &Host, global: &Global) -> anyhow::Result<Node> {
    let node = match &global.component {
        Some(file) => host.load_file(file),
        None => host.load(refund_artifact::NODE),
    };
    node.map_err(Exit::bad_input)
}
