//! What can be typed.

mod approvals;
mod bulk;
mod credits;
mod disputes;
mod follow_ups;
mod ledger;
mod policy;
mod refund;
mod report;
mod serve;
mod tools;
mod webhook;

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args as Group, CommandFactory, FromArgMatches, Parser, Subcommand};
use refund_app::outcome::table::EXITS;
use refund_host::PublicKey;

use self::approvals::APPROVALS_HELP;
pub(crate) use self::approvals::*;
use self::bulk::BULK_HELP;
pub(crate) use self::bulk::*;
use self::credits::CREDITS_HELP;
pub(crate) use self::credits::*;
use self::disputes::DISPUTES_HELP;
pub(crate) use self::disputes::*;
use self::follow_ups::FOLLOW_UPS_HELP;
pub(crate) use self::follow_ups::*;
pub(crate) use self::ledger::*;
use self::policy::POLICY_HELP;
pub(crate) use self::policy::*;
pub(crate) use self::refund::*;
use self::report::REPORT_HELP;
pub(crate) use self::report::*;
use self::serve::SERVE_HELP;
pub(crate) use self::serve::*;
pub(crate) use self::tools::*;
pub(crate) use self::webhook::*;
use crate::exit::Exit;

const LONG_ABOUT: &str = "Stripe refunds, never twice and never blindly: a sandboxed component does the work, this command runs it.

Without a key, try everything on the built-in simulator:
  refund-node demo                       a guided tour
  refund-node simulate --charges 3       a Stripe double on port 12111, with charges to refund
  refund-node check ch_… --simulator     then, in another terminal

With STRIPE_SECRET_KEY set (a restricted key is enough), commands talk to Stripe. The key may also come from
--key-file or --key-command. A live key needs --live. Not working? refund-node doctor.";

fn exit_codes() -> String {
    let line = |(code, meaning): &(u8, &str)| format!("\n  {code}  {meaning}");
    let lines: String = EXITS.iter().map(line).collect();
    format!("Exit codes:{lines}")
}

/// Stripe refunds, never twice and never blindly.
#[derive(Parser, Debug)]
#[command(name = "refund-node", version, about, long_about = LONG_ABOUT, after_help = exit_codes())]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    /// Log more, to stderr; up to -vvv.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Options of every command")]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Group, Debug, Clone)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Run this component file instead of the one inside this command.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) component: Option<PathBuf>,
    /// Run only the component with this SHA-256, as `component inspect` prints it.
    #[arg(long, value_name = "DIGEST", env = "REFUND_NODE_DIGEST", global = true)]
    pub(crate) digest: Option<String>,
    /// Run only a component file signed with this minisign key; the signature is FILE.minisig.
    #[arg(long, value_name = "PUBLIC-KEY", requires = "component", global = true)]
    pub(crate) signed_by: Option<PublicKey>,
    /// Talk to a simulator on this machine (`refund-node simulate`), not to Stripe.
    #[arg(long, global = true)]
    pub(crate) simulator: bool,
    /// Talk to this address: https, or plain http on loopback.
    #[arg(long, value_name = "URL", global = true, conflicts_with = "simulator")]
    pub(crate) base_url: Option<String>,
    /// Allow a live key: real money moves.
    #[arg(long, global = true)]
    pub(crate) live: bool,
    /// Act for this connected account.
    #[arg(long, value_name = "acct_…", global = true)]
    pub(crate) account: Option<String>,
    /// Seconds to wait for the first byte of a Stripe response.
    #[arg(long, value_name = "SECONDS", default_value_t = 80, value_parser = clap::value_parser!(u64).range(1..=240), global = true)]
    pub(crate) timeout: u64,
    /// The ledger of operations. `refund` and `invoke` use one only if --ledger or --sinks is given; `report` only
    /// with --ledger; all others use ./refund-node.ledger by default. Refused where it has no effect.
    #[arg(long, value_name = "FILE", env = "REFUND_NODE_LEDGER", global = true)]
    pub(crate) ledger: Option<PathBuf>,
    /// The sinks of follow-ups, a TOML document. Follow-ups are kept in the ledger, and delivered by `webhook listen`,
    /// `serve` and `follow-ups deliver`.
    #[arg(long, value_name = "FILE", env = "REFUND_NODE_SINKS", global = true)]
    pub(crate) sinks: Option<PathBuf>,
    /// User name recorded in the audit log; the login unless given. Requester and approver must differ.
    #[arg(long = "as", value_name = "NAME", env = "REFUND_NODE_USER", global = true)]
    pub(crate) user: Option<String>,
    /// Seconds after the last request with an unknown outcome in which "no such refund" is not believed.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, hide = true, global = true)]
    pub(crate) grace: u64,
    /// Read the key from this file instead of from the environment.
    #[arg(long, value_name = "FILE", env = "STRIPE_SECRET_KEY_FILE", global = true)]
    pub(crate) key_file: Option<PathBuf>,
    /// Run this command; the first line it prints is the key: 'pass show stripe/refunds'.
    #[arg(long, value_name = "COMMAND", env = "REFUND_NODE_KEY_COMMAND", global = true)]
    pub(crate) key_command: Option<String>,
    /// Keep compiled code in this folder; refund-node in your folder for caches unless given.
    #[arg(long, value_name = "FOLDER", env = "REFUND_NODE_CACHE", global = true)]
    pub(crate) cache: Option<PathBuf>,
    /// Compile the component anew, and keep nothing.
    #[arg(long, conflicts_with = "cache", global = true)]
    pub(crate) no_cache: bool,
    /// What was typed, and does not come from the environment.
    #[arg(skip)]
    pub(crate) typed: Typed,
}

/// Which options were typed in this command.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Typed {
    ledger: bool,
    sinks: bool,
}

impl Global {
    /// Whether operations are recorded in a ledger where a command leaves that open.
    pub(crate) fn names_ledger(&self) -> bool {
        self.ledger.is_some() || self.sinks.is_some()
    }

    /// An option that is typed and has no effect would be taken for a protection.
    pub(crate) fn refuse_ledger(&self, command: &str) -> anyhow::Result<()> {
        let option = match self.typed {
            Typed { ledger: true, .. } => "--ledger",
            Typed { sinks: true, .. } => "--sinks",
            Typed { .. } => return Ok(()),
        };
        Err(Exit::bad_input(format!(
            "{option} has no effect on `{command}`: leave it out. Nothing was sent."
        )))
    }
}

impl Args {
    /// Reads the command line. Ends the process on a mistake, and for `--help`.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        let mut args = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        args.global.typed =
            Typed { ledger: is_typed(&matches, "ledger"), sinks: is_typed(&matches, "sinks") };
        args
    }
}

fn is_typed(matches: &ArgMatches, option: &str) -> bool {
    matches.value_source(option) == Some(ValueSource::CommandLine)
        || matches.subcommand().is_some_and(|(_, inner)| is_typed(inner, option))
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// A guided tour on the built-in simulator; needs no key.
    Demo,
    /// Run a Stripe double on this machine.
    #[command(
        after_help = "Example:\n  refund-node simulate --charges 3\n\nIts control API (faults, disputes, the clock) is described in host-harness/simulator/README.md."
    )]
    Simulate(Simulate),
    /// Make, read, change or cancel refunds.
    Refund(Refund),
    /// May this payment be refunded?
    #[command(
        after_help = "Exit codes: 0 eligible, 3 needs approval, 4 denied, 2 bad input, 5 Stripe or network failure.\n\nExamples:\n  refund-node check ch_123\n  refund-node check pi_123 --amount 25.00 --currency usd --window-days 30\n  refund-node check ch_123 --amount 500 --currency jpy --approve-up-to 300 --json"
    )]
    Check(Check),
    /// Check, explain and test a policy document.
    #[command(after_help = POLICY_HELP)]
    Policy(Policy),
    /// Ask for approval, decide, and execute what was approved.
    #[command(after_help = APPROVALS_HELP)]
    Approvals(Approvals),
    /// Serve the HTTP API: refunds, approvals, webhooks, metrics.
    #[command(after_help = SERVE_HELP)]
    Serve(Box<Serve>),
    /// Find customers who paid twice, in a file or at Stripe.
    #[command(
        after_help = "Examples:\n  refund-node duplicates --input charges.jsonl --window 5m --json\n  stripe charges list --limit 100 | jq -c '.data[]' | refund-node duplicates --input -\n  refund-node duplicates --since 24h"
    )]
    Duplicates(Duplicates),
    /// Answer disputes: what is due when, evidence, submitting it, giving in.
    #[command(after_help = DISPUTES_HELP)]
    Disputes(Disputes),
    /// Compute a fair credit: after an outage, or when a period ends early. Needs no key, unless it reads an invoice.
    #[command(after_help = CREDITS_HELP)]
    Credits(Credits),
    /// Sum up refunds: how many, why, of what, at what cost, at which rate.
    #[command(after_help = REPORT_HELP)]
    Report(Report),
    /// Verify webhooks.
    Webhook(Webhook),
    /// What is left to do after refunds and events: deliver it, see what waits.
    #[command(after_help = FOLLOW_UPS_HELP)]
    FollowUps(FollowUps),
    /// Print the manifest: operations and their JSON Schemas.
    Describe,
    /// Run one operation: JSON in, JSON out, for one input or for every line of a file.
    #[command(
        after_help = "Examples:\n  refund-node invoke refunds.retrieve --input '{\"refund\": \"re_123\"}'\n  refund-node invoke sla-credit.run --component sla-credit.wasm --lines outages.jsonl > done.jsonl\n  refund-node invoke sla-credit.run --component sla-credit.wasm --ledger shop.ledger --input '{…}'\n\nThe names and schemas are in `refund-node describe`. With --lines the exit code is the worst of all lines.\n\nWith --ledger or --sinks, `refunds.create` and the refunds of a pipeline are recorded before they are sent, and only recorded votes approve: `connection` and approvals are not permitted in the input. Pipelines that use one ledger take turns. Other operations refuse the two options."
    )]
    Invoke(Invoke),
    /// Refund many payments from a file: plan, run, resume, export.
    #[command(after_help = BULK_HELP)]
    Bulk(Bulk),
    /// Compare the ledger with Stripe, both ways. Exits with 8 when they differ.
    #[command(
        after_help = "Examples:\n  refund-node reconcile --since 30d\n  refund-node reconcile --since 30d --repair   # move operations to what Stripe says"
    )]
    Reconcile(Reconcile),
    /// Check the ledger's audit: every move of every operation and every vote, hash-chained.
    Audit(Audit),
    /// Look into a component file.
    Component(Component),
    /// Check key, permissions, clock, connection, component and ledger, and say what to fix.
    #[command(
        after_help = "Exits with 0 when everything is well, 1 otherwise. It reads only: no refund is made or changed.\n\nExamples:\n  refund-node doctor\n  refund-node doctor --live --key-command 'pass show stripe/refunds'"
    )]
    Doctor,
    /// Print a completion script for your shell.
    #[command(
        after_help = "Example:\n  refund-node completions bash > /etc/bash_completion.d/refund-node"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Its name, where it takes no notice of a ledger.
    pub(crate) fn without_ledger(&self) -> Option<&'static str> {
        Some(match self {
            Self::Demo => "demo",
            Self::Simulate(_) => "simulate",
            Self::Check(_) => "check",
            Self::Policy(_) => "policy",
            Self::Duplicates(_) => "duplicates",
            Self::Disputes(_) => "disputes",
            Self::Credits(_) => "credits",
            Self::Webhook(Webhook { command: WebhookCommand::Verify(_) }) => "webhook verify",
            Self::Describe => "describe",
            Self::Component(_) => "component",
            Self::Completions { .. } => "completions",
            Self::Refund(_)
            | Self::Approvals(_)
            | Self::Serve(_)
            | Self::Report(_)
            | Self::Webhook(_)
            | Self::FollowUps(_)
            | Self::Invoke(_)
            | Self::Bulk(_)
            | Self::Reconcile(_)
            | Self::Audit(_)
            | Self::Doctor => return None,
        })
    }
}
