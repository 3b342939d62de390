//! One entry of the tables: an operation by its name, what it does to the world, and the function that runs it.

use super::failure::InvokeError;
use crate::client::Transport;

/// An operation of `invoke`. `describe` says the same of it, since the manifest is made from these entries.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    /// `<area>.<verb>`.
    pub(super) name: &'static str,
    /// What it needs, what it changes, and the function that runs it.
    pub(super) handler: Handler,
    /// What the manifest says beside that.
    #[cfg(feature = "schema")]
    pub(super) about: super::about::About,
}

/// Runs an operation: reads the input, calls the rule or the sequence, writes the output.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// Computes, and sends nothing.
    Pure(Pure),
    /// The same, and takes the time of the clock in Unix seconds where there is one.
    Timed(fn(Option<u64>, &str) -> Result<String, InvokeError>),
    /// Reads from Stripe.
    Reads(Http),
    /// Changes an object at Stripe, but moves no money.
    Writes(Http),
    /// Moves money.
    MovesMoney(Http),
}

/// Runs without HTTP.
type Pure = fn(&str) -> Result<String, InvokeError>;

/// Runs over HTTP.
type Http = fn(&mut dyn Transport, &str) -> Result<String, InvokeError>;

impl Operation {
    pub(super) const fn needs_http(&self) -> bool {
        match self.handler {
            Handler::Pure(_) | Handler::Timed(_) => false,
            Handler::Reads(_) | Handler::Writes(_) | Handler::MovesMoney(_) => true,
        }
    }
}

/// The table of an area. For each operation: name, effect and handler, input and output; icon and title; what it does.
macro_rules! operations {
    ($($name:literal: $effect:ident($run:path), $input:ty => $output:ty;
       $icon:ident, $title:literal,
       $description:literal;)*) => {
        &[$(Operation {
            name: $name,
            handler: $crate::dispatch::operation::Handler::$effect($run),
            #[cfg(feature = "schema")]
            about: $crate::dispatch::about::About {
                title: $title,
                description: $description,
                icon: $crate::dispatch::about::icon::$icon,
                input: $crate::dispatch::about::schema::<$input>,
                output: $crate::dispatch::about::schema::<$output>,
            },
        }),*]
    };
}

pub(super) use operations;
