use refund_core::followups::FollowUp;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn parse(text: &str) -> Result<Sinks, Vec<FieldProblem>> {
    let variable = |name: &str| match name {
        "SECRET" => Some(SECRET.to_owned()),
        "TWO" => Some(format!("{SECRET}\n{SECRET}\n")),
        "STRIPES" => Some("whsec_abc".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    Sinks::parse(text, Path::new("/nowhere"), &variable).map_err(|error| error.0)
}

fn fields(problems: &[FieldProblem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.field.as_str()).collect()
}

#[test]
fn consequences_are_chosen() {
    use refund_core::followups::When;
    let sinks = parse("[follow_ups]\nrevoke_access = 'any'\nreference_keys = ['ticket']").unwrap();
    assert_eq!(sinks.options().revoke_access, When::Any);
    assert_eq!(sinks.options().cancel_subscription, When::Full);
    assert_eq!(sinks.options().reference_keys, ["ticket"]);
    for (wrong, word) in [
        ("revoke = 'any'", "`revoke`"),
        ("revoke_access = 'sometimes'", "`sometimes`"),
        ("reference_keys = 7", "integer"),
    ] {
        let problems = parse(&format!("[follow_ups]\n{wrong}")).unwrap_err();
        assert_eq!(fields(&problems), ["follow_ups"], "{problems:?}");
        assert!(problems[0].problem.contains(word), "{problems:?}");
    }
}

#[test]
fn a_whole_document() {
    let sinks = parse(
        r#"
        [[sink]]
        name = "shop"
        kind = "http"
        url = "https://shop.example/hooks"
        secret_env = "TWO"
        follow_ups = ["revoke-access", "keep-access"]
        timeout_seconds = 3
        concurrency = 2
        [[sink]]
        name = "orders"
        kind = "command"
        command = ["true", "--json"]
        [[sink]]
        name = "customers"
        kind = "smtp"
        host = "smtp.example"
        security = "starttls"
        user = "shop"
        secret_env = "SECRET"
        from = "Shop <refunds@shop.example>"
        follow_ups = ["notify-customer"]
        "#,
    )
    .unwrap();
    let names: Vec<_> =
        sinks.iter().map(|sink| (sink.name.as_str(), sink.timeout.as_secs())).collect();
    assert_eq!(names, [("shop", 3), ("orders", 15), ("customers", 15)]);
    assert!(!format!("{sinks:?}").contains("MfKQ"));

    let json = serde_json::json!({
        "id": "fu_1", "subject": "ch_1", "type": "revoke-access", "data": { "why": "fully_refunded" },
        "about": {
            "operation": null, "refund": null, "dispute": null, "charge": "ch_1", "payment_intent": null, "money": null,
        },
    });
    let follow_up: FollowUp = serde_json::from_value(json).unwrap();
    let routed = sinks.route(&follow_up, 5);
    let to: Vec<_> = routed.iter().map(|one| (one.key.sink.as_str(), one.next_try)).collect();
    assert_eq!(to, [("shop", 5), ("orders", 5)]);
}

#[test]
fn all_problems_at_once() {
    let problems = parse(
        r#"
        sinks = 1
        [[sink]]
        name = "a"
        kind = "http"
        url = "http://shop.example/"
        secret_env = "SECRET"
        secret = "hunter2"
        follow_ups = ["notify", "alert"]
        timeout_seconds = 0
        retries = 3
        [[sink]]
        kind = "pigeon"
        [[sink]]
        name = "b"
        kind = "command"
        [[sink]]
        name = "c"
        kind = "smtp"
        security = "none"
        host = "smtp.example"
        from = "nobody"
        user = "u"
        "#,
    )
    .unwrap_err();
    let mut found = fields(&problems);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "sink[0].follow_ups",
            "sink[0].retries",
            "sink[0].secret",
            "sink[0].timeout_seconds",
            "sink[0].url",
            "sink[1].kind",
            "sink[1].name",
            "sink[2].command",
            "sink[3].from",
            "sink[3].secret_file",
            "sink[3].security",
            "sink[3].to",
            "sinks",
        ]
    );
    assert!(!format!("{problems:?}").contains("hunter2"));
}

#[test]
fn secrets() {
    let http = |line: &str| {
        parse(&format!(
            "[[sink]]\nname = \"a\"\nkind = \"http\"\nurl = \"https://a.example\"\n{line}"
        ))
    };
    assert!(http("secret_env = \"SECRET\"").is_ok());
    for (line, field, problem) in [
        ("", "sink[0].secret_file", "is missing"),
        ("secret_env = \"STRIPES\"", "sink[0].secret", "whsec_"),
        ("secret_env = \"EMPTY\"", "sink[0].secret", "is blank"),
        ("secret_env = \"NOT_SET\"", "sink[0].secret_env", "is not set"),
        ("secret_file = \"x\"", "sink[0].secret_file", "cannot be read"),
        (
            "secret_file = \"x\"\nsecret_env = \"SECRET\"",
            "sink[0].secret_env",
            "beside secret_file",
        ),
        (
            "secret_env = \"SECRET\"\npassword = \"hunter2\"",
            "sink[0].password",
            "secret in the document",
        ),
    ] {
        let problems = http(line).unwrap_err();
        let first = &problems[0];
        assert_eq!(first.field, field, "{problems:?}");
        assert!(first.to_string().contains(problem), "{first}");
        assert!(!format!("{problems:?}").contains("hunter2"));
    }
}

#[test]
fn what_is_no_toml_is_told_without_the_line() {
    let problems = parse("[[sink]]\nname = \"a\"\nsecret = \"hunter2\n").unwrap_err();
    let text = problems[0].to_string();
    assert!(text.contains("line 3") && !text.contains("hunter2"), "{text}");
    assert_eq!(fields(&parse("sink = 1").unwrap_err()), ["sink"]);
    let twice = "[[sink]]\nname = \"a\"\nkind = \"command\"\ncommand = [\"true\"]\n".repeat(2);
    assert_eq!(fields(&parse(&twice).unwrap_err()), ["sink[1].name"]);
    assert_eq!(parse("").unwrap().iter().count(), 0);
}
