//! Which components may run: one digest, or those that somebody signed.

use std::fmt;
use std::str::FromStr;

use minisign_verify::Signature;

use crate::error::ComponentError;

/// A minisign public key: the second line of a `.pub` file.
#[derive(Clone)]
pub struct PublicKey(minisign_verify::PublicKey);

/// A text that is no public key.
#[derive(Debug, thiserror::Error)]
#[error("this is no minisign public key ({0}): give the line of the .pub file that begins with RW")]
pub struct BadPublicKey(String);

impl FromStr for PublicKey {
    type Err = BadPublicKey;

    /// Takes the line, or the whole `.pub` file.
    fn from_str(text: &str) -> Result<Self, BadPublicKey> {
        let line = text.trim().lines().next_back().unwrap_or_default();
        let key = minisign_verify::PublicKey::from_base64(line);
        key.map(Self).map_err(|error| BadPublicKey(error.to_string()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey")
    }
}

/// What a component must show before anything of it is compiled.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    digest: Option<String>,
    key: Option<PublicKey>,
}

impl Trust {
    pub(crate) fn pin(&mut self, digest: &str) {
        let digest = digest.trim().to_ascii_lowercase();
        self.digest = Some(digest.strip_prefix("sha256:").unwrap_or(&digest).to_owned());
    }

    pub(crate) fn signed_by(&mut self, key: PublicKey) {
        self.key = Some(key);
    }

    pub(crate) fn wants_signature(&self) -> bool {
        self.key.is_some()
    }

    pub(crate) fn check(
        &self,
        bytes: &[u8],
        digest: &str,
        signature: Option<&str>,
    ) -> Result<(), ComponentError> {
        if let Some(wanted) = self.digest.as_ref().filter(|wanted| *wanted != digest) {
            let (found, wanted) = (digest.to_owned(), wanted.clone());
            return Err(ComponentError::WrongDigest { found, wanted });
        }
        match (&self.key, signature) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(ComponentError::Signature("there is none".to_owned())),
            (Some(key), Some(signature)) => key.verify(bytes, signature),
        }
    }
}

impl PublicKey {
    fn verify(&self, bytes: &[u8], signature: &str) -> Result<(), ComponentError> {
        let bad = |error: minisign_verify::Error| ComponentError::Signature(error.to_string());
        let signature = Signature::decode(signature).map_err(bad)?;
        let allow_legacy = false;
        self.0.verify(bytes, &signature, allow_legacy).map_err(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "untrusted comment: minisign public key: 2EA3E4615994ED13
RWQT7ZRZYeSjLrqNIjz+doWM7zi2kK+XnVPb/xUa1x13Sa2u9FKunOTs
";
    /// Made with the crate `minisign` over [`SIGNED`].
    const SIGNATURE: &str = "untrusted comment: signature of refund-node
RUQT7ZRZYeSjLqMWMBlTUCEB6iayuh7dkxySub+/Uzwk4mxgO8L0XasDmA40aRTMH96CsiL+kfepd8ZRhtbKiB0huHWL3CTI1wQ=
trusted comment: refund-node 0.1.0
4SJcjy6HHEzDbc8r8F6FUkB0oFKPgcyJkuGqTjTIpcNGFSDqy83wxhOFUyASb4ijq0T1dl8sNzNAabY2lsAgBw==
";
    const SIGNED: &[u8] = b"a refund node";

    fn signed() -> Trust {
        Trust { digest: None, key: Some(KEY.parse().unwrap()) }
    }

    #[test]
    fn only_the_pinned_digest_runs() {
        let mut trust = Trust::default();
        assert!(trust.check(SIGNED, "d1", None).is_ok());
        trust.pin("sha256:D1\n");
        assert!(trust.check(SIGNED, "d1", None).is_ok());
        let error = trust.check(SIGNED, "d2", None).unwrap_err().to_string();
        assert!(error.contains("sha256:d2") && error.contains("only sha256:d1"), "{error}");
    }

    #[test]
    fn only_what_was_signed_runs() {
        assert!(signed().check(SIGNED, "", Some(SIGNATURE)).is_ok());
        for (bytes, signature) in [
            (SIGNED, None),
            (b"A refund node".as_slice(), Some(SIGNATURE.to_owned())),
            (SIGNED, Some(SIGNATURE.replace("0.1.0", "0.2.0"))),
            (SIGNED, Some(SIGNATURE.replace("RUQT7", "RUQT8"))),
            (SIGNED, Some(String::new())),
        ] {
            let error = signed().check(bytes, "", signature.as_deref()).unwrap_err();
            assert!(matches!(error, ComponentError::Signature(_)), "{error}");
        }
    }

    #[test]
    fn what_is_no_key_is_told() {
        assert!("RWQT7".parse::<PublicKey>().is_err());
        assert!("".parse::<PublicKey>().unwrap_err().to_string().contains("begins with RW"));
        assert!(
            "RWQT7ZRZYeSjLrqNIjz+doWM7zi2kK+XnVPb/xUa1x13Sa2u9FKunOTs".parse::<PublicKey>().is_ok()
        );
    }
}
