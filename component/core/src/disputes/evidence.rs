//! What may be sent as evidence, and how much of it.
//!
//! Stripe speaks of characters and does not say how it counts them. Here a character is a Unicode scalar
//! value, never a byte: an accent or an emoji is one, or as many as it is made of.

use std::collections::BTreeMap;

use super::field::{EvidenceField, FileField, TextField};
use crate::id::FileId;
use crate::problem::{FieldProblem, Problems};

/// Most characters of all text fields together, those staged before included.
pub const MAX_TEXT: usize = 150_000;
/// Most characters of one of the long text fields.
pub const MAX_TEXT_OF_FIELD: usize = 20_000;

/// Evidence to set, checked: known fields, texts within their limits, ids of files. An empty value clears a
/// field; fields that are not named stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence(BTreeMap<EvidenceField, String>);

impl Evidence {
    /// Checks fields and values; all problems at once.
    pub fn parse(
        given: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let mut fields = BTreeMap::new();
        for (name, value) in given {
            let Some(field) = EvidenceField::parse(&name) else {
                problems.push(unknown(&name));
                continue;
            };
            problems.keep(check(field, &value).map_err(|problem| problem.at(at(&name))));
            if fields.insert(field, value).is_some() {
                let fix = "give each field once";
                problems.push(FieldProblem::new(at(&name), "", "is given twice", fix));
            }
        }
        let evidence = Self(fields);
        problems.keep(evidence.check_beside(&BTreeMap::new()));
        problems.into_result()?;
        Ok(evidence)
    }

    /// Whether all text stays within the limit, with what is staged already and not replaced.
    pub fn check_beside(&self, staged: &BTreeMap<String, String>) -> Result<(), FieldProblem> {
        let given: usize = self.texts().map(|(_, text)| text.chars().count()).sum();
        let kept = |field: &TextField| !self.0.contains_key(&EvidenceField::Text(*field));
        let before: usize = TextField::ALL
            .iter()
            .filter(|field| kept(field))
            .filter_map(|field| staged.get(field.as_str()))
            .map(|text| text.chars().count())
            .sum();
        let all = given + before;
        if all <= MAX_TEXT {
            return Ok(());
        }
        Err(FieldProblem::new(
            "evidence",
            all,
            format!(
                "characters of text are more than {MAX_TEXT} in all ({before} of them staged before)"
            ),
            "shorten it, clear a field with an empty value, or upload a file",
        ))
    }

    /// Whether a dispute that has this staged would have any evidence afterwards.
    pub fn leaves_any(&self, staged: &BTreeMap<String, String>) -> bool {
        let cleared = |name: &str| {
            let given = |field| self.0.get(&field).is_some_and(String::is_empty);
            EvidenceField::parse(name).is_some_and(given)
        };
        self.0.values().any(|value| !value.is_empty()) || staged.keys().any(|name| !cleared(name))
    }

    /// Whether all of it is what a dispute has staged.
    pub fn is_in(&self, staged: &BTreeMap<String, String>) -> bool {
        self.iter().all(|(name, value)| staged.get(name).map_or("", String::as_str) == value)
    }

    /// Nothing to set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(field, value)| (field.as_str(), value.as_str()))
    }

    fn texts(&self) -> impl Iterator<Item = (TextField, &str)> {
        self.0.iter().filter_map(|(field, value)| match field {
            EvidenceField::Text(field) => Some((*field, value.as_str())),
            EvidenceField::File(_) => None,
        })
    }
}

/// What is wrong with one value. Texts are never repeated: they are long, and about people.
fn check(field: EvidenceField, value: &str) -> Result<(), FieldProblem> {
    if value.is_empty() {
        return Ok(());
    }
    match field {
        EvidenceField::File(_) => FileId::parse(value).map(drop).map_err(|problem| {
            let fix = "upload the file first, and give the id that comes back";
            FieldProblem { fix: fix.to_owned(), ..problem }
        }),
        EvidenceField::Text(_) if value.trim().is_empty() => Err(FieldProblem::new(
            "",
            "",
            "is blank",
            "leave it out, or clear it with an empty value",
        )),
        EvidenceField::Text(field) if field.is_limited() => {
            let count = value.chars().count();
            if count <= MAX_TEXT_OF_FIELD {
                return Ok(());
            }
            let problem = format!("has {count} characters, more than {MAX_TEXT_OF_FIELD}");
            Err(FieldProblem::new("", "", problem, "shorten it, or upload a file"))
        }
        EvidenceField::Text(_) => Ok(()),
    }
}

fn unknown(name: &str) -> FieldProblem {
    let texts = TextField::ALL.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(", ");
    let files = FileField::ALL.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(", ");
    FieldProblem::new(
        "evidence",
        name,
        "is no field of evidence",
        format!("use one of these; texts: {texts}; files: {files}"),
    )
}

fn at(name: &str) -> String {
    format!("evidence.{name}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::property;

    fn parse(fields: &[(&str, &str)]) -> Result<Evidence, Vec<FieldProblem>> {
        Evidence::parse(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    fn staged(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
        fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let problems = parse(&[
            ("colour", "red"),
            ("receipt", "ch_1"),
            ("customer_name", " \n"),
            ("product_description", &"x".repeat(20_001)),
            ("service_date", "1"),
            ("service_date", "2"),
        ])
        .unwrap_err();
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        let expected = [
            "evidence",
            "evidence.receipt",
            "evidence.customer_name",
            "evidence.product_description",
            "evidence.service_date",
        ];
        assert_eq!(fields, expected);
        for name in ["uncategorized_text", "uncategorized_file"] {
            assert!(problems[0].fix.contains(name), "{}", problems[0]);
        }
    }

    #[test]
    fn each_limited_field_ends_at_20_000_characters() {
        for field in TextField::ALL {
            // Three bytes each: bytes do not count.
            let text = "€".repeat(MAX_TEXT_OF_FIELD);
            assert!(parse(&[(field.as_str(), &text)]).is_ok(), "{field:?}");
            let longer = format!("{text}€");
            assert_eq!(
                parse(&[(field.as_str(), &longer)]).is_err(),
                field.is_limited(),
                "{field:?}"
            );
        }
    }

    #[test]
    fn all_text_ends_at_150_000_characters_with_what_is_staged() {
        let text = |length| "é".repeat(length);
        assert!(parse(&[("billing_address", &text(MAX_TEXT))]).is_ok());
        let problems =
            parse(&[("billing_address", &text(MAX_TEXT)), ("customer_name", "x")]).unwrap_err();
        assert_eq!((problems.len(), problems[0].field.as_str()), (1, "evidence"));
        let given = parse(&[("billing_address", &text(100_000)), ("receipt", "file_1")]).unwrap();
        for (before, good) in [
            (staged(&[("shipping_address", &text(50_000))]), true),
            (staged(&[("shipping_address", &text(50_001))]), false),
            // What is replaced does not count, files do not, nor does what is unknown.
            (staged(&[("billing_address", &text(150_000))]), true),
            (staged(&[("receipt", &text(50_001)), ("appeal", &text(50_001))]), true),
        ] {
            assert_eq!(given.check_beside(&before).is_ok(), good);
        }
        let cleared =
            parse(&[("shipping_address", ""), ("billing_address", &text(150_000))]).unwrap();
        assert!(cleared.check_beside(&staged(&[("shipping_address", "x")])).is_ok());
    }

    #[test]
    fn what_is_left_and_what_is_in() {
        let cleared = parse(&[("customer_name", "")]).unwrap();
        assert!(!cleared.leaves_any(&staged(&[("customer_name", "Ann")])));
        assert!(cleared.leaves_any(&staged(&[("customer_name", "Ann"), ("receipt", "file_1")])));
        assert!(!Evidence::default().leaves_any(&BTreeMap::new()));
        assert!(parse(&[("receipt", "file_1")]).unwrap().leaves_any(&BTreeMap::new()));
        assert!(cleared.is_in(&BTreeMap::new()));
        assert!(!cleared.is_in(&staged(&[("customer_name", "Ann")])));
        let named = parse(&[("customer_name", "Ann")]).unwrap();
        assert!(named.is_in(&staged(&[("customer_name", "Ann"), ("receipt", "file_1")])));
        assert!(!named.is_in(&staged(&[("customer_name", "Bob")])));
    }

    /// Names of fields, and some that only resemble one.
    fn names() -> impl Strategy<Value = String> {
        let texts = TextField::ALL.iter().map(|field| field.as_str());
        let known: Vec<_> =
            texts.chain(FileField::ALL.iter().map(|field| field.as_str())).collect();
        (prop::sample::select(known), prop_oneof![9 => Just(0), 1 => 1..5_usize]).prop_map(
            |(name, edit)| match edit {
                0 => name.to_owned(),
                1 => name.to_uppercase(),
                2 => format!("{name} "),
                3 => name.replacen('_', "-", 1) + "s",
                _ => name[1..].to_owned(),
            },
        )
    }

    fn values() -> impl Strategy<Value = String> {
        let length = prop::sample::select(vec![19_999, 20_000, 20_001, 75_000, 149_999, 150_000]);
        prop_oneof![
            4 => "[A-Za-z0-9 .é\u{20ac}]{1,20}",
            6 => "file_[A-Za-z0-9]{1,20}",
            1 => "(fil|file_|File_|file_a-|file_a/)",
            1 => Just(String::new()),
            1 => "[ \t\n\u{a0}]{1,3}",
            2 => length.prop_map(|length| "é".repeat(length)),
        ]
    }

    #[test]
    fn evidence_is_known_fields_given_once_within_their_limits() {
        let fields = prop::collection::vec((names(), values()), 0..5);
        let branches = [
            "accepted",
            "several accepted",
            "a text",
            "a file",
            "an unknown name",
            "given twice",
            "blank",
            "too long",
            "no file id",
            "too much in all",
        ];
        property(&fields, branches, |fields, reached| {
            let is_text = |name: &str| TextField::ALL.iter().any(|field| field.as_str() == name);
            let is_file = |name: &str| FileField::ALL.iter().any(|field| field.as_str() == name);
            let is_limited = |name: &str| {
                ["_log", "_disclosure", "_rebuttal", "_explanation", "product_description", "_text"]
                    .iter()
                    .any(|end| name.ends_with(end))
            };
            let mut wrong = Vec::new();
            let mut last = BTreeMap::new();
            for (name, value) in &fields {
                let count = value.chars().count();
                if !is_text(name) && !is_file(name) {
                    wrong.push("an unknown name");
                    continue;
                }
                if last.insert(name, value).is_some() {
                    wrong.push("given twice");
                }
                let id = value.strip_prefix("file_").unwrap_or_default();
                if is_file(name) && !value.is_empty() && (id.is_empty() || id.contains(['-', '/']))
                {
                    wrong.push("no file id");
                }
                if is_text(name) && count > 0 && value.trim().is_empty() {
                    wrong.push("blank");
                }
                if is_text(name) && is_limited(name) && count > 20_000 {
                    wrong.push("too long");
                }
            }
            let texts = last.iter().filter(|(name, _)| is_text(name));
            if texts.map(|(_, value)| value.chars().count()).sum::<usize>() > 150_000 {
                wrong.push("too much in all");
            }
            for branch in &wrong {
                reached.note(branch);
            }
            match Evidence::parse(fields.clone()) {
                Ok(evidence) => {
                    prop_assert!(wrong.is_empty(), "{:?}", wrong);
                    reached.note("accepted");
                    reached.note_if(fields.len() > 1, "several accepted");
                    let mut found: Vec<_> = evidence.iter().collect();
                    let mut given: Vec<_> = fields
                        .iter()
                        .map(|(name, value)| (name.as_str(), value.as_str()))
                        .collect();
                    reached.note_if(given.iter().any(|(name, _)| is_text(name)), "a text");
                    reached.note_if(given.iter().any(|(name, _)| is_file(name)), "a file");
                    found.sort_unstable();
                    given.sort_unstable();
                    prop_assert_eq!(found, given);
                }
                Err(problems) => prop_assert_eq!(problems.len(), wrong.len(), "{:?}", wrong),
            }
            Ok(())
        });
    }
}
