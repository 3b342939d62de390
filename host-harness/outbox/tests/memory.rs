//! The store in memory keeps what a [`refund_outbox::Store`] promises, whatever happens to each try.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use futures::executor::block_on;
use proptest::prelude::*;

use refund_outbox::{Claimed, Key, Message, State, Store};

use self::support::memory::Memory;

fn message(number: usize, subject: u8) -> Message {
    let json = serde_json::json!({
        "id": format!("fu_{number}"), "subject": format!("ch_{subject}"), "type": "alert",
        "data": { "severity": "info", "reason": "dispute_closed", "detail": null, "due_by": null },
        "about": {
            "operation": null, "refund": null, "dispute": null, "charge": null, "payment_intent": null,
            "money": null,
        },
    });
    Message::new(&serde_json::from_value(json).unwrap(), "shop", 0)
}

fn claim(store: &Memory, now: u64) -> Vec<Claimed> {
    block_on(store.claim("shop", now, 10, 100)).unwrap()
}

fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|one| one.message.key.id.as_str()).collect()
}

#[test]
fn a_claim_holds_for_a_while_and_the_newest_counts() {
    let store = Memory::default();
    assert_eq!(block_on(store.add(vec![message(0, 0), message(0, 0)])).unwrap(), 1);
    let first = claim(&store, 0);
    assert_eq!((ids(&first), claim(&store, 9).len()), (vec!["fu_0"], 0));
    let second = claim(&store, 10);
    assert_eq!((second[0].message.attempts, second[0].claim > first[0].claim), (2, true));
    block_on(store.give_up(&first[0], "too late")).unwrap();
    assert_eq!(store.all()[0].state, State::Waiting);
    block_on(store.delivered(&second[0])).unwrap();
    block_on(store.failed(&second[0], 99, "twice")).unwrap();
    assert_eq!(store.all()[0].state, State::Delivered);
    assert_eq!(block_on(store.add(vec![message(0, 0)])).unwrap(), 0, "delivered, and known");
}

#[test]
fn the_dead_are_listed_page_by_page() {
    let store = Memory::default();
    block_on(store.add((0..5).map(|n| message(n, u8::try_from(n).unwrap())).collect())).unwrap();
    for one in claim(&store, 0) {
        block_on(store.give_up(&one, "no")).unwrap();
    }
    let page = block_on(store.dead(None, 3)).unwrap();
    let rest = block_on(store.dead(Some(&page[2].key), 3)).unwrap();
    assert_eq!((page.len(), rest.len()), (3, 2));
    assert!(block_on(store.resend(&page[0].key, 7)).unwrap());
    assert_eq!(ids(&claim(&store, 7)), ["fu_0"]);
    let unknown = Key { sink: "other".to_owned(), ..page[0].key.clone() };
    assert!(!block_on(store.resend(&unknown, 7)).unwrap());
}

proptest! {
    /// Whatever happens to each try, nothing is lost, and no subject is taken out of order.
    #[test]
    fn nothing_is_lost_and_order_is_kept(
        subjects in prop::collection::vec(0..3_u8, 1..12),
        fates in prop::collection::vec(0..4_u8, 0..60),
    ) {
        let store = Memory::default();
        let all: Vec<_> = subjects.iter().enumerate().map(|(n, s)| message(n, *s)).collect();
        block_on(store.add(all.clone())).unwrap();
        let mut settled: Vec<Key> = Vec::new();
        let mut fates = fates.into_iter();
        let mut now = 0;
        while settled.len() < all.len() {
            for one in claim(&store, now) {
                let earlier = all.iter().take_while(|other| other.key != one.message.key);
                for other in earlier.filter(|other| other.subject == one.message.subject) {
                    prop_assert!(settled.contains(&other.key));
                }
                match fates.next().unwrap_or(0) {
                    0 => block_on(store.delivered(&one)).unwrap(),
                    1 => block_on(store.give_up(&one, "no")).unwrap(),
                    2 => { block_on(store.failed(&one, now + 5, "later")).unwrap(); continue }
                    _ => continue,
                }
                settled.push(one.message.key);
            }
            now += 3;
        }
        prop_assert!(claim(&store, now + 1000).is_empty());
        prop_assert!(store.all().iter().all(|one| one.state != State::Waiting));
    }
}
