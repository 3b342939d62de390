//! Uploading files of evidence.

use super::super::call::exchange;
use super::super::changes::unknown;
use crate::client::{ChangeError, Connection, Transport};
use crate::disputes::EvidenceFile;
use crate::model::UploadedFile;
use crate::wire::requests::disputes as requests;

/// Uploads a file. It is evidence only once its id is staged in a file field; one that was uploaded twice
/// because an answer was lost does no harm.
pub fn upload(
    transport: &mut dyn Transport,
    connection: &Connection,
    name: &str,
    content: &[u8],
) -> Result<UploadedFile, ChangeError> {
    let file = EvidenceFile::new(name, content)?;
    let sent = exchange(transport, connection, &requests::upload(&file));
    match sent.outcome {
        Ok(replied) => Ok(replied.object),
        Err(failure) if sent.ambiguous => Err(unknown(&failure, sent.attempts)),
        Err(failure) => Err(failure.into()),
    }
}
