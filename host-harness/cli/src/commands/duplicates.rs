//! `duplicates`

use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use refund_core::client::Scanned;
use refund_core::duplicates::{Basis, Group, MAX_WINDOW, Options, Tally};
use serde_json::{Value, json};

use super::inputs;
use crate::args::{Duplicates, Global};
use crate::context::Context;
use crate::exit::Exit;
use crate::{charges, show};

pub(crate) async fn run(global: &Global, args: &Duplicates) -> anyhow::Result<ExitCode> {
    let window = inputs::seconds("window", &args.window)?;
    let window = u32::try_from(window).ok().filter(|window| *window <= MAX_WINDOW);
    let options = Options {
        window_seconds: Some(window.ok_or_else(|| {
            Exit::bad_input(format!(
                "window `{}` is more than a month: look within minutes or hours",
                args.window
            ))
        })?),
        reference_keys: args.reference_key.clone(),
    };
    let (groups, tally, unreadable) = match (&args.input, &args.since) {
        (Some(file), _) => in_file(file, options).await?,
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

/// The rule runs here, not in the sandbox: what is looked at is a file of the user's, and nothing can be reached
/// from it.
async fn in_file(file: &Path, options: Options) -> anyhow::Result<(Vec<Group>, Tally, u64)> {
    let file = file.to_owned();
    let search = tokio::task::spawn_blocking(move || charges::search(&file, &options));
    let found = search.await??;
    Ok((found.groups, found.tally, found.unreadable))
}

async fn at_stripe(
    global: &Global,
    since: &str,
    options: &Options,
) -> anyhow::Result<(Vec<Group>, Tally, u64)> {
    let since = inputs::seconds("since", since)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let range = json!({ "created_from": now.saturating_sub(since) });
    let input = json!({ "range": range, "options": options });
    let output = Context::new(global)?.invoke("duplicates.scan-live", input).await?;
    let scanned: Scanned = serde_json::from_value(output)?;
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
        Basis::Customer(id) => ("customer", id.as_str()),
        Basis::CardFingerprint(print) => ("card_fingerprint", print.as_str()),
    };
    json!({
        "keep": group.keep,
        "refund": group.refund,
        "amount": group.amount,
        "currency": group.currency,
        basis: of,
        "first_created": group.first_created,
        "last_created": group.last_created,
        "confidence": group.confidence,
        "reasons": reasons(group),
    })
}

fn reasons(group: &Group) -> Vec<String> {
    group.observations.iter().map(ToString::to_string).collect()
}

fn print(groups: &[Group]) {
    let row = |group: &Group| {
        [
            group.keep.to_string(),
            group.refund.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            show::money(&json!(group.amount), &json!(group.currency)),
            group.confidence.to_string(),
            reasons(group).join(", "),
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
