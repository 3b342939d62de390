//! Listening on this machine, and delivering follow-ups in the meantime.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::exit::Exit;
use crate::stop::asked_to_stop;

/// Listens on a port of this machine.
pub(crate) async fn bind(port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Exit::bad_input(format!(
            "port `{port}` is in use: choose another with --port, 0 takes a free one"
        )),
        _ => Exit::bad_input(format!("cannot listen on {address}: {error}")),
    })
}

/// Answers requests until Ctrl-C. Those under way are waited for: each refund is on disk before it is sent. Meanwhile
/// `deliver` runs, until the future that it is given ends.
pub(crate) async fn serve<D: Future<Output = ()>>(
    listener: TcpListener,
    app: Router,
    deliver: impl FnOnce(Pin<Box<dyn Future<Output = ()> + Send>>) -> D,
) -> anyhow::Result<()> {
    let (ended, end) = oneshot::channel::<()>();
    let serving = async {
        let served = axum::serve(listener, app).with_graceful_shutdown(asked_to_stop()).await;
        drop(ended);
        served
    };
    // The sender is dropped when the server has ended.
    let delivering = deliver(Box::pin(async {
        let _ = end.await;
    }));
    let (served, ()) = tokio::join!(serving, delivering);
    Ok(served?)
}
