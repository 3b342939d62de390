//! From a request to an answer: who asks, how often, with which key, and only then what.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde_json::Value;

use crate::api::{self, Call};
use crate::error::{ApiError, ApiResult};
use crate::expand::expand;
use crate::fault::FaultKind;
use crate::idempotency::FirstAnswer;
use crate::limit::too_many;
use crate::upload::Upload;
use crate::world::{Recorded, World};
use crate::{form, schema};

/// A request, read whole.
pub(crate) struct IncomingRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// The body in parts, where it came so; `body` is its summary then.
    pub(crate) upload: Option<Result<Upload, multer::Error>>,
}

/// An answer, and what the network does to it.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) fault: Option<FaultKind>,
}

impl Reply {
    fn new(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.to_string(), fault: None }
    }
}

/// The world, also after a panic in some other test's handler.
pub(crate) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Answers a request, and writes down that it was seen.
pub(crate) fn answer(world: &Mutex<World>, asked: &IncomingRequest) -> Reply {
    let fault = fault_of(world, asked);
    answer_with(world, asked, fault)
}

/// The fault that was ordered for a request.
pub(crate) fn fault_of(world: &Mutex<World>, asked: &IncomingRequest) -> Option<FaultKind> {
    lock(world).faults.take(&asked.method, &asked.path)
}

/// Answers a request with this fault.
pub(crate) fn answer_with(
    world: &Mutex<World>,
    asked: &IncomingRequest,
    fault: Option<FaultKind>,
) -> Reply {
    let mut world = lock(world);
    let reply = match &fault {
        Some(kind) if !kind.commits() => in_place_of(&mut world, asked, kind),
        _ => answer_truly(&mut world, asked),
    };
    let reply = match fault {
        Some(kind @ FaultKind::Status { after_commit: true, .. }) => {
            in_place_of(&mut world, asked, &kind)
        }
        fault => Reply { fault, ..reply },
    };
    let status = match &reply.fault {
        Some(FaultKind::Hang { .. } | FaultKind::Reset { .. }) => 0,
        _ => reply.status,
    };
    if world.record {
        world.requests.push(recorded(asked, status));
    }
    reply
}

/// What a fault puts in the place of the answer.
fn in_place_of(world: &mut World, asked: &IncomingRequest, kind: &FaultKind) -> Reply {
    let id = world.id("req");
    match kind {
        FaultKind::Status { status, code, html, retry_after, should_retry, .. } => {
            let error = match status {
                429 => too_many(),
                409 => ApiError::with_status(
                    409,
                    "There is currently another in-progress request using this Idempotent Key.",
                )
                .code("idempotency_key_in_use"),
                other => ApiError::with_status(*other, "An unexpected error has occurred."),
            };
            let mut body = error.body(&id);
            if let Some(code) = code {
                body["error"]["code"] = Value::from(code.as_str());
            }
            let mut reply = Reply::new(*status, &body);
            if *html {
                reply.headers = vec![("content-type", "text/html".to_owned())];
                reply.body = String::from("<html><body><h1>Service Unavailable</h1></body></html>");
            }
            reply.headers.extend(retry_after.clone().map(|seconds| ("retry-after", seconds)));
            reply
                .headers
                .extend(should_retry.map(|again| ("stripe-should-retry", again.to_string())));
            with_headers(reply, asked, &id)
        }
        FaultKind::Redirect { to } => {
            let mut reply = Reply::new(302, &Value::Null);
            reply.headers.push(("location", to.clone()));
            reply
        }
        other => Reply { fault: Some(other.clone()), ..Reply::new(500, &Value::Null) },
    }
}

fn with_headers(mut reply: Reply, asked: &IncomingRequest, request_id: &str) -> Reply {
    reply.headers.push(("request-id", request_id.to_owned()));
    let version = asked.headers.get("stripe-version").map_or("2026-10-28.endive", String::as_str);
    reply.headers.push(("stripe-version", version.to_owned()));
    for name in ["idempotency-key", "stripe-account"] {
        reply.headers.extend(asked.headers.get(name).map(|value| (name, value.clone())));
    }
    reply
}

fn answer_truly(world: &mut World, asked: &IncomingRequest) -> Reply {
    let id = world.id("req");
    let error =
        |error: &ApiError| with_headers(Reply::new(error.status, &error.body(&id)), asked, &id);
    let live = match authenticate(asked) {
        Ok(live) => live,
        Err(refused) => return error(&refused),
    };
    if world.limits_on {
        let (now, endpoint) = (world.now_exactly(), template(asked));
        if let Err((refused, reason)) = world.limiter.pass(now, live, endpoint) {
            let mut reply = error(&refused);
            reply.headers.push(("stripe-rate-limited-reason", reason.to_owned()));
            return reply;
        }
    }
    match asked.headers.get("idempotency-key").filter(|_| asked.method == "POST") {
        Some(key) => keyed(world, asked, live, key, &id),
        None => match carry_out(world, asked, live, &id) {
            Ok(body) => with_headers(Reply::new(200, &body), asked, &id),
            Err(refused) => error(&refused),
        },
    }
}

/// A request with an idempotency key.
fn keyed(world: &mut World, asked: &IncomingRequest, live: bool, key: &str, id: &str) -> Reply {
    let error =
        |error: &ApiError| with_headers(Reply::new(error.status, &error.body(id)), asked, id);
    if key.chars().count() > 255 {
        return error(&ApiError::with_status(
            400,
            "Idempotency keys can have up to 255 characters.",
        ));
    }
    let account = asked.headers.get("stripe-account").cloned().unwrap_or_default();
    let scope = (account, live, key.to_owned());
    let fingerprint = format!("{} {} {}", asked.method, asked.path, asked.body);
    let now = world.now();
    match world.keys.begin(&scope, &fingerprint, now) {
        Err(refused) => return error(&refused),
        Ok(Some(kept)) => {
            let mut reply = with_headers(Reply::new(kept.status, &kept.body), asked, id);
            reply.headers.push(("idempotent-replayed", "true".to_owned()));
            reply.headers.push(("original-request", kept.request_id));
            return reply;
        }
        Ok(None) => {}
    }
    let (status, body, keep) = match carry_out(world, asked, live, id) {
        Ok(body) => (200, body, true),
        Err(refused) => (refused.status, refused.body(id), !refused.early),
    };
    let kept = keep.then(|| FirstAnswer { status, body: body.clone(), request_id: id.to_owned() });
    world.keys.end(scope, fingerprint, now, kept);
    with_headers(Reply::new(status, &body), asked, id)
}

/// Whether the key is a live one.
fn authenticate(asked: &IncomingRequest) -> ApiResult<bool> {
    let header = asked.headers.get("authorization").map(String::as_str).unwrap_or_default();
    let key = header.strip_prefix("Bearer ").unwrap_or_default().trim();
    if key.is_empty() {
        return Err(ApiError::with_status(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        ));
    }
    if key.starts_with("pk_") {
        return Err(ApiError::with_status(
            403,
            "This API call cannot be made with a publishable API key. Please use a secret API key.",
        )
        .code("secret_key_required"));
    }
    match key.get(2..8) {
        Some("_test_") if key.starts_with("sk") || key.starts_with("rk") => Ok(false),
        Some("_live_") if key.starts_with("sk") || key.starts_with("rk") => Ok(true),
        _ => Err(ApiError::with_status(401, format!("Invalid API Key provided: {}", shorten(key)))),
    }
}

fn carry_out(world: &mut World, asked: &IncomingRequest, live: bool, id: &str) -> ApiResult {
    let call = schema::find(&asked.method, &asked.path)
        .ok_or_else(|| api::unrecognized(&asked.method, &asked.path))?;
    let mut params = form::read(&asked.query)?;
    let mut file = None;
    match &asked.upload {
        Some(Ok(upload)) => {
            params.extend(form::nest(upload.fields.clone())?);
            file.clone_from(&upload.file);
        }
        Some(Err(why)) => {
            return Err(ApiError::with_status(400, format!("The upload cannot be read: {why}")));
        }
        None => params.extend(form::read(&asked.body)?),
    }
    let params = call.read_params(params)?;
    world.request = (Some(id.to_owned()), asked.headers.get("idempotency-key").cloned());
    let mut running = Call { world, params: params.clone(), live, upload: file };
    let answer = api::run(&asked.method, &asked.path, &mut running);
    world.request = (None, None);
    let mut answer = answer?;
    expand(world, &mut answer, &params)?;
    if world.check_answers
        && let Some(fault) = call.fault_in_answer(&answer)
    {
        return Err(ApiError::with_status(
            500,
            format!("The simulator's answer is not as Stripe describes it: {fault}"),
        ));
    }
    Ok(answer)
}

/// The endpoint without ids, as the rate limits count it.
fn template(asked: &IncomingRequest) -> String {
    let segment = |segment: &str| {
        if segment.contains('_') && segment.bytes().any(|b| b.is_ascii_digit()) {
            "{id}".to_owned()
        } else {
            segment.to_owned()
        }
    };
    let path: Vec<_> = asked.path.split('/').map(segment).collect();
    format!("{} {}", asked.method, path.join("/"))
}

/// A request as it is written down: the key is shortened, so that a log of requests is no log of keys.
fn recorded(asked: &IncomingRequest, status: u16) -> Recorded {
    let mut headers = asked.headers.clone();
    if let Some(key) = headers.get_mut("authorization") {
        *key = shorten(key.strip_prefix("Bearer ").unwrap_or_default());
    }
    let query = if asked.query.is_empty() { String::new() } else { format!("?{}", asked.query) };
    Recorded {
        method: asked.method.clone(),
        path: format!("{}{query}", asked.path),
        headers,
        body: asked.body.clone(),
        status,
    }
}

fn shorten(key: &str) -> String {
    let shown: String = key.chars().take(8).collect();
    format!("{shown}…")
}
