//! Mails over SMTP.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::response::{Category, Severity};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use refund_core::followups::{FollowUp, Task};
use refund_core::secret::Secret;

use crate::delivery::Delivery;
use crate::message::Message;
use crate::templates::{Templates, one_line};

/// How a mail server is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte, port 465.
    Tls,
    /// TLS after a greeting, always; port 587.
    StartTls,
    /// None; for loopback alone.
    None,
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name; the certificate must be for it.
    pub host: String,
    /// Its port, see [`Security::port`].
    pub port: u16,
    /// How it is talked to.
    pub security: Security,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// A mail server, and from and to whom.
pub struct EmailSink {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Always the same people; the customer when there are none.
    to: Vec<Mailbox>,
    templates: Templates,
}

impl Security {
    /// The port when none is given.
    pub fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

impl Server {
    fn transport(self) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let parameters =
            || TlsParameters::new(self.host.clone()).map_err(|error| error.to_string());
        let tls = match self.security {
            Security::Tls => Tls::Wrapper(parameters()?),
            Security::StartTls => Tls::Required(parameters()?),
            Security::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .timeout(Some(self.timeout));
        if let Some((user, password)) = self.login {
            transport = transport.credentials(Credentials::new(user, password.reveal().to_owned()));
        }
        Ok(transport.build())
    }
}

impl EmailSink {
    /// Nothing is connected before there is a mail. Who has no `to` writes to customers.
    pub fn new(
        server: Server,
        from: Mailbox,
        to: Vec<Mailbox>,
        templates: Templates,
    ) -> Result<Self, String> {
        Ok(Self { transport: server.transport()?, from, to, templates })
    }

    /// Whether its mails go to customers, and not to fixed people.
    pub(crate) fn writes_to_customers(&self) -> bool {
        self.to.is_empty()
    }

    pub(crate) async fn deliver(&self, message: &Message) -> Delivery {
        let (envelope, mail) = match self.write(message) {
            Ok(written) => written,
            Err(reason) => return Delivery::Undeliverable { reason },
        };
        match self.transport.send_raw(&envelope, &mail).await {
            Ok(_) => Delivery::Delivered,
            Err(error) if is_refused_for_good(&error) => {
                Delivery::Undeliverable { reason: explain(&error) }
            }
            Err(error) => Delivery::failed(explain(&error)),
        }
    }

    /// The mail of a message; but for the boundary between its parts it is the same each time.
    fn write(&self, message: &Message) -> Result<(Envelope, Vec<u8>), String> {
        let follow_up: FollowUp =
            serde_json::from_str(&message.body).map_err(|error| error.to_string())?;
        let mail = self.templates.render(&follow_up).map_err(|problem| problem.to_string())?;
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(mail.subject)
            .date(UNIX_EPOCH + Duration::from_secs(message.created))
            .message_id(Some(format!("<{}@{}>", message.key.id, self.from.email.domain())))
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        for to in self.recipients(&follow_up)? {
            builder = builder.to(to);
        }
        let written = builder
            .multipart(MultiPart::alternative_plain_html(mail.text, mail.html))
            .map_err(|error| error.to_string())?;
        Ok((written.envelope().clone(), written.formatted()))
    }

    fn recipients(&self, follow_up: &FollowUp) -> Result<Vec<Mailbox>, String> {
        if !self.to.is_empty() {
            return Ok(self.to.clone());
        }
        let Task::NotifyCustomer { customer, .. } = &follow_up.task else {
            return Err("is not for a customer, and the sink has no `to`".to_owned());
        };
        let email = customer.email.as_deref().ok_or(
            "no address of the customer is known: put customer_email into the metadata of the payment at Stripe",
        )?;
        let address = Address::from_str(email)
            .map_err(|error| format!("the customer's address cannot be used: {error}"))?;
        let name = customer.name.as_deref().map(one_line).filter(|name| !name.is_empty());
        Ok(vec![Mailbox::new(name, address)])
    }
}

/// The mailbox or the mail itself was refused (55x). Everything else may be mended on the way: a wrong
/// password, a server that is too busy.
fn is_refused_for_good(error: &Error) -> bool {
    error.status().is_some_and(|code| {
        code.severity == Severity::PermanentNegativeCompletion
            && code.category == Category::MailSystem
    })
}

/// An error and what caused it, in one line.
fn explain(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    one_line(&format!("{error}{}", cause.unwrap_or_default()))
}

impl fmt::Debug for EmailSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailSink").field("from", &self.from).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(to: &[&str]) -> EmailSink {
        let server = Server {
            host: "127.0.0.1".to_owned(),
            port: 9,
            security: Security::None,
            login: None,
            timeout: Duration::from_secs(1),
        };
        let to = to.iter().map(|text| text.parse().unwrap()).collect();
        let from = "Shop <shop@example.com>".parse().unwrap();
        EmailSink::new(server, from, to, Templates::built_in().unwrap()).unwrap()
    }

    fn message(name: &str, email: Option<&str>) -> Message {
        let json = serde_json::json!({
            "id": "fu_1", "subject": "ch_1", "type": "notify-customer",
            "data": { "message": "refund_failed", "detail": null, "customer": { "name": name, "email": email } },
            "about": {
                "operation": null, "refund": "re_1", "dispute": null, "charge": null, "payment_intent": null,
                "money": { "amount": 1250, "currency": "usd" },
            },
        });
        Message::new(&serde_json::from_value(json).unwrap(), "mail", 1_790_000_000)
    }

    fn written(sink: &EmailSink, message: &Message) -> String {
        String::from_utf8(sink.write(message).unwrap().1).unwrap()
    }

    fn headers(mail: &str) -> Vec<&str> {
        let head = mail.split("\r\n\r\n").next().unwrap();
        head.lines().filter_map(|line| line.split_once(": ").map(|(name, _)| name)).collect()
    }

    #[test]
    fn a_mail() {
        let mail = written(&sink(&[]), &message("Ann", Some("ann@example.com")));
        for line in [
            "From: Shop <shop@example.com>\r\n",
            "To: Ann <ann@example.com>\r\n",
            "Message-ID: <fu_1@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n",
            "12.50 USD",
        ] {
            assert!(mail.contains(line), "{line} in {mail}");
        }
    }

    #[test]
    fn a_name_cannot_add_headers_or_recipients() {
        let plain = written(&sink(&[]), &message("Ann", Some("ann@example.com")));
        for name in [
            "Ann\r\nBcc: evil@example.com",
            "Ann\nSubject: hello\n\nbody",
            "Ann\r\n.\r\nQUIT",
            "\"Ann\" <evil@example.com>, x",
            "Ann\u{0}\u{85}\u{2028}Bcc: evil@example.com",
        ] {
            let sink = sink(&[]);
            let mail = written(&sink, &message(name, Some("ann@example.com")));
            assert_eq!(headers(&mail), headers(&plain), "{mail}");
            let envelope = sink.write(&message(name, Some("ann@example.com"))).unwrap().0;
            assert_eq!(envelope.to(), ["ann@example.com".parse::<Address>().unwrap()]);
        }
        for email in
            ["a@b.c\r\nBcc: evil@example.com", "a@b.c, evil@example.com", "a@b.c\n", "none", ""]
        {
            assert!(sink(&[]).write(&message("Ann", Some(email))).is_err(), "{email:?}");
        }
    }

    #[test]
    fn to_whom() {
        let fixed = sink(&["ops@example.com", "Two <two@example.com>"]);
        let (envelope, _) = fixed.write(&message("Ann", None)).unwrap();
        assert_eq!(envelope.to().len(), 2);
        let nobody = sink(&[]).write(&message("Ann", None)).unwrap_err();
        assert!(nobody.contains("customer_email"), "{nobody}");
    }
}
