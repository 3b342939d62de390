//! Duplicates among many charges in a CSV file, and the same rule in SQL.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::figures::{Measured, Rows, median};
use crate::peers::Peers;
use crate::process::{self, Took};

const SQL: &str = include_str!("duplicates.py");
const ROUNDS: usize = 3;
/// Most memory, in bytes.
const MEMORY: u64 = 100_000_000;

pub(crate) fn measure(peers: &Peers, charges: u64) -> Rows {
    let python = peers.duckdb()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("charges.csv");
    generate(&file, charges)?;
    let (mut here, mut there) = (Vec::new(), Vec::new());
    let mut memory = 0;
    for _ in 0..ROUNDS {
        let ours = ours(&file)?;
        let theirs = process::run(
            Command::new(&python).args(["-c", SQL]).arg(&file).current_dir(folder.path()),
        )?;
        let groups: usize = theirs.output.trim().parse().context("DuckDB gave no count")?;
        let found = ours.output.lines().count();
        ensure!(found == groups, "{found} groups here, {groups} there");
        memory = memory.max(ours.memory);
        here.push(ours.time);
        there.push(theirs.time);
    }
    let theirs: (Duration, &str) = (median(there), "DuckDB");
    Ok(vec![
        Measured::times("duplicates among charges in CSV", median(here), theirs, 1.0),
        Measured::bytes("duplicates, memory", (memory, MEMORY), (1_000_000, "MB")),
    ])
}

fn ours(file: &Path) -> anyhow::Result<Took> {
    process::run(process::refund_node()?.args(["duplicates", "--json", "--input"]).arg(file))
}

/// Twenty charges a second; one in five hundred is paid again within the window. The numbers only look random:
/// every run makes the same file.
fn generate(file: &Path, charges: u64) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(file)?);
    writeln!(
        out,
        "id,created,amount,currency,status,captured,amount_refunded,disputed,customer,payment_intent,card_fingerprint,metadata.order_id"
    )?;
    for number in 0..charges {
        let created = 1_700_000_000 + number / 20;
        let is_again = number % 500 == 7;
        let of = mix(if is_again { number - 5 } else { number });
        let own = mix(number ^ 0x5555);
        let amount = 500 + of % 500 * 100;
        let currency = if of.is_multiple_of(10) { "eur" } else { "usd" };
        let (status, captured) =
            if own.is_multiple_of(50) { ("failed", false) } else { ("succeeded", true) };
        let given_back = if own.is_multiple_of(97) { 500 } else { 0 };
        let is_disputed = own.is_multiple_of(101);
        let who = of % 1_000_000;
        write!(
            out,
            "ch_3{own:016x}{number:08x},{created},{amount},{currency},{status},{captured},"
        )?;
        write!(out, "{given_back},{is_disputed},")?;
        if !who.is_multiple_of(7) {
            write!(out, "cus_{who:014x}")?;
        }
        let card = mix(who);
        writeln!(out, ",pi_3{own:016x}{number:08x},{card:016x},order-{number}")?;
    }
    Ok(out.flush()?)
}

/// Splitmix64.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
