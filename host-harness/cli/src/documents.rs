//! Policy documents and other files that are TOML or JSON, and what the component says about a policy.

use std::path::Path;

use refund_app::outcome::CallProblem;
use refund_core::policy::Described;
use refund_host::Session;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::args::Global;
use crate::context::pure;
use crate::exit::Exit;
use crate::strict;

/// Reads TOML, or JSON where the name says so.
pub(crate) fn parse<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let bad =
        |problem: String| Exit::bad_input(format!("{}: {}", file.display(), problem.trim_end()));
    let text =
        std::fs::read_to_string(file).map_err(|error| bad(format!("cannot be read: {error}")))?;
    if file.extension().is_some_and(|extension| extension == "json") {
        strict::from_str(&text).map_err(|error| bad(error.to_string()))
    } else {
        toml::from_str(&text).map_err(|error| bad(error.to_string()))
    }
}

/// The input of `policies.describe`; what makes no sense in the document is the component's to say.
#[derive(Serialize)]
struct Document {
    document: Value,
}

/// What the component says about a document; it finds everything that makes no sense.
pub(crate) async fn describe(global: &Global, file: &Path) -> anyhow::Result<Described> {
    let input = Document { document: parse(file)? };
    invoke(&mut pure(global)?.session().await?, "policies.describe", &input).await
}

/// Calls an operation of the component.
pub(crate) async fn invoke<T: DeserializeOwned>(
    session: &mut Session,
    operation: &str,
    input: &impl Serialize,
) -> anyhow::Result<T> {
    let input = serde_json::to_string(input)?;
    let output = session.invoke(operation, &input).await.map_err(Exit::failed)?;
    let output = output.map_err(|error| Exit::of_call(&CallProblem::Operation(error)))?;
    Ok(serde_json::from_str(&output)?)
}
