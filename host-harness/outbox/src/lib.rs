//! The outbox: follow-ups wait here until somebody took them. Nothing is ever dropped.
//!
//! A [`refund_core::followups::FollowUp`] becomes one [`Message`] for each sink that wants it
//! ([`Sinks::route`]), and a [`Store`] keeps them. The [`Dispatcher`] claims what is due, hands it to the
//! sink and writes down what came of it:
//!
//! - **At least once, under one id.** A claim is for a while only. Who crashes between delivery and mark
//!   delivers again, with the same id; receivers drop what they saw.
//! - **In order.** Of two messages of one sink and one subject, the later one waits for the earlier one.
//! - **Nobody holds up anybody.** Each sink has its own queue, its own workers and its own pace.
//! - **A dead receiver loses nothing.** After the last try ([`schedule`]) a message is dead: kept, listed,
//!   and sent again when somebody asks.
//! - **A customer's address is looked for at delivery** ([`ContactFinder`]), where the follow-up has none. What was
//!   found is in the store before a sink gets it: a body is the same in every try.
//!
//! What receivers get, and in what form, is in `docs/follow-ups.md`.

mod clock;
mod command;
mod config;
mod contact;
mod delivery;
mod dispatcher;
mod email;
mod http_sink;
mod message;
pub mod schedule;
mod secret;
mod signature;
mod sink;
mod store;
mod templates;

pub use clock::Clock;
pub use command::CommandSink;
pub use config::{ConfigError, Sinks};
pub use contact::{ContactFinder, NoContactFinder, PaymentNotRead};
pub use delivery::Delivery;
pub use dispatcher::{Dispatcher, DispatcherOptions, RoundReport};
pub use email::{EmailSink, Security, Server};
pub use http_sink::HttpSink;
pub use message::{Claimed, Key, Message, State};
pub use secret::{SecretError, SigningSecret};
pub use signature::{Signed, sign};
pub use sink::{Sink, Target};
pub use store::{Store, StoreError};
pub use templates::{Mail, Templates};
