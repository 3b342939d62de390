//! Exports `live`.

use refund_core::client::{self, ScanRange};
use refund_core::policy::{Ask, Rulebook, Rules};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::duplicates::Options;
use crate::bindings::exports::refund_node::refunds::eligibility::{Amount, Policy};
use crate::bindings::exports::refund_node::refunds::live as wit;
use crate::bindings::exports::refund_node::refunds::policies;
use crate::bindings::exports::refund_node::refunds::types::{CallError, Connection, PaymentRef};
use crate::duplicates::{group, read_options, tally};
use crate::eligibility::{facts, read_amount, read_policy, verdict};
use crate::http::{call_error, connect, payment};
use crate::policies::read_ask;
use crate::transport::Wasi;
use crate::types::problems;

impl wit::Guest for Component {
    fn check_live(
        to: Connection,
        of: PaymentRef,
        amount: Amount,
        policy: Policy,
    ) -> Result<wit::Checked, CallError> {
        let invalid = |found| CallError::Invalid(problems(vec![found]));
        let to = connect(to)?;
        let of = payment(&of).map_err(invalid)?;
        let amount = read_amount(&amount).map_err(invalid)?;
        let policy = read_policy(policy).map_err(invalid)?;
        let ask = Ask { amount, reason: None, self_serve: false };
        check(&to, &of, &ask, &Rules::Terms(policy))
    }

    fn check_document(
        to: Connection,
        of: PaymentRef,
        ask: policies::Ask,
        document: String,
    ) -> Result<wit::Checked, CallError> {
        let invalid = |found| CallError::Invalid(problems(vec![found]));
        let to = connect(to)?;
        let of = payment(&of).map_err(invalid)?;
        let ask = read_ask(ask).map_err(invalid)?;
        let book = Rulebook::read(document.as_bytes())
            .map_err(|found| CallError::Invalid(problems(found)))?;
        check(&to, &of, &ask, &Rules::Document(Box::new(book)))
    }

    fn scan_live(
        to: Connection,
        range: wit::ScanRange,
        options: Options,
    ) -> Result<wit::Scanned, CallError> {
        let to = connect(to)?;
        let range = ScanRange {
            created_from: range.created_from,
            created_to: range.created_to,
            customer: range.customer,
            max_charges: range.max_charges,
        };
        let scanned = client::scan_live(&mut Wasi, &to, &range, &read_options(options))
            .map_err(call_error)?;
        Ok(wit::Scanned {
            groups: scanned.groups.into_iter().map(group).collect(),
            tally: tally(scanned.tally),
            complete: scanned.complete,
            reached: scanned.reached,
        })
    }
}

fn check(
    to: &client::Connection,
    of: &refund_core::id::PaymentRef,
    ask: &Ask,
    rules: &Rules,
) -> Result<wit::Checked, CallError> {
    let checked = client::check_live(&mut Wasi, to, of, ask, rules).map_err(call_error)?;
    Ok(wit::Checked { verdict: verdict(checked.verdict), facts: checked.facts.map(facts) })
}
