//! `simulate`

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use refund_core::model::Charge;
use refund_simulator::{NewCharge, Simulator};

use crate::args::Simulate;
use crate::exit::Exit;
use crate::show;
use crate::stop::asked_to_stop;

pub(crate) async fn run(args: &Simulate) -> anyhow::Result<ExitCode> {
    let simulator = Simulator::builder()
        .seed(args.seed)
        .address(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)))
        .rate_limits(args.rate_limits)
        .record_requests(!args.lean)
        .check_answers(!args.lean)
        .latency(Duration::from_millis(args.latency))
        .start()
        .await
        .map_err(Exit::bad_input)?;
    show::line(format_args!(
        "A simulated Stripe listens on {}; Ctrl-C ends it.",
        simulator.base_url()
    ));
    let mut csv = args.csv.as_ref().map(csv::Writer::from_path).transpose()?;
    if let Some(csv) = &mut csv {
        csv.write_record(["payment", "amount", "currency", "operation"])?;
    }
    let mut rows = Vec::new();
    for number in 0..args.charges {
        let order = NewCharge {
            amount: 2500 + 500 * u64::from(number % 10),
            customer: Some(format!("cus_{number}")),
            livemode: args.livemode,
            metadata: BTreeMap::from([("product".to_owned(), "shirt".to_owned())]),
            ..NewCharge::default()
        };
        let charge: Charge = serde_json::from_value(simulator.charge(&order))?;
        let (id, amount) = (charge.id.to_string(), charge.money(charge.amount).to_string());
        if let Some(csv) = &mut csv {
            let decimal = amount.split(' ').next().unwrap_or_default();
            csv.write_record([&id, decimal, "usd", &format!("recall-{number}")])?;
        } else {
            let intent = charge.payment_intent.map_or_else(|| "-".to_owned(), |id| id.to_string());
            rows.push([id, intent, amount]);
        }
    }
    if let (Some(mut csv), Some(file)) = (csv, &args.csv) {
        csv.flush()?;
        show::line(format_args!("{} charges are in {}.", args.charges, file.display()));
    } else if !rows.is_empty() {
        show::table(["charge", "payment intent", "amount"], rows);
        show::line("Try, in another terminal: refund-node check ch_… --simulator");
    }
    asked_to_stop().await;
    Ok(ExitCode::SUCCESS)
}
