//! `policy test`: a policy is reviewed like code, by its cases.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use refund_core::eligibility::{Decision, Facts, Verdict};
use refund_core::id::{ChargeId, DisputeId};
use refund_core::metadata::Metadata;
use refund_core::model::{
    Charge, ChargeStatus, Dispute as StripeDispute, FraudDetails, PaymentMethodDetails, Refund,
};
use refund_core::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::args::Global;
use crate::context::pure;
use crate::documents::{invoke, parse};
use crate::exit::Exit;
use crate::show;

/// Every case is decided at this instant, so that it comes out the same on every day.
const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    cases: Vec<Case>,
}

/// What was paid, what is asked for, and what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    payment: Payment,
    #[serde(default)]
    ask: CaseRequest,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payment {
    amount: String,
    currency: String,
    #[serde(default)]
    age_days: u32,
    method: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// Given back before, in all.
    refunded: Option<String>,
    /// In so many refunds; one where something was given back.
    refunds: Option<u32>,
    fraud: Option<Reporter>,
    dispute: Option<Dispute>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Reporter {
    Merchant,
    Stripe,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Dispute {
    /// Holds the money.
    Open,
    /// Still permits a refund.
    Inquiry,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct CaseRequest {
    amount: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    self_serve: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    decision: Decision,
    rule: Option<String>,
    approvals: Option<u8>,
    amount: Option<String>,
    because: Option<Vec<String>>,
}

pub(super) async fn run(global: &Global, policy: &Path, file: &Path) -> anyhow::Result<ExitCode> {
    let document: Value = parse(policy)?;
    let Cases { cases } = parse(file)?;
    if cases.is_empty() {
        return Err(Exit::bad_input(format!("{}: there is no case in it", file.display())));
    }
    let mut session = pure(global)?.session().await?;
    let mut told = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let named = |problem: anyhow::Error| {
            Exit::bad_input(format!("{}: cases[{at}] `{}`: {problem:#}", file.display(), case.name))
        };
        let input = case.check(&document).map_err(named)?;
        let verdict: Verdict =
            invoke(&mut session, "eligibility.check", &input).await.map_err(named)?;
        let wrong = case.differences(&verdict).map_err(named)?;
        told.push((case, verdict, wrong));
    }
    let failed = told.iter().filter(|(.., wrong)| !wrong.is_empty()).count();
    if global.json {
        let one = |(case, verdict, wrong): &(&Case, Verdict, Vec<String>)| {
            json!({ "case": case.name, "passed": wrong.is_empty(), "differences": wrong,
                    "sentences": verdict.sentences() })
        };
        let cases: Vec<_> = told.iter().map(one).collect();
        show::json(&json!({ "cases": cases, "failed": failed }));
    } else {
        for (case, verdict, wrong) in &told {
            show::line(format_args!(
                "{} {}",
                if wrong.is_empty() { "ok  " } else { "FAIL" },
                case.name
            ));
            if !wrong.is_empty() {
                for line in wrong {
                    show::line(format_args!("       {line}"));
                }
                for line in verdict.sentences() {
                    show::line(format_args!("       | {line}"));
                }
            }
        }
        show::line(format_args!("{} cases, {failed} failed", told.len()));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The input of `eligibility.check`.
#[derive(Serialize)]
struct Check<'a> {
    #[serde(flatten)]
    facts: Facts,
    document: &'a Value,
    reason: Option<&'a str>,
    self_serve: bool,
    now: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_decimal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
}

/// The name of a rule that failed.
#[derive(Deserialize)]
struct FailedRule {
    rule: String,
}

fn charge_id() -> ChargeId {
    ChargeId::from_stripe("ch_case")
}

fn refund(n: u32, amount: u64, currency: Currency) -> Refund {
    Refund {
        charge: Some(charge_id()),
        ..Refund::assumed(format!("re_case_{n}"), Money { amount, currency })
    }
}

fn report(by: Reporter) -> FraudDetails {
    let report = Some("fraudulent".to_owned());
    match by {
        Reporter::Merchant => FraudDetails { user_report: report, stripe_report: None },
        Reporter::Stripe => FraudDetails { user_report: None, stripe_report: report },
    }
}

fn dispute(kind: Dispute, amount: u64, currency: Currency) -> StripeDispute {
    let (status, is_charge_refundable) = match kind {
        Dispute::Inquiry => ("warning_needs_response", true),
        Dispute::Open => ("needs_response", false),
    };
    StripeDispute {
        id: DisputeId::from_stripe("dp_case"),
        amount,
        currency,
        charge: Some(charge_id()),
        payment_intent: None,
        status: status.to_owned(),
        reason: "general".to_owned(),
        is_charge_refundable,
        created: NOW,
        evidence_details: None,
    }
}

impl Case {
    /// The input of `eligibility.check`.
    fn check<'a>(&'a self, document: &'a Value) -> anyhow::Result<Check<'a>> {
        let asked = self.ask.amount.as_deref();
        Ok(Check {
            facts: self.facts()?,
            document,
            reason: self.ask.reason.as_deref(),
            self_serve: self.ask.self_serve,
            now: NOW,
            amount_decimal: asked,
            currency: asked.map(|_| self.payment.currency.as_str()),
        })
    }

    fn facts(&self) -> anyhow::Result<Facts> {
        let paid = &self.payment;
        let Money { amount, currency } = self.money(&paid.amount)?;
        let refunded = paid.refunded.as_deref().map(|text| self.money(text)).transpose()?;
        let refunded = refunded.map_or(0, |money| money.amount);
        // The first refund holds the sum: how it was spread makes no difference to any rule.
        let count = paid.refunds.unwrap_or(u32::from(refunded > 0));
        let refunds = (0..count).map(|n| refund(n, if n == 0 { refunded } else { 0 }, currency));
        let disputed = |kind: &Dispute| dispute(*kind, amount, currency);
        Ok(Facts {
            charge: Charge {
                id: charge_id(),
                amount,
                currency,
                amount_captured: Some(amount),
                amount_refunded: refunded,
                status: ChargeStatus::Succeeded,
                captured: true,
                refunded: refunded > 0 && refunded == amount,
                disputed: paid.dispute.is_some(),
                created: NOW - u64::from(paid.age_days) * DAY,
                customer: None,
                payment_intent: None,
                payment_method_details: Some(PaymentMethodDetails {
                    kind: Some(paid.method.clone().unwrap_or_else(|| "card".to_owned())),
                    card: None,
                }),
                fraud_details: paid.fraud.map(report),
                balance_transaction: None,
                livemode: false,
                metadata: Metadata(paid.metadata.clone()),
                refunds: None,
            },
            refunds: refunds.collect(),
            disputes: paid.dispute.iter().map(disputed).collect(),
        })
    }

    fn money(&self, text: &str) -> anyhow::Result<Money> {
        let currency = Currency::parse(&self.payment.currency)?;
        Ok(Money::parse_decimal(text, currency)?)
    }

    /// What came out otherwise than expected, in words.
    fn differences(&self, verdict: &Verdict) -> anyhow::Result<Vec<String>> {
        let expect = &self.expect;
        let mut wrong = Vec::new();
        let mut compare = |what: &str, wanted: Option<String>, found: String| {
            if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
                wrong.push(format!("{what}: expected {wanted}, not {found}"));
            }
        };
        compare("decision", Some(expect.decision.to_string()), verdict.decision.to_string());
        let rule = verdict.ruling.as_ref().map(|ruling| ruling.rule.clone()).unwrap_or_default();
        compare("rule", expect.rule.clone(), rule);
        compare(
            "approvals",
            expect.approvals.map(|count| count.to_string()),
            verdict.approvals().to_string(),
        );
        let amount = expect.amount.as_deref().map(|text| self.money(text)).transpose()?;
        let amount =
            amount.map(|money| Money { amount: money.amount, ..verdict.amount }.to_string());
        compare("amount", amount, verdict.amount.to_string());
        let failed: Vec<FailedRule> = serde_json::from_value(json!(verdict.failed))?;
        let because: Vec<_> = failed.into_iter().map(|rule| rule.rule).collect();
        compare(
            "because",
            expect.because.as_ref().map(|names| names.join(", ")),
            because.join(", "),
        );
        Ok(wrong)
    }
}
