//! Where the attacks take place: one host with tight limits, the hostile guest, a good one, and servers
//! that see who comes.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use refund_host::api::node::InvokeError;
use refund_host::api::types::Connection;
use refund_host::{Allow, Host, Limits, Node, Resolve, StripeKey};
use refund_simulator::{NewCharge, Simulator, TEST_KEY};

use super::attacks::{Attack, By};
use super::canary::Canary;
use super::files;
use crate::{COMPILED, request};

/// Names that the attacks use, and where they lead. The last one leads somewhere else the second time.
const NAMES: [(&str, &str); 5] = [
    ("loopback.test", "127.0.0.1"),
    ("private.test", "10.0.0.1"),
    ("metadata.test", "169.254.169.254"),
    ("mapped.test", "::ffff:127.0.0.1"),
    ("rebinding.test", "127.0.0.1"),
];
/// Public by its range, and nobody's: the anycast address of a service that was given up (RFC 7526).
const NOBODY: &str = "192.88.99.1";

pub(super) struct Yard {
    host: Host,
    hostile: Node,
    good: Node,
    stripe: Simulator,
    /// Stands for Stripe: the host lets the guests reach it.
    pub(super) allowed: Canary,
    /// Nobody may reach it.
    pub(super) forbidden: Canary,
}

impl Yard {
    #[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    pub(super) async fn new() -> Self {
        let stripe = Simulator::builder().seed(7).start().await.unwrap();
        let forbidden = Canary::start(None).await;
        let allowed = Canary::start(Some(forbidden.address)).await;
        let mut allow = Allow::stripe_at(&stripe.base_url()).unwrap();
        allow = allow.or(Allow::stripe_at(&format!("http://{}", allowed.address)).unwrap());
        for (name, _) in NAMES {
            let port = forbidden.address.port();
            allow = allow.or(Allow::stripe_at(&format!("https://{name}:{port}")).unwrap());
        }
        let host = Host::builder()
            .key(StripeKey::parse(TEST_KEY).unwrap())
            .allow(allow)
            .limits(tight())
            .cache(COMPILED)
            .resolve(Arc::new(Names::default()))
            .build()
            .unwrap();
        let hostile = host.load(files::HOSTILE).unwrap();
        let good = host.load(refund_artifact::NODE).unwrap();
        Self { host, hostile, good, stripe, allowed, forbidden }
    }

    /// What the host, or the guest, is told.
    pub(super) async fn run(&self, attack: &Attack) -> String {
        match &attack.by {
            By::Guest { function, input } => self.invoke(&self.hostile, function, input).await,
            By::Again { function, input } => {
                self.invoke(&self.hostile, function, input).await;
                self.invoke(&self.hostile, function, input).await
            }
            By::File(file) => match self.host.load(&file()) {
                Ok(node) => self.invoke(&node, "fetch", "").await,
                Err(error) => error.to_string(),
            },
        }
    }

    async fn invoke(&self, node: &Node, function: &str, input: &str) -> String {
        let input = input
            .replace("{allowed}", &self.allowed.address.to_string())
            .replace("{forbidden}", &self.forbidden.address.to_string())
            .replace("{port}", &self.forbidden.address.port().to_string());
        match node.invoke(function, &input).await {
            Ok(Ok(said)) => said,
            Ok(Err(InvokeError::UnknownOperation(_))) => format!("there is no attack {function}"),
            Ok(Err(error)) => format!("{error:?}"),
            Err(error) => error.to_string(),
        }
    }

    /// A refund, by the real component on the same host.
    pub(super) async fn good_call(&self) -> Result<(), String> {
        let charge = self.stripe.charge(&NewCharge::default());
        let charge = charge["id"].as_str().unwrap_or_default();
        let connection = Connection {
            base_url: Some(self.stripe.base_url()),
            account: None,
            api_key: None,
            max_retries: None,
        };
        let made = self.good.create(&connection, &request(charge, charge, None)).await;
        made.map_err(|error| error.to_string())?.map_err(|error| format!("{error:?}"))?;
        match self.stripe.refunds_of(charge).len() {
            1 => Ok(()),
            refunds => Err(format!("{refunds} refunds")),
        }
    }
}

/// Small enough that every attack ends within two seconds.
fn tight() -> Limits {
    Limits {
        memory: 16 << 20,
        cpu: Duration::from_millis(300),
        call: Duration::from_secs(2),
        connect: Duration::from_millis(300),
        first_byte: Duration::from_secs(1),
        between_bytes: Duration::from_millis(500),
        response: 1 << 20,
        requests: 50,
        open_requests: 8,
        transfer: 4 << 20,
        ..Limits::default()
    }
}

/// Resolves [`NAMES`].
#[derive(Default)]
struct Names {
    rebinding: AtomicUsize,
}

impl Resolve for Names {
    fn resolve<'a>(
        &'a self,
        name: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>> {
        Box::pin(async move {
            let (_, known) = NAMES
                .into_iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| io::Error::other("no such name"))?;
            let first =
                name == "rebinding.test" && self.rebinding.fetch_add(1, Ordering::SeqCst) == 0;
            let address = if first { NOBODY } else { known };
            Ok(vec![address.parse().map_err(io::Error::other)?])
        })
    }
}
