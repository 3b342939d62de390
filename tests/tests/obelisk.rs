//! The node as activities of Obelisk: the shape that it asks for, and a run in a plain wasmtime that treats the key as
//! Obelisk does.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "made by bindgen"
)]
mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package refund-node:tests;

            world activities {
                export refund-node:obelisk/activity@0.1.0;
            }
        ",
        path: ["../wit", "../platforms/obelisk/wit"],
        world: "refund-node:tests/activities",
        exports: { default: async },
    });
}
mod wrapped;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bindings::exports::refund_node::obelisk::activity::{Error, Guest, Money, RefundRequest};
use bindings::{Activities, ActivitiesPre};
use refund_host::inspect;
use refund_platforms::OBELISK;
use refund_simulator::{Fault, FaultKind, NewCharge, Simulator, TEST_KEY};
use serde_json::{Value, json};
use wasmtime::Store;
use wasmtime::component::Type;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wrapped::{Host, State, Way};

const INTERFACE: &str = "refund-node:obelisk/activity@0.1.0";
/// Of the form that Obelisk 0.38 makes.
const PLACEHOLDER: &str =
    "OBELISK_SECRET_0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

static HOST: LazyLock<Host> = LazyLock::new(|| Host::new(OBELISK.composed));

/// The exported functions, by name.
fn functions() -> Vec<(String, ComponentFunc)> {
    let pre = HOST.pre();
    let component = pre.component().component_type();
    let exports: Vec<_> = component.exports(&HOST.engine).collect();
    let [(INTERFACE, extern_)] = &exports[..] else { panic!("{exports:?}") };
    let ComponentItem::ComponentInstance(instance) = &extern_.ty else { panic!("{extern_:?}") };
    let functions = instance.exports(&HOST.engine).filter_map(|(name, item)| match item.ty {
        ComponentItem::ComponentFunc(function) => Some((name.to_owned(), function)),
        _ => None,
    });
    functions.collect()
}

/// The names of a function's errors, and whether each stands alone.
fn errors(function: &ComponentFunc) -> Vec<(String, bool)> {
    let results: Vec<_> = function.results().collect();
    let [Type::Result(result)] = &results[..] else { panic!("{results:?}") };
    let Some(Type::Variant(error)) = result.err() else { panic!("{result:?}") };
    error.cases().map(|case| (case.name.to_owned(), case.ty.is_none())).collect()
}

/// The kinds of failure that the contract has.
fn failure_kinds() -> Vec<&'static str> {
    let contract = include_str!("../../wit/node.wit");
    let (_, body) = contract.split_once("enum failure-kind {").unwrap();
    let (body, _) = body.split_once('}').unwrap();
    let kinds = body.lines().filter_map(|line| line.trim().strip_suffix(','));
    // A kind of a later version is an outcome that is not known.
    kinds.filter(|kind| *kind != "other").collect()
}

#[test]
fn every_function_fails_in_obelisks_way() {
    let functions = functions();
    assert!(functions.iter().any(|(name, _)| name == "create-refund"));
    for (name, function) in &functions {
        let errors = errors(function);
        assert!(errors.contains(&("execution-failed".to_owned(), true)), "{name}: {errors:?}");
    }
}

#[test]
fn every_failure_has_its_name_and_only_three_are_tried_again() {
    let (_, create) = functions().into_iter().find(|(name, _)| name == "create-refund").unwrap();
    let names: BTreeSet<_> = errors(&create).into_iter().map(|(name, _)| name).collect();
    let kinds = failure_kinds();
    assert_eq!(kinds.len(), 7);
    for kind in &kinds {
        assert!(names.contains(&format!("permanent-{kind}")), "{kind}");
    }
    // Obelisk looks for the word anywhere in a name.
    let again: BTreeSet<_> = names.iter().filter(|name| !name.contains("permanent")).collect();
    let known = ["execution-failed", "outcome-unknown", "refused", "transport"];
    assert_eq!(again.into_iter().collect::<Vec<_>>(), known);
    let others = ["invalid-input", "no-key", "unknown-operation"];
    let permanent = kinds.iter().chain(&others).map(|name| format!("permanent-{name}"));
    let all: BTreeSet<_> = permanent.chain(known.map(str::to_owned)).collect();
    assert_eq!(names, all);
}

#[test]
fn it_reaches_no_further_than_the_node_and_the_environment() {
    let mut expected = inspect(refund_artifact::NODE).unwrap().imports;
    expected.push("wasi:cli/environment@0.2.2".to_owned());
    expected.sort();
    let seen = inspect(OBELISK.composed).unwrap();
    assert_eq!(seen.imports, expected);
    assert_eq!(seen.exports, [INTERFACE]);
}

/// An execution: one instance for one call, as in Obelisk.
struct Execution {
    store: Store<State>,
    activities: Activities,
}

impl Execution {
    fn parts(&mut self) -> (&Guest, &mut Store<State>) {
        (self.activities.refund_node_obelisk_activity(), &mut self.store)
    }
}

struct Stage {
    stripe: Simulator,
    way: Way,
}

impl Stage {
    async fn new() -> Self {
        let stripe = Simulator::builder().seed(7).start().await.unwrap();
        let mut way = Way::to(&stripe);
        way.secret = Some((PLACEHOLDER.to_owned(), TEST_KEY.to_owned()));
        Self { stripe, way }
    }

    fn charge(&self) -> String {
        self.stripe.charge(&NewCharge::default())["id"].as_str().unwrap().to_owned()
    }

    async fn execution(&self) -> Execution {
        self.execution_with(&[("STRIPE_SECRET_KEY", PLACEHOLDER)]).await
    }

    async fn execution_with(&self, environment: &[(&str, &str)]) -> Execution {
        let mut store = HOST.store(self.way.clone(), environment);
        let pre = ActivitiesPre::new(HOST.pre()).unwrap();
        let activities = pre.instantiate_async(&mut store).await.unwrap();
        Execution { store, activities }
    }

    async fn create(&self, charge: &str, amount: u64) -> Result<Value, Error> {
        let mut execution = self.execution().await;
        let (activity, store) = execution.parts();
        let made = activity.call_create_refund(store, &request(charge, amount)).await.unwrap()?;
        assert_eq!(made.amount.amount, amount);
        Ok(serde_json::from_str(&made.output).unwrap())
    }

    async fn invoke(&self, operation: &str, input: &Value) -> Result<String, Error> {
        let mut execution = self.execution().await;
        let (activity, store) = execution.parts();
        activity.call_invoke(store, operation, &input.to_string()).await.unwrap()
    }
}

fn request(charge: &str, amount: u64) -> RefundRequest {
    RefundRequest {
        operation_id: "op-1".into(),
        payment: charge.to_owned(),
        amount: Some(Money { amount, currency: "usd".into() }),
        reason: Some("requested_by_customer".into()),
        metadata: vec![("order".into(), "7".into())],
        document: None,
        approval: None,
    }
}

#[tokio::test]
async fn trying_again_makes_one_refund_and_never_sees_the_key() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    for origin in ["made", "found"] {
        let made = stage.create(&charge, 1000).await.unwrap();
        assert_eq!(made["origin"], origin);
        assert_eq!(made["refund"]["metadata"]["order"], "7");
    }
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
    let bearer = format!("Bearer {PLACEHOLDER}");
    let expected = ("https://api.stripe.com".to_owned(), bearer);
    assert!(stage.way.seen().iter().all(|seen| *seen == expected), "{:?}", stage.way.seen());
}

#[tokio::test]
async fn a_lost_answer_is_tried_again_and_settled() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let lost = FaultKind::Reset { after_commit: false };
    stage.stripe.order_fault(Fault::on_create(lost).times(3));
    let unknown = stage.create(&charge, 1000).await.unwrap_err();
    assert!(matches!(unknown, Error::OutcomeUnknown(_)), "{unknown:?}");
    stage.create(&charge, 1000).await.unwrap();
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
}

#[tokio::test]
async fn what_would_fail_again_is_permanent() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let denied = stage.create(&charge, 9999).await.unwrap_err();
    assert!(matches!(denied, Error::PermanentDenied(_)), "{denied:?}");
    stage.create(&charge, 1000).await.unwrap();
    let conflict = stage.create(&charge, 1500).await.unwrap_err();
    assert!(matches!(conflict, Error::PermanentConflict(_)), "{conflict:?}");
    let missing = stage.invoke("refunds.retrieve", &json!({ "refund": "re_none" })).await;
    assert!(matches!(missing, Err(Error::PermanentRefused(_))), "{missing:?}");
    let unknown = stage.invoke("refunds.make", &json!({})).await;
    assert!(matches!(unknown, Err(Error::PermanentUnknownOperation(_))), "{unknown:?}");
    for input in [json!({}), json!([]), json!({ "connection": {} })] {
        let invalid = stage.invoke("refunds.create", &input).await;
        assert!(matches!(invalid, Err(Error::PermanentInvalidInput(_))), "{invalid:?}");
    }
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
}

#[tokio::test]
async fn a_busy_stripe_is_tried_again() {
    let stage = Stage::new().await;
    let busy = Fault { method: None, path: None, ..Fault::on_create(FaultKind::status(429)) };
    stage.stripe.order_fault(busy.times(3));
    let refused = stage.invoke("refunds.balance", &json!({})).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let gone = Fault { path: None, ..Fault::on_create(FaultKind::Reset { after_commit: false }) };
    stage.stripe.order_fault(Fault { method: None, ..gone }.times(3));
    let broken = stage.invoke("refunds.balance", &json!({})).await;
    assert!(matches!(broken, Err(Error::Transport(_))), "{broken:?}");
}

#[tokio::test]
async fn an_approval_comes_back_as_an_argument() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let policy = json!({ "approve_up_to": { "usd": "1.00" } });
    let mut input = json!({ "operation_id": "op-1", "payment": charge, "policy": policy });
    let Err(Error::PermanentNeedsApproval(wanted)) = stage.invoke("refunds.create", &input).await
    else {
        panic!("needs approval")
    };
    let details: Value = serde_json::from_str(&wanted.details).unwrap();
    input["approval"] = details["request_hash"].clone();
    stage.invoke("refunds.create", &input).await.unwrap();
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
    let mut execution = stage.execution().await;
    let (activity, store) = execution.parts();
    let bad = RefundRequest { document: Some("{".into()), ..request(&charge, 1) };
    let bad = activity.call_create_refund(store, &bad).await.unwrap().unwrap_err();
    assert!(matches!(bad, Error::PermanentInvalidInput(_)), "{bad:?}");
}

#[tokio::test]
async fn reading_and_checking() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let made = stage.create(&charge, 1000).await.unwrap();
    let mut execution = stage.execution().await;
    let (activity, store) = execution.parts();
    let id = made["refund"]["id"].as_str().unwrap();
    let refund = activity.call_retrieve_refund(&mut *store, id).await.unwrap().unwrap();
    assert_eq!((refund.id.as_str(), refund.status.as_deref()), (id, Some("succeeded")));
    let verdict = activity.call_check_refund(&mut *store, &charge, None, None).await.unwrap();
    let verdict = verdict.unwrap();
    assert_eq!((verdict.decision.as_str(), verdict.refundable.amount), ("approve", 1500));
    let manifest = activity.call_describe(store).await.unwrap().unwrap();
    assert!(manifest.contains("refunds.create"));
}

#[tokio::test]
async fn a_deployment_without_a_key_is_told_so_and_can_still_compute() {
    let stage = Stage::new().await;
    let mut execution = stage.execution_with(&[("STRIPE_SECRET_KEY", "")]).await;
    let (activity, store) = execution.parts();
    let create = activity.call_create_refund(&mut *store, &request("ch_1", 1)).await.unwrap();
    assert!(matches!(create, Err(Error::PermanentNoKey)), "{create:?}");
    let verify =
        json!({ "payload": "{}", "header": "t=1,v1=00", "secrets": ["whsec_1"], "now": 1 });
    let forged = activity.call_invoke(store, "webhooks.verify", &verify.to_string()).await.unwrap();
    assert!(matches!(forged, Err(Error::PermanentRejected(_))), "{forged:?}");
    assert!(stage.way.seen().is_empty());
}

#[tokio::test]
async fn a_simulator_is_named_by_the_deployment() {
    let stage = Stage::new().await;
    let url = stage.stripe.base_url();
    let environment = [("STRIPE_SECRET_KEY", PLACEHOLDER), ("REFUND_NODE_BASE_URL", url.as_str())];
    let mut execution = stage.execution_with(&environment).await;
    let (activity, store) = execution.parts();
    activity.call_invoke(store, "refunds.balance", "{}").await.unwrap().unwrap();
    assert_eq!(stage.way.seen()[0].0, url);
}
