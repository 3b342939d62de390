//! Prints what happens to guests that try to break out; fails when one of them does.

use std::process::ExitCode;

use refund_tests::containment::{run, table};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the table is what this is for")]
async fn main() -> ExitCode {
    let rows = run().await;
    println!("{}", table(&rows));
    let escaped = rows.iter().filter(|row| row.escape.is_some()).count();
    println!("\n{} attacks, {escaped} escaped", rows.len());
    if escaped == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
