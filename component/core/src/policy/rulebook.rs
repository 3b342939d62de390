//! A document that was found to make sense.

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::document::{Document, PRODUCT_KEY, Rule, When};
use super::matching::{Fact, Match, Payment};
use super::terms::Terms;
use super::{DEFAULTS, INLINE, old_name, sentences, validate};
use crate::eligibility::Amount;
use crate::json;
use crate::model::{Charge, Reason};
use crate::optional;
use crate::problem::FieldProblem;
use crate::wire::hex;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: Option<Reason>,
    /// Set when the customer requested this refund directly, without staff review.
    pub self_serve: bool,
}

/// A document ready for use. Cheap to ask: each rule is compared with the payment once.
#[derive(Clone, Debug)]
pub struct Rulebook {
    name: String,
    version: String,
    hash: String,
    product_key: String,
    /// For payments that no rule matches.
    defaults: Rule,
    /// With the defaults filled in.
    rules: Vec<Rule>,
    sentences: Vec<String>,
}

/// The rules that decide about a payment, in the order of the document.
#[derive(Default)]
pub(super) struct Candidates<'r> {
    /// Those that match it; the defaults if none does.
    pub(super) matching: Vec<&'r Rule>,
    /// Those that may match it, each with the fact that the payment lacks.
    pub(super) undecided: Vec<(&'r Rule, Fact<'r>)>,
}

/// What a document says, for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyDescribed"))]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its own mark for its version.
    pub version: String,
    /// SHA-256 of what it says; the same whether it was written in TOML or JSON, and in whatever order.
    pub hash: String,
    /// How many rules it has, the defaults not counted.
    pub rules: u32,
    /// What it says: a sentence for each rule, one for the defaults, and what holds for all of them.
    pub sentences: Vec<String>,
}

/// Reads a text; `field` names the field at a path.
pub(super) fn read<T: DeserializeOwned>(
    text: &[u8],
    field: impl Fn(&str) -> String,
) -> Result<T, Vec<FieldProblem>> {
    let problem = |field: &str, problem: String| {
        let fix = "see `refund-node policy schema` for what may stand here";
        FieldProblem::new(field, "", problem, fix)
    };
    json::read(text).map_err(|error| match error {
        json::Error::Syntax(text) => vec![problem("policy", format!("is not JSON: {text}"))],
        json::Error::Field { path, problem: text } => {
            let field = if path == "." { "policy".to_owned() } else { field(&path) };
            let known = optional::null_problem(&field, &text).or_else(|| old_name(&field, &text));
            vec![known.unwrap_or_else(|| problem(&field, text))]
        }
    })
}

impl Rulebook {
    /// Reads a document in JSON.
    ///
    /// # Errors
    /// What cannot be read, or everything that makes no sense.
    pub fn read(text: &[u8]) -> Result<Self, Vec<FieldProblem>> {
        Self::new(read(text, str::to_owned)?)
    }

    /// Takes a document that was read.
    pub fn new(document: Document) -> Result<Self, Vec<FieldProblem>> {
        validate::document(&document)?;
        Ok(Self::ready(document))
    }

    /// Takes terms that were given with a call. Problems are named as fields of `policy`.
    pub fn inline(terms: Terms) -> Result<Self, Vec<FieldProblem>> {
        validate::inline(&terms)?;
        Ok(Self::ready(Document {
            name: INLINE.to_owned(),
            version: String::new(),
            product_key: None,
            defaults: terms,
            rules: Vec::new(),
        }))
    }

    /// From a document that was found to make sense.
    fn ready(document: Document) -> Self {
        let hash = hash(&document);
        let sentences = sentences::of(&document);
        let Document { name, version, product_key, defaults, rules } = document;
        let filled = |rule: Rule| Rule { then: rule.then.or(&defaults), ..rule };
        Self {
            name,
            version,
            hash,
            product_key: product_key.unwrap_or_else(|| PRODUCT_KEY.to_owned()),
            rules: rules.into_iter().map(filled).collect(),
            defaults: Rule {
                id: DEFAULTS.to_owned(),
                description: None,
                priority: None,
                when: When::default(),
                then: defaults,
            },
            sentences,
        }
    }

    /// The document's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The document's own mark for its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of what the document says, in hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What it says, for people.
    pub fn describe(&self) -> Described {
        Described {
            name: self.name.clone(),
            version: self.version.clone(),
            hash: self.hash.clone(),
            rules: u32::try_from(self.rules.len()).unwrap_or(u32::MAX),
            sentences: self.sentences.clone(),
        }
    }

    /// The rules that decide about a payment.
    pub(super) fn rules_for<'r>(&'r self, charge: &'r Charge) -> Candidates<'r> {
        let payment = Payment::new(charge, &self.product_key);
        let mut found = Candidates::default();
        for rule in &self.rules {
            match rule.when.matches(&payment) {
                Match::Yes => found.matching.push(rule),
                Match::No => {}
                Match::Unknown(fact) => found.undecided.push((rule, fact)),
            }
        }
        if found.matching.is_empty() {
            found.matching.push(&self.defaults);
        }
        found
    }
}

/// Over the document written anew, so that spaces, order of keys and the language it came in make no
/// difference.
fn hash(document: &Document) -> String {
    let mut hash = Sha256::new();
    hash.update("refund-node/policy/1\n");
    // Only maps with keys that are no text fail to be written; these have text.
    hash.update(serde_json::to_vec(document).unwrap_or_default());
    hex(&hash.finalize())
}
