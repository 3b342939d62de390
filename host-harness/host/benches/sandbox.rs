//! What the sandbox adds: `cargo bench --bench sandbox`. Against others: `cargo xtask bench`.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use criterion::{Criterion, criterion_group, criterion_main};
use refund_host::api::webhooks::VerifyOptions;
use refund_host::{Host, Node, Session};
use tokio::runtime::{Builder, Runtime};

const EVENT: &[u8] = include_bytes!("../../../tests/vectors/bench-event.json");
const CHARGE: &str = include_str!("../../../tests/vectors/bench-check.json");
const HEADER: &str =
    "t=1700000000,v1=62e05279f9c423c42b7aa45fe1def7f28602a54e5bc003464bf7a618ce7cc83c";

async fn webhook(session: &mut Session, secrets: &[String]) {
    let options = VerifyOptions { tolerance: Some(300), future_tolerance: None };
    session.verify(EVENT, Some(HEADER), secrets, options, 1_700_000_000).await.unwrap().unwrap();
    session.parse(EVENT).await.unwrap().unwrap();
}

fn measure(criterion: &mut Criterion, name: &str, runtime: &Runtime, node: &Node) {
    let secrets = ["whsec_test".to_owned()];
    let mut kept = runtime.block_on(node.session()).unwrap();
    let mut group = criterion.benchmark_group(name);
    group.bench_function("open an instance", |bench| {
        bench.iter(|| runtime.block_on(node.session()).unwrap());
    });
    group.bench_function("webhook, kept instance", |bench| {
        bench.iter(|| runtime.block_on(webhook(&mut kept, &secrets)));
    });
    group.bench_function("webhook, fresh instance", |bench| {
        bench.iter(|| {
            runtime.block_on(async {
                let mut fresh = node.session().await.unwrap();
                webhook(&mut fresh, &secrets).await;
            });
        });
    });
    group.bench_function("eligibility, kept instance", |bench| {
        bench.iter(|| runtime.block_on(kept.invoke("eligibility.check", CHARGE)).unwrap().unwrap());
    });
    group.finish();
}

fn sandbox(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let host = Host::builder().build().unwrap();
    let components = [("with HTTP", refund_artifact::NODE), ("pure", refund_artifact::PURE)];
    for (name, component) in components {
        measure(criterion, name, &runtime, &host.load(component).unwrap());
    }
}

criterion_group!(benches, sandbox);
criterion_main!(benches);
