//! Disputes, over a transport that follows a script and loses answers on purpose.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_core::client::disputes::{self, DisputeAction, DisputeError, DisputeFilter};
use refund_core::client::{CallError, ChangeError, Connection, ConnectionInput, TransportKind};
use refund_core::dispatch::{FailureKind, InvokeError, invoke};
use refund_core::disputes::Barrier;
use refund_core::id::PaymentRef;
use refund_core::wire::requests::Method;
use serde_json::{Value, json};

use script::{
    Call, DAY, Expected, Fate, NOW, PNG, Script, close, confirmation, connection, dispute, fields,
    form, header, stage, submit,
};

mod script;

#[test]
fn staging_shows_the_bank_nothing() {
    let mut script = Script::new([]);
    let changed = stage(&mut script).unwrap();
    assert_eq!((changed.reconciled, changed.attempts, script.submissions()), (false, 1, 0));
    assert_eq!(changed.dispute.evidence["product_description"], "Socks");
    assert_eq!(
        script.forms(),
        ["evidence[product_description]=Socks&evidence[receipt]=file_1&submit=false"]
    );
    let post = script.sent(Method::Post)[0];
    assert_eq!(post.url, "https://api.stripe.com/v1/disputes/dp_1");
    assert_eq!(header(post, "idempotency-key"), None);
    // Again, and one field cleared.
    disputes::stage(&mut script, &connection(), "dp_1", fields(&[("receipt", "")])).unwrap();
    assert_eq!(script.forms()[1], "evidence[receipt]=&submit=false");
}

#[test]
fn staging_always_names_submit_whatever_happens() {
    use Fate::{Answer, Gateway, LoseAnswer, LoseRequest, Status, Truncate};
    for (fates, reconciled, attempts) in [
        (&[LoseAnswer, Answer][..], false, 2),
        (&[Truncate, Answer], false, 2),
        (&[Status(500), Answer], false, 2),
        (&[Status(429), Status(409), Answer], false, 3),
        (&[LoseRequest(TransportKind::Connect), Answer], false, 2),
        (&[LoseAnswer, LoseAnswer, LoseAnswer], true, 3),
        (&[Gateway(502), Status(500), Status(500)], true, 3),
        (&[LoseAnswer, Status(400)], true, 2),
    ] {
        let mut script = Script::new(fates.iter().copied());
        let changed = stage(&mut script).unwrap_or_else(|error| panic!("{fates:?}: {error}"));
        assert_eq!((changed.reconciled, changed.attempts), (reconciled, attempts), "{fates:?}");
        assert!(script.forms().iter().all(|form| form.ends_with("&submit=false")), "{fates:?}");
        assert_eq!(script.submissions(), 0, "{fates:?}");
    }
}

#[test]
fn submitting_sends_all_to_the_bank() {
    let mut script = Script::new([]);
    let changed = submit(&mut script).unwrap();
    assert_eq!((changed.reconciled, changed.attempts, script.submissions()), (false, 1, 1));
    assert_eq!(changed.standing.barrier, Some(Barrier::AlreadySubmitted));
    assert!(script.forms()[0].ends_with("&submit=true"), "{:?}", script.forms());
    assert_eq!(header(script.sent(Method::Post)[0], "idempotency-key"), None);
    let error = submit(&mut script).unwrap_err();
    assert!(
        matches!(&error, DisputeError::AlreadySubmitted(one) if one.submission_count == 1),
        "{error}"
    );
    assert_eq!(script.sent(Method::Post).len(), 1);
}

#[test]
fn what_is_staged_is_enough_to_submit_and_nothing_is_not() {
    let empty = || Vec::<(String, String)>::new();
    let mut script = Script::new([]);
    let error = disputes::submit(&mut script, &connection(), "dp_1", empty()).unwrap_err();
    assert!(matches!(error, DisputeError::Invalid { .. }), "{error}");
    assert!(script.sent(Method::Post).is_empty());
    stage(&mut script).unwrap();
    // Clearing the last field while submitting would send nothing.
    let clear = fields(&[("product_description", ""), ("receipt", "")]);
    let error = disputes::submit(&mut script, &connection(), "dp_1", clear).unwrap_err();
    assert!(matches!(error, DisputeError::Invalid { .. }), "{error}");
    disputes::submit(&mut script, &connection(), "dp_1", empty()).unwrap();
    assert_eq!(script.forms()[1], "submit=true");
}

#[test]
fn a_submission_is_never_sent_twice() {
    use Fate::{Answer, Gateway, LoseAnswer, LoseRequest, Status, Truncate};
    // What may have been carried out is not repeated.
    for fate in [LoseAnswer, Truncate, Gateway(502), Gateway(403), Gateway(200)] {
        for (call, done) in [(submit as Call, "under_review"), (close, "lost")] {
            let mut script = Script::new([fate]);
            let changed = call(&mut script).unwrap_or_else(|error| panic!("{fate:?}: {error}"));
            assert!(changed.reconciled, "{fate:?}");
            assert_eq!(changed.dispute.status, done, "{fate:?}");
            assert_eq!(script.sent(Method::Post).len(), 1, "{fate:?}");
            assert_eq!(script.sent(Method::Get).len(), 2, "{fate:?}: before, and again");
        }
    }
    for fate in [
        LoseRequest(TransportKind::Timeout),
        LoseRequest(TransportKind::Broken),
        LoseRequest(TransportKind::Other),
        LoseRequest(TransportKind::TooLarge),
        Status(500),
        Status(409),
        Status(424),
    ] {
        for (call, action) in
            [(submit as Call, DisputeAction::Submit), (close, DisputeAction::Close)]
        {
            let mut script = Script::new([fate, Answer]);
            let error = call(&mut script).unwrap_err();
            let DisputeError::OutcomeUnknown(unknown) = &error else { panic!("{fate:?}: {error}") };
            assert_eq!((unknown.action, unknown.attempts), (action, 1), "{fate:?}");
            assert_eq!(unknown.status.as_deref(), Some("needs_response"), "{fate:?}");
            assert_eq!(script.sent(Method::Post).len(), 1, "{fate:?}");
        }
    }
    // What certainly was not carried out is.
    for fate in [LoseRequest(TransportKind::Connect), LoseRequest(TransportKind::Dns), Status(429)]
    {
        for call in [submit as Call, close] {
            let mut script = Script::new([fate, Answer]);
            let changed = call(&mut script).unwrap();
            assert_eq!(
                (changed.attempts, changed.reconciled, script.waits),
                (2, false, 1),
                "{fate:?}"
            );
        }
    }
    // And no further, once one may have been.
    let mut script = Script::new([Status(429), LoseAnswer, Answer]);
    assert!(submit(&mut script).unwrap().reconciled);
    assert_eq!((script.sent(Method::Post).len(), script.submissions()), (2, 1));
}

#[test]
fn certain_failures_are_not_called_unknown() {
    for call in [stage as Call, submit, close] {
        for code in [400, 402, 403, 404, 429] {
            let mut script = Script::new([Fate::Status(code); 3]);
            let error = call(&mut script).unwrap_err();
            assert!(matches!(error, DisputeError::Refused(_)), "{code}: {error}");
        }
        for kind in [TransportKind::Denied, TransportKind::Connect] {
            let mut script = Script::new([Fate::LoseRequest(kind); 3]);
            let error = call(&mut script).unwrap_err();
            assert!(matches!(error, DisputeError::Transport(_)), "{kind:?}: {error}");
        }
    }
}

#[test]
fn a_dispute_that_cannot_be_read_is_not_touched() {
    for call in [stage as Call, submit, close] {
        for (gets, refused) in [([0; 3], false), ([500; 3], true), ([404; 3], true)] {
            let mut script = Script::new([]);
            script.gets = gets.into();
            let error = call(&mut script).unwrap_err();
            assert_eq!(matches!(error, DisputeError::Refused(_)), refused, "{gets:?}: {error}");
            assert_eq!(matches!(error, DisputeError::Transport(_)), !refused, "{gets:?}: {error}");
            assert!(script.sent(Method::Post).is_empty());
        }
    }
}

#[test]
fn nobody_knows_when_the_second_read_fails_too() {
    for call in [submit as Call, close] {
        let mut script = Script::new([Fate::LoseAnswer]);
        script.gets = [200, 0, 0, 0].into();
        let error = call(&mut script).unwrap_err();
        assert!(
            matches!(&error, DisputeError::OutcomeUnknown(unknown) if unknown.status.is_none()),
            "{error}"
        );
        assert_eq!(script.sent(Method::Post).len(), 1);
        // Calling again looks first, and finds it done.
        let error = call(&mut script).unwrap_err();
        assert!(
            matches!(error, DisputeError::AlreadySubmitted(_) | DisputeError::NotOpen(_)),
            "{error}"
        );
        assert_eq!(script.sent(Method::Post).len(), 1);
    }
}

#[test]
fn only_an_open_dispute_is_answered() {
    let with = |changes: Value| {
        let mut script = Script::new([]);
        for (name, value) in changes.as_object().unwrap() {
            script.disputes[0]["evidence_details"][name] = value.clone();
        }
        script
    };
    let wrong: [(&str, Value, Expected); 5] = [
        (
            "due",
            json!({ "due_by": NOW - 1 }),
            |e| matches!(e, DisputeError::PastDue(p) if p.due_by == NOW - 1),
        ),
        ("flag", json!({ "past_due": true }), |e| matches!(e, DisputeError::PastDue(_))),
        ("count", json!({ "submission_count": 1 }), |e| {
            matches!(e, DisputeError::AlreadySubmitted(_))
        }),
        ("no date", json!({ "due_by": null }), |e| matches!(e, DisputeError::NotOpen(_))),
        ("no count", json!({ "submission_count": null }), |e| {
            matches!(e, DisputeError::NotOpen(_))
        }),
    ];
    for call in [stage as Call, submit] {
        for (name, changes, expected) in &wrong {
            let mut script = with(changes.clone());
            let error = call(&mut script).unwrap_err();
            assert!(expected(&error), "{name}: {error}");
            assert_eq!(script.requests.len(), 1, "{name}: the read alone");
        }
        let mut script = with(json!({ "due_by": NOW }));
        assert!(call(&mut script).is_ok(), "the last second counts");
    }
    for status in [
        "under_review",
        "warning_under_review",
        "won",
        "lost",
        "warning_closed",
        "prevented",
        "appeal_needs_response",
        "appeal_under_review",
        "something_new",
    ] {
        for call in [stage as Call, submit, close] {
            let mut script = Script::new([]);
            script.disputes[0]["status"] = json!(status);
            let error = call(&mut script).unwrap_err();
            assert!(
                matches!(&error, DisputeError::NotOpen(one) if one.status == status),
                "{error}"
            );
            assert_eq!(script.requests.len(), 1, "{status}");
        }
    }
}

#[test]
fn limits_count_what_is_staged() {
    for (staged, good) in [(50_000, true), (50_001, false)] {
        for submits in [false, true] {
            let mut script = Script::new([]);
            script.disputes[0]["evidence"]["shipping_address"] = json!("é".repeat(staged));
            let evidence = fields(&[("billing_address", &"ü".repeat(100_000))]);
            let to = connection();
            let result = if submits {
                disputes::submit(&mut script, &to, "dp_1", evidence)
            } else {
                disputes::stage(&mut script, &to, "dp_1", evidence)
            };
            assert_eq!(result.is_ok(), good, "{staged}");
            assert_eq!(script.sent(Method::Post).len(), usize::from(good), "{staged}");
        }
    }
}

#[test]
fn bad_input_sends_nothing() {
    let mut script = Script::new([]);
    let to = connection();
    let wrong =
        fields(&[("receipt", "x"), ("nonsense", "x"), ("uncategorized_text", &"x".repeat(20_001))]);
    for error in [
        disputes::stage(&mut script, &to, "ch_1", wrong.clone()).unwrap_err(),
        disputes::submit(&mut script, &to, "ch_1", wrong).unwrap_err(),
    ] {
        let DisputeError::Invalid { problems } = error else { panic!("{error}") };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        let expected = ["dispute", "evidence.receipt", "evidence", "evidence.uncategorized_text"];
        assert_eq!(fields, expected);
    }
    let error = disputes::stage(&mut script, &to, "dp_1", Vec::new()).unwrap_err();
    assert!(matches!(error, DisputeError::Invalid { .. }), "{error}");
    let error =
        disputes::close(&mut script, &to, "dp_1", &confirmation("", 1, "dollars")).unwrap_err();
    let DisputeError::Invalid { problems } = error else { panic!("{error}") };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["confirmation.dispute", "confirmation.currency"]);
    assert!(disputes::retrieve(&mut script, &to, "pi_1").is_err());
    assert!(script.requests.is_empty());
}

#[test]
fn closing_needs_the_exact_confirmation() {
    for wrong in [
        confirmation("dp_2", 2500, "usd"),
        confirmation("dp_1", 2499, "usd"),
        confirmation("dp_1", 25, "usd"),
        confirmation("dp_1", 2500, "eur"),
    ] {
        let mut script = Script::new([]);
        let error = disputes::close(&mut script, &connection(), "dp_1", &wrong).unwrap_err();
        let DisputeError::ConfirmationMismatch(mismatch) = &error else { panic!("{error}") };
        assert_eq!((mismatch.held.amount, &mismatch.given), (2500, &wrong));
        assert!(error.to_string().contains("25.00 usd"), "{error}");
        assert_eq!(script.requests.len(), 1, "the read alone");
        assert_eq!(script.disputes[0]["status"], "needs_response");
    }
    let mut script = Script::new([]);
    let right = confirmation("dp_1", 2500, "USD");
    let changed = disputes::close(&mut script, &connection(), "dp_1", &right).unwrap();
    assert_eq!((changed.dispute.status.as_str(), changed.reconciled), ("lost", false));
    let post = script.sent(Method::Post)[0];
    assert_eq!(post.url, "https://api.stripe.com/v1/disputes/dp_1/close");
    assert_eq!((form(post).as_str(), header(post, "idempotency-key")), ("", None));
    // It is late, and an inquiry: both can still be accepted.
    let mut script = Script::new([]);
    script.disputes[0]["status"] = json!("warning_needs_response");
    script.disputes[0]["evidence_details"]["past_due"] = json!(true);
    assert!(close(&mut script).is_ok());
}

#[test]
fn lists_are_ordered_by_what_is_due() {
    let mut script = Script::new([]);
    script.disputes = vec![
        dispute("dp_5", "won", 0),
        dispute("dp_4", "needs_response", NOW + 3 * DAY),
        dispute("dp_3", "warning_needs_response", NOW + DAY),
        dispute("dp_2", "lost", NOW - DAY),
        dispute("dp_1", "needs_response", NOW - DAY),
    ];
    let mut list = |filter: &DisputeFilter| {
        let page = disputes::list(&mut script, &connection(), filter).unwrap();
        let of = |one: &disputes::ListedDispute| {
            (one.dispute.id.to_string(), one.standing.seconds_left, one.standing.barrier)
        };
        (page.disputes.iter().map(of).collect::<Vec<_>>(), page.next)
    };
    let due = [
        ("dp_1".to_owned(), Some(0), Some(Barrier::PastDue)),
        ("dp_3".to_owned(), Some(DAY), None),
        ("dp_4".to_owned(), Some(3 * DAY), None),
    ];
    let (all, next) = list(&DisputeFilter::default());
    assert_eq!((&all[..3], next), (&due[..], None));
    let ids: Vec<_> = all.iter().map(|one| one.0.as_str()).collect();
    assert_eq!(ids, ["dp_1", "dp_3", "dp_4", "dp_5", "dp_2"]);
    let (open, _) = list(&DisputeFilter { open_only: true, ..DisputeFilter::default() });
    assert_eq!(open, due);
    let page = DisputeFilter { limit: Some(2), ..DisputeFilter::default() };
    let (two, next) = list(&page);
    assert_eq!((two.len(), next.as_deref()), (2, Some("dp_4")));
    let (rest, next) = list(&DisputeFilter { cursor: next, limit: Some(3), ..page });
    assert_eq!((rest.len(), next), (3, None));
    let charge = PaymentRef::parse("ch_1").unwrap();
    list(&DisputeFilter {
        payment: Some(charge),
        created_from: Some(1),
        created_to: Some(2),
        cursor: Some("dp_3".into()),
        limit: Some(7),
        open_only: false,
    });
    let url = &script.requests.last().unwrap().url;
    let query = "charge=ch_1&created%5Bgte%5D=1&created%5Blte%5D=2&limit=7&starting_after=dp_3";
    assert_eq!(url.split_once('?').unwrap().1, query);
}

#[test]
fn open_disputes_are_found_behind_many_closed_ones() {
    let mut script = Script::new([]);
    script.disputes = (0..250).map(|n| dispute(&format!("dp_{n}"), "won", 0)).collect();
    script.disputes[240]["status"] = json!("needs_response");
    script.disputes[240]["evidence_details"]["due_by"] = json!(NOW + 5);
    let open = DisputeFilter { open_only: true, ..DisputeFilter::default() };
    let page = disputes::list(&mut script, &connection(), &open).unwrap();
    assert_eq!((page.disputes.len(), page.next), (1, None));
    assert_eq!(page.disputes[0].standing.seconds_left, Some(5));
    assert_eq!(script.requests.len(), 3);
    let cut = DisputeFilter { limit: Some(150), ..open.clone() };
    let page = disputes::list(&mut script, &connection(), &cut).unwrap();
    assert_eq!((page.disputes.len(), page.next.as_deref()), (0, Some("dp_149")));
    for limit in [0, 1001] {
        let filter = DisputeFilter { limit: Some(limit), ..open.clone() };
        assert!(disputes::list(&mut script, &connection(), &filter).is_err(), "{limit}");
    }
    for (from, to, cursor) in [(Some(2), Some(1), None), (None, None, Some("re_1".to_owned()))] {
        let filter = DisputeFilter { created_from: from, created_to: to, cursor, ..open.clone() };
        let error = disputes::list(&mut script, &connection(), &filter).unwrap_err();
        assert!(matches!(error, CallError::Invalid { .. }), "{error}");
    }
}

#[test]
fn files_go_to_a_host_of_their_own() {
    let mut script = Script::new([Fate::LoseAnswer, Fate::Status(500)]);
    let file = disputes::upload(&mut script, &connection(), "a.png", PNG).unwrap();
    assert_eq!(file.id.as_str(), "file_2", "uploading twice does no harm");
    let posts = script.sent(Method::Post);
    assert!(posts.iter().all(|post| post == &posts[0]), "the boundary is derived");
    assert_eq!(posts[0].url, "https://files.stripe.com/v1/files");
    let body = posts[0].body.as_ref().unwrap().as_bytes();
    assert_eq!(header(posts[0], "content-length"), Some(body.len().to_string()));
    let kind = header(posts[0], "content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    assert!(body.starts_with(format!("--{boundary}\r\n").as_bytes()));
    assert!(body.windows(PNG.len()).any(|window| window == PNG));
    for (base_url, url) in [
        ("http://127.0.0.1:1234", "http://127.0.0.1:1234/v1/files"),
        ("https://api.stripe.com/", "https://files.stripe.com/v1/files"),
        ("https://proxy.example", "https://proxy.example/v1/files"),
    ] {
        let input =
            ConnectionInput { base_url: Some(base_url.into()), ..ConnectionInput::default() };
        let mut script = Script::new([]);
        disputes::upload(&mut script, &Connection::new(input).unwrap(), "a.png", PNG).unwrap();
        assert_eq!(script.requests[0].url, url);
    }
    let error = disputes::upload(&mut script, &connection(), "a.gif", b"GIF89a").unwrap_err();
    assert!(matches!(error, ChangeError::Invalid { .. }), "{error}");
    let mut script = Script::new([Fate::LoseAnswer, Fate::LoseAnswer, Fate::LoseAnswer]);
    let error = disputes::upload(&mut script, &connection(), "a.png", PNG).unwrap_err();
    assert!(matches!(&error, ChangeError::OutcomeUnknown(unknown) if unknown.attempts == 3));
}

#[test]
fn invoke_has_them_all() {
    let mut script = Script::new([]);
    let mut run = |operation: &str, input: Value| -> Result<Value, InvokeError> {
        let output = invoke(&mut script, operation, &input.to_string())?;
        Ok(serde_json::from_str(&output).unwrap())
    };
    let seen = run("disputes.retrieve", json!({ "dispute": "dp_1" })).unwrap();
    assert_eq!(seen["standing"]["seconds_left"], DAY);
    let listed = run("disputes.list", json!({ "open_only": true })).unwrap();
    assert_eq!(listed["disputes"][0]["standing"]["due_by"], NOW + DAY);
    // The bytes of `PNG`.
    let upload = json!({ "name": "a.png", "content_base64": "iVBORw0KGgoA/w==" });
    let file = run("disputes.upload-file", upload).unwrap();
    let evidence = json!({ "receipt": file["id"] });
    let staged =
        run("disputes.stage-evidence", json!({ "dispute": "dp_1", "evidence": evidence })).unwrap();
    assert_eq!(staged["dispute"]["evidence"]["receipt"], "file_1");
    let confirmation = json!({ "dispute": "dp_1", "amount": 1, "currency": "usd" });
    let closing = json!({ "dispute": "dp_1", "confirmation": confirmation });
    let InvokeError::Failed(failure) = run("disputes.close", closing).unwrap_err() else {
        panic!()
    };
    assert_eq!((failure.kind, failure.retryable), (FailureKind::Conflict, false));
    assert!(failure.details.contains("confirmation_mismatch"), "{}", failure.details);
    let submitted = run("disputes.submit", json!({ "dispute": "dp_1" })).unwrap();
    assert_eq!(submitted["dispute"]["status"], "under_review");
    let again = run("disputes.submit", json!({ "dispute": "dp_1" })).unwrap_err();
    assert!(matches!(again, InvokeError::Failed(failure) if failure.kind == FailureKind::Denied));
    let bad = json!({ "name": "", "content_base64": "!", "connection": { "max_retries": 11 } });
    let InvokeError::InvalidInput(problems) = run("disputes.upload-file", bad).unwrap_err() else {
        panic!()
    };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["connection.max_retries", "content_base64"]);
}

#[test]
fn an_unknown_outcome_is_for_a_person_to_look_at() {
    let mut script = Script::new([Fate::LoseRequest(TransportKind::Timeout); 4]);
    let mut failure =
        |operation: &str, input: Value| match invoke(&mut script, operation, &input.to_string())
            .unwrap_err()
        {
            InvokeError::Failed(failure) => (failure.kind, failure.retryable),
            other => panic!("{other:?}"),
        };
    let evidence = json!({ "dispute": "dp_1", "evidence": { "customer_name": "Ann" } });
    assert_eq!(failure("disputes.submit", evidence.clone()), (FailureKind::OutcomeUnknown, false));
    assert_eq!(failure("disputes.stage-evidence", evidence), (FailureKind::OutcomeUnknown, true));
}
