//! A sink of each kind.

use std::time::Duration;

use lettre::message::Mailbox;
use refund_core::followups::Kind;
use refund_core::secret::Secret;

use super::fields::{Fields, Noted};
use crate::command::CommandSink;
use crate::email::{EmailSink, Security, Server};
use crate::http_sink::HttpSink;
use crate::secret::SigningSecret;
use crate::sink::{Sink, Target};
use crate::templates::Templates;

/// Seconds that a delivery may take when nothing is said, as Standard Webhooks recommends.
const TIMEOUT: u32 = 15;
const LONGEST_TIMEOUT: u32 = 600;
const CONCURRENCY: u32 = 4;
const MOST_CONCURRENCY: u32 = 64;
const SECRET_FIX: &str = "name a file in secret_file or a variable in secret_env";

/// Reads a sink; whatever is wrong is noted, and `None` when there can be none.
pub(super) fn read(fields: &mut Fields<'_>) -> Option<Sink> {
    let name = fields.needed("name", "give it a name that stays: messages refer to it");
    let kind = fields.needed("kind", "give http, command or smtp");
    let follow_ups = kinds(fields);
    let timeout = fields.number("timeout_seconds", TIMEOUT, LONGEST_TIMEOUT);
    let timeout = Duration::from_secs(timeout.into());
    let concurrency = fields.number("concurrency", CONCURRENCY, MOST_CONCURRENCY);
    let target = match kind.as_deref()? {
        "http" => http(fields).map(|sink| Target::Http(Box::new(sink))),
        "command" => command(fields).map(Target::Command),
        "smtp" => smtp(fields, &follow_ups, timeout).map(|sink| Target::Email(Box::new(sink))),
        other => {
            fields.problem("kind", other, "is no kind of sink", "give http, command or smtp");
            None
        }
    };
    let concurrency = usize::try_from(concurrency).unwrap_or(1);
    Some(Sink { name: name?, follow_ups, concurrency, timeout, target: target? })
}

fn kinds(fields: &mut Fields<'_>) -> Vec<Kind> {
    let mut found = Vec::new();
    for text in fields.texts("follow_ups") {
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == text) {
            found.push(kind);
        } else {
            let fix = format!("there are {}", Kind::ALL.map(Kind::as_str).join(", "));
            fields.problem("follow_ups", text, "is no kind of follow-up", fix);
        }
    }
    found
}

fn http(fields: &mut Fields<'_>) -> Option<HttpSink> {
    let url = fields.needed("url", "give the receiver's https URL");
    let secrets = signing_secrets(fields);
    let url = url?;
    match HttpSink::new(&url, secrets?) {
        Ok(sink) => Some(sink),
        Err(problem) => {
            // Not repeated: a URL may hold a secret.
            fields.problem("url", "", problem, "give one like https://shop.example/hooks");
            None
        }
    }
}

/// One a line; all of them sign, so that the receiver may have either during a roll.
fn signing_secrets(fields: &mut Fields<'_>) -> Option<Vec<SigningSecret>> {
    const FIX: &str = "make one of 32 random bytes: printf 'whsec_%s' $(openssl rand -base64 32)";
    let Some(text) = fields.secret().ok()? else {
        fields.problem("secret_file", "", "is missing", SECRET_FIX);
        return None;
    };
    let mut secrets = Vec::new();
    for word in text.reveal().split_whitespace() {
        match SigningSecret::parse(word) {
            Ok(secret) => secrets.push(secret),
            Err(error) => {
                let number = secrets.len() + 1;
                fields.problem("secret", "", format!("number {number} {error}"), FIX);
                return None;
            }
        }
    }
    if secrets.is_empty() {
        fields.problem("secret", "", "is blank", FIX);
        return None;
    }
    Some(secrets)
}

fn command(fields: &mut Fields<'_>) -> Option<CommandSink> {
    let words = fields.texts("command");
    let Some((program, arguments)) = words.split_first() else {
        let fix = "give the program and its arguments: [\"/path/to/program\", \"--json\"]";
        fields.problem("command", "", "is missing", fix);
        return None;
    };
    let program = fields.program(program);
    Some(CommandSink::new(program, arguments.iter().map(Into::into).collect()))
}

fn smtp(fields: &mut Fields<'_>, wanted: &[Kind], timeout: Duration) -> Option<EmailSink> {
    let host = fields.needed("host", "give the name of the mail server");
    let security = security(fields, host.as_deref().unwrap_or_default());
    let port = fields.number("port", security.unwrap_or(Security::Tls).port().into(), 65_535);
    let login = login(fields);
    let from = fields.needed("from", "give the sender: Shop <refunds@shop.example>");
    let from = from.and_then(|text| mailbox(fields, "from", &text));
    let to = fields.texts("to");
    let to: Vec<_> = to.iter().filter_map(|text| mailbox(fields, "to", text)).collect();
    if to.is_empty() && wanted != [Kind::NotifyCustomer] {
        let fix = "add `to`, or follow_ups = [\"notify-customer\"] to write to customers";
        fields.problem("to", "", "is missing, and not everything is for a customer", fix);
    }
    let templates = match fields.path("templates") {
        Some(folder) => Templates::in_folder(&folder),
        None => Templates::built_in(),
    };
    let templates = templates.map_err(|found| fields.problems("templates", found)).ok();
    let server = Server {
        host: host?,
        port: u16::try_from(port).ok()?,
        security: security?,
        login: login.ok()?,
        timeout,
    };
    let host = server.host.clone();
    match EmailSink::new(server, from?, to, templates?) {
        Ok(sink) => Some(sink),
        Err(problem) => {
            fields.problem("host", host, problem, "give the name of the mail server");
            None
        }
    }
}

fn security(fields: &mut Fields<'_>, host: &str) -> Option<Security> {
    const FIX: &str = "give tls, starttls, or none on loopback";
    let loopback = matches!(host, "localhost" | "127.0.0.1" | "::1");
    match fields.text("security").as_deref() {
        None | Some("tls") => Some(Security::Tls),
        Some("starttls") => Some(Security::StartTls),
        Some("none") if loopback => Some(Security::None),
        Some("none") => {
            fields.problem("security", "none", "is for loopback alone", FIX);
            None
        }
        Some(other) => {
            fields.problem("security", other, "is unknown", FIX);
            None
        }
    }
}

/// User and password, both or neither.
fn login(fields: &mut Fields<'_>) -> Result<Option<(String, Secret)>, Noted> {
    match (fields.text("user"), fields.secret()?) {
        (Some(user), Some(password)) => Ok(Some((user, password))),
        (None, None) => Ok(None),
        (Some(_), None) => {
            fields.problem("secret_file", "", "is missing beside a user", SECRET_FIX);
            Err(Noted)
        }
        (None, Some(_)) => {
            fields.problem("user", "", "is missing beside a password", "give the user's name");
            Err(Noted)
        }
    }
}

fn mailbox(fields: &mut Fields<'_>, field: &str, text: &str) -> Option<Mailbox> {
    match text.parse() {
        Ok(mailbox) => Some(mailbox),
        Err(error) => {
            let fix = "write it like Shop <refunds@shop.example>";
            fields.problem(field, text, format!("is no address: {error}"), fix);
            None
        }
    }
}
