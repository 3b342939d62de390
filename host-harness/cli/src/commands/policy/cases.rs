//! `policy test`: a policy is reviewed like code, by its cases.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use refund_core::eligibility::{Decision, Verdict};
use refund_core::money::{Currency, Money};
use serde::Deserialize;
use serde_json::{Value, json};

use super::document::{parse, read};
use super::invoke;
use crate::args::Global;
use crate::context::pure;
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
    ask: Asked,
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
struct Asked {
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
    let document = read(policy)?;
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
        let input = case.input(&document).map_err(named)?;
        let verdict = invoke(&mut session, "eligibility.check", &input).await.map_err(named)?;
        let verdict: Verdict = serde_json::from_value(verdict)?;
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
        show::line(json!({ "cases": cases, "failed": failed }));
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

impl Case {
    /// The input of `eligibility.check`.
    fn input(&self, document: &Value) -> anyhow::Result<Value> {
        let paid = &self.payment;
        let money = |text: &str| self.money(text);
        let amount = money(&paid.amount)?;
        let refunded = paid.refunded.as_deref().map_or(Ok(0), money)?;
        let mut input = json!({
            "charge": {
                "id": "ch_case", "amount": amount, "amount_captured": amount, "currency": paid.currency,
                "amount_refunded": refunded, "refunded": refunded > 0 && refunded == amount,
                "status": "succeeded", "captured": true, "created": NOW - u64::from(paid.age_days) * DAY,
                "payment_method_details": { "type": paid.method.as_deref().unwrap_or("card") },
                "metadata": paid.metadata, "disputed": paid.dispute.is_some(),
            },
            "document": document, "reason": self.ask.reason, "self_serve": self.ask.self_serve, "now": NOW,
        });
        match paid.fraud {
            Some(Reporter::Merchant) => {
                input["charge"]["fraud_details"] = json!({ "user_report": "fraudulent" });
            }
            Some(Reporter::Stripe) => {
                input["charge"]["fraud_details"] = json!({ "stripe_report": "fraudulent" });
            }
            None => {}
        }
        // The first refund holds the sum: how it was spread makes no difference to any rule.
        let count = paid.refunds.unwrap_or(u32::from(refunded > 0));
        let refunds = (0..count).map(|n| {
            json!({ "id": format!("re_case_{n}"), "charge": "ch_case", "currency": paid.currency,
                    "amount": if n == 0 { refunded } else { 0 }, "status": "succeeded" })
        });
        input["refunds"] = refunds.collect();
        if let Some(dispute) = paid.dispute {
            let inquiry = matches!(dispute, Dispute::Inquiry);
            input["disputes"] = json!([{
                "id": "dp_case", "charge": "ch_case", "amount": amount, "currency": paid.currency, "created": NOW,
                "status": if inquiry { "warning_needs_response" } else { "needs_response" },
                "reason": "general", "is_charge_refundable": inquiry,
            }]);
        }
        if let Some(asked) = &self.ask.amount {
            input["amount_decimal"] = json!(asked);
            input["currency"] = json!(paid.currency);
        }
        Ok(input)
    }

    fn money(&self, text: &str) -> anyhow::Result<u64> {
        let currency = Currency::parse(&self.payment.currency)?;
        Ok(Money::parse_decimal(text, currency)?.amount)
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
        let amount = amount.map(|amount| Money { amount, ..verdict.amount }.to_string());
        compare("amount", amount, verdict.amount.to_string());
        let because: Vec<_> = verdict
            .failed
            .iter()
            .map(|rule| json!(rule)["rule"].as_str().unwrap_or_default().to_owned())
            .collect();
        compare(
            "because",
            expect.because.as_ref().map(|names| names.join(", ")),
            because.join(", "),
        );
        Ok(wrong)
    }
}
