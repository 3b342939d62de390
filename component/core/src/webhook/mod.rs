//! Webhooks: is it from Stripe, what does it say, what follows from it (reference 5).

mod event;
mod instant;
mod interpret;
mod signature;

pub use event::{Event, ParseError, RelatedObject, Subject, parse};
pub use interpret::{Action, interpret};
pub use signature::{DEFAULT_TOLERANCE, Verified, VerifyError, VerifyOptions, verify};
