//! `soak REFUND-NODE MINUTES [SEED]`: rounds until the time is over, and a table.
#![expect(clippy::print_stdout, reason = "its table is its output")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use refund_tests::soak::{Settings, Tally, play};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let minutes = arguments.get(1).and_then(|text| text.parse::<f64>().ok());
    let (Some(refund_node), Some(minutes)) = (arguments.first(), minutes) else {
        println!("soak REFUND-NODE MINUTES [SEED]");
        return ExitCode::from(2);
    };
    let first = arguments.get(2).and_then(|text| text.parse().ok()).unwrap_or(1);
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let mut tally = Tally::default();
    let mut is_ended = true;
    for seed in first.. {
        if Instant::now() > end {
            break;
        }
        if let Err(problem) = play(Path::new(refund_node), seed, Settings::default(), &mut tally) {
            println!("{problem}");
            is_ended = false;
            break;
        }
        tally.problems.drain(..).for_each(|problem| println!("{problem}\n"));
    }
    println!("{tally}");
    if is_ended && tally.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
