//! Where follow-ups go.

use std::time::Duration;

use refund_core::followups::Kind;

use crate::command::CommandSink;
use crate::delivery::Delivery;
use crate::email::EmailSink;
use crate::http_sink::HttpSink;
use crate::message::Message;

/// A sink: a name, what it wants, and how it takes it.
#[derive(Debug)]
pub struct Sink {
    /// Its name; messages refer to it, so it stays.
    pub name: String,
    /// What it wants; everything when empty.
    pub follow_ups: Vec<Kind>,
    /// How many deliveries at a time.
    pub concurrency: usize,
    /// How long one delivery may take.
    pub timeout: Duration,
    /// How it takes it.
    pub target: Target,
}

/// How a sink takes messages.
#[derive(Debug)]
pub enum Target {
    /// A signed POST.
    Http(Box<HttpSink>),
    /// A program.
    Command(CommandSink),
    /// A mail.
    Email(Box<EmailSink>),
}

impl Sink {
    /// Whether it wants a follow-up of this kind.
    pub fn wants(&self, kind: Kind) -> bool {
        self.follow_ups.is_empty() || self.follow_ups.contains(&kind)
    }

    /// Whether it can deliver a message to a customer only with an address of the customer.
    pub(crate) fn writes_to_customers(&self) -> bool {
        matches!(&self.target, Target::Email(sink) if sink.writes_to_customers())
    }

    /// Hands it a message, within the time it has.
    pub async fn deliver(&self, message: &Message, now: u64) -> Delivery {
        let delivery = async {
            match &self.target {
                Target::Http(sink) => sink.deliver(message, now).await,
                Target::Command(sink) => sink.deliver(message).await,
                Target::Email(sink) => sink.deliver(message).await,
            }
        };
        tokio::time::timeout(self.timeout, delivery).await.unwrap_or_else(|_| {
            Delivery::failed(format!("no answer within {} s", self.timeout.as_secs_f32()))
        })
    }
}
