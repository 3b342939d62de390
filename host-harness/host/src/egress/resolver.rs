//! Names into addresses, with the private ones left out: what is checked is what is connected to, so a
//! name that resolves anew gains nothing.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::address::is_public;

/// Names into addresses, for platforms that have a way of their own. What it answers is looked at like any
/// other answer: private addresses are left out.
pub trait Resolve: Send + Sync {
    /// The addresses of a name, in the order in which they are tried.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// A boxed future.
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Asks the system.
#[derive(Debug)]
pub(crate) struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Resolves a name to public addresses; `localhost` alone to loopback ones.
#[derive(Clone)]
pub(super) struct Resolver(pub(super) Arc<dyn Resolve>);

/// No address that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no public address")]
pub(super) struct NoPublicAddress(String);

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolve = Arc::clone(&self.0);
        Box::pin(async move {
            let found = resolve.resolve(name.as_str()).await?;
            let allowed = keep(name.as_str(), found);
            if allowed.is_empty() {
                let reason = NoPublicAddress(name.as_str().to_owned());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
            }
            Ok(allowed.into_iter())
        })
    }
}

/// The port is not known here; the connector sets it.
fn keep(name: &str, found: Vec<IpAddr>) -> Vec<SocketAddr> {
    let local = name.eq_ignore_ascii_case("localhost");
    let good = |ip: &IpAddr| if local { ip.is_loopback() } else { is_public(*ip) };
    found.into_iter().filter(good).map(|ip| SocketAddr::new(ip, 0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_answers_are_left_out() {
        let found = || {
            ["127.0.0.1", "10.0.0.1", "8.8.8.8", "::1", "::ffff:169.254.169.254"]
                .map(|text| text.parse().unwrap())
                .to_vec()
        };
        assert_eq!(keep("api.stripe.com", found()), ["8.8.8.8:0".parse().unwrap()]);
        assert_eq!(keep("localhost", found()).len(), 2);
    }

    #[tokio::test]
    async fn a_name_for_loopback_is_refused() {
        let name: Name = "localhost.localdomain".parse().unwrap();
        // Whether the machine knows the name or not, it never becomes a loopback connection.
        let answer = Resolver(Arc::new(System)).call(name).await;
        assert!(answer.is_err());
    }
}
