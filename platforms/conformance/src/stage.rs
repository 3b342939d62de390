//! A Stripe of its own for each case, behind one address for the runner's whole life.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use refund_simulator::Simulator;
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// The address that a runner is told. Embeddings keep connections open from one call to the next: these stay, and
/// what stands behind them changes.
pub(crate) struct Front {
    address: SocketAddr,
    behind: watch::Sender<Option<SocketAddr>>,
    task: AbortHandle,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Front {
    pub(crate) async fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (behind, current) = watch::channel(None);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A connection ends with an error where a fault was ordered.
                tokio::spawn(carry(client, current.clone()));
            }
        });
        Ok(Self { address, behind, task: task.abort_handle() })
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts a fresh Stripe there.
    pub(crate) async fn fresh(&self) -> Result<Simulator> {
        let stripe = Simulator::builder().start().await?;
        let address = stripe.base_url().trim_start_matches("http://").parse()?;
        self.behind.send_replace(Some(address));
        Ok(stripe)
    }
}

/// Carries bytes both ways. Which Stripe a request is for is decided when it begins.
async fn carry(
    mut client: TcpStream,
    mut behind: watch::Receiver<Option<SocketAddr>>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    while client.peek(&mut [0]).await? > 0 {
        let Some(address) = *behind.borrow_and_update() else { break };
        let mut stripe = TcpStream::connect(address).await?;
        stripe.set_nodelay(true)?;
        tokio::select! {
            ended = copy_bidirectional(&mut client, &mut stripe) => return ended.map(drop),
            changed = behind.changed() => changed.map_err(io::Error::other)?,
        }
    }
    Ok(())
}

/// Gives an order to the simulator's control API.
pub(crate) async fn order(stripe: &Simulator, order: &str, body: &Value) -> Result<Value> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let url = format!("{}/_control/{order}", stripe.base_url());
    let request = Request::post(url).body(Full::from(body.to_string()))?;
    let response = client.request(request).await?;
    let status = response.status();
    let answer = response.into_body().collect().await?.to_bytes();
    let answer = String::from_utf8_lossy(&answer);
    ensure!(status.is_success(), "the simulator refuses the order `{order}`: {answer}");
    serde_json::from_str(&answer).with_context(|| format!("the simulator answers `{answer}`"))
}
