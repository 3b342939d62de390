//! How large the component is.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::figures::{Measured, Rows};

/// Bytes, as it is and packed.
const GOAL: u64 = 1_000_000;
const GOAL_PACKED: u64 = 350_000;

pub(crate) fn measure(component: &[u8]) -> Rows {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(component)?;
    let packed = packed.finish()?;
    let row = |work, bytes: usize, goal| Measured::bytes(work, (bytes as u64, goal), (1, "bytes"));
    Ok(vec![
        row("component", component.len(), GOAL),
        row("component, gzip", packed.len(), GOAL_PACKED),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_figures_and_goals() {
        let rows = measure(refund_artifact::NODE).unwrap();
        assert_eq!(rows.len(), 2);
        for row in rows.iter().map(Measured::describe) {
            assert_eq!(row["reached"], row["ratio"].as_f64() <= row["goal"].as_f64(), "{row}");
        }
    }
}
