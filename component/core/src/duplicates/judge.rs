//! From charges of one key to groups, and how sure each is.

use std::collections::HashSet;

use super::group::{Basis, Confidence, Group, Observation};
use super::window::Seen;
use crate::id::{ChargeId, CustomerId};
use crate::sort::sort_by;

/// Groups charges that are alike, greedily from the oldest: the first opens a group, later ones within
/// the window of the first join it. A second charge of a payment that is in the group already is no
/// duplicate, and a charge seen twice counts once.
pub(super) fn groups(mut charges: Vec<&Seen>, window: u64, keys: &[String]) -> Vec<Group> {
    sort_by(&mut charges, |a, b| (a.created, a.id()).cmp(&(b.created, b.id())));
    charges.dedup_by_key(|charge| charge.id());
    let mut found = Vec::new();
    let mut rest = charges.into_iter().peekable();
    while let Some(first) = rest.next() {
        let end = first.created.saturating_add(window);
        let mut payments: HashSet<_> = first.payment_intent().into_iter().collect();
        let mut members = vec![first];
        while let Some(next) = rest.next_if(|next| next.created <= end) {
            if next.payment_intent().is_none_or(|payment| payments.insert(payment)) {
                members.push(next);
            }
        }
        if members.len() > 1 {
            found.push(judge(first, &members, keys));
        }
    }
    found
}

fn judge(first: &Seen, members: &[&Seen], keys: &[String]) -> Group {
    let mut observations = Vec::new();
    let mut confidence = Confidence::Medium;
    if first.by_customer {
        observations.push(Observation::SameCustomer);
        confidence = Confidence::High;
    }
    confidence = cards(members, confidence, &mut observations);
    confidence = references(members, keys, confidence, &mut observations);
    for member in members.iter().filter(|member| member.is_partly_refunded) {
        observations.push(Observation::PartlyRefunded(ChargeId::from_stripe(member.id())));
        confidence = Confidence::Low;
    }
    let last_created = members.last().map_or(first.created, |member| member.created);
    observations.push(Observation::SecondsApart(last_created - first.created));
    Group {
        keep: ChargeId::from_stripe(first.id()),
        refund: members.iter().skip(1).map(|member| ChargeId::from_stripe(member.id())).collect(),
        amount: first.amount,
        currency: first.currency,
        basis: if first.by_customer {
            Basis::Customer(CustomerId::from_stripe(first.basis()))
        } else {
            Basis::CardFingerprint(first.basis().to_owned())
        },
        first_created: first.created,
        last_created,
        confidence,
        observations,
    }
}

/// One card speaks for it, several speak against it; an unknown card says nothing.
fn cards(members: &[&Seen], confidence: Confidence, out: &mut Vec<Observation>) -> Confidence {
    let known: HashSet<_> = members.iter().filter_map(|member| member.card()).collect();
    if known.len() > 1 {
        out.push(Observation::DifferentCards);
        return if confidence == Confidence::High { Confidence::Medium } else { Confidence::Low };
    }
    if known.len() == 1 && members.iter().all(|member| member.card().is_some()) {
        out.push(Observation::SameCard);
    }
    confidence
}

/// The same order paid twice is sure; two orders of the same amount are probably two orders.
fn references(
    members: &[&Seen],
    keys: &[String],
    mut confidence: Confidence,
    out: &mut Vec<Observation>,
) -> Confidence {
    let mut differ = false;
    for (at, key) in keys.iter().enumerate() {
        let values: Vec<_> = members.iter().map(|member| member.reference(at)).collect();
        let known: HashSet<_> = values.iter().flatten().collect();
        if known.len() > 1 {
            out.push(Observation::DifferentReference(key.clone()));
            differ = true;
        } else if known.len() == 1 && values.iter().all(Option::is_some) {
            out.push(Observation::SameReference(key.clone()));
            confidence = Confidence::High;
        }
    }
    if differ { Confidence::Low } else { confidence }
}
