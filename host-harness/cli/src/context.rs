//! The host that a command needs: key, allow-list, component.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use refund_host::api::types::Connection;
use refund_host::{Allow, Host, HostBuilder, KeyMode, Limits, Node, Pace, default_cache};
use refund_ledger::{Ledger, Refunder, Scope};
use refund_outbox::Sinks;
use serde_json::{Value, json};

use crate::args::Global;
use crate::exit::Exit;
use crate::secrets::key;

/// Where `refund-node simulate` listens unless told otherwise.
const SIMULATOR: &str = "http://127.0.0.1:12111";

/// A component that may reach Stripe, or a simulator.
pub(crate) struct Context {
    pub(crate) host: Host,
    pub(crate) node: Node,
    pub(crate) connection: Value,
    scope: Scope,
}

/// A component that reaches nothing: for everything pure.
pub(crate) fn pure(global: &Global) -> anyhow::Result<Node> {
    load(&host(global).build()?, global)
}

impl Context {
    /// Reads key and address. The key stays here: it is not in the connection that the component sees.
    pub(crate) fn new(global: &Global) -> anyhow::Result<Self> {
        Self::paced(global, |_| None)
    }

    /// The same, keeping to rates that may depend on the mode of the key.
    pub(crate) fn paced(
        global: &Global,
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
        let limits = Limits { first_byte, ..Limits::default() };
        let mut host = host(global).key(key).allow(allow).limits(limits);
        if let Some(pace) = pace {
            host = host.pace(pace);
        }
        let host = host.build()?;
        let connection = json!({ "base_url": base_url, "account": global.account });
        Ok(Self { node: load(&host, global)?, host, connection, scope })
    }

    /// The ledger of this account and mode.
    pub(crate) fn ledger(&self, global: &Global, actor: &str) -> anyhow::Result<Ledger> {
        let ledger = Ledger::open(&ledger_path(global), &self.scope, actor)?;
        with_sinks(global, ledger.in_the_name_of(&user(global)))
    }

    /// Refunds through a ledger.
    pub(crate) fn refunder(&self, global: &Global, ledger: &Ledger) -> Refunder<Ledger> {
        Refunder::new(self.node.clone(), self.connection.clone(), ledger.clone())
            .grace(Duration::from_secs(global.grace))
    }

    /// The connection for typed calls.
    pub(crate) fn typed_connection(&self) -> Connection {
        let text = |name: &str| self.connection[name].as_str().map(str::to_owned);
        Connection {
            base_url: text("base_url"),
            account: text("account"),
            api_key: None,
            max_retries: None,
        }
    }

    /// Runs an operation with this connection.
    pub(crate) async fn invoke(&self, operation: &str, mut input: Value) -> anyhow::Result<Value> {
        input["connection"] = self.connection.clone();
        let output = self.node.invoke(operation, &input.to_string()).await;
        let output = output.map_err(Exit::failed)?.map_err(Exit::of)?;
        serde_json::from_str(&output).context("the component's output is not JSON")
    }
}

/// In whose name the command runs.
pub(crate) fn user(global: &Global) -> String {
    let login = || ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    global.user.clone().or_else(login).unwrap_or_else(|| "somebody".to_owned())
}

/// A ledger to look at, whatever account it is for.
pub(crate) fn any_ledger(global: &Global, actor: &str) -> anyhow::Result<Ledger> {
    Ok(Ledger::open_existing(&ledger_path(global), actor)?)
}

/// The ledger of this account and mode, without a key.
pub(crate) fn ledger_without_key(global: &Global, actor: &str) -> anyhow::Result<Ledger> {
    with_sinks(global, Ledger::open(&ledger_path(global), &scope(global), actor)?)
}

/// The same ledger; what follows from its moves goes to the sinks that were named.
pub(crate) fn with_sinks(global: &Global, ledger: Ledger) -> anyhow::Result<Ledger> {
    match &global.sinks {
        Some(file) => Ok(ledger.with_sinks(Arc::new(sinks(file)?))),
        None => Ok(ledger),
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
