//! Files. Stripe takes them on files.stripe.com; the simulator where it takes everything.

use serde_json::json;

use super::call::Call;
use crate::error::{ApiError, ApiResult};
use crate::world::object;

/// Largest file by purpose, and of every other purpose, as Stripe's guide to file uploads lists them.
const MAX_EVIDENCE: usize = 5 << 20;
const MAX_OTHER: usize = 16 << 20;
/// How long evidence is kept: nine months.
const EVIDENCE_KEPT: u64 = 9 * 30 * 86_400;

/// Keeps a file.
pub(super) fn create(call: &mut Call<'_>) -> ApiResult {
    let Some(file) = call.upload.take() else {
        return Err(refused("The file must be uploaded as multipart/form-data."));
    };
    let purpose = call.text("purpose").unwrap_or_default();
    let evidence = purpose == "dispute_evidence";
    let most = if evidence { MAX_EVIDENCE } else { MAX_OTHER };
    let size = file.bytes.len();
    if size == 0 {
        return Err(refused("The file is empty."));
    }
    if size > most {
        return Err(refused(format!(
            "The file is too large: {size} bytes, and {most} are the most for {purpose}."
        )));
    }
    let kind = kind(&file.bytes);
    if evidence && kind.is_none() {
        return Err(refused("A file for dispute_evidence must be a PDF, JPEG or PNG."));
    }
    let (id, now) = (call.world.id("file"), call.world.now());
    let fields = json!({
        "id": id, "created": now, "filename": file.name, "purpose": purpose, "size": size, "type": kind,
        "expires_at": evidence.then_some(now + EVIDENCE_KEPT),
        "url": format!("https://files.stripe.com/v1/files/{id}/contents"),
    });
    let mut made = object("file", fields);
    made["links"]["url"] = json!(format!("/v1/file_links?file={id}"));
    call.world.add("file", made.clone());
    call.world.contents.insert(id, file.bytes);
    Ok(made)
}

/// What a file is, by how it begins: the name and the declared type may say anything.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], _); 3] =
        [(b"%PDF-", "pdf"), (b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png")];
    known.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, kind)| *kind)
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::invalid("", "file", message).without_code()
}
