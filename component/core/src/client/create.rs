//! Creates a refund at most once. The result is created, not created, or outcome unknown.
//!
//! The order matters. First the refund of the same operation is looked for, so that a repeated call returns it
//! even when Stripe has forgotten the key and nothing is left to refund. Then the rules are checked against
//! fresh facts. Then the request is sent, always with the key that is derived from the operation. When an
//! answer is lost, the refund is looked for again.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::call::{Failure, exchange};
use super::connection::Connection;
use super::error::{CreateError, NeedsApproval, OperationConflict, OutcomeUnknown};
use super::facts::{Known, gather, unpaid};
use super::pages::all;
use super::transport::Transport;
use crate::eligibility::{Amount, Decision, Facts, Verdict};
use crate::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef};
use crate::metadata::Metadata;
use crate::model::{Charge, Reason, Refund};
use crate::money::Money;
use crate::policy::{Ask, Rules};
use crate::problem::{FieldProblem, Problems};
use crate::wire::requests::{self, CREATE_REFUND, NewRefund};
use crate::wire::{IdempotencyKey, RefusalKind, hex};

/// Most people that a policy may want to agree.
const MOST_APPROVALS: u8 = 9;

/// What to refund, and under which name.
#[derive(Clone, Debug)]
pub struct CreateRequest {
    /// The caller's own name for this refund.
    pub operation_id: OperationId,
    /// What to take it from.
    pub payment: PaymentRef,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: Option<Reason>,
    /// The caller's own keys.
    pub metadata: Metadata,
    /// Connect: give the application fee back in proportion.
    pub refund_application_fee: Option<bool>,
    /// Connect: take the money back from the connected account in proportion.
    pub reverse_transfer: Option<bool>,
    /// Where to send instructions, for methods without native refunds.
    pub instructions_email: Option<String>,
    /// Rules of the merchant.
    pub rules: Rules,
    /// The customer asks, and nobody of the merchant's looked at it.
    pub self_serve: bool,
    /// The hash of the request that somebody approved.
    pub approval: Option<String>,
}

/// How a refund came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Origin {
    /// Made by this call.
    Made,
    /// This call sent the request, and Stripe answered with the outcome of an earlier one.
    Replayed,
    /// Found before anything was sent: an earlier call with this operation id had made it.
    Found,
    /// The answer was lost; the refund was found at Stripe by its operation id.
    Reconciled,
}

/// A refund that exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Created {
    /// As Stripe holds it. Look at its status: it may be pending, or failed by now.
    pub refund: Refund,
    /// How it came about.
    pub origin: Origin,
    /// How often the request to make it was sent; 0 when it was found.
    pub attempts: u32,
    /// Stripe's id of the request that made it.
    pub request_id: Option<String>,
    /// The eligibility verdict; absent when the refund was found.
    pub verdict: Option<Verdict>,
}

/// What [`create`] would do now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Previewed {
    /// The refund of this operation, where it exists: `create` would return it and send nothing.
    pub found: Option<Refund>,
    /// What `create` would refund, and the verdict it rests on; absent where the refund exists.
    pub verdict: Option<Verdict>,
    /// The charge that the money is taken from.
    pub charge: ChargeId,
    /// Its PaymentIntent.
    pub payment_intent: Option<PaymentIntentId>,
}

/// Makes a refund at most once. The result is created, not created, or outcome unknown.
pub fn create(
    transport: &mut dyn Transport,
    connection: &Connection,
    request: &CreateRequest,
) -> Result<Created, CreateError> {
    match examine(transport, connection, request, &[])? {
        Examined::Exists(created, _) => Ok(*created),
        Examined::Permitted { charge, verdict } => {
            send(transport, connection, request, &charge.id, *verdict)
        }
    }
}

/// Says what [`create`] would do now, and sends nothing that changes anything. `earlier` are refunds of the same
/// payment, in the smallest unit, that are assumed to be made before: of the lines before it in a file.
pub fn preview(
    transport: &mut dyn Transport,
    connection: &Connection,
    request: &CreateRequest,
    earlier: &[u64],
) -> Result<Previewed, CreateError> {
    let (charge, found, verdict) = match examine(transport, connection, request, earlier)? {
        Examined::Exists(created, charge) => (charge, Some(created.refund), None),
        Examined::Permitted { charge, verdict } => (charge, None, Some(*verdict)),
    };
    let Charge { id: charge, payment_intent, .. } = *charge;
    Ok(Previewed { found, verdict, charge, payment_intent })
}

/// What is known before anything is sent that changes anything.
enum Examined {
    /// The refund of this operation exists, as it was asked for.
    Exists(Box<Created>, Box<Charge>),
    /// The rules permit it, and every approver that must agree has agreed.
    Permitted { charge: Box<Charge>, verdict: Box<Verdict> },
}

/// Reads the facts and decides. Everything that [`create`] does before it sends.
fn examine(
    transport: &mut dyn Transport,
    connection: &Connection,
    request: &CreateRequest,
    earlier: &[u64],
) -> Result<Examined, CreateError> {
    request.check_input()?;
    let mut facts = match gather(transport, connection, &request.payment)? {
        Known::Charged(facts) => facts,
        Known::Unpaid(intent) => {
            return Err(CreateError::Denied { verdict: unpaid(&intent, &request.amount) });
        }
    };
    let CreateRequest { operation_id, amount, reason, .. } = request;
    if let Some(found) = find_existing(operation_id, amount, reason.as_ref(), &facts.refunds) {
        return Ok(Examined::Exists(Box::new(found?), Box::new(facts.charge)));
    }
    let now = transport.now();
    for amount in earlier {
        assume(&mut facts, *amount, now);
    }
    let verdict = Box::new(decide(request, &facts, now)?);
    Ok(Examined::Permitted { charge: Box::new(facts.charge), verdict })
}

/// Adds a refund to the facts as if it had been made.
fn assume(facts: &mut Facts, amount: u64, now: u64) {
    let charge = &mut facts.charge;
    charge.amount_refunded = charge.amount_refunded.saturating_add(amount);
    // Two assumed refunds are two: the rules count refunds by their ids.
    let id = format!("re_assumed_{}", facts.refunds.len());
    facts.refunds.push(Refund {
        charge: Some(charge.id.clone()),
        payment_intent: charge.payment_intent.clone(),
        created: now,
        ..Refund::assumed(id, Money { amount, currency: charge.currency })
    });
}

impl CreateRequest {
    fn check_input(&self) -> Result<(), Vec<FieldProblem>> {
        let mut problems = Problems::default();
        self.metadata.check_input(&mut problems);
        problems.keep(self.reason.as_ref().map_or(Ok(()), Reason::check_input));
        problems.keep_all(self.amount.check_input());
        problems.into_result()
    }

    fn ask(&self) -> Ask {
        Ask { amount: self.amount, reason: self.reason.clone(), self_serve: self.self_serve }
    }

    /// What an approval binds to: everything that decides where how much money goes, with the amount
    /// resolved, and how many people must agree. Who agreed to one approval did not agree to stand for two.
    fn hash(&self, charge: &ChargeId, amount: Money, approvals: u8) -> String {
        let flag = |flag: Option<bool>| format!("{flag:?}");
        let mut parts = vec![
            "refund-node/approval/1".to_owned(),
            self.operation_id.to_string(),
            charge.to_string(),
            amount.amount.to_string(),
            amount.currency.to_string(),
            self.reason.as_ref().map_or("", Reason::as_str).to_owned(),
            flag(self.refund_application_fee),
            flag(self.reverse_transfer),
            self.instructions_email.clone().unwrap_or_default(),
        ];
        if approvals > 1 {
            parts.push(format!("approvals {approvals}"));
        }
        parts.extend(self.metadata.0.iter().flat_map(|(key, value)| [key.clone(), value.clone()]));
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())
    }
}

/// The refund that an operation made before, among those of its payment; a conflict where amount or reason
/// differ from what is requested now. The caller may have changed the metadata since, so it is not compared.
pub fn find_existing(
    operation_id: &OperationId,
    amount: &Amount,
    reason: Option<&Reason>,
    refunds: &[Refund],
) -> Option<Result<Created, OperationConflict>> {
    let refund = Refund::made_by(operation_id, refunds)?.clone();
    Some(match difference(amount, reason, &refund) {
        Some(detail) => Err(OperationConflict {
            operation_id: operation_id.to_string(),
            existing: Some(Box::new(refund)),
            detail,
        }),
        None => Ok(Created {
            refund,
            origin: Origin::Found,
            attempts: 0,
            request_id: None,
            verdict: None,
        }),
    })
}

fn difference(amount: &Amount, reason: Option<&Reason>, refund: &Refund) -> Option<String> {
    match amount {
        Amount::Exactly(money) if *money != refund.money() => {
            Some(format!("{} was refunded, {money} is asked for", refund.money()))
        }
        _ if reason.is_some() && reason != refund.reason.as_ref() => {
            let made = refund.reason.as_ref().map_or("none", Reason::as_str);
            let asked = reason.map_or("none", Reason::as_str);
            Some(format!("its reason is {made}, {asked} is asked for"))
        }
        _ => None,
    }
}

/// The verdict, if it lets the refund go on.
fn decide(request: &CreateRequest, facts: &Facts, now: u64) -> Result<Verdict, CreateError> {
    let verdict = request.rules.check(&request.ask(), facts, now)?;
    if verdict.decision == Decision::Deny {
        return Err(CreateError::Denied { verdict });
    }
    let hash = |approvals| request.hash(&facts.charge.id, verdict.amount, approvals);
    let needed = verdict.approvals();
    let request_hash = hash(needed);
    // More people than must agree are enough.
    let granted =
        |approval: &String| (needed..=MOST_APPROVALS).any(|count| hash(count) == *approval);
    match &request.approval {
        Some(approval) if granted(approval) => Ok(verdict),
        Some(_) => Err(CreateError::ApprovalMismatch(NeedsApproval { verdict, request_hash })),
        None if verdict.decision == Decision::NeedsApproval => {
            Err(CreateError::NeedsApproval(NeedsApproval { verdict, request_hash }))
        }
        None => Ok(verdict),
    }
}

fn send(
    transport: &mut dyn Transport,
    connection: &Connection,
    request: &CreateRequest,
    charge: &ChargeId,
    verdict: Verdict,
) -> Result<Created, CreateError> {
    let key = IdempotencyKey::derive(&request.operation_id, CREATE_REFUND);
    let refund = NewRefund {
        charge,
        amount: verdict.amount.amount,
        reason: request.reason.as_ref(),
        metadata: &request.metadata.clone().with_operation(&request.operation_id),
        refund_application_fee: request.refund_application_fee,
        reverse_transfer: request.reverse_transfer,
        instructions_email: request.instructions_email.as_deref(),
    };
    let http = requests::create_refund(&refund, key.clone());
    let sent = exchange::<Refund>(transport, connection, &http);
    let attempts = sent.attempts;
    let failure = match sent.outcome {
        Ok(replied) => {
            let origin = if replied.replayed { Origin::Replayed } else { Origin::Made };
            let request_id = replied.request_id;
            let verdict = Some(verdict);
            return Ok(Created { refund: replied.object, origin, attempts, request_id, verdict });
        }
        Err(failure) => failure,
    };
    if !sent.ambiguous {
        return Err(certain(request, failure));
    }
    // Nothing found proves nothing: the request may still be on its way. Only a refund that is there
    // settles it.
    let refunds =
        all(transport, connection, charge.as_str(), |after| requests::refunds_of(charge, after));
    match Refund::made_by(&request.operation_id, &refunds.unwrap_or_default()) {
        Some(refund) => Ok(Created {
            refund: refund.clone(),
            origin: Origin::Reconciled,
            attempts,
            request_id: None,
            verdict: Some(verdict),
        }),
        None => Err(CreateError::OutcomeUnknown(OutcomeUnknown {
            operation_id: request.operation_id.to_string(),
            idempotency_key: key.to_string(),
            attempts,
            detail: failure.brief(),
        })),
    }
}

/// A failure after which certainly no refund was made.
fn certain(request: &CreateRequest, failure: Failure) -> CreateError {
    match failure {
        Failure::Refused(refusal) if refusal.kind == RefusalKind::Idempotency => {
            CreateError::OperationConflict(OperationConflict {
                operation_id: request.operation_id.to_string(),
                existing: None,
                detail: format!(
                    "Stripe has seen its key with other parameters within the last day ({})",
                    refusal.message
                ),
            })
        }
        Failure::Refused(refusal) => CreateError::Refused(refusal),
        Failure::Transport(failure) => CreateError::Transport(failure),
    }
}
