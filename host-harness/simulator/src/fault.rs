//! Faults to order: the network and Stripe on a bad day.

use serde::{Deserialize, Serialize};

/// An order: which requests fail, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// `GET` or `POST`; any when absent.
    #[serde(default)]
    pub method: Option<String>,
    /// The path, `*` standing for anything, for example `/v1/refunds*`; any when absent.
    #[serde(default)]
    pub path: Option<String>,
    /// How many matching requests pass first.
    #[serde(default)]
    pub skip: u32,
    /// How many fail then; 1 when absent.
    #[serde(default = "once")]
    pub times: u32,
    /// How.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn once() -> u32 {
    1
}

/// What goes wrong. With `after_commit` the request is carried out first: the refund exists, and the
/// client does not know.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// An error answer.
    Status {
        /// The HTTP status.
        status: u16,
        /// Stripe's code.
        #[serde(default)]
        code: Option<String>,
        /// Answers with a proxy's page instead of JSON.
        #[serde(default)]
        html: bool,
        /// The `Retry-After` header.
        #[serde(default)]
        retry_after: Option<String>,
        /// The `Stripe-Should-Retry` header.
        #[serde(default)]
        should_retry: Option<bool>,
        /// Carry the request out first.
        #[serde(default)]
        after_commit: bool,
    },
    /// No answer; the connection stays open.
    Hang {
        /// Carry the request out first.
        #[serde(default)]
        after_commit: bool,
    },
    /// The connection is closed without an answer.
    Reset {
        /// Carry the request out first.
        #[serde(default)]
        after_commit: bool,
    },
    /// The request is carried out; half of the answer arrives.
    Truncate,
    /// The request is carried out; the answer is cut-off JSON with the right length.
    BrokenJson,
    /// The request is carried out; the answer drips.
    Slow {
        /// Milliseconds between two pieces.
        millis: u64,
    },
    /// The request is carried out; the answer never ends.
    Endless,
    /// The request is carried out and answered late, whether or not the client still waits.
    Late {
        /// Milliseconds.
        millis: u64,
    },
    /// A redirect.
    Redirect {
        /// Where to.
        to: String,
    },
}

impl FaultKind {
    /// An error answer in place of the true one.
    pub fn status(status: u16) -> Self {
        Self::Status {
            status,
            code: None,
            html: false,
            retry_after: None,
            should_retry: None,
            after_commit: false,
        }
    }

    /// Whether the request is carried out before the fault.
    pub(crate) fn commits(&self) -> bool {
        match self {
            Self::Status { after_commit, .. }
            | Self::Hang { after_commit }
            | Self::Reset { after_commit } => *after_commit,
            Self::Truncate
            | Self::BrokenJson
            | Self::Slow { .. }
            | Self::Endless
            | Self::Late { .. } => true,
            Self::Redirect { .. } => false,
        }
    }
}

/// The orders that wait.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn order(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault of this request, if one was ordered.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<FaultKind> {
        let fault =
            self.0.iter_mut().find(|fault| fault.times > 0 && fault.matches(method, path))?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.kind.clone())
    }
}

impl Fault {
    /// A fault of one kind on the next request that makes a refund.
    pub fn on_create(kind: FaultKind) -> Self {
        Self {
            method: Some("POST".to_owned()),
            path: Some("/v1/refunds".to_owned()),
            skip: 0,
            times: 1,
            kind,
        }
    }

    /// The same fault, several times in a row.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|pattern| glob(pattern, path))
    }
}

/// `*` stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| glob(tail, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, good) in [
            ("/v1/refunds", "/v1/refunds", true),
            ("/v1/refunds", "/v1/refunds/re_1", false),
            ("/v1/refunds*", "/v1/refunds/re_1", true),
            ("/v1/*/cancel", "/v1/refunds/re_1/cancel", true),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), good, "{pattern} {text}");
        }
    }

    #[test]
    fn orders_are_read() {
        let order =
            r#"{"path": "/v1/refunds", "kind": "status", "status": 500, "after_commit": true}"#;
        let fault: Fault = serde_json::from_str(order).unwrap();
        assert!(fault.times == 1 && fault.kind.commits());
        assert!(serde_json::from_str::<Fault>(r#"{"kind": "earthquake"}"#).is_err());
    }

    #[test]
    fn faults_are_counted() {
        let mut faults = Faults::default();
        faults.order(Fault { skip: 1, ..Fault::on_create(FaultKind::Truncate).times(2) });
        let hit: Vec<_> = (0..5).map(|_| faults.take("POST", "/v1/refunds").is_some()).collect();
        assert_eq!(hit, [false, true, true, false, false]);
    }
}
