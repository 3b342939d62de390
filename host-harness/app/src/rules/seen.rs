//! Refunds that were seen at Stripe: in events, when listing, when read again.

use refund_core::followups::FollowUp;
use refund_core::model::Refund;
use refund_core::request::Request;
use refund_ledger::{Effect, Event, LedgerResult, Operation, Settlement, State, Tx};

use super::moves::{self, state_of};
use super::record::record;
use super::{approval, follow_up, settlement};
use crate::caller::Caller;

/// Takes an event, once, and moves the operation it concerns. Events may come in any order and any number of times.
/// `follow_ups` are what follows from an event about a payment or a dispute; what follows from a refund is decided
/// here, where it is known whether the event is news.
pub fn receive(
    tx: &mut dyn Tx,
    event: &Event,
    refund: Option<&Refund>,
    follow_ups: Vec<FollowUp>,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Effect> {
    if tx.is_known_event(&event.id)? {
        tx.count("repeated")?;
        return Ok(Effect::Repeated);
    }
    let effect = match refund {
        Some(refund) => {
            let seen = apply(tx, refund, caller, now)?;
            follow_up::add(tx, now, |options| seen.follow_ups(refund, options))?;
            seen.effect
        }
        None => Effect::Noted,
    };
    let is_late = event.kind == "charge.refunded" && tx.has_newer_event(event)?;
    let found = if is_late { follow_up::of_late_event(follow_ups) } else { follow_ups };
    follow_up::add(tx, now, |_| found)?;
    tx.insert_event(event, effect.word(), now)?;
    tx.count("accepted")?;
    Ok(effect)
}

/// Takes a refund that was read at Stripe, and moves the operation it belongs to.
pub fn see(tx: &mut dyn Tx, refund: &Refund, caller: &Caller, now: u64) -> LedgerResult<Effect> {
    let seen = apply(tx, refund, caller, now)?;
    // What did not move is no news: nothing follows from it.
    if matches!(seen.effect, Effect::Moved { .. } | Effect::Twice { .. }) {
        follow_up::add(tx, now, |options| seen.follow_ups(refund, options))?;
    }
    Ok(seen.effect)
}

/// A refund beside what the ledger knows.
struct Seen {
    effect: Effect,
    /// How far the refund has come, in whatever order that became known.
    known: State,
    /// The operation that has another refund already.
    twice: Option<Operation>,
}

impl Seen {
    fn new(effect: Effect, known: State) -> Self {
        Self { effect, known, twice: None }
    }

    fn follow_ups(
        &self,
        refund: &Refund,
        options: &refund_core::followups::Options,
    ) -> Vec<FollowUp> {
        let mut found = follow_up::of_seen(refund, self.known, options);
        if let Some(operation) = &self.twice {
            found.extend(follow_up::of_second_refund(operation, refund, options));
        }
        found
    }
}

/// Moves the operation of a refund as far as the refund has come.
fn apply(tx: &mut dyn Tx, refund: &Refund, caller: &Caller, now: u64) -> LedgerResult<Seen> {
    let Some(operation) = operation_of(tx, refund)? else {
        return Ok(Seen::new(Effect::Elsewhere, note_elsewhere(tx, refund, now)?));
    };
    if let Some(known) = operation.refund.as_ref().filter(|known| known.id != refund.id) {
        let effect = Effect::Twice { operation: operation.id().clone(), known: known.id.clone() };
        let known = note_elsewhere(tx, refund, now)?;
        return Ok(Seen { effect, known, twice: Some(operation) });
    }
    let (from, to) = (operation.state, state_of(refund.status.as_ref()));
    if moves::check(from, to, operation.refund.is_some()).is_err() {
        return Ok(Seen::new(Effect::Known { operation: operation.id().clone() }, from));
    }
    let moved = move_to(tx, &operation, to, refund, caller, now)?;
    Ok(Seen::new(Effect::Moved { operation: moved.id().clone(), from, to }, to))
}

fn move_to(
    tx: &mut dyn Tx,
    operation: &Operation,
    to: State,
    refund: &Refund,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Operation> {
    let mut moved = settlement::moved(operation, to, Some(refund), now);
    moved.detail = (to == State::Failed)
        .then(|| "Stripe says it failed: pay the customer in another way".to_owned());
    if !operation.state.has_refund() {
        let origin = refund_core::client::Origin::Found;
        moved.settlement = Some(Settlement::Refunded { origin, verdict: None });
    }
    settlement::keep_charge(tx, &moved)?;
    tx.put_operation(&moved)?;
    approval::close(tx, &moved, now)?;
    record(tx, Some(operation.state), &moved, caller, moved.detail.clone(), None)?;
    Ok(moved)
}

/// By the refund that is known, or by the operation id in the metadata, if that operation asked for such a refund.
fn operation_of(tx: &mut dyn Tx, refund: &Refund) -> LedgerResult<Option<Operation>> {
    if let Some(operation) = tx.operation_of_refund(&refund.id)? {
        return Ok(Some(operation));
    }
    let Some(id) = refund.metadata.operation_id() else { return Ok(None) };
    let Ok(id) = refund_core::id::OperationId::parse(id) else { return Ok(None) };
    Ok(tx.operation(&id)?.filter(|operation| asked_for(&operation.request, refund)))
}

/// Whether a refund that carries the id of an operation is what that asked for.
pub(crate) fn asked_for(request: &Request, refund: &Refund) -> bool {
    let payment = request.payment.as_str();
    let charge = refund.charge.as_ref().is_some_and(|charge| charge.as_str() == payment);
    let intent = refund.payment_intent.as_ref().is_some_and(|intent| intent.as_str() == payment);
    request.amount.is_none_or(|money| money == refund.money()) && (charge || intent)
}

/// Keeps a refund that belongs to no operation, and says how far it has come: events come in any order.
fn note_elsewhere(tx: &mut dyn Tx, refund: &Refund, now: u64) -> LedgerResult<State> {
    let known = tx.refund_elsewhere(&refund.id)?;
    let known = known.map(|known| state_of(known.status.as_deref().map(Into::into).as_ref()));
    let said = state_of(refund.status.as_ref());
    if let Some(known) = known
        && known != said
        && moves::check(known, said, true).is_err()
    {
        return Ok(known);
    }
    tx.put_refund_elsewhere(refund, now)?;
    Ok(said)
}
