//! `soak REFUND-NODE MINUTES [SEED]`: rounds of kill, fault and resume until the time is over, and a table.
#![expect(clippy::print_stdout, reason = "its table is its output")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use refund_tests::rounds::{Tally, play};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let minutes = arguments.get(1).and_then(|text| text.parse::<f64>().ok());
    let (Some(refund_node), Some(minutes)) = (arguments.first(), minutes) else {
        println!("soak REFUND-NODE MINUTES [SEED]");
        return ExitCode::from(2);
    };
    let first = arguments.get(2).and_then(|text| text.parse().ok()).unwrap_or(1);
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let mut tally = Tally::default();
    for seed in first.. {
        if Instant::now() > end {
            break;
        }
        let before = tally;
        if let Err(problem) = play(Path::new(refund_node), seed, &mut tally).await {
            println!("seed {seed}: {problem}");
            return ExitCode::FAILURE;
        }
        if (tally.doubles, tally.lost, tally.broken) != (before.doubles, before.lost, before.broken)
        {
            println!("seed {seed} went wrong: {tally:?}");
        }
    }
    println!(
        "rounds           {}\nfaults injected  {}\nkills            {}\noperations       {}\ndouble refunds   {}\nlost refunds     {}\nbroken ledgers   {}",
        tally.rounds,
        tally.faults,
        tally.kills,
        tally.operations,
        tally.doubles,
        tally.lost,
        tally.broken
    );
    let good = (tally.doubles, tally.lost, tally.broken) == (0, 0, 0);
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
