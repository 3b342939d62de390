//! What requests and answers look like on the wire, and what an answer means for the next try.

mod answer;
mod body;
mod form;
mod idempotency;
mod refusal;
pub mod requests;
pub mod retry;

pub use answer::{Answer, Replied};
pub(crate) use answer::{NoObject, read};
pub use body::{Body, Multipart};
pub use form::Form;
pub use idempotency::IdempotencyKey;
pub use idempotency::hex;
pub use refusal::{Refusal, RefusalKind};
