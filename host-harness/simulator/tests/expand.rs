//! Lists with the objects that their entries name.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_simulator::NewCharge;
use wire::{id, ok, send, start};

mod wire;

#[tokio::test]
async fn a_list_of_refunds_brings_charges_and_what_they_cost() {
    let stripe = start().await;
    let empty = ok(&stripe, "GET", "/v1/refunds?expand[]=data.charge", "").await;
    assert_eq!(empty["data"].as_array().unwrap().len(), 0);
    let charge = stripe.charge(&NewCharge::default());
    for amount in [100, 200] {
        stripe.dashboard_refund(id(&charge), amount);
    }
    let plain = ok(&stripe, "GET", "/v1/refunds", "").await;
    assert_eq!(plain["data"][0]["charge"], charge["id"]);
    let path = "/v1/refunds?expand[]=data.charge&created[gte]=0&limit=1";
    let page = ok(&stripe, "GET", path, "").await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (1, &true.into()));
    assert_eq!(page["data"][0]["charge"]["id"], charge["id"]);
    assert!(page["data"][0]["charge"]["balance_transaction"].is_string());
    let path = "/v1/refunds?expand[]=data.charge.balance_transaction";
    let page = ok(&stripe, "GET", path, "").await;
    for refund in page["data"].as_array().unwrap() {
        // 2.9 % and 30 cents of 25.00.
        assert_eq!(refund["charge"]["balance_transaction"]["fee"], 102, "{refund}");
        assert_eq!(refund["charge"]["metadata"], charge["metadata"]);
    }
    let deep = "/v1/refunds?expand[]=data.charge.payment_intent.latest_charge.refunds";
    assert_eq!(send(&stripe, "GET", deep, "", &[]).await.unwrap().status, 400);
}
