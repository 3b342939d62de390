//! One function for each attack.

use std::hint::black_box;

use crate::bindings::wasi::clocks::monotonic_clock;
use crate::bindings::wasi::http::types::Fields;
use crate::http::{Reached, Request, read_all, read_some};

/// Runs an attack; `None` when there is none of that name.
pub(crate) fn run(name: &str, input: &str) -> Option<String> {
    let reached = match name {
        "spin" => spin(),
        "recurse" => Ok(recurse(u64::MAX).to_string()),
        "grow-memory" => Ok(grow_memory().to_string()),
        "sleep" => Ok(sleep()),
        "fetch" => fetch(&Request::read(input)),
        "fetch-and-trap" => fetch_and_trap(&Request::read(input)),
        "follow" => follow(input),
        "many-requests" => many_requests(&Request::read(input)),
        "many-at-once" => many_at_once(&Request::read(input)),
        "many-handles" => Ok(many_handles().to_string()),
        "large-headers" => large_headers(),
        "read-for-ever" => read_for_ever(&Request::read(input)),
        "upload-for-ever" => upload_for_ever(&Request::read(input)),
        "answer-for-ever" => Ok("x".repeat(input.parse().unwrap_or_default())),
        _ => return None,
    };
    Some(reached.unwrap_or_else(|end| format!("stopped: {end}")))
}

fn spin() -> Reached<String> {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Deeper with every turn. What is done on the way back keeps it from becoming a loop.
fn recurse(left: u64) -> u64 {
    if left == 0 { 0 } else { recurse(left - 1).rotate_left(3) ^ left }
}

fn grow_memory() -> usize {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
        if hoard.len() > 1 << 20 {
            return hoard.len();
        }
    }
}

fn sleep() -> String {
    const HOUR: u64 = 3_600_000_000_000;
    monotonic_clock::subscribe_duration(HOUR).block();
    "slept for an hour".to_owned()
}

fn fetch(request: &Request) -> Reached<String> {
    let answer = request.fetch()?;
    Ok(format!("status {} {}", answer.status(), read_some(&answer)))
}

/// Reads an answer, then leaves a core dump with all that it holds.
fn fetch_and_trap(request: &Request) -> Reached<String> {
    let held = fetch(request)?;
    panic!("{}", black_box(held))
}

/// Does what a redirect asks for.
fn follow(input: &str) -> Reached<String> {
    let answer = Request::read(input).fetch()?;
    // Not `get`: the guest imports no more than the node, so that it runs on every platform.
    let headers = answer.headers().entries();
    let location = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"));
    let (_, location) = location.ok_or("no redirect")?;
    fetch(&Request::read(&format!("GET {}", String::from_utf8_lossy(location))))
}

fn many_requests(request: &Request) -> Reached<String> {
    for number in 0..1_000_000 {
        request.fetch().map_err(|end| format!("request {number}: {end}"))?;
    }
    Ok("a million requests".to_owned())
}

/// All of them open before the first answer is looked at.
fn many_at_once(request: &Request) -> Reached<String> {
    let mut open = Vec::new();
    for number in 0..1_000_000 {
        open.push(request.send().map_err(|end| format!("request {number}: {end}"))?);
    }
    Ok(format!("{} open requests", open.len()))
}

fn many_handles() -> usize {
    let mut hoard = Vec::new();
    loop {
        hoard.push(Fields::new());
        if hoard.len() > 1 << 24 {
            return hoard.len();
        }
    }
}

fn large_headers() -> Reached<String> {
    let fields = Fields::new();
    let value = vec![b'x'; 4096];
    for number in 0..1_000_000 {
        let added = fields.append(&format!("x-{number}"), &value);
        added.map_err(|error| format!("header {number}: {error:?}"))?;
    }
    Ok("a million headers".to_owned())
}

fn read_for_ever(request: &Request) -> Reached<String> {
    read_all(&request.fetch()?).map(|length| format!("{length} bytes"))
}

fn upload_for_ever(request: &Request) -> Reached<String> {
    request.upload_for_ever().map(|answer| format!("status {}", answer.status()))
}
