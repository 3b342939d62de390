//! How large the component is.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Measured, Rows};

/// Bytes, as it is and packed.
const MOST: usize = 400_000;
const MOST_PACKED: usize = 150_000;

pub(super) fn measure(component: &[u8]) -> Rows {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(component)?;
    let packed = packed.finish()?;
    Ok(vec![
        row("component", component.len(), MOST),
        row("component, gzip", packed.len(), MOST_PACKED),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "to two digits")]
fn row(work: &'static str, bytes: usize, most: usize) -> Measured {
    Measured {
        work,
        ours: format!("{bytes} bytes"),
        theirs: format!("{most} bytes (the goal)"),
        ratio: bytes as f64 / most as f64,
        most: 1.0,
    }
}
