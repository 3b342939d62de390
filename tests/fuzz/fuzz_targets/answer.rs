//! Any answers of Stripe's: every sequence comes to an end, and says what happened.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use refund_core::dispatch::invoke;
use refund_core::wire::Answer;
use refund_fuzz::Babble;

#[derive(Arbitrary, Debug)]
struct Session<'a> {
    operation: u8,
    answers: Vec<Said<'a>>,
}

#[derive(Arbitrary, Debug)]
struct Said<'a> {
    status: Status,
    retry_after: Option<&'a str>,
    should_retry: Option<&'a str>,
    body: Body<'a>,
}

#[derive(Arbitrary, Debug)]
enum Status {
    Ok,
    Other(u16),
}

#[derive(Arbitrary, Debug)]
enum Body<'a> {
    Raw(&'a [u8]),
    Charge { amount: i64, refunded: i64, disputed: bool, more: &'a str },
    List { has_more: bool, item: &'a str },
    Refund { amount: u64, status: &'a str, operation: &'a str },
    Invoice { status: &'a str, amount: i64, period: (u64, u64), paid: u64, more: &'a str },
    Error { code: &'a str, message: &'a str },
}

impl Said<'_> {
    fn answer(&self) -> Answer {
        let mut headers = vec![("request-id".to_owned(), "req_1".to_owned())];
        if let Some(text) = self.retry_after {
            headers.push(("retry-after".to_owned(), text.to_owned()));
        }
        if let Some(text) = self.should_retry {
            headers.push(("stripe-should-retry".to_owned(), text.to_owned()));
        }
        let status = match self.status {
            Status::Ok => 200,
            Status::Other(status) => status,
        };
        Answer { status, headers, body: self.body.bytes() }
    }
}

impl Body<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Raw(bytes) => bytes.to_vec(),
            Self::Charge { amount, refunded, disputed, more } => format!(
                r#"{{"id":"ch_1","object":"charge","amount":{amount},"amount_captured":{amount},"amount_refunded":{refunded},
                "currency":"usd","created":1700000000,"captured":true,"paid":true,"refunded":false,"status":"succeeded",
                "disputed":{disputed},"payment_intent":"pi_1","refunds":{{"object":"list","data":[],"has_more":false}}{more}}}"#
            )
            .into_bytes(),
            Self::List { has_more, item } => format!(
                r#"{{"object":"list","data":[{item}],"has_more":{has_more}}}"#
            )
            .into_bytes(),
            Self::Refund { amount, status, operation } => serde_json::json!({
                "id": "re_1", "object": "refund", "amount": amount, "currency": "usd", "charge": "ch_1",
                "created": 1_700_000_001, "status": status, "metadata": {"refund_node_operation": operation},
            })
            .to_string()
            .into_bytes(),
            Self::Invoice { status, amount, period: (start, end), paid, more } => format!(
                r#"{{"id":"in_1","object":"invoice","status":"{status}","currency":"usd","lines":{{"has_more":false,"data":[
                {{"id":"il_1","amount":{amount},"currency":"usd","period":{{"start":{start},"end":{end}}},"parent":{{
                "type":"subscription_item_details","subscription_item_details":{{"subscription_item":"si_1"}}}}}}]}},
                "payments":{{"has_more":false,"data":[{{"id":"inpay_1","status":"paid","amount_paid":{paid},"currency":"usd",
                "payment":{{"type":"charge","charge":"ch_1"}}}}]}}{more}}}"#
            )
            .into_bytes(),
            Self::Error { code, message } => serde_json::json!({
                "error": {"type": "invalid_request_error", "code": code, "message": message},
            })
            .to_string()
            .into_bytes(),
        }
    }
}

const INPUTS: [(&str, &str); 19] = [
    ("refunds.create", r#"{"operation_id":"op-1","payment":"ch_1"}"#),
    ("refunds.create", r#"{"operation_id":"op-1","payment":"pi_1","amount":500,"currency":"usd"}"#),
    ("refunds.retrieve", r#"{"refund":"re_1"}"#),
    ("refunds.list", "{}"),
    ("refunds.cancel", r#"{"refund":"re_1"}"#),
    ("refunds.balance", "{}"),
    ("payments.contact", r#"{"payment":"ch_1"}"#),
    ("payments.contact", r#"{"payment":"pi_1"}"#),
    ("eligibility.check-live", r#"{"payment":"ch_1"}"#),
    ("duplicates.scan-live", r#"{"range":{"created_from":1699990000,"max_charges":500}}"#),
    ("disputes.retrieve", r#"{"dispute":"dp_1"}"#),
    ("disputes.list", r#"{"open_only":true}"#),
    ("disputes.submit", r#"{"dispute":"dp_1","evidence":{"customer_name":"Ann"}}"#),
    (
        "disputes.close",
        r#"{"dispute":"dp_1","confirmation":{"dispute":"dp_1","amount":500,"currency":"usd"}}"#,
    ),
    ("disputes.upload-file", r#"{"name":"a.pdf","content_base64":"JVBERi0xLjcK"}"#),
    ("reports.rows", r#"{"range":{"created_from":1699990000}}"#),
    ("reports.charges-taken", r#"{"range":{"created_from":1699990000,"max_charges":300}}"#),
    ("billing.invoice", r#"{"invoice":"in_1","operation_id":"op-1"}"#),
    ("billing.subscription", r#"{"subscription":"sub_1"}"#),
];

fuzz_target!(|session: Session<'_>| {
    if session.answers.is_empty() {
        return;
    }
    let answers = session.answers.iter().map(Said::answer).collect();
    let mut stripe = Babble { answers, sent: 0, now: 1_700_000_100 };
    let (operation, input) = INPUTS[usize::from(session.operation) % INPUTS.len()];
    if let Ok(output) = invoke(&mut stripe, operation, input) {
        assert!(serde_json::from_str::<serde_json::Value>(&output).is_ok(), "{output}");
    }
});
