//! A runner that does what a script says: what the judge has to notice is tried with it, and nothing else uses it.
//!
//! The script is one JSON object: `hello` is printed first, then each line of stdin takes one of `acts`, in order.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a runner speaks by its pipes")]

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};
use refund_core::id::OperationId;
use refund_core::wire::IdempotencyKey;
use refund_core::wire::requests::CREATE_REFUND;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    hello: Value,
    acts: VecDeque<Act>,
}

/// What is done about one call, in this order.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Act {
    /// Requests to Stripe: method and path, `{payment}` standing for the one in the input.
    send: Vec<String>,
    /// Headers in the place of those that the component makes; one that is null is left out.
    headers: BTreeMap<String, Option<String>>,
    /// After the answer, one more request.
    late: Option<String>,
    /// A line for people.
    say: Option<String>,
    /// Ends here, with this exit code.
    die: Option<i32>,
    /// Never answers.
    hang: bool,
    /// The answer. Absent, the call itself is answered as it came, in `output.heard`.
    answer: Option<Value>,
}

fn main() -> Result<()> {
    let file = std::env::args().nth(1).context("give a script")?;
    let mut script: Script = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    println!("{}", script.hello);
    for line in std::io::stdin().lines() {
        let line = line?;
        let act = script.acts.pop_front().context("the script is over")?;
        let call: Value = serde_json::from_str(&line)?;
        let payment = call["input"]["payment"].as_str().unwrap_or_default();
        let mut key = key_of(&call);
        for request in &act.send {
            // One refund of the operation; another one is none of its own.
            let key = if request.starts_with("POST") { key.take() } else { None };
            send(&request.replace("{payment}", payment), payment, key, &act.headers)?;
        }
        if let Some(text) = act.say {
            eprintln!("{text}");
        }
        if let Some(code) = act.die {
            std::process::exit(code);
        }
        if act.hang {
            // Longer than any patience, and not for ever, should nobody end it.
            std::thread::sleep(Duration::from_mins(5));
        }
        match act.answer {
            Some(answer) => println!("{answer}"),
            None => println!("{}", serde_json::json!({ "output": { "heard": line } })),
        }
        if let Some(request) = act.late {
            std::thread::sleep(Duration::from_millis(50));
            send(&request.replace("{payment}", payment), payment, None, &act.headers)?;
        }
    }
    Ok(())
}

/// The idempotency key that the component would send.
fn key_of(call: &Value) -> Option<String> {
    let operation = OperationId::parse(call["input"]["operation_id"].as_str()?).ok()?;
    Some(IdempotencyKey::derive(&operation, CREATE_REFUND).to_string())
}

/// One request, answered or not. Every POST asks for a refund of a dollar; without a key it is another one.
fn send(
    request: &str,
    payment: &str,
    key: Option<String>,
    other: &BTreeMap<String, Option<String>>,
) -> Result<()> {
    let base = std::env::var("REFUND_NODE_BASE_URL")?;
    let host = base.trim_start_matches("http://");
    let body = if request.starts_with("POST") {
        format!("charge={payment}&amount=100")
    } else {
        String::new()
    };
    let mut stream = TcpStream::connect(host)?;
    let key = match key {
        Some(key) => key,
        None => stream.local_addr()?.to_string(),
    };
    let usual = [
        ("authorization", "Bearer sk_test_simulator"),
        ("stripe-version", refund_core::API_VERSION),
        ("idempotency-key", &key),
    ];
    let mut headers: BTreeMap<&str, Option<&str>> =
        usual.iter().map(|(name, value)| (*name, Some(*value))).collect();
    headers.extend(other.iter().map(|(name, value)| (name.as_str(), value.as_deref())));
    let headers =
        headers.iter().filter_map(|(name, value)| Some(format!("{name}: {}\r\n", (*value)?)));
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{}\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        headers.collect::<String>(),
        body.len(),
    )?;
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}
