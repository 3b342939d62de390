//! Where requests may go, and how they get there.
//!
//! A request passes three gates: the allow-list (scheme, host, port, method, path), the addresses its
//! host name resolves to, and the bounds on time and size of the answer. Between the first and the
//! second the key is added.

mod address;
mod allow;
#[cfg(test)]
mod blocks;
mod body;
#[cfg(test)]
mod drift;
mod headers;
mod hook;
#[cfg(test)]
mod near_addresses;
#[cfg(test)]
mod near_misses;
mod pace;
mod resolver;
#[cfg(test)]
mod testing;

pub use allow::{Allow, AllowError, Rule};
pub(crate) use hook::{Egress, Hook};
pub use pace::Pace;
pub use resolver::Resolve;
pub(crate) use resolver::System;
