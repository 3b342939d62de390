//! How fast many calls go: rates, how many are under way, and the time to spread them over.

use std::time::Duration;

use refund_host::{KeyMode, Pace};

use crate::args::Speed;
use crate::exit::Exit;
use crate::inputs;

/// How many lines are under way at once: no more than two seconds of the rate, since what is under way is finished
/// before a run ends.
pub(crate) fn in_flight(speed: &Speed) -> usize {
    if speed.no_pace {
        return speed.in_flight;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "above zero, which is checked, and capped"
    )]
    let of_rate = (speed.rate * 2.0).ceil().min(1e6) as usize;
    speed.in_flight.min(of_rate.max(1))
}

/// Checks what plan and run have in common.
pub(crate) fn check_speed(speed: &Speed) -> anyhow::Result<()> {
    if speed.in_flight == 0 {
        return Err(Exit::bad_input("--in-flight `0` sends nothing: give at least 1"));
    }
    if !speed.rate.is_finite() || speed.rate <= 0.0 {
        return Err(Exit::bad_input(format!("--rate `{}` is not above zero", speed.rate)));
    }
    Ok(())
}

/// The time to spread refunds over.
pub(crate) fn spread(speed: &Speed) -> anyhow::Result<Option<Duration>> {
    let seconds =
        speed.spread.as_deref().map(|text| inputs::seconds("spread", text)).transpose()?;
    Ok(seconds.map(Duration::from_secs))
}

/// The rates to keep to.
pub(crate) fn pace(speed: &Speed, mode: KeyMode) -> Option<Pace> {
    let default = if mode == KeyMode::Live { Pace::LIVE } else { Pace::TEST };
    (!speed.no_pace).then(|| Pace {
        endpoint: speed.rate,
        account: speed.account_rate.unwrap_or(default.account),
    })
}
