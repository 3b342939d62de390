//! `follow-ups list | deliver | resend | enable | check`

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use refund_app::outcome::table::EXIT_STOPPED;
use refund_ledger::{Ledger, Outbox};
use refund_outbox::{Delivery, Dispatcher, Key, Message, Sink, State, Store, Target};
use serde_json::{Value, json};

use crate::args::{FollowUps, FollowUpsCommand, Global};
use crate::context::{Context, any_ledger, dispatcher, sinks, with_sinks};
use crate::exit::Exit;
use crate::instants::now;
use crate::stop::asked_to_stop;
use crate::{secrets, show};

/// So much of an id tells it from all others, and fits into a table.
const SHORT: usize = 15;
/// The shortest beginning of an id that is taken for one.
const SHORTEST: usize = 8;

pub(crate) async fn run(global: &Global, args: FollowUps) -> anyhow::Result<ExitCode> {
    match args.command {
        FollowUpsCommand::List { state, limit } => list(global, state.as_deref(), limit).await,
        FollowUpsCommand::Deliver { watch } => deliver(global, watch).await,
        FollowUpsCommand::Resend { ids, sink } => resend(global, ids, sink.as_deref()).await,
        FollowUpsCommand::Enable { sink } => enable(global, &sink).await,
        FollowUpsCommand::Check { file } => check(global, &file),
    }
}

fn ledger(global: &Global) -> anyhow::Result<Ledger> {
    any_ledger(global)
}

async fn list(global: &Global, state: Option<&str>, limit: usize) -> anyhow::Result<ExitCode> {
    let wanted = |word: &str| {
        State::parse(word).ok_or_else(|| {
            let words = State::ALL.map(State::as_str).join(", ");
            Exit::bad_input(format!("state `{word}` is none of: {words}"))
        })
    };
    let state = state.map(wanted).transpose()?;
    let messages = ledger(global)?.outbox().messages(state, limit).await?;
    if global.json {
        show::json(&json!({ "follow_ups": messages }));
    } else {
        let header = ["follow-up", "sink", "what", "about", "state", "tries", "said"];
        show::table(header, messages.iter().map(row));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(message: &Message) -> [String; 7] {
    [
        short(message),
        message.key.sink.clone(),
        message.kind.to_string(),
        message.subject.clone(),
        message.state.to_string(),
        message.attempts.to_string(),
        message.reason.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

fn short(message: &Message) -> String {
    message.key.id.as_str().chars().take(SHORT).collect()
}

/// A try, as it is told.
fn tried(message: &Message, delivery: &Delivery) -> (&'static str, Option<String>) {
    let (word, reason) = match delivery {
        Delivery::Delivered => ("delivered", None),
        Delivery::Failed { reason, .. } => ("failed", Some(reason)),
        Delivery::Undeliverable { reason } => ("undeliverable", Some(reason)),
        Delivery::Gone { reason } => ("gone", Some(reason)),
    };
    let reason = reason.map(|reason| format!("{reason} (try {})", message.attempts));
    (word, reason)
}

fn tried_json(message: &Message, delivery: &Delivery) -> Value {
    let (outcome, reason) = tried(message, delivery);
    json!({
        "id": message.key.id, "sink": message.key.sink, "kind": message.kind, "subject": message.subject,
        "outcome": outcome, "reason": reason,
    })
}

fn tried_row(message: &Message, delivery: &Delivery) -> [String; 6] {
    let (outcome, reason) = tried(message, delivery);
    [
        short(message),
        message.key.sink.clone(),
        message.kind.to_string(),
        message.subject.clone(),
        outcome.to_owned(),
        reason.unwrap_or_else(|| "-".to_owned()),
    ]
}

async fn deliver(global: &Global, watch: bool) -> anyhow::Result<ExitCode> {
    if global.sinks.is_none() {
        return Err(Exit::bad_input(
            "nobody is named who wants follow-ups: give a document with --sinks or REFUND_NODE_SINKS",
        ));
    }
    let mut ledger = with_sinks(global, ledger(global)?)?;
    let mut component = None;
    if secrets::has_key(global) {
        let context = Context::new(global)?;
        ledger = context.ledger(global)?;
        component = Some(context.component);
    }
    let dispatcher = dispatcher(&ledger, component);
    let dead = Remaining::of(&ledger.outbox()).await?.dead;
    if watch {
        watch_on(global, dispatcher).await;
    } else {
        once(global, dispatcher).await?;
    }
    let left = Remaining::of(&ledger.outbox()).await?;
    tell(global, &left);
    // Those that died before were told then: some, such as a mail to nobody, will stay for good.
    let taken = left.waiting == 0 && left.dead <= dead;
    Ok(if taken { ExitCode::SUCCESS } else { ExitCode::from(EXIT_STOPPED) })
}

/// Tells of each try as it comes, until Ctrl-C; deliveries under way are let finish.
async fn watch_on(global: &Global, dispatcher: Dispatcher<Outbox>) {
    let json = global.json;
    let tell = move |message: &Message, delivery: &Delivery| {
        if json {
            show::line(tried_json(message, delivery));
        } else {
            show::line(tried_row(message, delivery).join("  "));
        }
    };
    dispatcher.telling(tell).run_until(asked_to_stop()).await;
}

async fn once(global: &Global, dispatcher: Dispatcher<Outbox>) -> anyhow::Result<()> {
    let tries = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&tries);
    let tell = move |message: &Message, delivery: &Delivery| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((message.clone(), delivery.clone()));
    };
    dispatcher.telling(tell).run_once().await?;
    let tries = tries.lock().unwrap_or_else(PoisonError::into_inner);
    if global.json {
        for (message, delivery) in tries.iter() {
            show::line(tried_json(message, delivery));
        }
    } else if !tries.is_empty() {
        let header = ["follow-up", "sink", "what", "about", "outcome", "said"];
        show::table(header, tries.iter().map(|(message, delivery)| tried_row(message, delivery)));
    }
    Ok(())
}

/// What was not taken.
struct Remaining {
    waiting: u64,
    dead: u64,
    /// Sinks that want no more, and why.
    off: Vec<(String, String)>,
}

impl Remaining {
    async fn of(outbox: &Outbox) -> anyhow::Result<Self> {
        let counts = outbox.counts().await?;
        let sum = |state: State| -> u64 {
            counts.iter().filter(|one| one.state == state).map(|one| one.count).sum()
        };
        let (waiting, dead) = (sum(State::Waiting), sum(State::Dead));
        Ok(Self { waiting, dead, off: outbox.disabled().await? })
    }
}

fn tell(global: &Global, left: &Remaining) {
    let Remaining { waiting, dead, off } = left;
    if global.json {
        let off: Vec<_> =
            off.iter().map(|(sink, reason)| json!({ "sink": sink, "reason": reason })).collect();
        show::json(&json!({ "waiting": waiting, "dead": dead, "off": off }));
        return;
    }
    for (sink, reason) in off {
        show::line(format_args!("{sink} is off ({reason}): refund-node follow-ups enable {sink}"));
    }
    if *dead > 0 {
        show::line(format_args!(
            "{dead} were given up: refund-node follow-ups list --state dead, then resend"
        ));
    }
    match waiting {
        0 => show::line("nothing waits"),
        waiting => show::line(format_args!("{waiting} wait")),
    }
}

async fn resend(global: &Global, ids: Vec<String>, sink: Option<&str>) -> anyhow::Result<ExitCode> {
    let outbox = ledger(global)?.outbox();
    // All of them are looked up before the first one is touched.
    let mut keys = Vec::new();
    for id in &ids {
        keys.extend(meant(&outbox, id, sink).await?);
    }
    for key in &keys {
        outbox.resend(key, now()).await?;
    }
    if global.json {
        show::json(&json!({ "resent": keys }));
    } else {
        show::line(format_args!("{} due at once: refund-node follow-ups deliver", keys.len()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The messages that somebody means by the beginning of an id.
async fn meant(outbox: &Outbox, id: &str, sink: Option<&str>) -> anyhow::Result<Vec<Key>> {
    let unknown = |why: &str| Exit::bad_input(format!("follow-up `{id}` {why}"));
    if id.len() < SHORTEST || !id.starts_with("fu_") {
        return Err(unknown("is no id: give fu_… with at least five digits"));
    }
    let found = outbox.beginning(id).await?;
    let Some(first) = found.first() else {
        return Err(unknown("is not in the ledger: `follow-ups list` shows what is"));
    };
    if found.iter().any(|one| one.key.id != first.key.id) {
        return Err(unknown("may be more than one: give more of it"));
    }
    let wanted =
        |one: &&Message| sink.map_or(one.state != State::Delivered, |sink| one.key.sink == sink);
    let keys: Vec<_> = found.iter().filter(wanted).map(|one| one.key.clone()).collect();
    match (keys.is_empty(), sink) {
        (false, _) => Ok(keys),
        (true, Some(sink)) => Err(unknown(&format!("is not for sink `{sink}`"))),
        (true, None) => Err(unknown("was taken by every sink: name one with --sink")),
    }
}

async fn enable(global: &Global, sink: &str) -> anyhow::Result<ExitCode> {
    let was_off = ledger(global)?.outbox().enable(sink).await?;
    if global.json {
        show::json(&json!({ "sink": sink, "was_off": was_off }));
    } else if was_off {
        show::line(format_args!("{sink} is on again"));
    } else {
        show::line(format_args!("{sink} was not off"));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(global: &Global, file: &Path) -> anyhow::Result<ExitCode> {
    let sinks = sinks(file)?;
    if global.json {
        let one = |sink: &Sink| {
            json!({ "name": sink.name, "kind": kind(sink), "follow_ups": sink.follow_ups,
                    "timeout_seconds": sink.timeout.as_secs(), "concurrency": sink.concurrency })
        };
        show::json(&json!({ "sinks": sinks.iter().map(one).collect::<Vec<_>>() }));
    } else {
        show::table(["sink", "kind", "wants", "seconds", "at a time"], sinks.iter().map(sink_row));
    }
    Ok(ExitCode::SUCCESS)
}

fn sink_row(sink: &Sink) -> [String; 5] {
    let wants: Vec<_> = sink.follow_ups.iter().map(|kind| kind.as_str()).collect();
    [
        sink.name.clone(),
        kind(sink).to_owned(),
        if wants.is_empty() { "everything".to_owned() } else { wants.join(", ") },
        sink.timeout.as_secs().to_string(),
        sink.concurrency.to_string(),
    ]
}

fn kind(sink: &Sink) -> &'static str {
    match sink.target {
        Target::Http(_) => "http",
        Target::Command(_) => "command",
        Target::Email(_) => "smtp",
    }
}
