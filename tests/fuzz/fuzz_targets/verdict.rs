//! Our verdict against a plain second implementation, on headers that are nearly right: what we accept it
//! accepts, and what Stripe itself would send we accept.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use refund_core::secret::Secret;
use refund_core::webhook::{VerifyOptions, verify};
use refund_fuzz::{plainly_signed, sign};

#[derive(Arbitrary, Debug)]
struct Delivery<'a> {
    payload: &'a str,
    t: u32,
    parts: Vec<Part<'a>>,
    now: u32,
    tolerance: Option<u16>,
    second_secret: bool,
}

#[derive(Arbitrary, Debug)]
enum Part<'a> {
    Time,
    OtherTime(u32),
    Good,
    GoodOfSecond,
    Cut(u8),
    UpperCase,
    V0,
    Raw(&'a str),
}

fuzz_target!(|delivery: Delivery<'_>| {
    let (first, second) = ("whsec_first", "whsec_second");
    let (payload, t) = (delivery.payload.as_bytes(), delivery.t.to_string());
    let good = sign(payload, &t, first);
    let parts = delivery.parts.iter().map(|part| match part {
        Part::Time => format!("t={t}"),
        Part::OtherTime(other) => format!("t={other}"),
        Part::Good => format!("v1={good}"),
        Part::GoodOfSecond => format!("v1={}", sign(payload, &t, second)),
        Part::Cut(at) => format!("v1={}", &good[..usize::from(*at) % good.len()]),
        Part::UpperCase => format!("v1={}", good.to_uppercase()),
        Part::V0 => format!("v0={good}"),
        Part::Raw(text) => (*text).to_owned(),
    });
    let header = parts.collect::<Vec<_>>().join(",");
    let secrets = if delivery.second_secret { vec![first, second] } else { vec![first] };
    let kept: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    let options = VerifyOptions {
        tolerance: delivery.tolerance.map(u32::from),
        future_tolerance: None,
    };
    let ours = verify(payload, Some(&header), &kept, options, delivery.now.into());
    let plain = secrets.iter().any(|secret| plainly_signed(payload, &header, secret));
    let tolerance = u64::from(options.tolerance.unwrap_or(300));
    if let Ok(verified) = &ours {
        assert!(plain, "accepted without a signature: {header}");
        let age = u64::from(delivery.now).saturating_sub(verified.timestamp);
        assert!(tolerance == 0 || age <= tolerance, "accepted too old");
    }
    // The shape that Stripe sends: one t, then signatures.
    let shape = |part: &Part<'_>| !matches!(part, Part::OtherTime(_) | Part::Raw(_) | Part::UpperCase | Part::Cut(_));
    let times = delivery.parts.iter().filter(|part| matches!(part, Part::Time)).count();
    let age = u64::from(delivery.now).saturating_sub(delivery.t.into());
    let young = tolerance == 0 || age <= tolerance;
    let usual = delivery.parts.iter().all(shape) && times == 1;
    let mark = payload.starts_with(b"\xEF\xBB\xBF");
    if usual && plain && young && !mark {
        assert!(ours.is_ok(), "refused what Stripe sends: {header}: {ours:?}");
    }
});
