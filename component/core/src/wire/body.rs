//! The body of a POST: parameters, or a file among them.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::hex;

/// The body of a POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Parameters, escaped.
    Form(String),
    /// A file and its parameters. Only uploads have such a body (reference 4).
    Multipart(Multipart),
}

impl Body {
    /// The content type of parameters.
    pub const FORM: &'static str = "application/x-www-form-urlencoded";

    /// What is sent.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Form(text) => text.as_bytes(),
            Self::Multipart(parts) => &parts.bytes,
        }
    }

    /// The value of the header of that name.
    pub fn content_type(&self) -> Cow<'static, str> {
        match self {
            Self::Form(_) => Self::FORM.into(),
            Self::Multipart(parts) => {
                format!("multipart/form-data; boundary={}", parts.boundary).into()
            }
        }
    }
}

/// `multipart/form-data` of a purpose and one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart {
    boundary: String,
    bytes: Vec<u8>,
}

impl Multipart {
    /// Puts a file between boundaries. The name has to be free of quotation marks and line breaks.
    ///
    /// There is no randomness in the sandbox, and none is needed: the boundary is a hash of the content. A
    /// file that holds the hash of itself cannot be made, so the boundary never occurs within.
    pub fn file(purpose: &str, name: &str, content_type: &str, content: &[u8]) -> Self {
        let hash = hex(&Sha256::digest(content));
        let boundary = format!("refund-node-{}", &hash[..40]);
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: {content_type}\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let bytes = [head.as_bytes(), content, tail.as_bytes()].concat();
        Self { boundary, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_between_boundaries() {
        let body = Body::Multipart(Multipart::file(
            "dispute_evidence",
            "a.pdf",
            "application/pdf",
            b"\xff\r\n",
        ));
        let content_type = body.content_type();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        assert_eq!(boundary.len(), 52);
        let expected = [
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\ndispute_evidence\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n").as_bytes(),
            b"\xff\r\n",
            format!("\r\n--{boundary}--\r\n").as_bytes(),
        ]
        .concat();
        assert_eq!(body.as_bytes(), expected);
    }

    #[test]
    fn the_boundary_is_the_content_s() {
        let boundary = |content: &[u8]| Multipart::file("p", "n", "t", content).boundary;
        assert_eq!(boundary(b"a"), boundary(b"a"));
        assert_ne!(boundary(b"a"), boundary(b"b"));
    }

    #[test]
    fn parameters_stay_as_they_are() {
        let body = Body::Form("a=1".into());
        assert_eq!((body.as_bytes(), body.content_type().as_ref()), (&b"a=1"[..], Body::FORM));
    }
}
