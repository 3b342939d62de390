//! `cargo xtask build | demo | test` and more: each does its own set-up.

mod compose;
mod conformance;
mod dist;
mod fuzz;
mod model;
mod packages;
mod peers;
mod run;
mod simulation;
mod supply;
mod test;

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::compose::{build, compose};
use crate::run::say;
use crate::supply::Maker;

const HELP: &str = "\
cargo xtask build    make the component files in dist/, print size, digest and imports, and write them
                     into the release notes, dist/RELEASE.md
cargo xtask compose  the pipelines and the wrappers for platforms, composed with the node, in dist/
cargo xtask compose FILE.wac --dep NAME=FILE -o FILE
                     compose a pipeline of your own (docs/tutorial-pipeline.md)
cargo xtask wasmtime wasmtime's own command, to serve dist/refund-node-http.wasm: installs it, and says
                     where it is; about a quarter of an hour, once
cargo xtask dist     a release in dist/: components, WIT, npm tarballs, wheel, command, OCI layout, SBOMs,
                     checksums; then each is installed from there in an empty folder and asked something
cargo xtask demo     a guided tour on the built-in simulator
cargo xtask test     every check: format, lints, native tests, both wasm targets, end-to-end tests
                     through wasmtime, the official Stripe libraries against the simulator
cargo xtask conformance [--platform NAME]...
                     the same cases on every platform that embeds the component: node, node-red, python
                     and rust; n8n (2.3 GB) and wasmtime-serve when they are named
cargo xtask packages     the own tests of the packages for Node, Node-RED, n8n and Python
cargo xtask tutorial     composing by itself, and docs/tutorial-pipeline.md to the letter
cargo xtask soak --minutes N
                     every way in at once (command, bulk runs, HTTP API, webhooks, pipelines), while
                     processes are killed and frozen, the clock jumps and Stripe's answers are wrong,
                     late or lost; when all has settled, every answer is compared with the ledger and
                     with the refunds at the simulator
cargo xtask simulation [--operations N]
                     the product in one process under a seeded schedule, with faults and crashes at
                     every place where a task waits: every answer is compared with ledger and Stripe;
                     a million operations, about a quarter of an hour on two cores
cargo xtask simulation --seed N
                     one world of it, with everything that happens
cargo xtask containment
                     hostile guests against the host: what each tried, what stopped it
cargo xtask model [NAME]
                     every interleaving of a few refunds within bounds, over the rules that the command
                     runs; minutes on one core, a few GB of memory
cargo xtask fuzz --minutes N
                     every parser against random bytes, for so long in all; needs a nightly compiler
cargo xtask deny     licences, sources, bans and duplicates of the dependencies
cargo xtask advisories
                     known weaknesses of the dependencies; says so when it cannot be checked
cargo xtask reproduce
                     builds the component again in another folder, and compares the digests
cargo xtask sbom     CycloneDX files for component and command, in dist/
cargo xtask auditable
                     the release build of the command, with its list of dependencies inside
cargo xtask bench [--only WORK]... [--json]
                     the sandbox against stripe-node, DuckDB and native code; then bulk refunds: how
                     many a second, at which rate with limits on, how much memory for a million lines,
                     how soon a resume sends; about a quarter of an hour. More: cargo xtask bench --help

Each installs what it needs. Rust comes by rustup; the peers need Node and Python, and are skipped
loudly where those are missing (in CI, where CI=true, that is a failure).";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\nxtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["build"] => build(),
        ["compose", rest @ ..] => compose(rest),
        ["wasmtime"] => wasmtime(),
        ["dist"] => dist::run(),
        ["dist", "check"] => dist::check(),
        ["demo", rest @ ..] => demo(rest),
        ["test"] => test::run(),
        ["conformance", rest @ ..] => conformance::run(rest).map(drop),
        ["packages"] => packages::run(),
        ["tutorial"] => test::tutorial(),
        ["bench", rest @ ..] => bench(rest),
        ["containment"] => containment(),
        ["model", rest @ ..] => model::run(rest),
        ["fuzz"] => fuzz::run("8"),
        ["fuzz", "--minutes", minutes] => fuzz::run(minutes),
        ["deny"] => supply::deny(),
        ["advisories"] => supply::advisories(),
        ["reproduce"] => supply::reproduce(Maker::Anew),
        ["sbom"] => supply::sbom(),
        ["auditable"] => supply::auditable(),
        ["simulation"] => simulation::run("1000000"),
        ["simulation", "--operations", operations] => simulation::run(operations),
        ["simulation", "--seed", seed] => simulation::repeat(seed),
        ["soak"] => soak("10"),
        ["soak", "--minutes", minutes] => soak(minutes),
        [] | ["help" | "--help" | "-h"] => {
            say(HELP);
            Ok(())
        }
        other => bail!("there is no `{}`\n\n{HELP}", other.join(" ")),
    }
}

fn wasmtime() -> Result<()> {
    let wasmtime = supply::WASMTIME.installed()?;
    say(&format!(
        "{} serve -O pooling-allocator=n --addr 127.0.0.1:8080 dist/refund-node-http.wasm",
        wasmtime.display()
    ));
    Ok(())
}

fn demo(rest: &[&str]) -> Result<()> {
    run::must(Command::new(run::refund_node()?).arg("demo").args(rest))
}

fn containment() -> Result<()> {
    let refund_node = run::refund_node()?;
    run::must(&mut Command::new(beside(&refund_node, "containment")))
}

/// Another binary of the workspace.
fn beside(refund_node: &std::path::Path, name: &str) -> std::path::PathBuf {
    refund_node.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// What is measured is built for speed, and all at once, as everything else.
fn bench(rest: &[&str]) -> Result<()> {
    say("Building for speed; the first time this takes some minutes.");
    run::must(run::cargo().args(["build", "--release", "--quiet"]))?;
    let refund_node = run::target().join("release/refund-node");
    run::must(Command::new(beside(&refund_node, "refund-bench")).args(rest))
}

fn soak(minutes: &str) -> Result<()> {
    let refund_node = run::refund_node()?;
    run::must(Command::new(beside(&refund_node, "soak")).arg(refund_node).arg(minutes))
}
