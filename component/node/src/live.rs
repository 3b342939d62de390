//! Exports `live`.

use refund_core::client::{self, RowRange, ScanRange, TakenRange};
use refund_core::followups::{FoundContact, Look, LookResult, Place};
use refund_core::model::Funds;

use crate::Component;
use crate::bindings::exports::refund_node::refunds::duplicates::Options;
use crate::bindings::exports::refund_node::refunds::eligibility::{Ask, Rules};
use crate::bindings::exports::refund_node::refunds::live as wit;
use crate::bindings::exports::refund_node::refunds::types::{CallError, Connection, PaymentRef};
use crate::duplicates::{group, read_options, tally};
use crate::eligibility::{facts, read_ask, verdict};
use crate::http::{call_error, connect, payment};
use crate::reports::{charges_taken, row};
use crate::rules::read_rules;
use crate::transport::Wasi;
use crate::types::problems;

impl wit::Guest for Component {
    fn balance(to: Connection) -> Result<Vec<wit::Funds>, CallError> {
        let balance = client::balance(&mut Wasi, &connect(to)?).map_err(call_error)?;
        let funds = |funds: Funds| wit::Funds { amount: funds.amount, currency: funds.currency };
        Ok(balance.available.into_iter().map(funds).collect())
    }

    fn contact(to: Connection, of: PaymentRef) -> Result<wit::FoundContact, CallError> {
        let to = connect(to)?;
        let of = payment(&of).map_err(|found| CallError::Invalid(problems(vec![found])))?;
        client::contact(&mut Wasi, &to, &of).map(found_contact).map_err(call_error)
    }

    fn check_live(
        to: Connection,
        of: PaymentRef,
        ask: Ask,
        rules: Rules,
    ) -> Result<wit::Checked, CallError> {
        let invalid = |found| CallError::Invalid(problems(vec![found]));
        let to = connect(to)?;
        let of = payment(&of).map_err(invalid)?;
        let ask = read_ask(ask).map_err(invalid)?;
        let rules = read_rules(rules).map_err(|found| CallError::Invalid(problems(found)))?;
        let checked = client::check_live(&mut Wasi, &to, &of, &ask, &rules).map_err(call_error)?;
        Ok(wit::Checked { verdict: verdict(checked.verdict), facts: checked.facts.map(facts) })
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

    fn refund_rows(to: Connection, range: wit::RowRange) -> Result<wit::RowPage, CallError> {
        let to = connect(to)?;
        let range = RowRange {
            created_from: range.created_from,
            created_to: range.created_to,
            product_key: range.product_key,
            limit: range.limit,
            cursor: range.cursor,
        };
        let page = client::refund_rows(&mut Wasi, &to, &range).map_err(call_error)?;
        Ok(wit::RowPage { rows: page.rows.into_iter().map(row).collect(), next: page.next })
    }

    fn charges_taken(to: Connection, range: wit::TakenRange) -> Result<wit::TakenPage, CallError> {
        let to = connect(to)?;
        let range = TakenRange {
            created_from: range.created_from,
            created_to: range.created_to,
            utc_offset_minutes: range.utc_offset_minutes,
            max_charges: range.max_charges,
            cursor: range.cursor,
        };
        let page = client::charges_taken(&mut Wasi, &to, &range).map_err(call_error)?;
        let charges = page.charges.iter().map(charges_taken).collect();
        Ok(wit::TakenPage { charges, read: page.read, next: page.next })
    }
}

fn found_contact(found: FoundContact) -> wit::FoundContact {
    wit::FoundContact {
        name: found.name,
        email: found.email,
        looked_at: found.looked_at.into_iter().map(look).collect(),
    }
}

fn look(look: Look) -> wit::Look {
    let place = match look.place {
        Place::ChargeMetadata => wit::Place::ChargeMetadata,
        Place::PaymentIntentMetadata => wit::Place::PaymentIntentMetadata,
        Place::BillingDetails => wit::Place::BillingDetails,
        Place::ReceiptEmail => wit::Place::ReceiptEmail,
        Place::Customer => wit::Place::Customer,
    };
    let result = match look.result {
        LookResult::Address => wit::LookResult::Address,
        LookResult::Nothing => wit::LookResult::Nothing,
        LookResult::NotReadable => wit::LookResult::NotReadable,
    };
    wit::Look { place, result }
}
