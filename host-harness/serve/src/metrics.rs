//! What is counted while requests are answered, for Prometheus.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Path {
    pub(crate) path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct NameLabel {
    pub(crate) name: String,
}

/// What is counted while requests are answered. What the ledger knows is read from it when asked for.
pub(crate) struct Metrics {
    pub(crate) requests: Family<Route, Counter>,
    pub(crate) seconds: Family<Path, Histogram, fn() -> Histogram>,
}

/// From a quarter of a millisecond to about four seconds.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 2.0, 15))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self { requests: Family::default(), seconds: Family::new_with_constructor(buckets) }
    }
}
