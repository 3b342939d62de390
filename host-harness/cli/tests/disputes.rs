//! `disputes`, as people use it. What the bank got is looked up at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use desk::{Desk, Ended};
use refund_simulator::DisputeOrder;
use serde_json::{Value, json};

const PDF: &[u8] = b"%PDF-1.7\nreceipt";

fn order(charge: &str, status: &str) -> DisputeOrder {
    DisputeOrder {
        charge: charge.to_owned(),
        status: status.to_owned(),
        reason: "product_not_received".to_owned(),
        refundable: None,
    }
}

fn dispute(desk: &Desk, status: &str) -> String {
    let opened = desk.stripe.dispute(&order(&desk.charge(), status));
    opened["id"].as_str().unwrap().to_owned()
}

fn disputes(desk: &Desk, arguments: &[&str]) -> Ended {
    let mut all = vec!["disputes"];
    all.extend(arguments);
    desk.run(&all)
}

/// Requests that change something.
fn posts(desk: &Desk) -> Vec<String> {
    let changes = |one: &&refund_simulator::Recorded| {
        one.method == "POST" && !one.path.starts_with("/_control")
    };
    desk.stripe.requests().iter().filter(changes).map(|one| one.path.clone()).collect()
}

#[test]
fn what_is_due_comes_first_and_what_is_over_only_with_all() {
    let desk = Desk::new();
    let open = dispute(&desk, "needs_response");
    let over = dispute(&desk, "lost");
    let list = disputes(&desk, &["list"]);
    assert_eq!(list.code, 0, "{list:?}");
    assert!(list.out.contains(&open) && !list.out.contains(&over), "{list:?}");
    assert!(list.out.contains("in ") && list.out.contains(" days ("), "{list:?}");
    let all = disputes(&desk, &["list", "--all", "--json"]).json();
    let ids: Vec<_> =
        all["disputes"].as_array().unwrap().iter().map(|one| &one["dispute"]["id"]).collect();
    assert_eq!(ids, [&json!(open), &json!(over)]);
    let charge = desk.stripe.object(&over)["charge"].as_str().unwrap().to_owned();
    let of_charge = disputes(&desk, &["list", "--all", "--charge", &charge, "--json"]).json();
    assert_eq!(of_charge["disputes"].as_array().unwrap().len(), 1);
    let nothing = disputes(&desk, &["list", "--charge", &charge]);
    assert!(nothing.out.contains("nothing waits for you"), "{nothing:?}");
    assert_eq!(posts(&desk), [""; 0]);
}

#[test]
fn evidence_is_staged_looked_at_and_submitted_once() {
    let desk = Desk::new();
    let id = dispute(&desk, "needs_response");
    desk.write("story.txt", b"It was delivered.\n");
    let receipt = desk.write("receipt.pdf", PDF);
    let file = format!("receipt={}", receipt.display());
    let staged = disputes(
        &desk,
        &["stage", &id, "customer_name=Ann Lee", "uncategorized_text=@story.txt", "--file", &file],
    );
    assert_eq!(staged.code, 0, "{staged:?}");
    let evidence = &desk.stripe.object(&id)["evidence"];
    assert_eq!(evidence["customer_name"], "Ann Lee");
    assert_eq!(evidence["uncategorized_text"], "It was delivered.");
    let uploaded = evidence["receipt"].as_str().unwrap();
    assert_eq!(desk.stripe.file_contents(uploaded).unwrap(), PDF);
    let count = |id: &str| desk.stripe.object(id)["evidence_details"]["submission_count"].clone();
    assert_eq!(count(&id), 0);

    let before = posts(&desk).len();
    let preview = disputes(&desk, &["submit", &id, "service_date=2026-11-01"]);
    assert_eq!(preview.code, 2, "{preview:?}");
    assert!(preview.err.contains("--yes"), "{preview:?}");
    for word in ["Ann Lee", "It was delivered.", "service_date", "2026-11-01"] {
        assert!(preview.out.contains(word), "{word}: {preview:?}");
    }
    assert_eq!((posts(&desk).len(), count(&id)), (before, json!(0)), "a look sends nothing");

    let sent = disputes(&desk, &["submit", &id, "service_date=2026-11-01", "--yes", "--json"]);
    assert_eq!(sent.code, 0, "{sent:?}");
    assert_eq!(sent.json()["standing"]["barrier"], "already_submitted");
    assert_eq!(count(&id), 1);
    let again = disputes(&desk, &["submit", &id, "--yes"]);
    assert_eq!(again.code, 4, "{again:?}");
    assert_eq!(count(&id), 1);
}

#[test]
fn bad_evidence_is_told_at_once_and_nothing_is_sent() {
    let desk = Desk::new();
    let id = dispute(&desk, "needs_response");
    desk.write("notes.txt", b" \n");
    desk.write("receipt.pdf", b"no pdf at all");
    let refused = disputes(
        &desk,
        &[
            "stage",
            &id,
            "colour=red",
            "customer_name",
            "uncategorized_text=@notes.txt",
            "--file",
            "receipt=receipt.pdf",
            "--file",
            "customer_name=receipt.pdf",
            "--file",
            "refund_policy=gone.pdf",
        ],
    );
    assert_eq!(refused.code, 2, "{refused:?}");
    for words in [
        "`colour` is no field of evidence",
        "`customer_name` has no =",
        "`notes.txt` is empty",
        "is neither PDF nor JPEG nor PNG",
        "is for a field that holds text",
        "cannot be read",
    ] {
        assert!(refused.err.contains(words), "{words}: {refused:?}");
    }
    assert!(desk.stripe.requests().is_empty());
    let empty = disputes(&desk, &["stage", &id]);
    assert_eq!(empty.code, 2, "{empty:?}");
    assert_eq!(posts(&desk), [""; 0]);
}

#[test]
fn a_dispute_is_closed_only_by_who_says_what_is_lost() {
    let desk = Desk::new();
    let id = dispute(&desk, "needs_response");
    let close = |amount: &str, confirm: Option<&str>| {
        let mut all = vec!["close", &id, "--amount", amount, "--currency", "usd"];
        all.extend(confirm.map(|_| "--confirm"));
        all.extend(confirm);
        disputes(&desk, &all)
    };
    let asked = close("25.00", None);
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.err.contains(&format!("--confirm {id}")), "{asked:?}");
    for (amount, confirm) in [("2.50", id.as_str()), ("25.00", "dp_other")] {
        let refused = close(amount, Some(confirm));
        assert_eq!(refused.code, 4, "{refused:?}");
    }
    assert_eq!(posts(&desk), [""; 0]);
    let closed = close("25.00", Some(&id));
    assert_eq!(closed.code, 0, "{closed:?}");
    assert_eq!(desk.stripe.object(&id)["status"], "lost");
    let again = close("25.00", Some(&id));
    assert_eq!(again.code, 4, "{again:?}");
    assert_eq!(posts(&desk), [format!("/v1/disputes/{id}/close")]);
}

#[test]
fn a_dispute_that_is_not_there_is_a_refusal() {
    let desk = Desk::new();
    let gone = disputes(&desk, &["show", "dp_gone"]);
    assert_eq!(gone.code, 5, "{gone:?}");
    let id = dispute(&desk, "warning_needs_response");
    let shown = disputes(&desk, &["show", &id, "--json"]);
    assert_eq!(shown.json()["dispute"]["id"], Value::from(id));
}
