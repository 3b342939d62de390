//! Signatures (reference 5.1 and 5.2).
//!
//! Where the three official libraries agree, so do we; where they split, we take the strict side. The
//! table with the reasons is `docs/webhook-strictness.md`.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// Greatest age when nothing is said, in seconds: Stripe's own.
pub const DEFAULT_TOLERANCE: u32 = 300;

/// Most digits of a timestamp: enough until the year 5138, few enough for any integer.
const MAX_DIGITS: usize = 11;

/// How strict to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyOptions {
    /// Greatest age in seconds, itself included; 300 when absent. 0 turns the check off.
    pub tolerance: Option<u32>,
    /// Greatest lead of the signature over `now` in seconds; absent turns the check off.
    pub future_tolerance: Option<u32>,
}

/// A good signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verified {
    /// When Stripe signed it, Unix seconds.
    pub timestamp: u64,
    /// Which of the secrets matched, counted from 0.
    pub secret_index: u32,
}

/// Why a delivery was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum VerifyError {
    /// No `Stripe-Signature` header.
    #[error("there is no Stripe-Signature header: pass it on unchanged, or refuse the request")]
    NoHeader,
    /// No secret was given.
    #[error(
        "no endpoint secret was given: copy it from the webhook endpoint's page, it begins with whsec_"
    )]
    NoSecret,
    /// This secret is empty or blank.
    #[error(
        "secret number {index} (counted from 0) is blank: an attacker could sign with it, so it is never tried"
    )]
    BlankSecret {
        /// Counted from 0.
        index: u32,
    },
    /// The header cannot be read.
    #[error("the Stripe-Signature header cannot be read: {problem}")]
    BadHeader {
        /// What is wrong with it.
        problem: String,
    },
    /// No `t` in the header.
    #[error("the Stripe-Signature header has no t")]
    NoTimestamp,
    /// No `v1` in the header.
    #[error("the Stripe-Signature header has no v1: other schemes do not count")]
    NoSignature,
    /// No `v1` is of 64 lower-case hexadecimal digits.
    #[error("no v1 of the Stripe-Signature header is of 64 lower-case hexadecimal digits")]
    BadSignature,
    /// The body is not what Stripe sends.
    #[error("the body is not UTF-8 without a byte-order mark: pass the raw bytes on unchanged")]
    BadEncoding,
    /// No signature matches any secret.
    #[error(
        "no signature matches: the request is forged, its body was altered on the way (a parsed and re-printed body never matches), or the secret is another endpoint's"
    )]
    Mismatch,
    /// Older than the tolerance.
    #[error(
        "the signature is {age} s old, more than {tolerance} s: a replay, or a clock that is off"
    )]
    TooOld {
        /// Seconds.
        age: u64,
        /// Allowed.
        tolerance: u32,
    },
    /// Further in the future than the tolerance.
    #[error("the signature is {lead} s in the future, more than {tolerance} s: a clock is off")]
    TooNew {
        /// Seconds.
        lead: u64,
        /// Allowed.
        tolerance: u32,
    },
}

impl VerifyError {
    /// The contract's name of the case, for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoHeader => "no-header",
            Self::NoSecret => "no-secret",
            Self::BlankSecret { .. } => "blank-secret",
            Self::BadHeader { .. } => "bad-header",
            Self::NoTimestamp => "no-timestamp",
            Self::NoSignature => "no-signature",
            Self::BadSignature => "bad-signature",
            Self::BadEncoding => "bad-encoding",
            Self::Mismatch => "mismatch",
            Self::TooOld { .. } => "too-old",
            Self::TooNew { .. } => "too-new",
        }
    }
}

/// Checks a delivery: the raw body, the header as it came, every secret the endpoint has (two during a
/// roll), and the clock in Unix seconds.
///
/// The signature is judged before the age, so a stale forgery is a forgery.
pub fn verify(
    payload: &[u8],
    header: Option<&str>,
    secrets: &[Secret],
    options: VerifyOptions,
    now: u64,
) -> Result<Verified, VerifyError> {
    let header = header.filter(|text| !text.is_empty()).ok_or(VerifyError::NoHeader)?;
    check_secrets(secrets)?;
    let signed = Header::read(header)?;
    check_encoding(payload)?;
    let secret_index = signed.matching_secret(payload, secrets)?;
    check_age(signed.timestamp, options, now)?;
    Ok(Verified { timestamp: signed.timestamp, secret_index })
}

fn check_secrets(secrets: &[Secret]) -> Result<(), VerifyError> {
    if secrets.is_empty() {
        return Err(VerifyError::NoSecret);
    }
    match secrets.iter().position(Secret::is_blank) {
        Some(index) => {
            Err(VerifyError::BlankSecret { index: index.try_into().unwrap_or(u32::MAX) })
        }
        None => Ok(()),
    }
}

/// Stripe sends UTF-8 without a mark. A body in anything else is read differently by different
/// parsers, and what is verified must be what is parsed.
fn check_encoding(payload: &[u8]) -> Result<(), VerifyError> {
    if payload.starts_with(b"\xEF\xBB\xBF") || std::str::from_utf8(payload).is_err() {
        return Err(VerifyError::BadEncoding);
    }
    Ok(())
}

fn check_age(timestamp: u64, options: VerifyOptions, now: u64) -> Result<(), VerifyError> {
    let tolerance = options.tolerance.unwrap_or(DEFAULT_TOLERANCE);
    let age = now.saturating_sub(timestamp);
    if tolerance > 0 && age > tolerance.into() {
        return Err(VerifyError::TooOld { age, tolerance });
    }
    let lead = timestamp.saturating_sub(now);
    match options.future_tolerance {
        Some(tolerance) if lead > tolerance.into() => Err(VerifyError::TooNew { lead, tolerance }),
        _ => Ok(()),
    }
}

/// A header, taken apart.
struct Header<'a> {
    timestamp: u64,
    text: &'a str,
}

impl<'a> Header<'a> {
    /// Exactly one `t`, at least one `v1`, every part of the form `key=value`; unknown keys pass.
    fn read(text: &'a str) -> Result<Self, VerifyError> {
        let mut timestamp = None;
        let mut signatures = 0;
        let mut candidates = 0;
        for part in text.split(',') {
            match pair(part)? {
                ("t", value) if timestamp.is_none() => timestamp = Some(read_timestamp(value)?),
                ("t", _) => return Err(bad("it has more than one t")),
                ("v1", value) => {
                    signatures += 1;
                    candidates += usize::from(read_signature(value).is_some());
                }
                _ => {}
            }
        }
        let timestamp = timestamp.ok_or(VerifyError::NoTimestamp)?;
        match (signatures, candidates) {
            (0, _) => Err(VerifyError::NoSignature),
            (_, 0) => Err(VerifyError::BadSignature),
            _ => Ok(Self { timestamp, text }),
        }
    }

    /// The index of the first secret that one of the `v1` matches. Every pair is compared, in constant
    /// time, so that the time tells nothing about how close a guess was.
    fn matching_secret(&self, payload: &[u8], secrets: &[Secret]) -> Result<u32, VerifyError> {
        // The number is signed, not its spelling: the libraries print it anew.
        let timestamp = self.timestamp.to_string();
        for (index, secret) in (0..).zip(secrets) {
            // HMAC takes keys of every length, so this never fails.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
                continue;
            };
            mac.update(timestamp.as_bytes());
            mac.update(b".");
            mac.update(payload);
            let expected = mac.finalize().into_bytes();
            let matches = self.candidates().fold(0, |found, candidate| {
                found | candidate.as_slice().ct_eq(expected.as_slice()).unwrap_u8()
            });
            if matches == 1 {
                return Ok(index);
            }
        }
        Err(VerifyError::Mismatch)
    }

    fn candidates(&self) -> impl Iterator<Item = [u8; 32]> {
        self.text.split(',').filter_map(|part| read_signature(part.strip_prefix("v1=")?))
    }
}

fn pair(part: &str) -> Result<(&str, &str), VerifyError> {
    match part.split_once('=') {
        Some((key, value)) if !value.contains('=') => Ok((key, value)),
        Some(_) => Err(bad("a part has more than one equals sign")),
        None => Err(bad("a part is not of the form key=value")),
    }
}

/// ASCII digits, perhaps behind a plus sign, as all three libraries take them: no blank, no point,
/// nothing after.
fn read_timestamp(text: &str) -> Result<u64, VerifyError> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.len() > MAX_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad("t is not a Unix time of 1 to 11 digits"));
    }
    digits.parse().map_err(|_| bad("t is not a number"))
}

/// 64 lower-case hexadecimal digits.
fn read_signature(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn bad(problem: &str) -> VerifyError {
    VerifyError::BadHeader { problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::property;
    use crate::wire::hex;

    const NOW: u64 = 1_790_000_000;
    const SECRET: &str = "whsec_test";

    fn sign(payload: &[u8], secret: &str, at: u64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{at}.").as_bytes());
        mac.update(payload);
        hex(&mac.finalize().into_bytes())
    }

    fn judge(
        payload: &[u8],
        header: &str,
        secrets: &[&str],
        options: VerifyOptions,
    ) -> Result<Verified, VerifyError> {
        let secrets: Vec<_> = secrets.iter().map(|s| Secret::new(*s)).collect();
        verify(payload, Some(header), &secrets, options, NOW)
    }

    #[test]
    fn every_secret_and_every_signature_is_tried() {
        let good = sign(b"{}", SECRET, NOW);
        let other = sign(b"{}", "whsec_other", NOW);
        for header in [
            format!("t={NOW},v1={good},v1={other}"),
            format!("t={NOW},v1={other},v1={good}"),
            format!("v1=junk,v1={good},t={NOW}"),
        ] {
            let verified = judge(b"{}", &header, &["whsec_old", SECRET], VerifyOptions::default());
            assert_eq!(verified, Ok(Verified { timestamp: NOW, secret_index: 1 }), "{header}");
        }
    }

    #[test]
    fn each_failure_is_its_own() {
        let good = sign(b"{}", SECRET, NOW);
        let options = VerifyOptions::default();
        let reason = |header: &str, secrets: &[&str]| {
            judge(b"{}", header, secrets, options).unwrap_err().reason()
        };
        let header = format!("t={NOW},v1={good}");
        assert_eq!(reason("", &[SECRET]), "no-header");
        assert_eq!(reason(&header, &[]), "no-secret");
        assert_eq!(reason(&header, &[SECRET, " "]), "blank-secret");
        assert_eq!(reason("nonsense", &[SECRET]), "bad-header");
        assert_eq!(reason(&format!("t={NOW},t={NOW},v1={good}"), &[SECRET]), "bad-header");
        assert_eq!(reason(&format!("v1={good}"), &[SECRET]), "no-timestamp");
        assert_eq!(reason(&format!("t={NOW},v0={good}"), &[SECRET]), "no-signature");
        assert_eq!(
            reason(&format!("t={NOW},v1={}", good.to_uppercase()), &[SECRET]),
            "bad-signature"
        );
        assert_eq!(reason(&header, &["whsec_other"]), "mismatch");
        assert_eq!(
            judge(b"\xEF\xBB\xBF{}", &header, &[SECRET], options).unwrap_err().reason(),
            "bad-encoding"
        );
    }

    #[test]
    fn age_and_lead_at_their_boundaries() {
        let at = |at: u64, options| {
            judge(b"{}", &format!("t={at},v1={}", sign(b"{}", SECRET, at)), &[SECRET], options)
                .map(|_| ())
        };
        let usual = VerifyOptions::default();
        assert_eq!(at(NOW - 300, usual), Ok(()));
        assert_eq!(at(NOW - 301, usual), Err(VerifyError::TooOld { age: 301, tolerance: 300 }));
        assert_eq!(at(NOW + 1_000_000, usual), Ok(()), "as the official libraries");
        assert_eq!(at(1, VerifyOptions { tolerance: Some(0), ..usual }), Ok(()));
        let strict = VerifyOptions { future_tolerance: Some(60), ..usual };
        assert_eq!(at(NOW + 60, strict), Ok(()));
        assert_eq!(at(NOW + 61, strict), Err(VerifyError::TooNew { lead: 61, tolerance: 60 }));
    }

    /// Parts of a header, good ones and some that only resemble one. The signatures are of this body.
    fn parts(body: &'static str) -> impl Strategy<Value = Vec<String>> {
        let good = sign(body.as_bytes(), SECRET, NOW);
        let stale = sign(body.as_bytes(), SECRET, NOW - 301);
        let other = sign(body.as_bytes(), "whsec_other", NOW);
        let old = vec![format!("t={}", NOW - 301), format!("v1={stale}")];
        let oldest = sign(body.as_bytes(), SECRET, NOW - 300);
        let oldest = vec![format!("t={}", NOW - 300), format!("v1={oldest}")];
        let signatures = vec![
            format!("v1={other}"),
            format!("v1={}", sign(format!("{body} ").as_bytes(), SECRET, NOW)),
            format!("v1={}", sign(body.as_bytes(), "", NOW)),
            format!("v1={stale}"),
            format!("v1={}", good.to_uppercase()),
            format!("v1={}", &good[1..]),
            format!("v1={good}0"),
            format!("v1= {good}"),
            "v1=".to_owned(),
        ];
        let others = vec![
            format!("t={}", NOW - 300),
            format!("t={}", NOW - 301),
            format!("t=+{NOW}"),
            format!("t= {NOW}"),
            format!("t={NOW}.0"),
            format!("t=0{NOW}"),
            "t=".to_owned(),
            format!("T={NOW}"),
            format!("v1 ={good}"),
            format!("v0={good}"),
            "v1".to_owned(),
            String::new(),
            "a=b=c".to_owned(),
            "x=y".to_owned(),
        ];
        let (time, good) = (format!("t={NOW}"), format!("v1={good}"));
        let timed = time.clone();
        let signatures = prop::sample::select(signatures);
        prop_oneof![
            2 => Just(vec![time.clone(), good.clone()]),
            2 => signatures.prop_map(move |signature| vec![timed.clone(), signature]),
            1 => Just(old),
            1 => Just(oldest),
            1 => Just(vec![time]),
            2 => Just(vec![good]),
            2 => prop::sample::select(others).prop_map(|part| vec![part]),
        ]
    }

    #[test]
    fn a_header_is_accepted_by_its_parts_alone() {
        const BODY: &str = r#"{"id":"evt_1"}"#;
        let headers = prop::collection::vec(parts(BODY), 1..4).prop_map(|parts| parts.concat());
        let branches = [
            "accepted",
            "bad-header",
            "no-timestamp",
            "no-signature",
            "bad-signature",
            "mismatch",
            "too-old",
        ];
        property(&headers, branches, |parts, reached| {
            let values = |key: &str| -> Vec<&str> {
                parts.iter().filter_map(|part| part.strip_prefix(key)).collect()
            };
            let (times, signatures) = (values("t="), values("v1="));
            let is_pair = |part: &String| part.matches('=').count() == 1;
            let time = match times[..] {
                [time] => time.strip_prefix('+').unwrap_or(time).parse::<u64>().ok(),
                _ => None,
            };
            let signed = |time: u64| sign(BODY.as_bytes(), SECRET, time);
            let is_good = parts.iter().all(is_pair)
                && time.is_some_and(|time| {
                    NOW - time <= 300 && signatures.contains(&signed(time).as_str())
                });
            let found =
                judge(BODY.as_bytes(), &parts.join(","), &[SECRET], VerifyOptions::default());
            reached.note(found.as_ref().map_or_else(VerifyError::reason, |_| "accepted"));
            prop_assert_eq!(found.is_ok(), is_good, "{:?} {:?}", parts, found);
            Ok(())
        });
    }

    #[test]
    fn any_bytes_of_a_body_are_verified_or_rejected() {
        let bytes = prop::collection::vec(prop_oneof![4 => 0x20..0x7f_u8, 1 => any::<u8>()], 0..12);
        let mark = prop_oneof![9 => Just(""), 1 => Just("\u{feff}")];
        property(&(mark, bytes), ["accepted", "bad-encoding"], |(mark, bytes), reached| {
            let body = [mark.as_bytes(), &bytes].concat();
            let header = format!("t={NOW},v1={}", sign(&body, SECRET, NOW));
            let found = judge(&body, &header, &[SECRET], VerifyOptions::default());
            let is_text = String::from_utf8(body).is_ok_and(|text| !text.starts_with('\u{feff}'));
            reached.note(if is_text { "accepted" } else { "bad-encoding" });
            prop_assert_eq!(found.is_ok(), is_text, "{:?}", found);
            Ok(())
        });
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(payload in "\\PC{0,200}", secret in "[ -~]{1,40}") {
            prop_assume!(!secret.trim().is_empty());
            let header = format!("t={NOW},v1={}", sign(payload.as_bytes(), &secret, NOW));
            prop_assume!(!payload.starts_with('\u{feff}'));
            prop_assert!(judge(payload.as_bytes(), &header, &[&secret], VerifyOptions::default()).is_ok());
        }

        #[test]
        fn a_changed_byte_never_verifies(payload in "[ -~]{1,200}", at: prop::sample::Index, bit in 0..7_u8) {
            let signature = sign(payload.as_bytes(), SECRET, NOW);
            let mut altered = payload.clone().into_bytes();
            let index = at.index(altered.len());
            altered[index] ^= 1 << bit;
            let header = format!("t={NOW},v1={signature}");
            prop_assert!(judge(&altered, &header, &[SECRET], VerifyOptions::default()).is_err());
            let mut digits = signature.into_bytes();
            let index = at.index(64);
            digits[index] = if digits[index] == b'0' { b'1' } else { b'0' };
            let header = format!("t={NOW},v1={}", String::from_utf8(digits).unwrap());
            prop_assert!(judge(payload.as_bytes(), &header, &[SECRET], VerifyOptions::default()).is_err());
        }
    }
}
