//! Uploading files of evidence.

use super::super::call::call;
use crate::client::{CallError, Connection, Transport};
use crate::disputes::EvidenceFile;
use crate::model::UploadedFile;
use crate::wire::requests::disputes as requests;

/// Uploads a file. It is evidence only once its id is staged in a file field; one that was uploaded twice
/// because an answer was lost does no harm.
pub fn upload(
    transport: &mut impl Transport,
    connection: &Connection,
    name: &str,
    content: &[u8],
) -> Result<UploadedFile, CallError> {
    let file = EvidenceFile::new(name, content)?;
    call(transport, connection, &requests::upload(&file))
}
