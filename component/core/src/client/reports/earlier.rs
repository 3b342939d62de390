//! What was refunded of a charge before each of its refunds, so that the fees of its rows add up to its fee.

use std::collections::BTreeMap;

use super::super::connection::Connection;
use super::super::error::{CallError, TransportFailure, TransportKind};
use super::super::pages::all;
use super::super::transport::Transport;
use crate::id::{ChargeId, RefundId};
use crate::model::{Charge, Refund, ReportedRefund};
use crate::wire::requests;

/// The refunds of the charges of a page, failed and cancelled ones left out.
#[derive(Debug, Default)]
pub(super) struct Earlier<'a>(BTreeMap<&'a ChargeId, Known<'a>>);

/// What is known of one charge.
#[derive(Debug)]
struct Known<'a> {
    charge: &'a Charge,
    /// Amounts by refund, with the time it was made.
    refunds: BTreeMap<RefundId, (u64, u64)>,
}

impl<'a> Earlier<'a> {
    /// Takes the refunds of the page and those that Stripe includes in the charges, and reads the others:
    /// one list for each charge that has more.
    pub(super) fn read(
        transport: &mut dyn Transport,
        connection: &Connection,
        page: &'a [ReportedRefund],
    ) -> Result<Self, CallError> {
        let mut earlier = Self::default();
        for refund in page {
            // Without a fee there is nothing to split.
            if let Some(charge) =
                refund.charge.as_ref().filter(|it| it.balance_transaction.is_some())
            {
                earlier.known(charge).add_row(refund);
            }
        }
        let incomplete = earlier.0.values().filter(|known| !known.is_complete());
        let incomplete: Vec<_> = incomplete.map(|known| known.charge).collect();
        for charge in incomplete {
            let id = &charge.id;
            match all(transport, connection, id.as_str(), |after| requests::refunds_of(id, after)) {
                Ok(refunds) => earlier.known(charge).add(&refunds),
                // More refunds than are read for any charge: their order stays unknown.
                Err(CallError::Transport(TransportFailure {
                    kind: TransportKind::TooLarge,
                    ..
                })) => drop(earlier.0.remove(id)),
                Err(error) => return Err(error),
            }
        }
        Ok(earlier)
    }

    fn known(&mut self, charge: &'a Charge) -> &mut Known<'a> {
        self.0.entry(&charge.id).or_insert_with(|| {
            let mut known = Known { charge, refunds: BTreeMap::new() };
            known.add(charge.refunds.as_ref().map_or(&[], |page| &page.data));
            known
        })
    }

    /// Returns what was refunded before; of refunds made in the same second, those with smaller ids come
    /// before. Zero where the refunds of the charge are not known, and for a refund of everything.
    pub(super) fn before(&self, refund: &ReportedRefund, charge: &Charge) -> u64 {
        let Some(known) = self.0.get(&charge.id) else { return 0 };
        if refund.amount >= charge.captured_amount() {
            return 0;
        }
        let is_before = |id: &RefundId, created: u64| (created, id) < (refund.created, &refund.id);
        let before = known.refunds.iter().filter(|(id, (_, created))| is_before(id, *created));
        before.fold(0, |sum, (_, (amount, _))| sum.saturating_add(*amount))
    }
}

impl Known<'_> {
    fn add_row(&mut self, row: &ReportedRefund) {
        if row.is_spent() {
            self.refunds.insert(row.id.clone(), (row.amount, row.created));
        }
    }

    fn add(&mut self, refunds: &[Refund]) {
        let spent = refunds.iter().filter(|refund| refund.is_spent());
        self.refunds.extend(spent.map(|one| (one.id.clone(), (one.amount, one.created))));
    }

    /// Whether Stripe included all refunds in the charge. Where it included none, those of the page are all
    /// if they come to what Stripe counts as refunded.
    fn is_complete(&self) -> bool {
        let Some(page) = &self.charge.refunds else {
            let amounts = self.refunds.values().map(|(amount, _)| amount);
            let known = amounts.fold(0_u64, |sum, amount| sum.saturating_add(*amount));
            return known >= self.charge.amount_refunded;
        };
        !page.has_more
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::{RowRange, refund_rows};
    use super::*;
    use crate::client::{ConnectionInput, HttpRequest, SendFailure};
    use crate::testing::property;
    use crate::wire::Answer;

    /// Lists refunds, newest first, all of them or those of a charge.
    struct Stripe(Vec<Value>);

    impl Transport for Stripe {
        fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
            let query = |name: &str| {
                let (_, query) = request.url.split_once('?').unwrap();
                let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                pairs.into_iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned())
            };
            let charge = query("charge");
            let is_of = |one: &&Value| charge.as_ref().is_none_or(|id| one["charge"]["id"] == **id);
            let all: Vec<_> = self.0.iter().filter(is_of).collect();
            let start = query("starting_after")
                .map_or(0, |id| all.iter().position(|one| one["id"] == *id).unwrap() + 1);
            let end = all.len().min(start + query("limit").unwrap().parse::<usize>().unwrap());
            let list = json!({ "data": all[start..end], "has_more": end < all.len() });
            Ok(Answer { status: 200, headers: Vec::new(), body: list.to_string().into_bytes() })
        }

        fn now(&self) -> u64 {
            1_000
        }

        fn sleep(&mut self, _: Duration) {}
    }

    /// A refund: amount, status, and how long after the one before it.
    type Part = (u64, &'static str, u64);

    fn is_spent(part: &Part) -> bool {
        !matches!(part.1, "failed" | "canceled")
    }

    /// The refunds of one charge, newest first; the charge includes the newest of them, if any.
    fn refunds(
        id: &str,
        fee: u64,
        captured: u64,
        parts: &[Part],
        included: Option<usize>,
    ) -> Vec<Value> {
        let mut created = 0;
        let mut plain = Vec::new();
        for (n, (amount, status, after)) in parts.iter().enumerate() {
            created += after;
            plain.push(json!({
                "id": format!("re_{id}_{n:03}"), "amount": amount, "currency": "usd", "status": status,
                "created": created, "charge": id,
            }));
        }
        plain.reverse();
        let refunded: u64 = parts.iter().filter(|part| is_spent(part)).map(|part| part.0).sum();
        let mut charge = json!({
            "id": id, "amount": captured, "amount_captured": captured, "currency": "usd",
            "amount_refunded": refunded, "status": "succeeded", "created": 0,
            "balance_transaction": { "id": "txn_1", "fee": fee, "currency": "usd" },
        });
        if let Some(included) = included {
            let newest = &plain[..included.min(plain.len())];
            charge["refunds"] = json!({ "data": newest, "has_more": newest.len() < plain.len() });
        }
        for refund in &mut plain {
            refund["charge"] = charge.clone();
        }
        plain
    }

    /// Reads all rows in pages and returns id and fee of each.
    fn fees(all: Vec<Value>, limit: u8) -> Vec<(String, i128)> {
        let connection = Connection::new(ConnectionInput::default()).unwrap();
        let mut stripe = Stripe(all);
        let mut range = RowRange {
            created_from: 0,
            created_to: None,
            product_key: None,
            limit: Some(limit),
            cursor: None,
        };
        let mut fees = Vec::new();
        loop {
            let page = refund_rows(&mut stripe, &connection, &range).unwrap();
            fees.extend(
                page.rows
                    .iter()
                    .map(|row| (row.id.to_string(), row.fee_lost.unwrap().amount.into())),
            );
            range.cursor = page.next;
            if range.cursor.is_none() {
                return fees;
            }
        }
    }

    /// Computed anew over exact fractions: all rows of a charge come to its fee's part for what was refunded,
    /// each row is less than one unit off, and pages make no difference.
    #[test]
    fn the_fees_of_the_rows_of_a_charge_add_up() {
        let statuses = vec!["succeeded", "succeeded", "succeeded", "pending", "failed", "canceled"];
        let part = (1..200_u64, prop::sample::select(statuses), 0..3_u64);
        let charge = (
            prop::collection::vec(part, 1..8),
            prop_oneof![0..300_u64, 0..50_000_u64],
            prop_oneof![Just(0), 1..500_u64],
            prop::sample::select(vec![None, Some(2), Some(10)]),
        );
        let branches =
            ["refunded in full", "in part", "listed by itself", "shares rounded one by one differ"];
        let all = (prop::collection::vec(charge, 1..3), 1..20_u8);
        property(&all, branches, |(charges, limit), reached| {
            let mut listed = Vec::new();
            let mut expected = Vec::new();
            for (at, (parts, fee, kept, included)) in charges.iter().enumerate() {
                let refunded: u64 =
                    parts.iter().filter(|part| is_spent(part)).map(|part| part.0).sum();
                // A captured amount of zero has no parts; something is captured of every charge.
                let captured = (refunded + kept).max(1);
                let id = format!("ch_{at}");
                listed.extend(refunds(&id, *fee, captured, parts, *included));
                expected.push((
                    id,
                    parts,
                    i128::from(*fee),
                    i128::from(refunded),
                    i128::from(captured),
                ));
                reached.note(if *kept == 0 { "refunded in full" } else { "in part" });
                reached.note_if(
                    included.is_some_and(|included| included < parts.len()),
                    "listed by itself",
                );
            }
            let found = fees(listed, limit);
            prop_assert_eq!(
                found.len(),
                charges.iter().map(|charge| charge.0.len()).sum::<usize>()
            );
            for (id, parts, fee, refunded, captured) in expected {
                let (mut sum, mut alone) = (0, 0);
                for (n, part) in parts.iter().enumerate() {
                    let id = format!("re_{id}_{n:03}");
                    let share = found.iter().find(|one| one.0 == id).unwrap().1;
                    let amount = if is_spent(part) { i128::from(part.0) } else { 0 };
                    prop_assert!(
                        (share * captured - fee * amount).abs() < captured,
                        "{} {}",
                        id,
                        share
                    );
                    prop_assert!(amount > 0 || share == 0);
                    sum += share;
                    alone += (2 * fee * amount + captured) / (2 * captured);
                }
                let whole = (2 * fee * refunded + captured) / (2 * captured);
                reached.note_if(alone != whole, "shares rounded one by one differ");
                prop_assert_eq!(sum, whole);
            }
            Ok(())
        });
    }
}
