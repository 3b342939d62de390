//! `simulate`

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use refund_simulator::{NewCharge, Simulator};

use crate::args::Simulate;
use crate::exit::Exit;
use crate::show;

pub(crate) async fn run(args: &Simulate) -> anyhow::Result<ExitCode> {
    let simulator = Simulator::builder()
        .seed(args.seed)
        .address(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)))
        .rate_limits(args.rate_limits)
        .start()
        .await
        .map_err(Exit::bad_input)?;
    show::line(format_args!(
        "A simulated Stripe listens on {}; Ctrl-C ends it.",
        simulator.base_url()
    ));
    let charges = (0..args.charges).map(|number| {
        let order = NewCharge {
            amount: 2500 + 500 * u64::from(number),
            customer: Some(format!("cus_{number}")),
            ..NewCharge::default()
        };
        let charge = simulator.charge(&order);
        [
            show::text(&charge["id"]),
            show::text(&charge["payment_intent"]),
            show::money(&charge["amount"], &charge["currency"]),
        ]
    });
    if args.charges > 0 {
        show::table(["charge", "payment intent", "amount"], charges.collect::<Vec<_>>());
        show::line("Try, in another terminal: refund-node check ch_… --simulator");
    }
    tokio::signal::ctrl_c().await?;
    Ok(ExitCode::SUCCESS)
}
