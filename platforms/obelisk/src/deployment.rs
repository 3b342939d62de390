//! What the deployment says, in the environment.

use refund_wrapper::Connection;

use crate::bindings::exports::refund_node::obelisk::activity::Error;
use crate::bindings::wasi::cli::environment::get_environment;

/// Under this name Obelisk gives a placeholder; it puts the key in its place where a request leaves.
const KEY: &str = "STRIPE_SECRET_KEY";
/// Acts for a connected account.
const ACCOUNT: &str = "STRIPE_ACCOUNT";
/// A simulator, or a proxy.
const BASE_URL: &str = "REFUND_NODE_BASE_URL";

/// How to talk to Stripe.
pub(crate) fn connection() -> Result<Connection, Error> {
    let environment = get_environment();
    let value = |name: &str| {
        let found = environment.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.clone())
    };
    let api_key = value(KEY).ok_or(Error::PermanentNoKey)?;
    Ok(Connection { base_url: value(BASE_URL), account: value(ACCOUNT), api_key })
}
