//! Uploads: `multipart/form-data`.

use bytes::Bytes;
use http_body_util::{BodyDataStream, Full};
use multer::Multipart;

use crate::sha;

/// A request body in parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    /// The parts by name; of a file its file name.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) file: Option<File>,
}

/// A file as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// Reads a body whose content type says that it comes in parts; `None` for every other one.
pub(crate) async fn read(
    content_type: &str,
    body: &Bytes,
) -> Option<Result<Upload, multer::Error>> {
    let boundary = multer::parse_boundary(content_type).ok()?;
    Some(parts(boundary, body.clone()).await)
}

async fn parts(boundary: String, body: Bytes) -> Result<Upload, multer::Error> {
    let mut multipart = Multipart::new(BodyDataStream::new(Full::new(body)), boundary);
    let mut upload = Upload::default();
    while let Some(part) = multipart.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        if let Some(file) = part.file_name().map(str::to_owned) {
            let bytes = part.bytes().await?;
            upload.fields.push((name, file.clone()));
            upload.file = Some(File { name: file, bytes });
        } else {
            upload.fields.push((name, part.text().await?));
        }
    }
    Ok(upload)
}

impl Upload {
    /// The upload in one line: what a log of requests shows, and what an idempotency key compares, since
    /// the boundary of the same upload differs from try to try.
    pub(crate) fn summary(&self) -> String {
        let mut parts: Vec<_> =
            self.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if let Some(file) = &self.file {
            let digest = sha::digest(&file.bytes);
            parts.push(format!("({} bytes, sha256 {digest})", file.bytes.len()));
        }
        parts.join("&")
    }
}
