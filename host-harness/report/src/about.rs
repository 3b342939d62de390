//! What stands above a report.

/// What stands above a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The heading of text and page.
    pub title: String,
    /// When the report is made, Unix seconds; shown on the page.
    pub generated: Option<u64>,
}

impl Default for About {
    fn default() -> Self {
        Self { title: "Refund report".to_owned(), generated: None }
    }
}
