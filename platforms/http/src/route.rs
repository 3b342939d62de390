//! From a request to the operation behind it.

use refund_wrapper::{InputError, Problem, find};

use crate::bindings::refund_node::refunds::node;
use crate::bindings::wasi::http::types::{IncomingRequest, Method};
use crate::caller::Caller;
use crate::error::Error;
use crate::wire::{self, Answer};

/// The answer to a request; never fails, for an error is one.
pub(crate) fn answer(request: &IncomingRequest) -> Answer {
    run(request).map_or_else(Error::answer, Answer::ok)
}

fn run(request: &IncomingRequest) -> Result<String, Error> {
    let target = request.path_with_query().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    match (path, request.method()) {
        ("/", Method::Get) => Ok(node::describe()),
        ("/health", Method::Get) => Ok(r#"{"status":"ok"}"#.to_owned()),
        ("/" | "/health", _) => Err(Error::method("GET")),
        (_, Method::Post) => invoke(request, path.strip_prefix('/').unwrap_or(path)),
        _ => Err(Error::method("POST")),
    }
}

/// Whoever brings no key is told so before a byte of the body is read.
fn invoke(request: &IncomingRequest, operation: &str) -> Result<String, Error> {
    let operation = find(&node::describe(), operation).map_err(Error::unknown_operation)?;
    let caller = Caller::new(request.headers());
    caller.sends_json()?;
    let connection = operation.needs_http.then(|| caller.connection()).transpose()?;
    let mut input = wire::body(request, caller.length())?;
    if let Some(connection) = connection {
        input = connection.join(&input).map_err(input_error)?;
    }
    Ok(node::invoke(&operation.name, &input)?)
}

fn input_error(error: InputError) -> Error {
    match error {
        InputError::NotAnObject(problem) => {
            Problem::new("input", problem, "send a JSON object").into()
        }
        InputError::NamesConnection => Problem::new(
            "connection",
            "does not belong in the body",
            "leave it out: the key goes into the header Authorization, an account into Stripe-Account",
        )
        .into(),
    }
}
