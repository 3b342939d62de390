//! Lists that are read to their end.

use serde::de::DeserializeOwned;

use super::call::call;
use super::connection::Connection;
use super::error::{CallError, TransportFailure, TransportKind};
use super::transport::Transport;
use crate::model::{
    CreditNote, CreditNoteLine, Dispute, InvoiceLine, InvoicePayment, Page, Refund,
};
use crate::wire::requests::{FULL_PAGE, Request};

/// Most pages of one list. A charge with more than a thousand refunds is nothing a verdict should be built
/// on; nor is an invoice with more than a thousand payments.
const MAX_PAGES: usize = 10;

/// Reads every page of a list that belongs to `of`.
pub(super) fn all<T: DeserializeOwned + HasId>(
    transport: &mut dyn Transport,
    connection: &Connection,
    of: &str,
    request: impl Fn(Option<&str>) -> Request,
) -> Result<Vec<T>, CallError> {
    let mut objects: Vec<T> = Vec::new();
    for _ in 0..MAX_PAGES {
        let after = objects.last().map(HasId::id);
        let page: Page<T> = call(transport, connection, &request(after))?;
        let more = page.has_more && !page.data.is_empty();
        objects.extend(page.data);
        if !more {
            return Ok(objects);
        }
    }
    let most = MAX_PAGES * usize::from(FULL_PAGE);
    Err(CallError::Transport(TransportFailure {
        kind: TransportKind::TooLarge,
        detail: format!("{of} has more than {most} {}", T::PLURAL),
        attempts: u32::try_from(MAX_PAGES).unwrap_or(u32::MAX),
    }))
}

/// What a cursor is made of.
pub(super) trait HasId {
    /// What several of them are called.
    const PLURAL: &'static str;

    /// The id.
    fn id(&self) -> &str;
}

impl HasId for Refund {
    const PLURAL: &'static str = "refunds";

    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl HasId for Dispute {
    const PLURAL: &'static str = "disputes";

    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl HasId for InvoiceLine {
    const PLURAL: &'static str = "lines";

    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl HasId for InvoicePayment {
    const PLURAL: &'static str = "payments";

    fn id(&self) -> &str {
        &self.id
    }
}

impl HasId for CreditNote {
    const PLURAL: &'static str = "credit notes";

    fn id(&self) -> &str {
        &self.id
    }
}

impl HasId for CreditNoteLine {
    const PLURAL: &'static str = "lines";

    fn id(&self) -> &str {
        &self.id
    }
}
