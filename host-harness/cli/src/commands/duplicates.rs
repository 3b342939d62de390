//! `duplicates`

mod stripe;

use std::path::Path;
use std::process::ExitCode;

use refund_core::duplicates::{Basis, Group, MAX_WINDOW, Options, Tally};
use refund_core::money::Money;
use serde_json::{Value, json};

use crate::args::{Duplicates, Global};
use crate::charges::{self, Findings};
use crate::exit::Exit;
use crate::{inputs, show};

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
    let found = match (&args.input, &args.since) {
        (Some(file), _) => in_file(file, options).await?,
        (None, since) => {
            let since = inputs::seconds("since", since.as_deref().unwrap_or_default())?;
            stripe::search(global, since, args.max_charges, &options).await?
        }
    };
    if global.json {
        for group in &found.groups {
            show::line(describe(group));
        }
    } else {
        print(&found.groups);
    }
    summary(&found.tally, found.unreadable);
    found.incomplete.map_or(Ok(ExitCode::SUCCESS), Err)
}

/// The rule runs here, not in the sandbox: what is looked at is a file of the user's, and nothing can be reached
/// from it.
async fn in_file(file: &Path, options: Options) -> anyhow::Result<Findings> {
    let file = file.to_owned();
    tokio::task::spawn_blocking(move || charges::search(&file, &options)).await?
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
            Money { amount: group.amount, currency: group.currency }.to_string(),
            group.confidence.to_string(),
            reasons(group).join(", "),
        ]
    };
    show::table(["keep", "refund", "amount", "confidence", "why"], groups.iter().map(row));
}

fn summary(tally: &Tally, unreadable: u64) {
    crate::terminal::say(format_args!(
        "{} charges seen, {} without money at stake, {} without customer and card, {unreadable} unreadable lines",
        tally.seen, tally.skipped, tally.unmatched
    ));
}
