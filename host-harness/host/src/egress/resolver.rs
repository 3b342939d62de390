//! Names into addresses, with the private ones left out: what is checked is what is connected to, so a
//! name that resolves anew gains nothing.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::address::is_public;

/// Resolves a name to public addresses; `localhost` alone to loopback ones.
#[derive(Clone, Debug)]
pub(super) struct Resolver;

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
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = keep(name.as_str(), found);
            if allowed.is_empty() {
                let reason = NoPublicAddress(name.as_str().to_owned());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
            }
            Ok(allowed.into_iter())
        })
    }
}

fn keep(name: &str, found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let local = name.eq_ignore_ascii_case("localhost");
    let good = |address: &SocketAddr| {
        if local { address.ip().is_loopback() } else { is_public(address.ip()) }
    };
    found.filter(good).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_answers_are_left_out() {
        let found = || {
            ["127.0.0.1:0", "10.0.0.1:0", "8.8.8.8:0", "[::1]:0", "[::ffff:169.254.169.254]:0"]
                .map(|text| text.parse().unwrap())
                .into_iter()
        };
        assert_eq!(keep("api.stripe.com", found()), ["8.8.8.8:0".parse().unwrap()]);
        assert_eq!(keep("localhost", found()).len(), 2);
    }

    #[tokio::test]
    async fn a_name_for_loopback_is_refused() {
        let name: Name = "localhost.localdomain".parse().unwrap();
        // Whether the machine knows the name or not, it never becomes a loopback connection.
        let answer = Resolver.call(name).await;
        assert!(answer.is_err());
    }
}
