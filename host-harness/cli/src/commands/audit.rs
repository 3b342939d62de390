//! `audit verify | show`

use std::process::ExitCode;

use serde_json::json;

use crate::args::{Audit, AuditCommand, Global};
use crate::context::any_ledger;
use crate::{exit, show};
use refund_app::outcome::rfc3339;
use refund_app::outcome::table::EXIT_DIFFERS;

pub(crate) async fn run(global: &Global, args: Audit) -> anyhow::Result<ExitCode> {
    match args.command {
        AuditCommand::Verify { head } => verify(global, head).await,
        AuditCommand::Show { operation } => history(global, &operation).await,
    }
}

async fn verify(global: &Global, head: Option<String>) -> anyhow::Result<ExitCode> {
    let audited = any_ledger(global)?.audit(head).await?;
    let broken: Vec<_> = audited.broken.iter().map(ToString::to_string).collect();
    if global.json {
        show::json(&json!({ "rows": audited.rows, "head": audited.head, "broken": broken }));
    } else {
        broken.iter().for_each(show::line);
        let verdict = if broken.is_empty() {
            "all of them hold, and the tables agree with them"
        } else {
            "the audit does NOT hold"
        };
        show::line(format_args!("{} rows, {verdict}\nhead {}", audited.rows, audited.head));
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DIFFERS) })
}

async fn history(global: &Global, operation: &str) -> anyhow::Result<ExitCode> {
    let rows = any_ledger(global)?.history(operation).await?;
    if rows.is_empty() {
        return Err(exit::Exit::bad_input(format!("operation `{operation}` is not in the ledger")));
    }
    if global.json {
        for row in &rows {
            show::json(row);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let rows = rows.into_iter().map(|row| {
        let moved = format!("{} → {}", row.before.as_deref().unwrap_or("new"), row.after);
        [
            row.seq.to_string(),
            rfc3339(u64::try_from(row.time).unwrap_or_default()),
            row.actor,
            moved,
            row.refund.unwrap_or_default(),
            row.outcome.unwrap_or_default(),
        ]
    });
    show::table(["row", "time", "by", "move", "refund", "outcome"], rows);
    Ok(ExitCode::SUCCESS)
}
