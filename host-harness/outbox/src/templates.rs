//! Mails out of follow-ups: templates in the language of Jinja2.
//!
//! A mail has a name: the message a customer gets (`refund_pending`, `refund_succeeded`, `refund_failed`,
//! `refund_needs_action`, `refund_denied`), `alert`, or `follow_up` for all other kinds. It is made of
//! three files: `<name>.subject` (one line), `<name>.txt` and `<name>.html`. All are built in; a folder
//! may replace any of them.
//!
//! A template sees the follow-up as receivers get it (`id`, `subject`, `type`, `data`, `about`), and
//! `money`, the amount for people, such as `12.50 usd`, or nothing where there is none. The HTML part also
//! sees `text`, the finished text part, which is all that the built-in one shows. What is not defined is an
//! error, and values in HTML are escaped.

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use refund_core::followups::{FollowUp, Message, Task};
use refund_core::problem::FieldProblem;

/// Name and text of every template that is built in.
const BUILT_IN: [(&str, &str); 15] = [
    ("refund_pending.subject", include_str!("templates/refund_pending.subject")),
    ("refund_pending.txt", include_str!("templates/refund_pending.txt")),
    ("refund_succeeded.subject", include_str!("templates/refund_succeeded.subject")),
    ("refund_succeeded.txt", include_str!("templates/refund_succeeded.txt")),
    ("refund_failed.subject", include_str!("templates/refund_failed.subject")),
    ("refund_failed.txt", include_str!("templates/refund_failed.txt")),
    ("refund_needs_action.subject", include_str!("templates/refund_needs_action.subject")),
    ("refund_needs_action.txt", include_str!("templates/refund_needs_action.txt")),
    ("refund_denied.subject", include_str!("templates/refund_denied.subject")),
    ("refund_denied.txt", include_str!("templates/refund_denied.txt")),
    ("alert.subject", include_str!("templates/alert.subject")),
    ("alert.txt", include_str!("templates/alert.txt")),
    ("follow_up.subject", include_str!("templates/follow_up.subject")),
    ("follow_up.txt", include_str!("templates/follow_up.txt")),
    ("any.html", include_str!("templates/any.html")),
];

/// The mails there are.
const MAILS: [&str; 7] = [
    "refund_pending",
    "refund_succeeded",
    "refund_failed",
    "refund_needs_action",
    "refund_denied",
    "alert",
    "follow_up",
];

const PARTS: [&str; 3] = ["subject", "txt", "html"];

/// Largest template, in bytes.
const LARGEST: u64 = 256 << 10;

/// The templates of a sink.
#[derive(Debug)]
pub struct Templates(Environment<'static>);

/// A mail, ready to be addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line, without control characters.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl Templates {
    /// Those that are built in.
    pub fn built_in() -> Result<Self, Vec<FieldProblem>> {
        Self::of(BTreeMap::new())
    }

    /// Those that are built in, and those in a folder before them. A file with a name that is no
    /// template's is refused: it is a slip, and the built-in one would be sent instead.
    pub fn in_folder(folder: &Path) -> Result<Self, Vec<FieldProblem>> {
        let cannot = |problem: String| {
            vec![FieldProblem::new(
                "templates",
                folder.display(),
                problem,
                "name a folder with templates such as refund_failed.txt, or leave it out",
            )]
        };
        let mut own = BTreeMap::new();
        let mut problems = Vec::new();
        let entries = std::fs::read_dir(folder);
        for entry in entries.map_err(|error| cannot(format!("cannot be read: {error}")))? {
            let entry = entry.map_err(|error| cannot(format!("cannot be read: {error}")))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match read(&entry.path(), &name) {
                Ok(text) => drop(own.insert(name, text)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Self::of(own) } else { Err(problems) }
    }

    /// Every template is tried on a made-up follow-up, so that a slip shows now and not in the night.
    fn of(own: BTreeMap<String, String>) -> Result<Self, Vec<FieldProblem>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            let html = name.rsplit_once('.').is_some_and(|(_, part)| part == "html");
            if html { AutoEscape::Html } else { AutoEscape::None }
        });
        let mut problems = Vec::new();
        let built_in = BUILT_IN.map(|(name, text)| (name.to_owned(), text.to_owned()));
        for (name, text) in built_in.into_iter().chain(own) {
            if let Err(error) = environment.add_template_owned(name.clone(), text) {
                problems.push(broken(&name, &error));
            }
        }
        let templates = Self(environment);
        if problems.is_empty() {
            problems.extend(MAILS.iter().flat_map(|mail| templates.try_out(mail)));
        }
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    fn try_out(&self, mail: &str) -> Vec<FieldProblem> {
        let samples = samples(mail);
        samples.iter().filter_map(|sample| self.render_named(mail, sample).err()).take(1).collect()
    }

    /// Makes a mail.
    pub fn render(&self, follow_up: &FollowUp) -> Result<Mail, FieldProblem> {
        self.render_named(mail_of(&follow_up.task), follow_up)
    }

    fn render_named(&self, mail: &str, follow_up: &FollowUp) -> Result<Mail, FieldProblem> {
        let money = follow_up.about.money.map(|money| money.to_string());
        let given = context! { money => money, ..Value::from(Serde(follow_up)) };
        let subject = self.part(&format!("{mail}.subject"), &given)?;
        let text = self.part(&format!("{mail}.txt"), &given)?;
        let own = format!("{mail}.html");
        let html = if self.0.get_template(&own).is_ok() { own.as_str() } else { "any.html" };
        let html = self.part(html, &context! { text => &text, ..given })?;
        Ok(Mail { subject: one_line(&subject), text, html })
    }

    fn part(&self, name: &str, given: &Value) -> Result<String, FieldProblem> {
        let template = self.0.get_template(name);
        template.and_then(|one| one.render(given.clone())).map_err(|error| broken(name, &error))
    }
}

fn mail_of(task: &Task) -> &'static str {
    match task {
        Task::NotifyCustomer { message, .. } => match message {
            Message::RefundPending => "refund_pending",
            Message::RefundSucceeded => "refund_succeeded",
            Message::RefundFailed => "refund_failed",
            Message::RefundNeedsAction => "refund_needs_action",
            Message::RefundDenied => "refund_denied",
        },
        Task::Alert { .. } => "alert",
        Task::RevokeAccess { .. }
        | Task::KeepAccess { .. }
        | Task::CancelSubscription { .. }
        | Task::UpdateOrder { .. } => "follow_up",
    }
}

/// A header is one line, whatever a name or an order holds: a line break in it would begin another header.
pub(crate) fn one_line(text: &str) -> String {
    let plain = text.split(|c: char| c.is_control() || c.is_whitespace());
    plain.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn read(path: &Path, name: &str) -> Result<String, FieldProblem> {
    let known = name
        .split_once('.')
        .is_some_and(|(mail, part)| MAILS.contains(&mail) && PARTS.contains(&part));
    let problem = |problem: String| {
        let names =
            format!("name it <mail>.<part>: {}, and {}", MAILS.join(", "), PARTS.join(", "));
        FieldProblem::new("templates", name, problem, names)
    };
    if !known {
        return Err(problem("is no template's name".to_owned()));
    }
    match path.metadata() {
        Ok(found) if found.len() > LARGEST => {
            return Err(problem(format!("is larger than {LARGEST} bytes")));
        }
        _ => {}
    }
    std::fs::read_to_string(path).map_err(|error| problem(format!("cannot be read: {error}")))
}

fn broken(name: &str, error: &minijinja::Error) -> FieldProblem {
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    FieldProblem::new(
        "templates",
        name,
        format!("fails{line}: {}{detail}", error.kind()),
        "mend it: a template sees id, subject, type, data, about and money",
    )
}

/// Follow-ups to try a mail on: one of which all is known, and one of which nothing is.
fn samples(mail: &str) -> Vec<FollowUp> {
    let full = serde_json::json!({
        "operation": "op-1", "refund": "re_1", "dispute": "dp_1", "charge": "ch_1", "payment_intent": "pi_1",
        "money": { "amount": 1250, "currency": "usd" },
    });
    let bare = serde_json::json!({
        "operation": null, "refund": null, "dispute": null, "charge": null, "payment_intent": null, "money": null,
    });
    let data = |known: bool| match mail {
        "alert" => serde_json::json!({
            "severity": "critical", "reason": "refund_failed",
            "detail": known.then_some("declined"), "due_by": known.then_some(1_795_000_000_u64),
        }),
        "follow_up" => serde_json::json!({ "why": "fully_refunded" }),
        message => serde_json::json!({
            "message": message, "detail": known.then_some("declined"),
            "customer": { "name": known.then_some("Ann"), "email": known.then_some("ann@example.com") },
        }),
    };
    let kind = match mail {
        "alert" => "alert",
        "follow_up" => "revoke-access",
        _ => "notify-customer",
    };
    let one = |(about, known)| {
        let json = serde_json::json!({
            "id": "fu_1", "subject": "ch_1", "type": kind, "data": data(known), "about": about,
        });
        serde_json::from_value(json).ok()
    };
    [(full, true), (bare, false)].into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, order: &str) -> FollowUp {
        let json = serde_json::json!({
            "id": "fu_1", "subject": "ch_1", "type": "notify-customer",
            "data": {
                "message": "refund_failed", "detail": order, "customer": { "name": name, "email": "ann@example.com" },
            },
            "about": {
                "operation": "op-1", "refund": "re_1", "dispute": null, "charge": "ch_1", "payment_intent": null,
                "money": { "amount": 500, "currency": "jpy" },
            },
        });
        serde_json::from_value(json).unwrap()
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn every_mail_is_built_in_and_has_samples() {
        let templates = Templates::built_in().unwrap();
        for mail in MAILS {
            assert_eq!(samples(mail).len(), 2, "{mail}");
            for sample in samples(mail) {
                let made = templates.render(&sample).unwrap();
                assert!(!made.subject.is_empty() && made.text.lines().count() > 2, "{made:?}");
                assert!(!made.text.contains("none") && made.html.contains("<p>"), "{made:?}");
            }
        }
    }

    #[test]
    fn names_cannot_break_out() {
        let own = folder(&[("refund_failed.subject", "Dear {{ data.customer.name }}\nBcc: x@y.z")]);
        let templates = Templates::in_folder(own.path()).unwrap();
        let mail =
            templates.render(&sample("Ann\r\nBcc: evil@example.com\u{2028}<script>", "x")).unwrap();
        assert_eq!(mail.subject, "Dear Ann Bcc: evil@example.com <script> Bcc: x@y.z");
        assert!(mail.text.contains("500 JPY"), "{}", mail.text);
        assert!(
            !mail.html.contains("<script>") && mail.html.contains("&lt;script&gt;"),
            "{}",
            mail.html
        );
    }

    #[test]
    fn templates_of_ones_own() {
        let own = folder(&[
            ("refund_failed.txt", "{{ money }} for {{ about.refund }}"),
            ("refund_failed.html", "<b>{{ data.customer.name }}</b>"),
        ]);
        let mail = Templates::in_folder(own.path()).unwrap().render(&sample("A&B", "x")).unwrap();
        assert_eq!(
            (mail.text.as_str(), mail.html.as_str()),
            ("500 jpy for re_1", "<b>A&amp;B</b>")
        );
        assert!(mail.subject.contains("refund"), "{}", mail.subject);
    }

    #[test]
    fn slips_show_when_they_are_read() {
        for (name, text, expected) in [
            ("refund_failed.txt", "{{ data.custmer.name }}", "undefined"),
            ("refund_failed.subject", "{{ amount }}", "undefined"),
            ("alert.html", "{% if %}", "fails in line 1"),
            ("refund_lost.txt", "", "is no template's name"),
            ("refund_failed.txt~", "", "is no template's name"),
            ("refund_failed", "", "is no template's name"),
        ] {
            let own = folder(&[(name, text)]);
            let problems = Templates::in_folder(own.path()).unwrap_err();
            assert!(problems[0].to_string().contains(expected), "{name}: {problems:?}");
            assert_eq!(problems[0].value, name);
        }
        assert!(Templates::in_folder(Path::new("/nowhere")).is_err());
    }
}
