//! A Stripe of a few disputes that follows a script.

use std::collections::VecDeque;
use std::time::Duration;

use refund_core::client::disputes::{self, CloseConfirmation, DisputeChanged, DisputeError};
use refund_core::client::{
    Connection, ConnectionInput, HttpRequest, SendFailure, Transport, TransportKind,
};
use refund_core::wire::requests::Method;
use refund_core::wire::{Answer, Body};
use serde_json::{Value, json};

pub(crate) const NOW: u64 = 1_790_000_000;
pub(crate) const DAY: u64 = 86_400;
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\xff";

/// What the scripted Stripe does with the next POST.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Does it and answers.
    Answer,
    /// Does it, and the answer is lost.
    LoseAnswer,
    /// Loses the request.
    LoseRequest(TransportKind),
    /// Answers with this status and does nothing.
    Status(u16),
    /// Does it, and a gateway answers in Stripe's place with this status.
    Gateway(u16),
    /// Does it, and half of the answer arrives.
    Truncate,
}

/// A Stripe of a few disputes, as unreliable as the script says.
pub(crate) struct Script {
    pub(crate) posts: VecDeque<Fate>,
    /// Statuses of the answers to GET; 200 once they are used up, 0 for no answer.
    pub(crate) gets: VecDeque<u16>,
    pub(crate) disputes: Vec<Value>,
    pub(crate) requests: Vec<HttpRequest>,
    pub(crate) uploads: u32,
    pub(crate) waits: u32,
}

pub(crate) fn dispute(id: &str, status: &str, due_by: u64) -> Value {
    json!({
        "id": id, "object": "dispute", "amount": 2500, "currency": "usd", "charge": "ch_1",
        "payment_intent": "pi_1", "status": status, "reason": "general", "created": NOW - DAY,
        "is_charge_refundable": false, "balance_transactions": [], "evidence": {}, "metadata": {},
        "evidence_details": {
            "due_by": due_by, "has_evidence": false, "past_due": false, "submission_count": 0,
        },
    })
}

impl Script {
    pub(crate) fn new(posts: impl IntoIterator<Item = Fate>) -> Self {
        Self {
            posts: posts.into_iter().collect(),
            gets: VecDeque::new(),
            disputes: vec![dispute("dp_1", "needs_response", NOW + DAY)],
            requests: Vec::new(),
            uploads: 0,
            waits: 0,
        }
    }

    pub(crate) fn sent(&self, method: Method) -> Vec<&HttpRequest> {
        self.requests.iter().filter(|request| request.method == method).collect()
    }

    pub(crate) fn forms(&self) -> Vec<String> {
        self.sent(Method::Post).into_iter().map(form).collect()
    }

    pub(crate) fn get(&self, url: &str) -> Answer {
        let path = url.trim_start_matches("https://api.stripe.com/v1/disputes");
        if let Some(id) = path.strip_prefix('/') {
            return self.disputes.iter().find(|one| one["id"] == id).map_or(status(404), ok);
        }
        let query = |name: &str| {
            let pairs = path.trim_start_matches('?').split('&');
            pairs.filter_map(|pair| pair.split_once('=')).find(|pair| pair.0 == name)
        };
        let limit: usize = query("limit").expect("a limit is always named").1.parse().unwrap();
        assert!((1..=100).contains(&limit), "{url}");
        let after = query("starting_after").map(|(_, id)| id);
        let start =
            after.map_or(0, |id| self.disputes.iter().position(|one| one["id"] == id).unwrap() + 1);
        let rest = &self.disputes[start..];
        let page = &rest[..rest.len().min(limit)];
        ok(&json!({ "object": "list", "data": page, "has_more": rest.len() > page.len() }))
    }

    pub(crate) fn post(&mut self, request: &HttpRequest) -> Answer {
        if request.url.ends_with("/v1/files") {
            self.uploads += 1;
            return ok(&json!({
                "id": format!("file_{}", self.uploads), "object": "file", "purpose": "dispute_evidence",
                "filename": "a.png", "type": "png", "size": PNG.len(), "created": NOW, "expires_at": null,
            }));
        }
        let dispute = &mut self.disputes[0];
        if request.url.ends_with("/close") {
            dispute["status"] = json!("lost");
            return ok(dispute);
        }
        let form = form(request);
        for (name, value) in form.split('&').filter_map(|pair| pair.split_once('=')) {
            if let Some(field) = name.strip_prefix("evidence[") {
                let value = if value.is_empty() { Value::Null } else { json!(value) };
                dispute["evidence"][field.trim_end_matches(']')] = value;
                dispute["evidence_details"]["has_evidence"] = json!(true);
            }
        }
        // As at Stripe, what is not named is true.
        if !form.contains("submit=false") {
            let count = dispute["evidence_details"]["submission_count"].as_u64().unwrap();
            dispute["evidence_details"]["submission_count"] = json!(count + 1);
            dispute["status"] = json!("under_review");
        }
        ok(dispute)
    }

    pub(crate) fn submissions(&self) -> u64 {
        self.disputes[0]["evidence_details"]["submission_count"].as_u64().unwrap()
    }
}

impl Transport for Script {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        self.requests.push(request.clone());
        let lost = |kind| Err(SendFailure { kind, detail: "scripted".into() });
        if request.method == Method::Get {
            return match self.gets.pop_front().unwrap_or(200) {
                0 => lost(TransportKind::Timeout),
                200 => Ok(self.get(&request.url)),
                other => Ok(status(other)),
            };
        }
        match self.posts.pop_front().unwrap_or(Fate::Answer) {
            Fate::Answer => Ok(self.post(request)),
            Fate::LoseAnswer => {
                self.post(request);
                lost(TransportKind::Timeout)
            }
            Fate::LoseRequest(kind) => lost(kind),
            Fate::Status(code) => Ok(status(code)),
            Fate::Gateway(code) => {
                self.post(request);
                Ok(Answer {
                    status: code,
                    headers: Vec::new(),
                    body: b"<html>oops</html>".to_vec(),
                })
            }
            Fate::Truncate => {
                let mut answer = self.post(request);
                answer.body.truncate(answer.body.len() / 2);
                Ok(answer)
            }
        }
    }

    fn now(&self) -> u64 {
        NOW
    }

    fn sleep(&mut self, _: Duration) {
        self.waits += 1;
    }
}

pub(crate) fn ok(body: &Value) -> Answer {
    Answer { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
}

/// An error of Stripe's; above 500 a proxy's page.
pub(crate) fn status(status: u16) -> Answer {
    let body = match status {
        500.. => "<html>oops</html>".to_owned(),
        _ => json!({"error": {"type": "invalid_request_error", "message": "no"}}).to_string(),
    };
    Answer { status, headers: Vec::new(), body: body.into_bytes() }
}

pub(crate) fn form(request: &HttpRequest) -> String {
    let Some(Body::Form(form)) = &request.body else { panic!("{} has no form", request.url) };
    form.clone()
}

pub(crate) fn header(request: &HttpRequest, name: &str) -> Option<String> {
    request.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
}

pub(crate) fn connection() -> Connection {
    Connection::new(ConnectionInput::default()).unwrap()
}

pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

pub(crate) fn socks() -> Vec<(String, String)> {
    fields(&[("product_description", "Socks"), ("receipt", "file_1")])
}

pub(crate) fn stage(script: &mut Script) -> Result<DisputeChanged, DisputeError> {
    disputes::stage(script, &connection(), "dp_1", socks())
}

pub(crate) fn submit(script: &mut Script) -> Result<DisputeChanged, DisputeError> {
    disputes::submit(script, &connection(), "dp_1", socks())
}

pub(crate) fn confirmation(dispute: &str, amount: u64, currency: &str) -> CloseConfirmation {
    CloseConfirmation { dispute: dispute.into(), amount, currency: currency.into() }
}

pub(crate) fn close(script: &mut Script) -> Result<DisputeChanged, DisputeError> {
    disputes::close(script, &connection(), "dp_1", &confirmation("dp_1", 2500, "usd"))
}

pub(crate) type Expected = fn(&DisputeError) -> bool;
pub(crate) type Call = fn(&mut Script) -> Result<DisputeChanged, DisputeError>;
