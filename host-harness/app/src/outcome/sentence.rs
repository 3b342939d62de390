//! Outcomes in sentences: what happened, the state of the money, what to do next.

use refund_core::problem::FieldProblem;
use refund_ledger::{CalledOff, Operation, State, UserName};

use super::{Outcome, Standing, Unrecorded};

/// An instant of Unix seconds as people read it.
pub fn rfc3339(unix_secs: u64) -> String {
    let instant =
        i64::try_from(unix_secs).ok().and_then(|secs| jiff::Timestamp::from_second(secs).ok());
    instant.map_or_else(|| format!("{unix_secs} s after 1970"), |instant| instant.to_string())
}

impl Outcome {
    /// What happened, the state of the money, and what to do next. One sentence a line.
    pub fn sentences(&self) -> Vec<String> {
        let detail = self.operation.detail.as_deref();
        let mut lines = vec![self.standing.what(self.operation.id().as_str(), detail)];
        lines.push(self.kind().row().money.to_owned());
        lines.extend(self.next());
        lines.extend(self.also_settled.iter().map(also_settled));
        lines
    }

    /// What to do next. What waits or is unsettled under an operation id comes before the advice to choose another.
    fn next(&self) -> Option<String> {
        match (&self.standing, self.operation.state) {
            (Standing::Conflict(_), state) if state.is_unsettled() => Some(
                "Its outcome is unknown: ask for it once more with the values that it has, which finds out; never use a new id."
                    .to_owned(),
            ),
            (Standing::Conflict(_), State::NeedsApproval) => None,
            _ => self.standing.next(self.operation.id().as_str()),
        }
    }

    /// The same as one text.
    pub fn text(&self) -> String {
        self.sentences().join(" ")
    }
}

impl Unrecorded {
    /// What happened, the state of the money, and what to do next.
    pub fn text(&self, operation: &str) -> String {
        let mut lines = vec![self.standing.what(operation, self.detail.as_deref())];
        lines.push(self.kind().row().money.to_owned());
        lines.extend(self.standing.next(operation));
        lines.join(" ")
    }
}

/// That another operation was settled on the way.
fn also_settled(operation: &Operation) -> String {
    let became = match (&operation.refund, operation.state) {
        (Some(refund), state) => {
            format!("its refund {} of {} exists ({state})", refund.id, refund.money)
        }
        (None, State::Planned) => "no refund was made for it".to_owned(),
        (None, State::Refused) => match &operation.detail {
            Some(why) => format!("it is refused: {why}"),
            None => "it is refused".to_owned(),
        },
        (None, state) => format!("it is {state}"),
    };
    format!(
        "The earlier operation `{}` on the same payment was looked up first: {became}.",
        operation.id()
    )
}

impl Standing {
    fn what(&self, operation: &str, detail: Option<&str>) -> String {
        let because =
            |detail: Option<&str>| detail.map_or_else(String::new, |detail| format!(": {detail}"));
        match self {
            Self::Refunded { is_new: true, .. } => {
                format!("Operation `{operation}` is refunded{}.", because(detail))
            }
            Self::Refunded { is_new: false, .. } => {
                format!("Operation `{operation}` had been refunded by an earlier call.")
            }
            Self::Failed => {
                format!("The refund of operation `{operation}` failed{}.", because(detail))
            }
            Self::Canceled(by) => canceled(operation, by.as_ref()),
            Self::NeedsApproval { .. } => {
                format!("Operation `{operation}` needs approval{}.", because(detail))
            }
            Self::Denied(verdict) => {
                format!("The refund is denied: {}.", verdict.explain())
            }
            Self::Invalid(problems) => problems.iter().map(problem).collect::<Vec<_>>().join("\n"),
            Self::Refused(Some(refusal)) => format!("{refusal}."),
            Self::Refused(None) => format!("The refund was refused{}.", because(detail)),
            Self::Conflict(detail) => {
                format!("Operation id `{operation}` belongs to another refund: {detail}.")
            }
            Self::NoAnswer(what) => {
                format!("There was no usable answer{}.", because(what.as_deref().or(detail)))
            }
            Self::Unknown { .. } => {
                format!("The outcome of operation `{operation}` is unknown{}.", because(detail))
            }
            Self::Busy(other) if other.as_str() == operation => {
                format!("Another process works on operation `{operation}`.")
            }
            Self::Busy(other) => {
                format!("Another process works on operation `{other}` on the same payment.")
            }
            Self::Blocked { operation, .. } => format!(
                "The outcome of the earlier operation `{operation}` on the same payment is unknown."
            ),
            Self::Unread(earlier) => format!(
                "The outcome of the earlier operation `{earlier}` is unknown, and it could not be read whether that is on the same payment."
            ),
        }
    }

    /// What to do next, where the table says it too generally.
    fn next(&self, operation: &str) -> Option<String> {
        match self {
            Self::Refunded { .. } | Self::Invalid(_) | Self::Refused(Some(_)) => None,
            Self::NeedsApproval { approval: Some(approval), .. }
                if approval.requester == UserName::unknown() =>
            {
                Some(format!(
                    "It waits as {}. Without --own-requests it cannot be approved, because it is not recorded who asked: ask again with the same operation id and a user name (--as or REFUND_NODE_USER).",
                    approval.id
                ))
            }
            Self::NeedsApproval { approval: Some(approval), .. } => Some(format!(
                "It waits as {} (asked for by {}): `refund-node approvals approve {} --as NAME`, then `refund-node approvals execute {}`.",
                approval.id, approval.requester, approval.id, approval.id
            )),
            Self::NeedsApproval { request: Some(request), .. } => Some(format!(
                "Without a ledger, repeat the call with approval {} once it is approved.",
                request.request_hash
            )),
            Self::Unknown { definite_from: Some(from), .. } => Some(format!(
                "Ask again with the same operation id, which finds out; from {} on the answer is definite. Never use a new id.",
                rfc3339(*from)
            )),
            Self::Unknown { .. } => Some(format!(
                "Ask again with operation id `{operation}`, which finds out; never use a new id."
            )),
            Self::Blocked { definite_from: Some(from), .. } => Some(format!(
                "Ask again with the same operation id; from {} on the answer is definite.",
                rfc3339(*from)
            )),
            other => {
                let next = other.kind().row().next;
                let mut letters = next.chars();
                letters
                    .next()
                    .map(|first| format!("{}{}.", first.to_ascii_uppercase(), letters.as_str()))
            }
        }
    }
}

fn canceled(operation: &str, by: Option<&CalledOff>) -> String {
    match by {
        Some(CalledOff::Approver { name, note }) => {
            let note = note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
            format!("{name} denied operation `{operation}`{note}.")
        }
        Some(CalledOff::Run) => format!("The bulk run of operation `{operation}` was canceled."),
        None => format!("Operation `{operation}` is canceled."),
    }
}

fn problem(problem: &FieldProblem) -> String {
    format!("{problem}.")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn an_instant_is_read_by_people() {
        assert_eq!(rfc3339(1_790_000_000), "2026-09-21T14:13:20Z");
        assert_eq!(rfc3339(u64::MAX), "18446744073709551615 s after 1970");
    }
}
