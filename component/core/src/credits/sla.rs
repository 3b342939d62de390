//! What a service level grants after an outage (reference 8.3).

use serde::{Deserialize, Serialize};

use super::input::{Price, check_length};
use super::span::{Coverage, Span, read_spans};
use super::{MAX_TIERS, WHOLE};
use crate::money::Money;
use crate::problem::{FieldProblem, Problems};
use crate::rounding::Rounding;

/// One step of a service level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tier {
    /// Holds when the uptime is below this, in parts per million: 999000 is 99.9 %.
    pub below: u32,
    /// What is credited then, in parts per million of what was paid: 100000 is 10 %.
    pub credit: u32,
}

/// How an outage becomes money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Scale {
    /// Steps, 1 to 100, in any order: the lowest `below` that is still above the uptime counts. No two have one
    /// `below`, and a lower one credits no less.
    Tiers(Vec<Tier>),
    /// What was paid, times the seconds down, divided by the seconds that counted, times this factor in parts
    /// per million: 1000000 gives the time down back.
    Proportional(u32),
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Downtime {
    /// When it was down, at most 10,000 spans. They may overlap, touch and reach beyond the period: what counts
    /// is each second of the period that lies in at least one.
    Incidents(Vec<Span>),
    /// Seconds down outside of maintenance, where nobody knows when; at most the seconds that count.
    Seconds(u64),
}

/// A service level, and what happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SlaRequest {
    /// What was paid for the period.
    pub paid: Price,
    /// The period.
    pub period: Span,
    /// What went wrong.
    pub downtime: Downtime,
    /// Announced maintenance: seconds in here count neither as time down nor as part of the period.
    #[serde(default)]
    pub excluded: Vec<Span>,
    /// How an outage becomes money.
    pub scale: Scale,
    /// Never credit more than this, in parts per million of what was paid, rounded down; all of it when absent.
    #[serde(
        default,
        deserialize_with = "crate::optional::limit",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub cap: Option<u32>,
    /// Credited or refunded for this period before, in the same unit; it is subtracted.
    #[serde(default)]
    pub credited: u64,
    /// `half_up` when absent.
    #[serde(
        default,
        deserialize_with = "crate::optional::value",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub rounding: Option<Rounding>,
}

/// A credit, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quote {
    /// What to give back now: what was earned less what was credited, brought down to an amount that Stripe
    /// takes. May be nothing.
    pub credit: Money,
    /// What the service level grants, before earlier credits are subtracted.
    pub earned: u64,
    /// Share of the period that was up, in parts per million, rounded down.
    pub uptime: u32,
    /// Seconds down that counted, overlaps once.
    pub seconds_down: u64,
    /// Seconds of the period that counted.
    pub seconds_counted: u64,
    /// The tier that holds; absent when none does, and with a proportional scale.
    pub tier: Option<Tier>,
    /// The cap, or what was paid, made it less. False where only the rounding was above the cap.
    pub capped: bool,
    /// The incidents as they counted: inside the period, without maintenance, merged, in order. Empty when only
    /// seconds were given.
    pub merged: Vec<Span>,
}

/// The credit that a service level grants for a period. More time down never grants less, and never more
/// than was paid.
pub fn sla_quote(request: &SlaRequest) -> Result<Quote, Vec<FieldProblem>> {
    let (paid, outage) = check(request)?;
    let rounding = request.rounding.unwrap_or_default();
    let (down, counted) = (outage.down, outage.counted);
    let uptime = outage.uptime();
    let (tier, of, all) = match &request.scale {
        Scale::Tiers(tiers) => {
            let tier = tier_at(tiers, uptime);
            (tier, tier.map_or(0, |tier| tier.credit).into(), u128::from(WHOLE))
        }
        Scale::Proportional(factor) => {
            (None, u128::from(down) * u128::from(*factor), u128::from(counted) * u128::from(WHOLE))
        }
    };
    let granted = rounding.part(paid.amount, of, all);
    let cap = u128::from(request.cap.unwrap_or(WHOLE));
    let limit = Rounding::Down.part(paid.amount, cap, WHOLE.into());
    // The shares themselves are compared: seconds have 64 bits, shares 32, so the products fit.
    let is_above_cap = of * u128::from(WHOLE) > cap * all;
    let earned = granted.min(limit);
    let due = earned.saturating_sub(request.credited);
    Ok(Quote {
        credit: Money { amount: due - due % paid.currency.step(), currency: paid.currency },
        earned,
        uptime,
        seconds_down: down,
        seconds_counted: counted,
        tier,
        capped: granted > limit && is_above_cap,
        merged: outage.merged,
    })
}

/// The lowest step that is still above the uptime.
fn tier_at(tiers: &[Tier], uptime: u32) -> Option<Tier> {
    let holds = tiers.iter().filter(|tier| uptime < tier.below);
    holds.min_by_key(|tier| tier.below).copied()
}

/// How long it was down. `down` is at most `counted`, and `counted` is above zero.
struct Outage {
    down: u64,
    counted: u64,
    merged: Vec<Span>,
}

impl Outage {
    fn measure(request: &SlaRequest) -> Result<Self, Vec<FieldProblem>> {
        let period = request.period;
        let mut problems = Problems::default();
        problems.keep_all(period.check("period"));
        let excluded = problems.keep_all(read_spans(&request.excluded, period, "excluded"));
        let incidents = match &request.downtime {
            Downtime::Incidents(spans) => spans.as_slice(),
            Downtime::Seconds(_) => &[],
        };
        let incidents = problems.keep_all(read_spans(incidents, period, "downtime.incidents"));
        problems.into_result()?;
        // Where one is absent a problem was noted.
        let (excluded, incidents) = excluded.zip(incidents).ok_or_else(Vec::new)?;
        let counted = Coverage::of(&[period], period).without(&excluded).seconds();
        if counted == 0 {
            return Err(vec![FieldProblem::new(
                "excluded",
                excluded.seconds(),
                "seconds of maintenance cover the whole period",
                "leave out what was no maintenance, or the period",
            )]);
        }
        let merged = incidents.without(&excluded);
        let down = match request.downtime {
            Downtime::Incidents(_) => merged.seconds(),
            Downtime::Seconds(seconds) => check_seconds(seconds, counted)?,
        };
        Ok(Self { down, counted, merged: merged.into_spans() })
    }

    /// In parts per million, rounded down: it is below a whole number exactly when the true share is.
    fn uptime(&self) -> u32 {
        let up = self.counted - self.down;
        let share = Rounding::Down.part(up, WHOLE.into(), self.counted.into());
        u32::try_from(share).unwrap_or(WHOLE)
    }
}

fn check_seconds(seconds: u64, counted: u64) -> Result<u64, Vec<FieldProblem>> {
    if seconds <= counted {
        return Ok(seconds);
    }
    Err(vec![FieldProblem::new(
        "downtime.seconds",
        seconds,
        format!("is longer than the period without maintenance, {counted} seconds"),
        "give seconds of this period, each once",
    )])
}

fn check(request: &SlaRequest) -> Result<(Money, Outage), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let paid = problems.keep_all(request.paid.check("paid"));
    let outage = problems.keep_all(Outage::measure(request));
    match &request.scale {
        Scale::Tiers(tiers) => check_tiers(tiers, &mut problems),
        Scale::Proportional(0) => problems.push(FieldProblem::new(
            "scale.proportional",
            0,
            "credits nothing",
            "give parts per million: 1000000 gives the time down back",
        )),
        Scale::Proportional(_) => {}
    }
    if let Some(cap) = request.cap {
        if cap == 0 {
            problems.push(FieldProblem::new(
                "cap",
                cap,
                "credits nothing",
                "leave it out for no cap but what was paid",
            ));
        }
        problems.keep(check_share(cap, "cap"));
    }
    problems.into_result()?;
    // Where one is absent a problem was noted.
    paid.zip(outage).ok_or_else(Vec::new)
}

fn check_tiers(tiers: &[Tier], problems: &mut Problems) {
    const FIELD: &str = "scale.tiers";
    if tiers.is_empty() {
        problems.push(FieldProblem::missing(FIELD, "give at least one tier"));
    }
    if problems.keep(check_length(tiers.len(), MAX_TIERS, FIELD)).is_none() {
        return;
    }
    for (index, tier) in tiers.iter().enumerate() {
        let (below, credit) =
            (format!("{FIELD}[{index}].below"), format!("{FIELD}[{index}].credit"));
        problems.keep(check_share(tier.below, &below));
        problems.keep(check_share(tier.credit, &credit));
        if tier.below == 0 {
            problems.push(FieldProblem::new(
                below,
                0,
                "never holds: no uptime is below it",
                "give parts per million, 999000 for 99.9 %",
            ));
        } else if tiers[..index].iter().any(|earlier| earlier.below == tier.below) {
            problems.push(FieldProblem::new(
                below,
                tier.below,
                "is there twice",
                "keep one of the two tiers",
            ));
        }
        // The service was worse and the credit is smaller: two numbers were mixed up.
        if let Some(better) =
            tiers.iter().find(|other| other.below > tier.below && other.credit > tier.credit)
        {
            problems.push(FieldProblem::new(
                credit,
                tier.credit,
                format!("is less than the {} of the tier below {}", better.credit, better.below),
                "more time down must not credit less",
            ));
        }
    }
}

fn check_share(share: u32, field: &str) -> Result<(), FieldProblem> {
    if share <= WHOLE {
        return Ok(());
    }
    Err(FieldProblem::new(
        field,
        share,
        format!("is more than the whole, {WHOLE}"),
        "give parts per million: 999000 is 99.9 %",
    ))
}
