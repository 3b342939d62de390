//! The merchant's rules of one operation.

use refund_core::policy::{Document, Terms};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use super::rules_before;

/// The merchant's rules for one operation, as `refunds.create` takes them. They are not part of the request:
/// the rules in force when an operation is executed decide, whatever held when it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MerchantRules {
    /// Terms given with the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Terms>,
    /// A policy document, instead of `policy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Document>,
    /// The customer requested this refund directly, without staff review. Used by policies only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub self_serve: bool,
}

impl MerchantRules {
    /// A policy document.
    pub fn document(document: Document, self_serve: bool) -> Self {
        Self { policy: None, document: Some(document), self_serve }
    }

    /// Terms given with a call; none where everything is left out.
    pub fn policy(terms: Terms) -> Self {
        let policy = Some(terms).filter(|terms| *terms != Terms::default());
        Self { policy, ..Self::default() }
    }

    /// Whether only what Stripe itself enforces holds.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether they can deny a refund or send it to approval. Who asks, and terms that allow everything, take no place of
    /// other rules.
    pub fn set_rules(&self) -> bool {
        self.document.is_some() || self.policy.as_ref().is_some_and(Terms::set_rules)
    }

    /// As the ledger keeps them.
    pub fn json(&self) -> String {
        // Documents and policies have text keys only, so this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The merchant's rules of an operation, as the ledger holds them.
#[derive(Clone, Debug, PartialEq)]
pub enum HeldRules {
    /// They can be applied.
    Readable(Box<MerchantRules>),
    /// An earlier version wrote rules that this one does not know. The operation can be looked up; its refund is asked
    /// for only under rules that are given again.
    Unreadable {
        /// As they were written.
        json: String,
        /// Why they cannot be read.
        problem: String,
        /// Whether the customer asked for the refund directly; taken as true where that cannot be read either, since
        /// policies permit less then.
        self_serve: bool,
    },
}

impl Default for HeldRules {
    fn default() -> Self {
        MerchantRules::default().into()
    }
}

impl From<MerchantRules> for HeldRules {
    fn from(rules: MerchantRules) -> Self {
        Self::Readable(Box::new(rules))
    }
}

impl HeldRules {
    /// Reads what [`HeldRules::json`] wrote, or what an earlier version wrote.
    pub fn read(json: &str) -> Self {
        match parse(json) {
            Ok(rules) => rules.into(),
            Err(problem) => Self::Unreadable {
                self_serve: serde_json::from_str(json)
                    .map_or(true, |AskedDirectly { self_serve }| self_serve),
                json: json.to_owned(),
                problem: problem.to_string(),
            },
        }
    }

    /// As the ledger keeps them; `None` where only what Stripe itself enforces holds.
    pub fn json(&self) -> Option<String> {
        match self {
            Self::Readable(rules) => (!rules.is_empty()).then(|| rules.json()),
            Self::Unreadable { json, .. } => Some(json.clone()),
        }
    }

    /// Whether only what Stripe itself enforces holds.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Readable(rules) if rules.is_empty())
    }

    /// Whether the customer asked for the refund directly, without staff review.
    pub fn self_serve(&self) -> bool {
        match self {
            Self::Readable(rules) => rules.self_serve,
            Self::Unreadable { self_serve, .. } => *self_serve,
        }
    }
}

/// Part of rules that cannot be read as a whole.
#[derive(Deserialize)]
struct AskedDirectly {
    #[serde(default)]
    self_serve: bool,
}

/// Reads what [`MerchantRules::json`] wrote, or what an earlier version wrote: the terms themselves.
fn parse(json: &str) -> Result<MerchantRules, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rules {
        #[serde(default)]
        policy: Option<serde_json::Value>,
        #[serde(default)]
        document: Option<Document>,
        #[serde(default)]
        self_serve: bool,
    }
    match serde_json::from_str(json) {
        Ok(Rules { policy, document, self_serve }) => {
            let terms = policy.map(parse_terms).transpose()?.unwrap_or_default();
            Ok(MerchantRules { document, self_serve, ..MerchantRules::policy(terms) })
        }
        // An object that has one of these fields is no policy; the first error says more.
        Err(problem) if ["\"policy\"", "\"document\""].iter().any(|field| json.contains(field)) => {
            Err(problem)
        }
        Err(_) => parse_terms(serde_json::from_str(json)?).map(MerchantRules::policy),
    }
}

/// Reads terms. Earlier versions wrote what is left out as null or as an empty list, which is no rule in their words alone.
fn parse_terms(terms: serde_json::Value) -> Result<Terms, serde_json::Error> {
    serde_json::from_value(terms.clone()).or_else(|problem| match rules_before::read(terms) {
        Some(Ok(terms)) => Ok(terms),
        Some(Err(problems)) => Err(serde_json::Error::custom(
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        )),
        None => Err(problem),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readable(json: &str) -> MerchantRules {
        match HeldRules::read(json) {
            HeldRules::Readable(rules) => *rules,
            HeldRules::Unreadable { problem, .. } => panic!("{json}: {problem}"),
        }
    }

    fn within_days(days: u32) -> MerchantRules {
        MerchantRules::policy(Terms { window_days: Some(days), ..Terms::default() })
    }

    #[test]
    fn what_was_written_is_read_back() {
        let rules = HeldRules::from(within_days(30));
        assert_eq!(HeldRules::read(&rules.json().unwrap()), rules);
        let document = r#"{"document":{"name":"shop","version":"1"},"self_serve":true}"#;
        let read = readable(document);
        assert!(read.self_serve && read.document.is_some());
        assert_eq!(readable(&read.json()), read);
        assert_eq!(HeldRules::default().json(), None);
    }

    #[test]
    fn what_earlier_versions_wrote_is_read() {
        assert_eq!(readable(r#"{"window_days":30}"#), within_days(30));
        assert!(readable("{}").is_empty());
        let everything = r#"{"window_days":30,"minimum":[],"maximum":[],"approval_above":[],"max_attempts":null,
            "payment_methods":[],"metadata_conditions":[],"block_fraud_flagged":false,"fee_rate":null}"#;
        assert_eq!(readable(everything), within_days(30));
        assert_eq!(readable(&format!(r#"{{"policy":{everything}}}"#)), within_days(30));
        let nothing = r#"{"policy":{"window_days":null,"maximum":[]}}"#;
        assert!(readable(nothing).is_empty());
        let limit =
            r#"{"policy":{"maximum":[{"amount":5000,"currency":"usd"}]},"self_serve":true}"#;
        let limited = readable(limit);
        let never_above = limited.policy.and_then(|terms| terms.never_above);
        assert_eq!(never_above, serde_json::from_str(r#"{"usd":"50.00"}"#).ok());
        assert!(limited.self_serve);
    }

    /// Such terms are invalid; they are not the same as no terms.
    #[test]
    fn empty_lists_in_todays_words_are_kept() {
        for json in [r#"{"policy":{"reasons":[]}}"#, r#"{"policy":{"payment_methods":[]}}"#] {
            assert!(readable(json).set_rules(), "{json}");
        }
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_was_written() {
        for (json, asked_directly) in [
            (r#"{"window":30}"#, false),
            // The lists have no currency in common, which terms cannot say.
            (
                r#"{"maximum":[{"amount":5,"currency":"usd"}],"minimum":[{"amount":5,"currency":"eur"}]}"#,
                false,
            ),
            (r#"{"document":{"name":"shop","version":"1","rule":[{"priority":1}]}}"#, false),
            (r#"{"document":{"name":"shop"},"self_serve":true}"#, true),
            ("30", true),
            ("{", true),
        ] {
            let held = HeldRules::read(json);
            assert!(matches!(held, HeldRules::Unreadable { .. }), "{json}: {held:?}");
            assert_eq!(held.self_serve(), asked_directly, "{json}");
            assert_eq!(held.json().as_deref(), Some(json));
            assert!(!held.is_empty());
        }
    }
}
