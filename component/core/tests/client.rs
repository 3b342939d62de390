//! The careful sequences, over a transport that follows a script and loses answers on purpose.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::VecDeque;
use std::time::Duration;

use refund_core::client::{
    self, CallError, ChangeError, Connection, ConnectionInput, CreateError, CreateRequest,
    HttpRequest, Origin, SendFailure, Transport, TransportKind,
};
use refund_core::eligibility::Amount;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::RefundStatus;
use refund_core::money::{Currency, Money};
use refund_core::policy::{Rulebook, Rules, Terms};
use refund_core::secret::Secret;
use refund_core::wire::Answer;
use refund_core::wire::requests::Method;
use serde_json::{Value, json};

const NOW: u64 = 1_790_000_000;

/// What the scripted Stripe does with the next request that makes a refund.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// Makes it and answers.
    Answer,
    /// Makes it, and the answer is lost.
    LoseAnswer,
    /// Loses the request.
    LoseRequest(TransportKind),
    /// Answers with this status and does nothing.
    Status(u16),
    /// Makes it, and a gateway answers in Stripe's place with this status.
    Gateway(u16),
    /// Makes it, and half of the answer arrives.
    Truncate,
}

/// A Stripe of one charge: idempotent, and as unreliable as the script says.
struct Script {
    fates: VecDeque<Fate>,
    charge: Value,
    refunds: Vec<Value>,
    keys: Vec<(String, String, Value)>,
    requests: Vec<HttpRequest>,
    slept: Vec<Duration>,
}

impl Script {
    fn new(fates: impl IntoIterator<Item = Fate>) -> Self {
        Self {
            fates: fates.into_iter().collect(),
            charge: json!({
                "id": "ch_1", "object": "charge", "amount": 2500, "amount_captured": 2500,
                "amount_refunded": 0, "currency": "usd", "status": "succeeded", "captured": true,
                "refunded": false, "disputed": false, "created": NOW - 86_400,
            }),
            refunds: Vec::new(),
            keys: Vec::new(),
            requests: Vec::new(),
            slept: Vec::new(),
        }
    }

    fn posts(&self) -> Vec<&HttpRequest> {
        self.requests.iter().filter(|request| request.method == Method::Post).collect()
    }

    fn get(&self, url: &str) -> Answer {
        let list = |data: &[Value]| json!({ "object": "list", "data": data, "has_more": false });
        let path = url.trim_start_matches("https://api.stripe.com");
        match path.split('?').next().unwrap_or_default() {
            "/v1/charges/ch_1" => {
                assert!(path.contains("=refunds"), "{path}");
                let mut charge = self.charge.clone();
                charge["refunds"] = list(&self.refunds[..self.refunds.len().min(10)]);
                charge["refunds"]["has_more"] = json!(self.refunds.len() > 10);
                ok(&charge)
            }
            "/v1/payment_intents/pi_1" => ok(&json!({
                "id": "pi_1", "status": "succeeded", "currency": "usd", "latest_charge": self.charge,
            })),
            "/v1/payment_intents/pi_new" => ok(&json!({
                "id": "pi_new", "status": "requires_payment_method", "currency": "usd",
                "latest_charge": null,
            })),
            "/v1/refunds" => ok(&list(&self.refunds)),
            "/v1/disputes" => ok(&list(&[])),
            _ => status(404),
        }
    }

    /// Makes the refund, or repeats the answer of the same key.
    fn refund(&mut self, request: &HttpRequest) -> Answer {
        let key = header(request, "idempotency-key").expect("a refund is never sent without a key");
        let body = form(request);
        if let Some((_, known, refund)) = self.keys.iter().find(|(known, ..)| *known == key) {
            if *known != body {
                return Answer {
                    body: json!({"error": {"type": "idempotency_error", "message": "other parameters"}})
                        .to_string()
                        .into_bytes(),
                    ..status(400)
                };
            }
            let mut answer = ok(refund);
            answer.headers.push(("idempotent-replayed".into(), "true".into()));
            return answer;
        }
        let field = |name: &str| {
            body.split('&')
                .find_map(|pair| pair.strip_prefix(&format!("{name}=")))
                .map(str::to_owned)
        };
        let amount: u64 = field("amount").expect("the amount is always named").parse().unwrap();
        let operation =
            field("metadata[refund_node_operation]").expect("the operation is always named");
        let refund = json!({
            "id": format!("re_{}", self.refunds.len() + 1), "object": "refund", "amount": amount,
            "currency": "usd", "charge": "ch_1", "status": "succeeded", "created": NOW,
            "reason": field("reason"), "metadata": { "refund_node_operation": operation },
        });
        self.refunds.insert(0, refund.clone());
        self.keys.push((key, body, refund.clone()));
        ok(&refund)
    }
}

impl Transport for Script {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        self.requests.push(request.clone());
        if request.method == Method::Get {
            return Ok(self.get(&request.url));
        }
        let lost = |kind| Err(SendFailure { kind, detail: "scripted".into() });
        match self.fates.pop_front().unwrap_or(Fate::Answer) {
            Fate::Answer => Ok(self.refund(request)),
            Fate::LoseAnswer => {
                self.refund(request);
                lost(TransportKind::Timeout)
            }
            Fate::LoseRequest(kind) => lost(kind),
            Fate::Status(code) => Ok(status(code)),
            Fate::Gateway(code) => {
                self.refund(request);
                Ok(page(code))
            }
            Fate::Truncate => {
                let mut answer = self.refund(request);
                answer.body.truncate(answer.body.len() / 2);
                Ok(answer)
            }
        }
    }

    fn now(&self) -> u64 {
        NOW
    }

    fn sleep(&mut self, duration: Duration) {
        self.slept.push(duration);
    }
}

fn ok(body: &Value) -> Answer {
    Answer {
        status: 200,
        headers: vec![("request-id".into(), "req_1".into())],
        body: body.to_string().into_bytes(),
    }
}

/// An error of Stripe's; above 500 a proxy's page.
fn status(status: u16) -> Answer {
    let body = match status {
        500.. => "<html>oops</html>".to_owned(),
        _ => json!({"error": {"type": "invalid_request_error", "message": "no"}}).to_string(),
    };
    Answer { status, headers: Vec::new(), body: body.into_bytes() }
}

/// A page that a gateway on the way wrote.
fn page(status: u16) -> Answer {
    Answer { status, headers: Vec::new(), body: b"<html>oops</html>".to_vec() }
}

fn header(request: &HttpRequest, name: &str) -> Option<String> {
    request.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
}

/// The parameters of a POST.
fn form(request: &HttpRequest) -> String {
    let body = request.body.as_ref().expect("a POST has a body");
    String::from_utf8(body.as_bytes().to_vec()).unwrap()
}

fn connection() -> Connection {
    Connection::new(ConnectionInput::default()).unwrap()
}

fn request(operation: &str, amount: Option<u64>) -> CreateRequest {
    let currency = Currency::parse("usd").unwrap();
    CreateRequest {
        operation_id: OperationId::parse(operation).unwrap(),
        payment: PaymentRef::parse("ch_1").unwrap(),
        amount: amount
            .map_or(Amount::Everything, |amount| Amount::Exactly(Money { amount, currency })),
        reason: None,
        metadata: Metadata::default(),
        refund_application_fee: None,
        reverse_transfer: None,
        instructions_email: None,
        rules: Rules::default(),
        self_serve: false,
        approval: None,
    }
}

fn create(script: &mut Script, request: &CreateRequest) -> Result<client::Created, CreateError> {
    client::create(script, &connection(), request)
}

#[test]
fn a_plain_refund() {
    let mut script = Script::new([]);
    let created = create(&mut script, &request("op-1", Some(1000))).unwrap();
    assert_eq!((created.origin, created.attempts), (Origin::Made, 1));
    assert_eq!(created.refund.status, Some(RefundStatus::Succeeded));
    assert_eq!(created.request_id.as_deref(), Some("req_1"));
    let posts = script.posts();
    assert_eq!(posts[0].url, "https://api.stripe.com/v1/refunds");
    assert_eq!(header(posts[0], "stripe-version").as_deref(), Some(refund_core::API_VERSION));
    assert_eq!(header(posts[0], "authorization"), None, "the host adds the key");
    let length = form(posts[0]).len().to_string();
    assert_eq!(header(posts[0], "content-length"), Some(length));
}

#[test]
fn calling_again_never_pays_again() {
    let mut script = Script::new([]);
    let first = create(&mut script, &request("op-1", None)).unwrap();
    // Stripe forgets the key after a day, and nothing is left to refund.
    script.keys.clear();
    script.charge["amount_refunded"] = json!(2500);
    script.charge["refunded"] = json!(true);
    let again = create(&mut script, &request("op-1", None)).unwrap();
    assert_eq!((again.origin, again.attempts), (Origin::Found, 0));
    assert_eq!(again.refund.id, first.refund.id);
    assert_eq!(script.refunds.len(), 1);
}

#[test]
fn a_quiet_refund_takes_two_requests() {
    let mut script = Script::new([]);
    create(&mut script, &request("op-1", Some(1000))).unwrap();
    assert_eq!(script.requests.len(), 2, "the charge with its refunds, and the refund");
    script.charge["disputed"] = json!(true);
    create(&mut script, &request("op-2", Some(1000))).unwrap_err();
    assert_eq!(script.requests.len(), 4, "a charge that ever had a dispute: the disputes too");
}

#[test]
fn an_old_refund_is_found_behind_many_newer_ones() {
    let mut script = Script::new([]);
    let first = create(&mut script, &request("op-0", Some(10))).unwrap();
    for n in 1..=11 {
        create(&mut script, &request(&format!("op-{n}"), Some(10))).unwrap();
    }
    script.keys.clear();
    let again = create(&mut script, &request("op-0", Some(10))).unwrap();
    assert_eq!((again.origin, again.refund.id), (Origin::Found, first.refund.id));
}

#[test]
fn a_preview_counts_each_earlier_refund() {
    let mut script = Script::new([]);
    let rules = |max_attempts| {
        Rules::inline(Terms { max_attempts: Some(max_attempts), ..Terms::default() }).unwrap()
    };
    let last = CreateRequest { rules: rules(3), ..request("op-1", None) };
    let previewed = client::preview(&mut script, &connection(), &last, &[100, 100]).unwrap();
    assert_eq!(previewed.verdict.unwrap().amount.amount, 2300);
    let denied = CreateRequest { rules: rules(2), ..request("op-1", None) };
    let error = client::preview(&mut script, &connection(), &denied, &[100, 100]).unwrap_err();
    assert!(error.to_string().contains("2 refunds were made"), "{error}");
    assert!(script.posts().is_empty(), "a preview sends nothing that changes anything");
}

#[test]
fn two_equal_partial_refunds_are_two_operations() {
    let mut script = Script::new([]);
    create(&mut script, &request("op-1", Some(1000))).unwrap();
    create(&mut script, &request("op-2", Some(1000))).unwrap();
    assert_eq!(script.refunds.len(), 2);
}

#[test]
fn one_operation_with_two_amounts_is_a_conflict() {
    let mut script = Script::new([]);
    create(&mut script, &request("op-1", Some(1000))).unwrap();
    let error = create(&mut script, &request("op-1", Some(900))).unwrap_err();
    assert!(
        matches!(&error, CreateError::OperationConflict(conflict) if conflict.existing.is_some()),
        "{error}"
    );
    assert_eq!(script.refunds.len(), 1);
}

#[test]
fn every_loss_ends_in_one_refund() {
    use Fate::{Answer, Gateway, LoseAnswer, LoseRequest, Status, Truncate};
    let cases: &[(&[Fate], Origin, u32)] = &[
        (&[LoseAnswer, Answer], Origin::Replayed, 2),
        (&[Truncate, Answer], Origin::Replayed, 2),
        (&[LoseRequest(TransportKind::Timeout), Answer], Origin::Made, 2),
        (&[LoseRequest(TransportKind::Connect), Answer], Origin::Made, 2),
        (&[Status(500), Answer], Origin::Made, 2),
        (&[Status(503), Status(409), Answer], Origin::Made, 3),
        (&[Status(429), Status(429), Answer], Origin::Made, 3),
        (&[LoseAnswer, LoseAnswer, LoseAnswer], Origin::Reconciled, 3),
        // A gateway gave up after it had passed the request on.
        (&[Gateway(403)], Origin::Reconciled, 1),
        (&[Gateway(408)], Origin::Reconciled, 1),
        (&[LoseAnswer, Status(500), Status(500)], Origin::Reconciled, 3),
        // A plain no after a lost answer proves nothing: the refund is there.
        (&[LoseAnswer, Status(400)], Origin::Reconciled, 2),
        (&[LoseAnswer, Status(429), Status(429)], Origin::Reconciled, 3),
        (
            &[LoseAnswer, LoseRequest(TransportKind::Connect), LoseRequest(TransportKind::Connect)],
            Origin::Reconciled,
            3,
        ),
    ];
    for (fates, origin, attempts) in cases {
        let mut script = Script::new(fates.iter().copied());
        let created = create(&mut script, &request("op-1", Some(1000)))
            .unwrap_or_else(|error| panic!("{fates:?}: {error}"));
        assert_eq!((created.origin, created.attempts), (*origin, *attempts), "{fates:?}");
        assert_eq!(script.refunds.len(), 1, "{fates:?}");
        let keys: Vec<_> =
            script.posts().iter().map(|post| header(post, "idempotency-key")).collect();
        assert!(
            keys.windows(2).all(|pair| pair[0] == pair[1]),
            "{fates:?}: every try has the same key"
        );
        assert_eq!(script.slept.len(), usize::try_from(*attempts).unwrap() - 1, "{fates:?}");
    }
}

#[test]
fn unknown_is_told_and_settled_by_calling_again() {
    for fates in [
        [Fate::LoseRequest(TransportKind::Timeout); 3],
        [Fate::LoseRequest(TransportKind::Broken); 3],
        [Fate::Status(500); 3],
        [Fate::Status(409); 3],
    ] {
        let mut script = Script::new(fates);
        let error = create(&mut script, &request("op-1", Some(1000))).unwrap_err();
        assert!(
            matches!(&error, CreateError::OutcomeUnknown(unknown) if unknown.attempts == 3),
            "{fates:?}: {error}"
        );
        let created = create(&mut script, &request("op-1", Some(1000))).unwrap();
        assert_eq!((created.origin, script.refunds.len()), (Origin::Made, 1), "{fates:?}");
    }
}

#[test]
fn certain_failures_are_not_called_unknown() {
    let mut script = Script::new([Fate::LoseRequest(TransportKind::Connect); 3]);
    let error = create(&mut script, &request("op-1", None)).unwrap_err();
    assert!(matches!(error, CreateError::Transport(_)), "{error}");
    let mut script = Script::new([Fate::LoseRequest(TransportKind::Denied)]);
    let error = create(&mut script, &request("op-1", None)).unwrap_err();
    assert!(matches!(error, CreateError::Transport(_)), "{error}");
    assert_eq!(script.posts().len(), 1, "what the host denies is not repeated");
    for code in [400, 402, 403, 429] {
        let mut script = Script::new([Fate::Status(code); 3]);
        let error = create(&mut script, &request("op-1", None)).unwrap_err();
        assert!(matches!(error, CreateError::Refused(_)), "{code}: {error}");
    }
}

#[test]
fn a_used_key_on_another_payment_is_a_conflict() {
    let mut script = Script::new([]);
    create(&mut script, &request("op-1", Some(1000))).unwrap();
    // The refund is on a charge whose refunds are not listed here.
    script.refunds.clear();
    let error = create(&mut script, &request("op-1", Some(900))).unwrap_err();
    assert!(
        matches!(&error, CreateError::OperationConflict(conflict) if conflict.existing.is_none()),
        "{error}"
    );
}

#[test]
fn approval_binds_to_the_request() {
    let mut script = Script::new([]);
    let usd = Currency::parse("usd").unwrap();
    let mut wanted = request("op-1", Some(2000));
    wanted.rules = Rules::inline(Terms {
        approve_up_to: Some(Money { amount: 1500, currency: usd }.into()),
        ..Terms::default()
    })
    .unwrap();
    let hash = match create(&mut script, &wanted).unwrap_err() {
        CreateError::NeedsApproval(need) => need.request_hash,
        other => panic!("{other}"),
    };
    assert!(script.posts().is_empty());
    let mut altered = wanted.clone();
    altered.amount = Amount::Exactly(Money { amount: 2400, currency: usd });
    altered.approval = Some(hash.clone());
    let error = create(&mut script, &altered).unwrap_err();
    assert!(matches!(error, CreateError::ApprovalMismatch(_)), "{error}");
    assert!(script.posts().is_empty());
    wanted.approval = Some(hash);
    assert_eq!(create(&mut script, &wanted).unwrap().origin, Origin::Made);
}

/// One approval is not two, but two are one.
#[test]
fn an_approval_binds_to_the_number_of_people() {
    let ruled = |second: &str, approval: Option<String>| {
        let document = json!({
            "name": "Shop", "version": "3",
            "defaults": { "approve_up_to": { "usd": "1.00" }, "second_approval_above": { "usd": second } },
        });
        let book = Rulebook::read(document.to_string().as_bytes()).unwrap();
        let rules = Rules::from(book);
        CreateRequest { rules, approval, ..request("op-1", Some(2000)) }
    };
    let mut script = Script::new([]);
    let mut hash = |second: &str| match create(&mut script, &ruled(second, None)).unwrap_err() {
        CreateError::NeedsApproval(need) => need.request_hash,
        other => panic!("{other}"),
    };
    let (one, two) = (hash("50.00"), hash("10.00"));
    assert_ne!(one, two);
    let error = create(&mut script, &ruled("10.00", Some(one))).unwrap_err();
    assert!(matches!(error, CreateError::ApprovalMismatch(_)), "{error}");
    assert!(script.posts().is_empty());
    assert_eq!(create(&mut script, &ruled("50.00", Some(two))).unwrap().origin, Origin::Made);
}

/// A document is asked inside `create`, on facts as fresh as those the refund is made on.
#[test]
fn a_document_decides_on_fresh_facts() {
    let document = json!({
        "name": "Shop", "version": "3",
        "defaults": { "approve_up_to": { "usd": "10.00" }, "reasons": ["duplicate"] },
    });
    let book = || Rulebook::read(document.to_string().as_bytes()).unwrap();
    let ruled = |amount, reason: &str| CreateRequest {
        rules: book().into(),
        reason: serde_json::from_value(json!(reason)).ok(),
        ..request("op-1", Some(amount))
    };
    let mut script = Script::new([]);
    let made = create(&mut script, &ruled(1000, "duplicate")).unwrap();
    let ruling = made.verdict.unwrap().ruling.unwrap();
    assert_eq!((ruling.version.as_str(), ruling.rule.as_str()), ("3", "defaults"));
    assert_eq!(ruling.hash, book().hash());

    let mut script = Script::new([]);
    let asked = create(&mut script, &ruled(1001, "duplicate")).unwrap_err();
    assert!(matches!(asked, CreateError::NeedsApproval(_)), "{asked:?}");
    let denied = create(&mut script, &ruled(1, "requested_by_customer")).unwrap_err();
    assert!(matches!(denied, CreateError::Denied { .. }), "{denied:?}");
    assert!(script.posts().is_empty());
}

#[test]
fn an_approval_is_no_pardon() {
    let mut script = Script::new([]);
    let mut wanted = request("op-1", Some(9999));
    wanted.approval = Some("whatever".into());
    let error = create(&mut script, &wanted).unwrap_err();
    assert!(matches!(error, CreateError::Denied { .. }), "{error}");
}

#[test]
fn a_payment_intent_leads_to_its_charge() {
    let mut script = Script::new([]);
    let mut by_intent = request("op-1", Some(1000));
    by_intent.payment = PaymentRef::parse("pi_1").unwrap();
    create(&mut script, &by_intent).unwrap();
    // The same operation by charge is the same refund.
    let again = create(&mut script, &request("op-1", Some(1000))).unwrap();
    assert_eq!((again.origin, script.refunds.len()), (Origin::Found, 1));
    by_intent.payment = PaymentRef::parse("pi_new").unwrap();
    let error = create(&mut script, &by_intent).unwrap_err();
    assert!(matches!(error, CreateError::Denied { .. }), "{error}");
}

#[test]
fn bad_input_sends_nothing() {
    let mut script = Script::new([]);
    let mut wrong = request("op-1", Some(0));
    wrong.reason = Some(refund_core::model::Reason::from("expired_uncaptured_charge"));
    wrong.metadata = (0..51).map(|n| (format!("k{n}"), "v".repeat(501))).collect();
    let CreateError::Invalid { problems } = create(&mut script, &wrong).unwrap_err() else {
        panic!()
    };
    for field in ["amount", "reason", "metadata", "metadata.k7"] {
        assert!(problems.iter().any(|problem| problem.field == field), "{field} in {problems:?}");
    }
    let error = client::retrieve(&mut script, &connection(), "ch_1").unwrap_err();
    assert!(matches!(error, CallError::Invalid { .. }));
    let error = client::update_metadata(&mut script, &connection(), "re_1", &Metadata::default());
    assert!(
        matches!(error, Err(ChangeError::Invalid { .. })),
        "an empty map would erase everything"
    );
    assert!(script.requests.is_empty());
}

#[test]
fn a_key_given_by_the_caller_is_sent_and_never_shown() {
    let mut script = Script::new([Fate::Status(500); 3]);
    let connection = Connection::new(ConnectionInput {
        api_key: Some(Secret::new("sk_test_hidden")),
        account: Some("acct_1".into()),
        ..ConnectionInput::default()
    })
    .unwrap();
    let error = client::create(&mut script, &connection, &request("op-1", None)).unwrap_err();
    assert_eq!(
        header(script.posts()[0], "authorization").as_deref(),
        Some("Bearer sk_test_hidden")
    );
    assert_eq!(header(script.posts()[0], "stripe-account").as_deref(), Some("acct_1"));
    assert!(!format!("{error} {error:?} {connection:?}").contains("hidden"));
}
