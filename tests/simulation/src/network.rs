//! Requests on their way to Stripe, and answers on their way back.
//!
//! A request may not leave at all, may be lost, may reach Stripe late (after the process gave up, or is dead), and its
//! answer may be lost, cut off, or be the error of something in between. What the product relies on holds: a request
//! reaches Stripe within [`LONGEST_WAY`] of leaving, or never.

use std::sync::Arc;

use fastrand::Rng;
use refund_core::client::{SendFailure, TransportKind};
use refund_core::wire::Answer;
use refund_simulator::{Fault, FaultKind, PlainAnswer, PlainRequest};

use crate::executor::{Later, Micros, SECOND};
use crate::history::Sent;
use crate::planted::Planted;
use crate::weather::{LONGEST_WAY, MILLI, Weather};
use crate::world::Shared;

/// What became of a request, for the process that sent it.
pub(crate) struct Exchanged {
    pub(crate) answer: Result<Answer, SendFailure>,
    /// Whether it left, or may have.
    pub(crate) has_left: bool,
}

/// How much later a request comes where that is planted.
const MUCH_LATER: Micros = 300 * SECOND;

/// What the network does with a request.
#[derive(Clone, Debug)]
enum Fate {
    /// It arrives, and so does the answer.
    Arrives { there: Micros, back: Micros, fault: Option<FaultKind>, is_cut: bool },
    /// No connection is made.
    NoConnection { kind: TransportKind, after: Micros },
    /// It is lost, or late, or its answer is lost: the process gives up at that time.
    NoAnswer { there: Option<Micros>, kind: TransportKind, after: Micros },
}

impl Fate {
    /// As planted: what reaches Stripe after the process gave up reaches it minutes after.
    fn much_later(self) -> Self {
        match self {
            Self::NoAnswer { there: Some(there), kind, after } => {
                Self::NoAnswer { there: Some(there + MUCH_LATER), kind, after }
            }
            other => other,
        }
    }

    fn draw(random: &mut Rng, weather: &Weather) -> Self {
        let there = weather.wait(random, 10 * MILLI..150 * MILLI).min(LONGEST_WAY);
        let back = weather.wait(random, 10 * MILLI..150 * MILLI);
        if random.f64() >= weather.network {
            return Self::Arrives { there, back, fault: None, is_cut: false };
        }
        let after = if random.bool() {
            random.u64(50 * MILLI..LONGEST_WAY)
        } else {
            random.u64(50 * MILLI..2 * SECOND)
        };
        let is_timeout = random.u8(..3) == 0;
        let (kind, after) = if is_timeout {
            (TransportKind::Timeout, LONGEST_WAY)
        } else {
            (TransportKind::Broken, after)
        };
        match random.u8(..10) {
            0 => {
                let kinds = [TransportKind::Connect, TransportKind::Dns, TransportKind::Tls];
                Self::NoConnection { kind: kinds[random.usize(..3)], after: after.min(10 * SECOND) }
            }
            1 => Self::NoAnswer { there: None, kind, after },
            2 | 3 => Self::NoAnswer { there: Some(there), kind, after },
            4 | 5 => {
                let late = random.u64(..LONGEST_WAY);
                Self::NoAnswer { there: Some(late), kind, after }
            }
            6 => Self::Arrives { there, back, fault: None, is_cut: true },
            _ => Self::Arrives { there, back, fault: Some(status(random)), is_cut: false },
        }
    }
}

/// An error in the place of the answer: the request may have been carried out before.
fn status(random: &mut Rng) -> FaultKind {
    let (status, html) = [
        (500, false),
        (502, true),
        (503, true),
        (504, true),
        (429, false),
        (409, false),
        (401, false),
        (402, false),
    ][random.usize(..8)];
    // Of a refusal it is certain that nothing was done.
    let after_commit = status >= 500 && random.bool();
    FaultKind::Status {
        status,
        code: None,
        html,
        retry_after: (status == 429 && random.bool()).then(|| "1".to_owned()),
        should_retry: None,
        after_commit,
    }
}

/// A request under way.
struct UnderWay {
    request: PlainRequest,
    /// Its place among those that make a refund.
    sent: Option<usize>,
    fault: Option<FaultKind>,
}

impl Shared {
    /// Sends a request and waits for the answer.
    pub(crate) async fn exchange(self: &Arc<Self>, request: PlainRequest) -> Exchanged {
        let weather = self.weather();
        let fate = self.executor.draw(|random| Fate::draw(random, &weather));
        let fate = if self.has(Planted::LateRequests) { fate.much_later() } else { fate };
        let left_at = self.executor.now();
        self.history().counts.requests += 1;
        let answered = Later::default();
        let has_left = !matches!(fate, Fate::NoConnection { .. });
        let sent = if has_left { self.note_sent(&request) } else { None };
        self.history()
            .note(left_at, || format!("  network: {} {} {fate:?}", request.method, request.path));
        match fate {
            Fate::NoConnection { kind, after } => {
                self.history().counts.lost_requests += 1;
                self.fail(&answered, left_at + after, kind);
            }
            Fate::NoAnswer { there, kind, after } => {
                let under_way = UnderWay { request, sent, fault: None };
                match there {
                    Some(there) => {
                        self.history().counts.lost_answers += 1;
                        self.land(under_way, left_at + there, None);
                    }
                    None => self.history().counts.lost_requests += 1,
                }
                self.fail(&answered, left_at + after, kind);
            }
            Fate::Arrives { there, back, fault, is_cut } => {
                let under_way = UnderWay { request, sent, fault };
                let way_back = WayBack { answered: answered.clone(), time: back, is_cut };
                self.land(under_way, left_at + there, Some(way_back));
            }
        }
        let answer = answered.await;
        self.pass(0..MILLI).await;
        Exchanged { answer, has_left }
    }

    fn note_sent(&self, request: &PlainRequest) -> Option<usize> {
        let makes_refund = request.method == "POST" && request.path == "/v1/refunds";
        if !makes_refund {
            return None;
        }
        let call = self.executor.current_call()?;
        let field = |name: &str| form_field(&request.body, name);
        let operation = field("metadata[refund_node_operation]").unwrap_or_default();
        let charge = field("charge").unwrap_or_default();
        let amount = field("amount").and_then(|text| text.parse().ok()).unwrap_or_default();
        let key = request.headers.get("idempotency-key").cloned().unwrap_or_default();
        self.judge_sent(call, &operation, &charge, amount, &key);
        let mut history = self.history();
        history.counts.changes += 1;
        history.calls[call].sent += 1;
        let tick = history.tick();
        history.sent.push(Sent { tick, call, operation, key, landed: None });
        Some(history.sent.len() - 1)
    }

    fn fail(&self, answered: &Later<Result<Answer, SendFailure>>, at: Micros, kind: TransportKind) {
        let answered = answered.clone();
        self.executor.at(at, move || answered.give(Err(failure(kind))));
    }

    /// The request reaches Stripe at that time, whatever becomes of its process.
    fn land(self: &Arc<Self>, under_way: UnderWay, at: Micros, way_back: Option<WayBack>) {
        let world = Arc::clone(self);
        self.executor.at(at, move || {
            let UnderWay { request, sent, fault } = under_way;
            let fault =
                fault.map(|kind| Fault { method: None, path: None, skip: 0, times: 1, kind });
            let now = world.true_unix_now();
            let request = world.as_stripe_reads(request);
            let answer = world.stripe.request(&request, now, fault);
            world.note_landed(&request, sent, answer.status);
            if let Some(WayBack { answered, time, is_cut }) = way_back {
                let answer = read(answer, is_cut);
                world.executor.at(at + time, move || answered.give(Ok(answer)));
            }
        });
    }

    /// What Stripe takes of a request: all of it, unless something else is planted.
    fn as_stripe_reads(&self, request: PlainRequest) -> PlainRequest {
        let PlainRequest { method, path, mut headers, mut body } = request;
        if self.has(Planted::StripeForgetsKeys) {
            headers.remove("idempotency-key");
        }
        if self.has(Planted::StripeLosesMetadata) {
            let kept = body.split('&').filter(|pair| !pair.contains("refund_node_operation"));
            body = kept.collect::<Vec<_>>().join("&");
        }
        PlainRequest { method, path, headers, body }
    }

    fn note_landed(self: &Arc<Self>, request: &PlainRequest, sent: Option<usize>, status: u16) {
        let at = self.executor.now();
        {
            let mut history = self.history();
            history.note(at, || {
                format!("  stripe: {} {} answers {status}", request.method, request.path)
            });
            if let Some(sent) = sent {
                history.sent[sent].landed = Some(at);
            }
        }
        self.look_at_stripe(sent);
    }
}

/// Where an answer goes.
struct WayBack {
    answered: Later<Result<Answer, SendFailure>>,
    time: Micros,
    is_cut: bool,
}

fn read(answer: PlainAnswer, is_cut: bool) -> Answer {
    let mut body = answer.body.into_bytes();
    if is_cut {
        body.truncate(body.len() / 2);
    }
    let headers =
        answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Answer { status: answer.status, headers, body }
}

fn failure(kind: TransportKind) -> SendFailure {
    SendFailure { kind, detail: "as the seed decided".to_owned() }
}

/// A field of a form. The simulation's own reading: enough for names and values without `%` beyond brackets.
fn form_field(body: &str, name: &str) -> Option<String> {
    let plain = |text: &str| text.replace("%5B", "[").replace("%5D", "]").replace('+', " ");
    body.split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(field, _)| plain(field) == name)
        .map(|(_, value)| plain(value))
}
