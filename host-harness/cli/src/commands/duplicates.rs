//! `duplicates`

use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use refund_core::model::Charge;
use refund_host::api::duplicates::{
    Basis, Confidence, Direction, Group, Observation, Options, Tally,
};
use refund_host::api::live::ScanRange;
use refund_host::api::types;
use serde_json::{Value, json};

use super::inputs;
use crate::args::{Duplicates, Global};
use crate::context::{Context, pure};
use crate::exit::{self, Exit};
use crate::{charges, show};

/// Charges in one push.
const PAGE: usize = 1000;
/// As the contract has it.
const MAX_WINDOW: u64 = 31 * 86_400;

pub(crate) async fn run(global: &Global, args: &Duplicates) -> anyhow::Result<ExitCode> {
    let window = inputs::seconds("window", &args.window)?;
    let options = Options {
        window_seconds: Some(
            u32::try_from(window).ok().filter(|_| window <= MAX_WINDOW).ok_or_else(|| {
                Exit::bad_input(format!(
                    "window `{}` is more than a month: look within minutes or hours",
                    args.window
                ))
            })?,
        ),
        reference_keys: args.reference_key.clone(),
    };
    let (groups, tally, unreadable) = match (&args.input, &args.since) {
        (Some(file), _) => in_file(global, file, &options).await?,
        (None, since) => at_stripe(global, since.as_deref().unwrap_or_default(), &options).await?,
    };
    if global.json {
        for group in &groups {
            show::line(describe(group));
        }
    } else {
        print(&groups);
    }
    summary(&tally, unreadable);
    Ok(ExitCode::SUCCESS)
}

async fn in_file(
    global: &Global,
    file: &Path,
    options: &Options,
) -> anyhow::Result<(Vec<Group>, Tally, u64)> {
    let mut found = charges::read(file)?;
    found.read.sort_by_key(|charge: &Charge| charge.created);
    let node = pure(global)?;
    let mut scanner = node.scanner(options, Direction::OldestFirst).await?;
    let mut groups = Vec::new();
    let mut rest = found.read.into_iter().map(charges::contract);
    loop {
        let page: Vec<_> = rest.by_ref().take(PAGE).collect();
        if page.is_empty() {
            break;
        }
        // Sorted and read above, so the component has nothing to object to.
        groups.extend(
            scanner.push(&page).await?.map_err(|error| Exit::failed(format!("{error:?}")))?,
        );
    }
    groups.extend(scanner.finish().await?);
    groups.sort_by(|a, b| (a.first_created, &a.keep).cmp(&(b.first_created, &b.keep)));
    Ok((groups, scanner.tally().await?, found.unreadable))
}

async fn at_stripe(
    global: &Global,
    since: &str,
    options: &Options,
) -> anyhow::Result<(Vec<Group>, Tally, u64)> {
    let since = inputs::seconds("since", since)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let range = ScanRange {
        created_from: now.saturating_sub(since),
        created_to: None,
        customer: None,
        max_charges: None,
    };
    let context = Context::new(global)?;
    let scanned = context.node.scan_live(&context.typed_connection(), &range, options).await?;
    let scanned = scanned.map_err(|error| match error {
        types::CallError::Invalid(problems) => Exit::bad_input(exit::list(&problems)),
        types::CallError::Refused(refusal) => Exit::failed(refusal.message),
        types::CallError::Transport(failure) => Exit::failed(failure.detail),
    })?;
    if !scanned.complete {
        tracing::warn!(
            reached = scanned.reached,
            "there were more charges than one scan reads: look at a shorter time"
        );
    }
    Ok((scanned.groups, scanned.tally, 0))
}

/// A group as programs get it.
fn describe(group: &Group) -> Value {
    let (basis, of) = match &group.basis {
        Basis::Customer(id) => ("customer", id),
        Basis::CardFingerprint(print) => ("card_fingerprint", print),
    };
    json!({
        "keep": group.keep,
        "refund": group.refund,
        "amount": group.amount.amount,
        "currency": group.amount.currency,
        basis: of,
        "first_created": group.first_created,
        "last_created": group.last_created,
        "confidence": confidence(group.confidence),
        "reasons": group.observations.iter().map(reason).collect::<Vec<_>>(),
    })
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn reason(observation: &Observation) -> String {
    match observation {
        Observation::SameCustomer => "same customer".to_owned(),
        Observation::SameCard => "same card".to_owned(),
        Observation::DifferentCards => "different cards".to_owned(),
        Observation::SameReference(key) => format!("same {key}"),
        Observation::DifferentReference(key) => format!("different {key}"),
        Observation::PartlyRefunded(id) => format!("{id} was partly refunded already"),
        Observation::SecondsApart(seconds) => format!("{seconds} s apart"),
    }
}

fn print(groups: &[Group]) {
    let row = |group: &Group| {
        [
            group.keep.clone(),
            group.refund.join("\n"),
            show::money(&json!(group.amount.amount), &json!(group.amount.currency)),
            confidence(group.confidence).to_owned(),
            group.observations.iter().map(reason).collect::<Vec<_>>().join(", "),
        ]
    };
    show::table(["keep", "refund", "amount", "confidence", "why"], groups.iter().map(row));
}

#[expect(clippy::print_stderr, reason = "not data")]
fn summary(tally: &Tally, unreadable: u64) {
    eprintln!(
        "{} charges seen, {} without money at stake, {} without customer and card, {unreadable} unreadable lines",
        tally.seen, tally.skipped, tally.unmatched
    );
}
