//! Webhook deliveries: signed as Stripe signs them, repeated until somebody takes them.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::sha;

/// How often a delivery is tried. Stripe tries for days; nobody waits so long in a test.
const TRIES: u32 = 4;
const FIRST_GAP: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(10);

/// An event on its way to an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) payload: String,
    /// The instant that is signed.
    pub(crate) at: u64,
}

impl Delivery {
    /// The `Stripe-Signature` header, with the fake `v0` of test mode.
    fn signature(&self) -> String {
        let signed = format!("{}.{}", self.at, self.payload);
        let v1 = sha::sign(&self.secret, signed.as_bytes());
        let v0 = sha::sign("v0", signed.as_bytes());
        format!("t={},v1={v1},v0={v0}", self.at)
    }
}

/// Delivers in the order of the events, each to its own task, so that one slow receiver holds up
/// nobody.
pub(crate) async fn run(mut outbox: UnboundedReceiver<Delivery>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    while let Some(delivery) = outbox.recv().await {
        tokio::spawn(deliver(client.clone(), delivery));
    }
}

async fn deliver(client: Client<HttpConnector, Full<Bytes>>, delivery: Delivery) {
    let mut gap = FIRST_GAP;
    for attempt in 1..=TRIES {
        if post(&client, &delivery).await {
            return;
        }
        tracing::debug!(url = delivery.url, attempt, "a delivery was not taken");
        tokio::time::sleep(gap).await;
        gap *= 2;
    }
}

/// Any 2xx is success, everything else is not (reference 5.5).
async fn post(client: &Client<HttpConnector, Full<Bytes>>, delivery: &Delivery) -> bool {
    let request = Request::post(&delivery.url)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Stripe/1.0 (simulator)")
        .header("stripe-signature", delivery.signature())
        .body(Full::from(delivery.payload.clone()));
    let Ok(request) = request else { return false };
    let answer = tokio::time::timeout(PATIENCE, client.request(request)).await;
    matches!(answer, Ok(Ok(response)) if response.status().is_success())
}
