//! A scan that is cut, or read in several ranges, finds what `detect` finds in all charges at once.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use proptest::prelude::*;
use refund_core::client::{
    self, CallError, Connection, ConnectionInput, HttpRequest, ScanRange, Scanned, SendFailure,
    Transport,
};
use refund_core::duplicates::{self, Group, Options, Tally};
use refund_core::id::ChargeId;
use refund_core::model::Charge;
use refund_core::wire::Answer;
use serde_json::{Value, json};

/// The time of the fake Stripe. All charges are older.
const NOW: u64 = 1_000_000;

/// Lists charges as Stripe does: newest first, filtered by `created`, one page at a time.
struct Stripe {
    charges: Vec<Value>,
    /// Largest page.
    page: usize,
    requests: u32,
    listed: usize,
}

impl Stripe {
    fn new(mut charges: Vec<Value>) -> Self {
        charges.reverse();
        charges.sort_by_key(|charge| std::cmp::Reverse(created(charge)));
        Self { charges, page: 100, requests: 0, listed: 0 }
    }

    /// The charges as `detect` takes them.
    fn decoded(&self) -> Vec<Charge> {
        let decode = |charge: &Value| serde_json::from_value(charge.clone()).unwrap();
        self.charges.iter().map(decode).collect()
    }

    fn refund(&mut self, charges: &[String]) {
        for charge in &mut self.charges {
            if charges.iter().any(|id| charge["id"] == id.as_str()) {
                charge["refunded"] = json!(true);
            }
        }
    }
}

impl Transport for Stripe {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let query = request.url.split_once('?').unwrap().1;
        let query = query.replace("%5B", "[").replace("%5D", "]");
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|pair| pair.0 == name).map(|pair| pair.1.to_owned())
        };
        let number = |name: &str| parameter(name).map(|value| value.parse::<u64>().unwrap());
        let (from, to) = (number("created[gte]").unwrap(), number("created[lte]").unwrap());
        let mut rest: Vec<_> =
            self.charges.iter().filter(|one| (from..=to).contains(&created(one))).collect();
        if let Some(after) = parameter("starting_after") {
            let position = rest.iter().position(|one| one["id"] == after.as_str()).unwrap();
            rest.drain(..=position);
        }
        let limit = usize::try_from(number("limit").unwrap()).unwrap();
        assert!((1..=100).contains(&limit));
        let page = &rest[..rest.len().min(limit).min(self.page)];
        self.requests += 1;
        self.listed += page.len();
        let list = json!({ "object": "list", "data": page, "has_more": rest.len() > page.len() });
        Ok(Answer { status: 200, headers: Vec::new(), body: list.to_string().into_bytes() })
    }

    fn now(&self) -> u64 {
        NOW
    }

    fn sleep(&mut self, _: Duration) {}
}

fn created(charge: &Value) -> u64 {
    charge["created"].as_u64().unwrap()
}

fn charge(id: &str, created: u64, customer: u8) -> Value {
    json!({
        "id": id, "object": "charge", "amount": 2500, "currency": "usd", "status": "succeeded",
        "captured": true, "created": created, "customer": format!("cus_{customer}"),
        "payment_intent": format!("pi_{id}"),
    })
}

/// Charges of one customer at these instants.
fn series(instants: impl IntoIterator<Item = u64>) -> Vec<Value> {
    let number = |(n, at)| charge(&format!("ch_{n:05}"), at, 1);
    instants.into_iter().enumerate().map(number).collect()
}

fn options(window: u32) -> Options {
    Options { window_seconds: Some(window), ..Options::default() }
}

fn scan(
    stripe: &mut Stripe,
    (from, to): (u64, Option<u64>),
    max_charges: Option<u32>,
    window: u32,
) -> Result<Scanned, CallError> {
    let connection = Connection::new(ConnectionInput::default()).unwrap();
    let range = ScanRange { created_from: from, created_to: to, customer: None, max_charges };
    client::scan_live(stripe, &connection, &range, &options(window))
}

/// What several scans found, and how many there were.
#[derive(Default)]
struct Followed {
    groups: Vec<Group>,
    tally: Tally,
    scans: u32,
    failures: u32,
}

/// Scans a range, and goes on as the documentation says: after an incomplete scan with `created_to` set to
/// `reached`, after a problem with `max_charges` with twice as many.
fn follow(
    stripe: &mut Stripe,
    (from, to): (u64, Option<u64>),
    mut max_charges: u32,
    window: u32,
    mut after_each: impl FnMut(&mut Stripe, &[Group]),
) -> Followed {
    let mut followed = Followed::default();
    let mut next = to;
    loop {
        followed.scans += 1;
        let before = stripe.listed;
        let scanned = scan(stripe, (from, next), Some(max_charges), window);
        assert!(stripe.listed - before <= max_charges as usize, "more was read than permitted");
        let scanned = match scanned {
            Ok(scanned) => scanned,
            Err(CallError::Invalid { problems }) => {
                let [problem] = problems.as_slice() else { panic!("{problems:?}") };
                assert_eq!(problem.field, "max_charges", "{problem}");
                assert!(problem.fix.contains("raise"), "{problem}");
                followed.failures += 1;
                max_charges *= 2;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let upper = next.unwrap_or(NOW);
        for group in &scanned.groups {
            assert!((from..=upper).contains(&group.last_created), "{group:?}");
        }
        after_each(stripe, &scanned.groups);
        followed.groups.extend(scanned.groups);
        followed.tally.seen += scanned.tally.seen;
        followed.tally.skipped += scanned.tally.skipped;
        followed.tally.unmatched += scanned.tally.unmatched;
        if scanned.complete {
            assert_eq!(scanned.reached, from);
            sort(&mut followed.groups);
            return followed;
        }
        assert!((from..upper).contains(&scanned.reached), "the scan made no progress");
        next = Some(scanned.reached);
    }
}

fn sort(groups: &mut [Group]) {
    groups.sort_by(|a, b| (a.first_created, &a.keep).cmp(&(b.first_created, &b.keep)));
}

/// What `detect` finds in all charges, as far as it belongs to a range.
fn expected(stripe: &Stripe, (from, to): (u64, Option<u64>), window: u32) -> Vec<Group> {
    let mut groups = duplicates::detect(&stripe.decoded(), &options(window)).unwrap();
    groups.retain(|group| (from..=to.unwrap_or(NOW)).contains(&group.last_created));
    groups
}

fn ids(groups: &[Group]) -> Vec<(&str, Vec<&str>)> {
    groups
        .iter()
        .map(|group| {
            (group.keep.as_str(), group.refund.iter().map(ChargeId::as_str).collect::<Vec<_>>())
        })
        .collect()
}

#[test]
fn no_charge_is_kept_by_one_scan_and_refunded_by_the_next() {
    let mut stripe = Stripe::new(series([0, 200, 500, 800, 1000, 1300, 1900]));
    let found = follow(&mut stripe, (0, None), 4, 300, |_, _| ());
    assert_eq!(
        ids(&found.groups),
        [
            ("ch_00000", vec!["ch_00001"]),
            ("ch_00002", vec!["ch_00003"]),
            ("ch_00004", vec!["ch_00005"]),
        ]
    );
    assert_eq!(found.groups, expected(&stripe, (0, None), 300));
    // Four charges do not tell which of them begins a group.
    assert!(found.failures > 0);
}

#[test]
fn a_scan_that_cannot_get_anywhere_fails_and_says_what_to_do() {
    let mut stripe = Stripe::new(series((0..12_000).map(|n| 500_000 + n * 7)));
    let range = (500_000, Some(500_000 + 86_400));
    let error = scan(&mut stripe, range, None, 86_400).unwrap_err().to_string();
    assert!(error.starts_with("max_charges `10000` is too small"), "{error}");
    assert!(error.contains("raise") && error.contains("window_seconds"), "{error}");
    let found = scan(&mut stripe, range, Some(20_000), 86_400).unwrap();
    assert!(found.complete);
    assert_eq!(found.groups, expected(&stripe, range, 86_400));
    assert_eq!((found.groups.len(), found.tally.seen), (1, 12_000));
}

#[test]
fn at_the_largest_max_charges_the_advice_is_another() {
    /// One charge every second, without end.
    struct Endless;
    impl Transport for Endless {
        fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
            let after = request.url.split_once("starting_after=ch_");
            let after = after.map_or(NOW, |(_, id)| id.parse().unwrap());
            let page: Vec<_> =
                (1..=100).map(|n| charge(&format!("ch_{}", after - n), after - n, 1)).collect();
            let body = json!({ "object": "list", "data": page, "has_more": true });
            Ok(Answer { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() })
        }
        fn now(&self) -> u64 {
            NOW
        }
        fn sleep(&mut self, _: Duration) {}
    }
    let connection = Connection::new(ConnectionInput::default()).unwrap();
    let max_charges = Some(100_000);
    let range = ScanRange { created_from: 0, created_to: None, customer: None, max_charges };
    let error = client::scan_live(&mut Endless, &connection, &range, &options(200)).unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("max_charges `100000`") && !error.contains("raise"), "{error}");
    assert!(error.contains("window_seconds") && error.contains("customer"), "{error}");
}

#[test]
fn a_cut_in_one_second_that_holds_more_than_is_read_fails() {
    let mut stripe = Stripe::new(series(std::iter::repeat_n(5000, 300)));
    let error = scan(&mut stripe, (4000, Some(5000)), Some(200), 0).unwrap_err().to_string();
    assert!(error.starts_with("max_charges `200`"), "{error}");
    let found = follow(&mut stripe, (4000, Some(5000)), 200, 0, |_, _| ());
    assert_eq!((found.groups.len(), found.groups[0].refund.len()), (1, 299));
}

#[test]
fn the_charges_before_a_range_decide_what_begins_a_group_in_it() {
    // 0 and 200, 400 and 600, and so on: only from the first can one tell.
    let mut stripe = Stripe::new(series((0..1000).map(|n| n * 200)));
    let range = (100_100, None);
    let found = scan(&mut stripe, range, None, 300).unwrap();
    assert!(found.complete);
    assert_eq!(found.groups, expected(&stripe, range, 300));
    assert_eq!(found.tally.seen, 499);
}

#[test]
fn usual_charges_before_a_range_cost_nothing() {
    // A customer who comes every hour, and others.
    let charges = (0..5_000_u64)
        .map(|n| charge(&format!("ch_{n:05}"), n * 60, u8::try_from(n % 60).unwrap()));
    let mut stripe = Stripe::new(charges.collect());
    let found = scan(&mut stripe, (290_000, None), None, 300).unwrap();
    assert!(found.complete && found.groups.is_empty());
    assert_eq!((found.tally.seen, stripe.requests), (166, 2));
}

#[test]
fn irregular_charges_of_one_customer_are_decided_without_a_gap() {
    // Never more than the window apart. Where two beginnings lead to the same group, it is certain.
    let mut at = 0;
    let irregular = (0..3_000_u64).map(|n| {
        at += 20 + n.wrapping_mul(2_654_435_761) % 220;
        at
    });
    let mut stripe = Stripe::new(series(irregular));
    let found = follow(&mut stripe, (0, None), 200, 300, |_, _| ());
    assert_eq!(found.groups, expected(&stripe, (0, None), 300));
    assert_eq!(found.failures, 0);
    assert!((15..40).contains(&found.scans), "{}", found.scans);
}

#[test]
fn an_empty_page_that_promises_more_is_not_the_end() {
    struct Empty;
    impl Transport for Empty {
        fn send(&mut self, _: &HttpRequest) -> Result<Answer, SendFailure> {
            let body = r#"{"object":"list","data":[],"has_more":true}"#.into();
            Ok(Answer { status: 200, headers: Vec::new(), body })
        }
        fn now(&self) -> u64 {
            NOW
        }
        fn sleep(&mut self, _: Duration) {}
    }
    let connection = Connection::new(ConnectionInput::default()).unwrap();
    let range = ScanRange { created_from: 0, created_to: None, customer: None, max_charges: None };
    let found = client::scan_live(&mut Empty, &connection, &range, &Options::default());
    assert!(matches!(found, Err(CallError::Transport(_))), "{found:?}");
}

/// What is scanned, and how.
#[derive(Clone, Debug)]
struct Case {
    charges: Vec<Value>,
    page: usize,
    window: u32,
    max_charges: u32,
}

impl Case {
    fn stripe(&self) -> Stripe {
        Stripe { page: self.page, ..Stripe::new(self.charges.clone()) }
    }
}

prop_compose! {
    /// Dense series of a few customers, with many charges a whole number of windows apart. Some share an instant
    /// or a payment, some took no money.
    fn any_case()(
        spec in prop::collection::vec((0..8_u64, 0..3_u8, 0..8_u8, 0..10_u8), 0..60),
        start in 0..2000_u64,
        (unit, window) in (prop_oneof![Just(1_u32), Just(37)], 0..25_u32),
        page in 1..20_usize,
        max_charges in 1..40_u32,
    ) -> Case {
        let mut at = start;
        let number = |(n, (gap, customer, payment, state))| {
            at += gap * u64::from(unit);
            let mut charge = charge(&format!("ch_{n:02}"), at, customer);
            if payment == 0 {
                charge["payment_intent"] = json!("pi_shared");
            }
            match state {
                0 => charge["status"] = json!("failed"),
                1 => charge["customer"] = Value::Null,
                _ => {}
            }
            charge
        };
        let charges = spec.into_iter().enumerate().map(number).collect();
        Case { charges, page, window: window * unit, max_charges }
    }
}

/// All of the charges, or a part.
fn any_range() -> impl Strategy<Value = (u64, Option<u64>)> {
    prop_oneof![
        Just((0, None)),
        (0..3000_u64, 0..3000_u64).prop_map(|(from, span)| (from, Some(from + span))),
        (0..3000_u64).prop_map(|from| (from, None)),
    ]
}

fn counted(stripe: &Stripe, (from, to): (u64, Option<u64>)) -> Tally {
    let inside = |charge: &&Charge| (from..=to.unwrap_or(NOW)).contains(&charge.created);
    let charges = stripe.decoded();
    let mut tally = Tally::default();
    for charge in charges.iter().filter(inside) {
        tally.seen += 1;
        let is_failed = charge.status != refund_core::model::ChargeStatus::Succeeded;
        tally.skipped += u64::from(is_failed);
        tally.unmatched += u64::from(!is_failed && charge.customer.is_none());
    }
    tally
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn cut_scans_find_what_detect_finds(case in any_case(), range in any_range()) {
        let mut stripe = case.stripe();
        let found = follow(&mut stripe, range, case.max_charges, case.window, |_, _| ());
        prop_assert_eq!(&found.groups, &expected(&stripe, range, case.window));
        prop_assert_eq!(found.tally, counted(&stripe, range));
        // 64 is more than all charges: a scan of that many does not fail.
        prop_assert!(found.failures <= 6, "{}", found.failures);
    }

    #[test]
    fn ranges_side_by_side_find_what_detect_finds(
        case in any_case(),
        mut ends in prop::collection::vec(0..3000_u64, 1..6),
    ) {
        let mut stripe = case.stripe();
        ends.sort_unstable();
        ends.dedup();
        let starts = std::iter::once(0).chain(ends.iter().map(|end| end + 1));
        let mut groups = Vec::new();
        for range in starts.zip(ends.iter().copied().map(Some).chain([None])) {
            let found = follow(&mut stripe, range, case.max_charges, case.window, |_, _| ());
            groups.extend(found.groups);
        }
        sort(&mut groups);
        prop_assert_eq!(groups, expected(&stripe, (0, None), case.window));
    }

    #[test]
    fn refunds_between_the_scans_change_nothing(mut case in any_case(), range in any_range()) {
        for charge in &mut case.charges {
            // A payment takes the money once. Its failed charges share it.
            if charge["payment_intent"] == "pi_shared" {
                charge["status"] = json!("failed");
            }
        }
        let mut stripe = case.stripe();
        let expected = expected(&stripe, range, case.window);
        let refund = |stripe: &mut Stripe, groups: &[Group]| {
            let refunds: Vec<_> =
                groups.iter().flat_map(|group| &group.refund).map(ToString::to_string).collect();
            stripe.refund(&refunds);
        };
        let found = follow(&mut stripe, range, case.max_charges, case.window, refund);
        prop_assert_eq!(ids(&found.groups), ids(&expected));
    }
}
