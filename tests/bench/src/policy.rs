//! A policy of 200 rules, asked in the sandbox. The document is read once; the payment falls under its last rule.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use refund_host::api::eligibility::{Amount, Ask, Facts};
use refund_host::api::types::{Charge, ChargeStatus, Money};
use refund_host::{Node, Policy};
use serde_json::json;

use crate::figures::{Measured, Rows, median};

const RULES: usize = 200;
const ROUNDS: usize = 5;
const CHECKS: u32 = 20_000;
/// 20,000 a second.
const GOAL: Duration = Duration::from_micros(50);
const NOW: u64 = 1_790_000_000;

pub(crate) async fn measure(node: &Node) -> Rows {
    let read = node.policy(&document()).await?;
    let mut policy = read.map_err(|problems| anyhow!("{problems:?}"))?;
    let (ask, facts) = (ask(), facts());
    let mut ours = Vec::new();
    checked(&mut policy, &ask, &facts).await?;
    for _ in 0..ROUNDS {
        ours.push(checked(&mut policy, &ask, &facts).await?);
    }
    Ok(vec![Measured::against_goal("policy of 200 rules, a check", median(ours), GOAL)])
}

async fn checked(policy: &mut Policy, ask: &Ask, facts: &Facts) -> anyhow::Result<Duration> {
    let start = Instant::now();
    for _ in 0..CHECKS {
        let verdict = policy.check(ask, facts, NOW).await?;
        let verdict = verdict.map_err(|problems| anyhow!("{problems:?}"))?;
        let rule = verdict.ruling.map(|ruling| ruling.rule);
        anyhow::ensure!(rule.as_deref() == Some("rule-199"), "decided by {rule:?}");
    }
    Ok(start.elapsed() / CHECKS)
}

fn document() -> String {
    let rule = |n: usize| {
        json!({
            "id": format!("rule-{n}"),
            "when": { "product": [format!("product-{n}")], "payment_method": ["card", "sepa_debit"] },
            "then": { "window_days": 30 + n, "approve_up_to": { "usd": "50.00", "eur": "50.00" } },
        })
    };
    let rules: Vec<_> = (0..RULES).map(rule).collect();
    let never = json!({ "never_above": { "usd": "500.00", "eur": "500.00" }, "max_attempts": 3 });
    json!({ "name": "bench", "version": "1", "defaults": never, "rules": rules }).to_string()
}

fn ask() -> Ask {
    let money = Money { amount: 2_000, currency: "usd".to_owned() };
    Ask { amount: Amount::Exactly(money), reason: None, self_serve: false }
}

fn facts() -> Facts {
    let text = |text: &str| Some(text.to_owned());
    let charge = Charge {
        id: "ch_3PqRsT2eZvKYlo2C1xYzAbCd".to_owned(),
        amount: Money { amount: 10_000, currency: "usd".to_owned() },
        amount_captured: 10_000,
        amount_refunded: 0,
        status: ChargeStatus::Succeeded,
        captured: true,
        refunded: false,
        disputed: false,
        created: NOW - 864_000,
        customer: text("cus_QxYz1234567890"),
        payment_intent: text("pi_3PqRsT2eZvKYlo2C0abcdefg"),
        payment_method_type: text("card"),
        card_fingerprint: text("Xt5EWLLDS7FJjR1c"),
        fraud_user_report: None,
        fraud_stripe_report: None,
        balance_transaction: None,
        livemode: false,
        metadata: vec![("product".to_owned(), format!("product-{}", RULES - 1))],
    };
    Facts { charge, refunds: Vec::new(), disputes: Vec::new() }
}
