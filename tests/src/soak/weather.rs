//! What goes wrong: processes are killed and frozen, the clock jumps, Stripe answers wrongly, late or not at all.

use std::sync::atomic::Ordering;
use std::time::Duration;

use refund_simulator::{Fault, FaultKind};

use super::desk::{Desk, count, freeze, kill};
use super::stripe;

/// Seconds that the clock jumps by: within the age that a webhook may have and beyond it, beyond the time that
/// approvers have, and back.
const JUMPS: [i64; 5] = [120, 700, 8 * 86_400, -240, -3600];

/// Makes the weather until it is calm. In a round in which the clock jumps no request arrives late: by a clock that
/// jumps the grace period is over at once, so it promises nothing then.
pub(super) fn blow(desk: &Desk, luck: &mut fastrand::Rng, jumps: bool) {
    while !desk.is_calm.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(luck.u64(30..300)));
        match luck.u8(0..10) {
            0..=2 => fault(desk, luck, jumps),
            3..=5 => strike(desk, luck),
            6..=7 => hold(desk, luck),
            _ if jumps => jump(desk, luck),
            _ => {}
        }
    }
}

fn strike(desk: &Desk, luck: &mut fastrand::Rng) {
    let processes = desk.processes();
    let Some(process) = luck.choice(&processes) else { return };
    if kill(process) {
        count(&desk.done.kills);
        desk.note(format!("process {} is killed", super::desk::lock(process).id()));
    }
}

/// A freeze beyond the time limit of a request, at times beyond the grace period, ended by going on or by a kill.
fn hold(desk: &Desk, luck: &mut fastrand::Rng) {
    let processes = desk.processes();
    let Some(process) = luck.choice(&processes) else { return };
    if !freeze(process, true) {
        return;
    }
    count(&desk.done.freezes);
    let id = super::desk::lock(process).id();
    desk.note(format!("process {id} is frozen"));
    let millis = if luck.u8(0..8) == 0 { luck.u64(5500..7000) } else { luck.u64(300..2500) };
    std::thread::sleep(Duration::from_millis(millis));
    if luck.u8(0..4) == 0 && kill(process) {
        count(&desk.done.kills);
        desk.note(format!("process {id} is killed"));
    }
    freeze(process, false);
    desk.note(format!("process {id} goes on"));
}

fn jump(desk: &Desk, luck: &mut fastrand::Rng) {
    let (Some(clock), Some(seconds)) = (&desk.clock, luck.choice(JUMPS)) else { return };
    clock.jump(seconds);
    count(&desk.done.jumps);
    desk.note(format!("the clock jumps by {seconds} s"));
}

/// Orders a fault.
pub(super) fn order(desk: &Desk, fault: &Fault) {
    count(&desk.done.faults);
    desk.note(format!("Stripe: {fault:?}"));
    // A simulator that does not answer ends the round where its refunds are counted.
    let _ = stripe::order(desk, "POST", "faults", fault);
}

fn fault(desk: &Desk, luck: &mut fastrand::Rng, jumps: bool) {
    let after_commit = luck.bool();
    let kind = match luck.u8(0..10) {
        0 => FaultKind::Hang { after_commit },
        1 => FaultKind::Reset { after_commit },
        2 => FaultKind::Truncate,
        3 => FaultKind::BrokenJson,
        4 => FaultKind::Slow { millis: luck.u64(3..200) },
        5 => FaultKind::status(*luck.choice(&[429, 409]).unwrap_or(&409)),
        6 => FaultKind::status(500),
        _ if jumps => FaultKind::Truncate,
        _ => FaultKind::Late { millis: luck.u64(200..2000) },
    };
    let (method, path) = if luck.u8(0..3) == 0 { ("GET", "*") } else { ("POST", "/v1/refunds") };
    order(
        desk,
        &Fault {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            skip: luck.u32(0..4),
            times: luck.u32(1..5),
            kind,
        },
    );
}
