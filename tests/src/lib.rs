//! A stage for end-to-end tests: the simulator, a host that may reach it, and the real component.

pub mod containment;
pub mod soak;

use refund_host::api::eligibility::{Amount, Rules};
use refund_host::api::refunds::CreateRequest;
use refund_host::api::types::{Connection, Money, PaymentRef};
use refund_host::{Allow, Host, HostBuilder, Node, StripeKey};
use refund_simulator::{NewCharge, Simulator, TEST_KEY};

/// Compiled components, for all tests.
pub const COMPILED: &str = concat!(env!("OUT_DIR"), "/compiled");

/// Simulator and component, connected.
pub struct Stage {
    /// The Stripe double.
    pub stripe: Simulator,
    /// The component.
    pub node: Node,
    /// How calls reach the simulator.
    pub connection: Connection,
}

impl Stage {
    /// Everything as a user would have it.
    ///
    /// # Panics
    /// When it cannot be set up.
    pub async fn new() -> Self {
        Self::with(|host| host).await
    }

    /// The same with other settings of the host.
    ///
    /// # Panics
    /// When it cannot be set up.
    pub async fn with(settings: impl FnOnce(HostBuilder) -> HostBuilder) -> Self {
        Self::of(refund_artifact::NODE, settings).await
    }

    /// The same with another component.
    ///
    /// # Panics
    /// When it cannot be set up.
    #[expect(clippy::unwrap_used, reason = "a stage that cannot be set up fails its test")]
    pub async fn of(component: &[u8], settings: impl FnOnce(HostBuilder) -> HostBuilder) -> Self {
        let stripe = Simulator::builder().seed(7).start().await.unwrap();
        let builder = Host::builder()
            .cache(COMPILED)
            .key(StripeKey::parse(TEST_KEY).unwrap())
            .allow(Allow::stripe_at(&stripe.base_url()).unwrap());
        let host = settings(builder).build().unwrap();
        let node = host.load(component).unwrap();
        let connection = Connection {
            base_url: Some(stripe.base_url()),
            account: None,
            api_key: None,
            max_retries: None,
        };
        Self { stripe, node, connection }
    }

    /// A charge of 25.00 dollars; its id.
    pub fn charge(&self) -> String {
        self.charge_with(&NewCharge::default())
    }

    /// Another charge; its id.
    pub fn charge_with(&self, order: &NewCharge) -> String {
        let charge = self.stripe.charge(order);
        charge["id"].as_str().unwrap_or_default().to_owned()
    }
}

/// Refund this much of a charge, or everything.
pub fn request(operation: &str, charge: &str, amount: Option<u64>) -> CreateRequest {
    CreateRequest {
        operation_id: operation.to_owned(),
        payment: PaymentRef::Charge(charge.to_owned()),
        amount: amount.map_or(Amount::Everything, |amount| Amount::Exactly(usd(amount))),
        reason: None,
        metadata: Vec::new(),
        refund_application_fee: None,
        reverse_transfer: None,
        instructions_email: None,
        rules: Rules::None,
        self_serve: false,
        approval: None,
    }
}

/// Dollars, in cents.
pub fn usd(amount: u64) -> Money {
    Money { amount, currency: "usd".to_owned() }
}
