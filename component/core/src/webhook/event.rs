//! Events: the snapshot ones with the object inside, and the thin ones that only point at it
//! (reference 5.4 and 5.6). Cloud envelopes are taken off by whoever receives them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::instant::unix_seconds;
use crate::json::{self, Tree};
use crate::model::{Charge, Dispute, Refund};

/// An event. Its JSON is what the operation `webhooks.parse` gives and `webhooks.interpret` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// `evt_…`; the same in every delivery of it.
    pub id: String,
    /// In Stripe's words, such as `refund.failed`. A thin event's `v1.` prefix is kept.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened, Unix seconds.
    pub created: u64,
    /// False in test mode.
    pub livemode: bool,
    /// True for a thin event.
    pub thin: bool,
    /// The API version it was rendered with.
    pub api_version: Option<String>,
    /// The connected account it happened in.
    pub account: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// What it is about.
    pub subject: Subject,
}

/// What a thin event points at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RelatedObject {
    /// Its id.
    pub id: String,
    /// Its type, for example `refund`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its path, for example `/v1/refunds/re_1`.
    #[serde(default)]
    pub url: Option<String>,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Subject {
    /// A refund.
    Refund(Box<Refund>),
    /// A charge.
    Charge(Box<Charge>),
    /// A dispute.
    Dispute(Box<Dispute>),
    /// Nothing but a reference.
    Reference(RelatedObject),
    /// Another kind of object: its JSON.
    Other(String),
}

/// Why a body is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ParseError {
    /// Not JSON.
    #[error("the body is not JSON: {problem}")]
    NotJson {
        /// Where and why.
        problem: String,
    },
    /// JSON, but no event.
    #[error("the body is no event of Stripe's: {problem}")]
    NotAnEvent {
        /// What is missing.
        problem: String,
    },
    /// An event whose object cannot be read.
    #[error("the object of the event cannot be read: {problem}")]
    BadObject {
        /// The field and why.
        problem: String,
    },
}

impl ParseError {
    /// The contract's name of the case, for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "not-json",
            Self::NotAnEvent { .. } => "not-an-event",
            Self::BadObject { .. } => "bad-object",
        }
    }
}

/// Reads an event. Unknown kinds and unknown fields survive. Verify first.
pub fn parse(payload: &[u8]) -> Result<Event, ParseError> {
    let body = json::tree(payload).map_err(|problem| ParseError::NotJson { problem })?;
    if !body.is_object() {
        return Err(not_an_event("it is not a JSON object"));
    }
    match body.get("object").and_then(Tree::as_str) {
        Some("event") => snapshot(&body),
        Some("v2.core.event") => thin(&body),
        _ => Err(not_an_event("`object` is neither `event` nor `v2.core.event`")),
    }
}

fn snapshot(body: &Tree<'_>) -> Result<Event, ParseError> {
    let object = body.get("data").and_then(|data| data.get("object"));
    let object = object
        .filter(|tree| tree.is_object())
        .ok_or_else(|| not_an_event("`data.object` is missing"))?;
    let created = body.get("created").and_then(Tree::as_u64);
    // A string in very old versions, an object today, or null.
    let request_id = match body.get("request") {
        Some(Tree::Text(id)) => Some(id.to_string()),
        Some(request) => text(request, "id"),
        None => None,
    };
    Ok(Event {
        id: needed(body, "id")?,
        kind: needed(body, "type")?,
        created: created.ok_or_else(|| not_an_event("`created` is not a Unix time"))?,
        livemode: is_live(body),
        thin: false,
        api_version: text(body, "api_version"),
        account: text(body, "account"),
        request_id,
        subject: subject(object)?,
    })
}

fn thin(body: &Tree<'_>) -> Result<Event, ParseError> {
    let created = text(body, "created").and_then(|instant| unix_seconds(&instant));
    let request = body.get("reason").and_then(|reason| reason.get("request"));
    let subject = match body.get("related_object").filter(|tree| tree.is_object()) {
        Some(related) => Subject::Reference(RelatedObject {
            id: needed(related, "id")?,
            kind: needed(related, "type")?,
            url: text(related, "url"),
        }),
        None => Subject::Other("null".to_owned()),
    };
    Ok(Event {
        id: needed(body, "id")?,
        kind: needed(body, "type")?,
        created: created.ok_or_else(|| not_an_event("`created` is not an RFC 3339 instant"))?,
        livemode: is_live(body),
        thin: true,
        api_version: None,
        account: text(body, "context"),
        request_id: request.and_then(|request| text(request, "id")),
        subject,
    })
}

/// The object says what it is; the event's kind is not asked, because kinds come and go.
fn subject(object: &Tree<'_>) -> Result<Subject, ParseError> {
    fn read<T: DeserializeOwned>(object: &Tree<'_>) -> Result<Box<T>, ParseError> {
        json::decode(object).map(Box::new).map_err(|error| match error {
            json::Error::Syntax(problem) => bad_object(problem),
            json::Error::Field { path, problem } => {
                bad_object(format!("data.object.{path}: {problem}"))
            }
        })
    }
    match object.get("object").and_then(Tree::as_str) {
        Some("refund") => read(object).map(Subject::Refund),
        Some("charge") => read(object).map(Subject::Charge),
        Some("dispute") => read(object).map(Subject::Dispute),
        // A tree always serialises: the names of its fields are texts.
        _ => Ok(Subject::Other(serde_json::to_string(object).unwrap_or_default())),
    }
}

fn text(tree: &Tree<'_>, key: &str) -> Option<String> {
    tree.get(key).and_then(Tree::as_str).map(str::to_owned)
}

fn needed(tree: &Tree<'_>, key: &str) -> Result<String, ParseError> {
    text(tree, key)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| not_an_event(&format!("`{key}` is missing")))
}

fn is_live(tree: &Tree<'_>) -> bool {
    tree.get("livemode").and_then(Tree::as_bool).unwrap_or_default()
}

fn not_an_event(problem: &str) -> ParseError {
    ParseError::NotAnEvent { problem: problem.to_owned() }
}

fn bad_object(problem: String) -> ParseError {
    ParseError::BadObject { problem }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::property;

    fn snapshot_of(object: &Value) -> Value {
        json!({
            "id": "evt_1", "object": "event", "type": "refund.updated", "created": 1_790_000_000,
            "livemode": false, "api_version": "2026-10-28.endive", "pending_webhooks": 1,
            "request": { "id": "req_1", "idempotency_key": null }, "data": { "object": object },
            "a_field_of_tomorrow": [1],
        })
    }

    fn refund() -> Value {
        json!({ "id": "re_1", "object": "refund", "amount": 1250, "currency": "usd", "status": "failed",
                "charge": "ch_1", "a_field_of_tomorrow": {} })
    }

    fn read(body: &Value) -> Result<Event, ParseError> {
        parse(body.to_string().as_bytes())
    }

    #[test]
    fn a_snapshot_event() {
        let event = read(&snapshot_of(&refund())).unwrap();
        assert_eq!(
            (event.id.as_str(), event.kind.as_str(), event.created),
            ("evt_1", "refund.updated", 1_790_000_000)
        );
        assert_eq!((event.thin, event.request_id.as_deref()), (false, Some("req_1")));
        assert!(matches!(event.subject, Subject::Refund(refund) if refund.amount == 1250));
        for request in [json!("req_1"), json!(null), json!({ "id": null })] {
            let mut body = snapshot_of(&refund());
            body["request"] = request.clone();
            assert_eq!(read(&body).unwrap().request_id.as_deref(), request.as_str());
        }
    }

    #[test]
    fn a_thin_event() {
        let body = json!({
            "id": "evt_2", "object": "v2.core.event", "type": "v1.refund.failed", "livemode": true,
            "created": "2026-11-20T00:00:00.123Z", "context": "acct_1",
            "reason": { "type": "request", "request": { "id": "req_2", "idempotency_key": "k" } },
            "related_object": { "id": "re_1", "type": "refund", "url": "/v1/refunds/re_1" },
        });
        let event = read(&body).unwrap();
        assert_eq!((event.thin, event.livemode, event.created), (true, true, 1_795_132_800));
        assert_eq!(event.account.as_deref(), Some("acct_1"));
        assert_eq!(event.request_id.as_deref(), Some("req_2"));
        assert!(matches!(event.subject, Subject::Reference(object) if object.id == "re_1"));
    }

    #[test]
    fn unknown_objects_survive() {
        let event =
            read(&snapshot_of(&json!({ "id": "x_1", "object": "thing_of_tomorrow" }))).unwrap();
        assert!(
            matches!(event.subject, Subject::Other(json) if json.contains("thing_of_tomorrow"))
        );
    }

    #[test]
    fn what_is_no_event_is_told() {
        for (body, reason) in [
            ("", "not-json"),
            ("{", "not-json"),
            ("null", "not-an-event"),
            ("[]", "not-an-event"),
            ("{}", "not-an-event"),
            (r#"{"object":"event"}"#, "not-an-event"),
            (
                r#"{"object":"event","id":"evt_1","type":"x","created":"now","data":{"object":{}}}"#,
                "not-an-event",
            ),
            (r#"{"object":"v2.core.event","id":"evt_1","type":"x","created":1}"#, "not-an-event"),
            (
                r#"{"object":"event","id":"evt_1","type":"x","created":1,"data":{"object":{"object":"refund","id":"re_1","amount":-5,"currency":"usd"}}}"#,
                "bad-object",
            ),
        ] {
            assert_eq!(parse(body.as_bytes()).unwrap_err().reason(), reason, "{body}");
        }
        let mut bad = snapshot_of(&refund());
        bad["data"]["object"]["amount"] = json!("ten");
        let error = read(&bad).unwrap_err();
        assert!(error.to_string().contains("data.object.amount"), "{error}");
    }

    #[test]
    fn what_parse_gives_can_be_read_back() {
        for object in [refund(), json!({ "object": "x" })] {
            let event = read(&snapshot_of(&object)).unwrap();
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        }
    }

    /// Events of every kind.
    fn events() -> impl Strategy<Value = Value> {
        let charge = json!({
            "id": "ch_1", "object": "charge", "amount": 1250, "currency": "usd", "status": "succeeded",
            "created": 1, "refunds": { "data": [refund()], "has_more": false }, "metadata": { "a": "b" },
        });
        let dispute = json!({
            "id": "dp_1", "object": "dispute", "amount": 1250, "currency": "usd", "charge": "ch_1",
            "status": "needs_response", "is_charge_refundable": false, "created": 1,
        });
        let thin = json!({
            "id": "evt_2", "object": "v2.core.event", "type": "v1.refund.failed", "livemode": true,
            "created": "2026-11-20T00:00:00.123Z", "context": "acct_1",
            "reason": { "type": "request", "request": { "id": "req_2", "idempotency_key": "k" } },
            "related_object": { "id": "re_1", "type": "refund", "url": "/v1/refunds/re_1" },
        });
        let other =
            json!({ "id": "x_1", "object": "thing_of_tomorrow", "list": [1, { "a": null }] });
        let mut all: Vec<_> = [refund(), charge, dispute, other].iter().map(snapshot_of).collect();
        all.push(thin);
        prop::sample::select(all)
    }

    /// Where the values of a document are: all of them, from the outside in.
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    places(field, &format!("{at}/{name}"), found);
                }
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    places(item, &format!("{at}/{n}"), found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn an_event_with_one_value_changed_is_read_or_rejected_and_read_back() {
        let odd = prop::sample::select(vec![
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(1.5),
            json!(u64::MAX),
            json!(1e300),
            json!(""),
            json!("event"),
            json!("refund"),
            json!("charge"),
            json!("v2.core.event"),
            json!("\u{0}\u{1f4a9}"),
            json!([]),
            json!([[]]),
            json!({}),
            json!({ "id": "x" }),
            json!({ "data": 1 }),
            json!({ "object": { "object": 1 } }),
        ]);
        let changes = prop::option::weighted(0.8, (any::<prop::sample::Index>(), odd));
        let cuts = prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>()));
        let branches = ["unchanged", "still an event", "not-json", "not-an-event", "bad-object"];
        property(&(events(), changes, cuts), branches, |(mut event, change, cut), reached| {
            let is_changed = change.is_some() || cut.is_some();
            if let Some((at, odd)) = change {
                let mut all = Vec::new();
                places(&event, "", &mut all);
                let place: &String = at.get(&all);
                *event.pointer_mut(place).unwrap() = odd;
            }
            let mut body = event.to_string().into_bytes();
            if let Some((at, byte)) = cut {
                let at = at.index(body.len());
                if byte < 128 {
                    body.truncate(at);
                } else {
                    body[at] = byte;
                }
            }
            match parse(&body) {
                Ok(event) => {
                    reached.note(if is_changed { "still an event" } else { "unchanged" });
                    let json = serde_json::to_string(&event).unwrap();
                    let back: Event = serde_json::from_str(&json).unwrap();
                    let body: Value = serde_json::from_slice(&body).unwrap();
                    prop_assert!(event.thin || body["data"]["object"].is_object());
                    // The refunds inside a charge are not passed on.
                    prop_assert_eq!(serde_json::to_string(&back).unwrap(), json);
                }
                Err(error) => {
                    prop_assert!(is_changed, "{}", error);
                    let is_json = serde_json::from_slice::<Value>(&body).is_ok();
                    prop_assert_eq!(error.reason() == "not-json", !is_json, "{}", error);
                    reached.note(error.reason());
                }
            }
            Ok(())
        });
    }
}
