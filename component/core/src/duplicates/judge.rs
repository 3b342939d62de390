//! From charges of one key to groups, and how sure each is.

use std::collections::HashSet;

use super::group::{Basis, Confidence, Group, Observation};
use super::scanner::{Key, Seen};

/// Groups the charges of one key, greedily from the oldest: the first opens a group, later ones within
/// the window of the first join it. A second charge of a payment that is in the group already is no
/// duplicate, and a charge seen twice counts once.
pub(super) fn groups(
    key: &Key,
    mut charges: Vec<Seen>,
    window: u64,
    keys: &[String],
) -> Vec<Group> {
    charges.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    charges.dedup_by(|a, b| a.id == b.id);
    let mut found = Vec::new();
    let mut rest = charges.into_iter().peekable();
    while let Some(first) = rest.next() {
        let end = first.created.saturating_add(window);
        let mut intents: HashSet<_> = first.intent.clone().into_iter().collect();
        let mut members = vec![first];
        while let Some(next) = rest.next_if(|next| next.created <= end) {
            let new = next.intent.as_ref().is_none_or(|intent| intents.insert(intent.clone()));
            if new {
                members.push(next);
            }
        }
        if members.len() > 1 {
            found.push(judge(key, &members, keys));
        }
    }
    found
}

fn judge(key: &Key, members: &[Seen], keys: &[String]) -> Group {
    let mut observations = Vec::new();
    let mut confidence = Confidence::Medium;
    if matches!(key.basis, Basis::Customer(_)) {
        observations.push(Observation::SameCustomer);
        confidence = Confidence::High;
    }
    confidence = cards(members, confidence, &mut observations);
    confidence = references(members, keys, confidence, &mut observations);
    for member in members.iter().filter(|member| member.partly_refunded) {
        observations.push(Observation::PartlyRefunded(member.id.clone()));
        confidence = Confidence::Low;
    }
    let first_created = members.first().map_or(0, |member| member.created);
    let last_created = members.last().map_or(0, |member| member.created);
    observations.push(Observation::SecondsApart(last_created - first_created));
    let mut ids = members.iter().map(|member| member.id.clone());
    Group {
        // A group has at least two members.
        keep: ids.next().unwrap_or_else(|| crate::id::ChargeId::from_stripe("")),
        refund: ids.collect(),
        amount: key.amount,
        currency: key.currency,
        basis: key.basis.clone(),
        first_created,
        last_created,
        confidence,
        observations,
    }
}

/// One card speaks for it, several speak against it; an unknown card says nothing.
fn cards(members: &[Seen], confidence: Confidence, out: &mut Vec<Observation>) -> Confidence {
    let known: HashSet<_> = members.iter().filter_map(|member| member.card.as_ref()).collect();
    if known.len() > 1 {
        out.push(Observation::DifferentCards);
        return if confidence == Confidence::High { Confidence::Medium } else { Confidence::Low };
    }
    if known.len() == 1 && members.iter().all(|member| member.card.is_some()) {
        out.push(Observation::SameCard);
    }
    confidence
}

/// The same order paid twice is sure; two orders of the same amount are probably two orders.
fn references(
    members: &[Seen],
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
