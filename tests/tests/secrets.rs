//! The key is in no place where anybody could find it: not in the memory of a guest, not in a core dump, a
//! log, a ledger or an error.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use refund_app::{Application, Ask, Caller, Connection, Settings, Tokio, WasmComponent};
use refund_core::id::{OperationId, PaymentRef};
use refund_host::{Allow, Host, HostBuilder, Limits, Node, StripeKey};
use refund_ledger::{Ledger, MerchantRules, Request, Scope, UserName};
use refund_simulator::{Fault, FaultKind, NewCharge, Simulator};
use refund_tests::COMPILED;
use refund_tests::containment::files::HOSTILE;
use serde_json::{Value, json};

/// No word that could stand anywhere by chance.
const HIDDEN: &str = "51Qx7NeverToBeSeenAnywhereZ9";

/// Everything that was logged, at the highest level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Looks for the key, as it is and as other encodings would have it.
fn assert_hidden(place: &str, bytes: &[u8]) {
    let reversed: String = HIDDEN.chars().rev().collect();
    let wide: Vec<u8> = HIDDEN.bytes().flat_map(|byte| [byte, 0]).collect();
    let forms = [HIDDEN.as_bytes(), HIDDEN.to_lowercase().as_bytes(), reversed.as_bytes(), &wide]
        .map(<[u8]>::to_vec);
    for form in forms {
        assert!(!contains(bytes, &form), "the key is in {place}");
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

struct Scene {
    stripe: Simulator,
    folder: tempfile::TempDir,
}

impl Scene {
    fn host(&self) -> HostBuilder {
        Host::builder()
            .key(StripeKey::parse(&format!("sk_test_{HIDDEN}")).unwrap())
            .allow(Allow::stripe_at(&self.stripe.base_url()).unwrap())
            .cache(COMPILED)
            .core_dumps(self.folder.path())
    }

    fn connection(&self) -> Value {
        json!({ "base_url": self.stripe.base_url(), "max_retries": 0 })
    }

    /// A charge whose answer is long: half a hundred notes on it.
    fn charge(&self) -> String {
        let notes = (0..50).map(|n| (format!("note-{n}"), "x".repeat(500))).collect();
        let order = NewCharge { metadata: notes, ..NewCharge::default() };
        self.stripe.charge(&order)["id"].as_str().unwrap().to_owned()
    }

    /// The dumps, and an end to them.
    fn take_dumps(&self) -> Vec<Vec<u8>> {
        let files =
            std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let dumps = files.filter(|path| path.extension().is_some_and(|end| end == "coredump"));
        dumps
            .map(|path| {
                let bytes = std::fs::read(&path).unwrap();
                std::fs::remove_file(path).unwrap();
                bytes
            })
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_nowhere() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let stripe = Simulator::builder().seed(11).start().await.unwrap();
    let scene = Scene { stripe, folder: tempfile::tempdir().unwrap() };

    hostile_guest(&scene).await;
    real_guest(&scene).await;
    let said = ledger(&scene).await;
    assert_hidden("an outcome or an error", said.as_bytes());
    for name in ["secrets.ledger", "secrets.ledger-wal", "secrets.ledger-shm"] {
        if let Ok(bytes) = std::fs::read(scene.folder.path().join(name)) {
            assert_hidden(name, &bytes);
        }
    }
    assert_hidden("the simulator's record", format!("{:?}", scene.stripe.requests()).as_bytes());
    let logged = log.0.lock().unwrap();
    assert!(contains(&logged, b"TRACE"), "the log holds everything");
    assert_hidden("the log", &logged);
}

/// A guest that hoards what it gets, and traps.
async fn hostile_guest(scene: &Scene) {
    let node = scene.host().build().unwrap().load(HOSTILE).unwrap();
    let charge = scene.charge();
    let input = format!("GET {}/v1/charges/{charge}", scene.stripe.base_url());
    let error = node.invoke("fetch-and-trap", &input).await.unwrap_err();
    assert_hidden("an error", format!("{error} {error:?}").as_bytes());
    let dumps = scene.take_dumps();
    assert_eq!(dumps.len(), 1);
    assert!(contains(&dumps[0], charge.as_bytes()), "the dump holds what the guest held");
    assert_hidden("a core dump", &dumps[0]);
}

/// The component itself, out of memory while it reads an answer of Stripe's.
async fn real_guest(scene: &Scene) {
    const PAGE: usize = 64 << 10;
    let charge = scene.charge();
    let mut looked_at = 0;
    for pages in 17..60 {
        let limits = Limits { memory: pages * PAGE, ..Limits::default() };
        let Ok(node) = scene.host().limits(limits).build().unwrap().load(refund_artifact::NODE)
        else {
            continue;
        };
        let before = scene.stripe.requests().len();
        let input = json!({
            "connection": scene.connection(), "operation_id": format!("op-{pages}"), "payment": charge,
        });
        let answer = node.invoke("refunds.create", &input.to_string()).await;
        for dump in scene.take_dumps() {
            assert_hidden("a core dump", &dump);
            looked_at += usize::from(scene.stripe.requests().len() > before);
        }
        match answer {
            Ok(Ok(_)) => break,
            other => assert_hidden("an error", format!("{other:?}").as_bytes()),
        }
    }
    assert!(looked_at > 0, "no dump was made after a request");
}

/// Refunds through a ledger, well and ill.
async fn ledger(scene: &Scene) -> String {
    let path = scene.folder.path().join("secrets.ledger");
    let scope = Scope { base_url: scene.stripe.base_url(), live: false, account: None };
    let ledger = Ledger::open(&path, &scope).unwrap();
    let node: Node = scene.host().build().unwrap().load(refund_artifact::NODE).unwrap();
    let connection = Connection { base_url: Some(scene.stripe.base_url()), account: None };
    let component = WasmComponent::new(node, connection);
    let application = Application::new(component, ledger, Tokio, Settings::default());
    let caller = Caller::new(UserName::parse("alice").unwrap(), "test");
    let mut said = String::new();
    let faults = [
        None,
        Some(FaultKind::status(500)),
        Some(FaultKind::status(401)),
        Some(FaultKind::Reset { after_commit: true }),
        Some(FaultKind::BrokenJson),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let charge = scene.charge();
        if let Some(kind) = fault {
            scene.stripe.order_fault(Fault { method: None, path: None, skip: 0, times: 1, kind });
        }
        let operation = OperationId::parse(&format!("ledger-{number}")).unwrap();
        let request = Request::new(operation, PaymentRef::parse(&charge).unwrap());
        let rules = MerchantRules::default();
        let outcome = application.ask(Ask { request, rules }, &caller).await;
        let _ = write!(said, "{outcome:?}");
        if let Ok(outcome) = outcome {
            said.push_str(&outcome.text());
        }
        scene.stripe.clear_faults();
    }
    let broken = scene.folder.path().join("nowhere").join("else");
    let _ = write!(said, "{:?}", Ledger::open(&broken, &scope).err());
    said
}
