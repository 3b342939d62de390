//! The dry run: what a run would do, with nothing sent. Facts are read from Stripe, nothing is written
//! there or in the ledger.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use refund_host::Node;
use refund_host::api::node::InvokeError;
use refund_ledger::{NewOperation, with_rules};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use refund_lines::Line;

/// Reasons kept with their lines; more are only counted.
const MOST_TOLD: usize = 1000;

/// A sum of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub lines: u64,
    /// In the smallest unit.
    pub amount: u64,
}

/// What a run would do.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    /// Would be refunded, by currency.
    pub refunds: BTreeMap<String, Sum>,
    /// Would wait for a person, by currency.
    pub approvals: BTreeMap<String, Sum>,
    /// Are refunded already under the same operation id.
    pub done: u64,
    /// Would be refused: line and reason, the first of them.
    pub refused: Vec<(u64, String)>,
    /// How many would be refused.
    pub refused_lines: u64,
    /// Could not be looked up: line and reason, the first of them.
    pub unknown: Vec<(u64, String)>,
    /// How many could not be looked up.
    pub unknown_lines: u64,
    /// The fees that Stripe keeps, by currency.
    pub fees: BTreeMap<String, u64>,
    /// Lines whose fee is estimated.
    pub estimated_fees: u64,
}

/// Looks at lines, many at a time.
pub struct Forecaster {
    node: Node,
    connection: Value,
    policy: Value,
    in_flight: usize,
    under_way: JoinSet<(u64, Line, Result<Value, String>)>,
    /// What is left of each payment after the lines before, by a hash of its charge.
    left: HashMap<u64, u64>,
    /// Operations of the lines before: the hash of an id, with line and hash of its request.
    seen: HashMap<u64, (u64, u64)>,
    forecast: Forecast,
}

impl Forecaster {
    /// Gets ready; `connection` and `policy` are fields of the operations' inputs.
    pub fn new(node: Node, connection: Value, policy: Value, in_flight: usize) -> Self {
        Self {
            node,
            connection,
            policy,
            in_flight: in_flight.max(1),
            under_way: JoinSet::new(),
            left: HashMap::new(),
            seen: HashMap::new(),
            forecast: Forecast::default(),
        }
    }

    /// Looks at one more line.
    pub async fn take(&mut self, number: u64, line: Line) {
        let id = line.request.operation.as_str();
        let request = hash(&NewOperation::new(&line.request).request_hash());
        if let Some((first, known)) = self.seen.get(&hash(&id)) {
            let said = if *known == request {
                "says the same as line"
            } else {
                "has other values on line"
            };
            return self
                .refuse(number, format!("operation `{id}` {said} {first}: one id is one refund"));
        }
        self.seen.insert(hash(&id), (number, request));
        if self.under_way.len() >= self.in_flight {
            self.one_ended().await;
        }
        let mut input = json!({
            "payment": line.request.payment.as_str(),
            "connection": self.connection,
            "reason": line.request.reason,
        });
        with_rules(&mut input, self.policy.clone());
        if let Some(money) = line.request.amount {
            input["amount"] = json!(money.amount);
            input["currency"] = json!(money.currency.as_str());
        }
        let node = self.node.clone();
        self.under_way.spawn(async move {
            let checked = check(&node, &input).await;
            (number, line, checked)
        });
    }

    /// A line that the file itself refuses.
    pub fn refuse(&mut self, number: u64, reason: String) {
        self.forecast.refused_lines += 1;
        if self.forecast.refused.len() < MOST_TOLD {
            self.forecast.refused.push((number, reason));
        }
    }

    /// Waits for the rest.
    pub async fn finish(mut self) -> Forecast {
        while !self.under_way.is_empty() {
            self.one_ended().await;
        }
        self.forecast.refused.sort();
        self.forecast.unknown.sort();
        self.forecast
    }

    async fn one_ended(&mut self) {
        match self.under_way.join_next().await {
            Some(Ok((number, line, Ok(checked)))) => self.count(number, &line, &checked),
            Some(Ok((number, _, Err(reason)))) => self.not_known(number, reason),
            Some(Err(error)) => self.not_known(0, error.to_string()),
            None => {}
        }
    }

    fn not_known(&mut self, number: u64, reason: String) {
        self.forecast.unknown_lines += 1;
        if self.forecast.unknown.len() < MOST_TOLD {
            self.forecast.unknown.push((number, reason));
        }
    }

    fn count(&mut self, number: u64, line: &Line, checked: &Value) {
        let operation = line.request.operation.as_str();
        let refunds = checked["facts"]["refunds"].as_array().into_iter().flatten();
        if refunds.clone().any(|one| one["metadata"]["refund_node_operation"] == operation) {
            self.forecast.done += 1;
            return;
        }
        let verdict = &checked["verdict"];
        if verdict["decision"] == "deny" {
            return self.refuse(number, explain(verdict));
        }
        let amount = match line.request.amount {
            Some(money) => money.amount,
            None => verdict["refundable"]["amount"].as_u64().unwrap_or_default(),
        };
        if let Some(reason) = self.spend(checked, line.request.amount.is_none(), amount) {
            return self.refuse(number, reason);
        }
        let currency = verdict["amount"]["currency"].as_str().unwrap_or_default().to_owned();
        let sums = if verdict["decision"] == "approve" {
            &mut self.forecast.refunds
        } else {
            &mut self.forecast.approvals
        };
        let sum = sums.entry(currency).or_default();
        sum.lines += 1;
        sum.amount += amount;
        let fee = &verdict["fee_kept"];
        if let Some(kept) = fee["share"]["amount"].as_u64() {
            let currency = fee["share"]["currency"].as_str().unwrap_or_default().to_owned();
            *self.forecast.fees.entry(currency).or_default() += kept;
            self.forecast.estimated_fees += u64::from(fee["source"] == "estimated");
        }
    }

    /// Several lines may name one payment: together they may not take more than is left.
    fn spend(&mut self, checked: &Value, everything: bool, amount: u64) -> Option<String> {
        let charge = checked["facts"]["charge"]["id"].as_str()?;
        let refundable = checked["verdict"]["refundable"]["amount"].as_u64()?;
        let left = self.left.entry(hash(&charge)).or_insert(refundable);
        if everything && *left < refundable {
            return Some(format!(
                "lines before take a part of {charge}: `all` would be less than it is now, give an amount"
            ));
        }
        if amount > *left {
            return Some(format!("lines before take so much of {charge} that too little is left"));
        }
        *left -= amount;
        None
    }
}

/// Enough to tell lines of one file apart; what is sent never depends on it.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

async fn check(node: &Node, input: &Value) -> Result<Value, String> {
    match node.invoke("eligibility.check-live", &input.to_string()).await {
        Ok(Ok(output)) => serde_json::from_str(&output).map_err(|error| error.to_string()),
        Ok(Err(InvokeError::Failed(failure))) => Err(failure.message),
        Ok(Err(InvokeError::InvalidInput(problems))) => Err(problems
            .iter()
            .map(|problem| format!("{} {}: {}", problem.field, problem.problem, problem.fix))
            .collect::<Vec<_>>()
            .join("; ")),
        Ok(Err(InvokeError::UnknownOperation(_))) => Err("the component has no check-live".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// The failed rules in words.
fn explain(verdict: &Value) -> String {
    serde_json::from_value::<refund_core::eligibility::Verdict>(verdict.clone())
        .map_or_else(|_| verdict["failed"].to_string(), |verdict| verdict.explain())
}
