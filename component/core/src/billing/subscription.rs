//! Which period of a subscription is meant.

use serde::{Deserialize, Serialize};

use crate::credits::Span;
use crate::id::{InvoiceId, ItemId, SubscriptionId};
use crate::model::{Subscription, SubscriptionItem};
use crate::problem::FieldProblem;

/// The period of a subscription, or of one of its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubscriptionPeriod {
    /// The subscription, `sub_…`.
    pub subscription: SubscriptionId,
    /// In Stripe's word: `active`, `canceled`, `past_due` and so on.
    pub status: String,
    /// The item, `si_…`; absent when none was named and several have this period.
    pub item: Option<ItemId>,
    /// The period that is under way, or was when the subscription ended.
    pub period: Span,
    /// The newest invoice, `in_…`. After a change in the middle of the period it is not the one that billed it.
    pub latest_invoice: Option<InvoiceId>,
    /// When it ended, Unix seconds.
    pub ended_at: Option<u64>,
}

impl SubscriptionPeriod {
    /// Of the item that is named, else the one that all items have.
    pub(crate) fn find(of: Subscription, named: Option<&ItemId>) -> Result<Self, FieldProblem> {
        let (item, period) = match named {
            Some(id) => (Some(id.clone()), period(the_item(&of, id)?)),
            None => the_only(&of)?,
        };
        Ok(Self {
            subscription: of.id,
            status: of.status,
            item,
            period,
            latest_invoice: of.latest_invoice,
            ended_at: of.ended_at,
        })
    }
}

/// A subscription's period is the one it is in now. Where it ends at the very start of that, the period before
/// may have been meant: the same call made once more after the renewal would give all of the new one back.
pub fn check_begun(ends: u64, period: Span) -> Result<(), FieldProblem> {
    if ends > period.start {
        return Ok(());
    }
    let problem = format!("is not after {}, when the subscription's period began", period.start);
    let fix = "give the invoice of the period that is meant instead of the subscription";
    Err(FieldProblem::new("ends", ends, problem, fix))
}

fn the_item<'a>(of: &'a Subscription, id: &ItemId) -> Result<&'a SubscriptionItem, FieldProblem> {
    let found = of.items.data.iter().find(|item| item.id == *id);
    found.ok_or_else(|| {
        let problem = format!("is no item of {}, which has {}", of.id, listed(of));
        FieldProblem::new("item", id, problem, "name one of these")
    })
}

fn the_only(of: &Subscription) -> Result<(Option<ItemId>, Span), FieldProblem> {
    let Some((first, others)) = of.items.data.split_first() else {
        let fix = "give the invoice of the period instead";
        return Err(FieldProblem::new("subscription", &of.id, "has no items", fix));
    };
    let common = period(first);
    if of.items.has_more || others.iter().any(|other| period(other) != common) {
        let problem = format!("is needed: the periods of {} differ: {}", of.id, listed(of));
        return Err(FieldProblem::new("item", "", problem, "name one of these"));
    }
    Ok((others.is_empty().then(|| first.id.clone()), common))
}

fn period(item: &SubscriptionItem) -> Span {
    Span { start: item.current_period_start, end: item.current_period_end }
}

/// `si_1 (1790000000 to 1792592000)`, and so on.
fn listed(of: &Subscription) -> String {
    let named = |item: &SubscriptionItem| {
        let Span { start, end } = period(item);
        format!("{} ({start} to {end})", item.id)
    };
    let mut all: Vec<_> = of.items.data.iter().map(named).collect();
    if of.items.has_more {
        all.push("more that Stripe did not list: give the invoice instead".to_owned());
    }
    all.join(", ")
}
