//! Who may do what: bearer tokens, of which only hashes are kept.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use refund_core::wire::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::problem::Problem;
use crate::service::Service;

/// What a token may be used for. Every token may look at refunds and approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Ask for refunds.
    Requester,
    /// Decide about approvals.
    Approver,
    /// Look at the audit.
    Auditor,
}

impl Role {
    /// Reads a role as people type it.
    pub fn parse(word: &str) -> Option<Self> {
        [("requester", Self::Requester), ("approver", Self::Approver), ("auditor", Self::Auditor)]
            .into_iter()
            .find_map(|(name, role)| (name == word).then_some(role))
    }
}

/// A token, by its hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Who carries it: stands in the audit, and tells who asks from who approves.
    pub name: String,
    /// What it may be used for.
    pub roles: Vec<Role>,
    /// SHA-256 of the token, in hexadecimal digits.
    pub sha256: String,
}

/// The tokens that are known.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<Token>);

/// A list of tokens that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nobody could call.
    #[error(
        "there is no token: make one with `refund-node serve --new-token NAME --role requester`"
    )]
    None,
    /// No SHA-256.
    #[error(
        "tokens[{0}].sha256 is not 64 lower-case hexadecimal digits: never write a token itself into the file"
    )]
    Hash(usize),
    /// Nobody.
    #[error("tokens[{0}].name is empty: every decision names who made it")]
    Name(usize),
    /// It is there twice.
    #[error("tokens[{0}] is the token of another entry")]
    Twice(usize),
}

/// A token that was just made: shown once, kept nowhere.
pub struct NewToken {
    /// What the caller sends.
    pub secret: Zeroizing<String>,
    /// What the file keeps.
    pub entry: Token,
}

impl NewToken {
    /// From 32 random bytes.
    pub fn new(name: &str, roles: Vec<Role>, random: &[u8; 32]) -> Self {
        let secret = Zeroizing::new(format!("rnt_{}", hex(random)));
        let sha256 = hex(&Sha256::digest(secret.as_bytes()));
        Self { secret, entry: Token { name: name.to_owned(), roles, sha256 } }
    }
}

impl Tokens {
    /// Checks a list.
    pub fn new(tokens: Vec<Token>) -> Result<Self, TokenError> {
        let is_hash = |text: &str| {
            text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        for (at, token) in tokens.iter().enumerate() {
            if token.name.trim().is_empty() {
                return Err(TokenError::Name(at));
            }
            if !is_hash(&token.sha256) {
                return Err(TokenError::Hash(at));
            }
            if tokens[..at].iter().any(|earlier| earlier.sha256 == token.sha256) {
                return Err(TokenError::Twice(at));
            }
        }
        if tokens.is_empty() { Err(TokenError::None) } else { Ok(Self(tokens)) }
    }

    /// The entry of a token. All are compared, whichever it is.
    fn find(&self, secret: &str) -> Option<&Token> {
        let hash = hex(&Sha256::digest(secret.as_bytes()));
        let mut found = None;
        for token in &self.0 {
            if bool::from(token.sha256.as_bytes().ct_eq(hash.as_bytes())) {
                found = Some(token);
            }
        }
        found
    }
}

/// Somebody with a token that is known.
pub(crate) struct Caller {
    pub(crate) name: String,
    roles: Vec<Role>,
}

impl Caller {
    fn with(self, role: Role, what: &str) -> Result<Self, Problem> {
        if self.roles.contains(&role) {
            return Ok(self);
        }
        Err(Problem::forbidden(format!("`{}` may not {what}: the token lacks the role", self.name)))
    }
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let secret = header.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim);
        let token = secret.and_then(|secret| service.tokens.find(secret));
        let token = token.ok_or_else(Problem::unauthorized)?;
        Ok(Self { name: token.name.clone(), roles: token.roles.clone() })
    }
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident, $role:expr, $what:literal) => {
        $(#[$doc])*
        pub(crate) struct $name(pub(crate) Caller);

        impl FromRequestParts<Arc<Service>> for $name {
            type Rejection = Problem;

            async fn from_request_parts(
                parts: &mut Parts,
                service: &Arc<Service>,
            ) -> Result<Self, Problem> {
                Caller::from_request_parts(parts, service).await?.with($role, $what).map(Self)
            }
        }
    };
}

role! {
    /// Somebody who may ask for refunds.
    Requester, Role::Requester, "ask for refunds"
}
role! {
    /// Somebody who may decide.
    Approver, Role::Approver, "decide about approvals"
}
role! {
    /// Somebody who may look at the audit.
    Auditor, Role::Auditor, "look at the audit"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_alone() {
        let new = NewToken::new("alice", vec![Role::Requester], &[7; 32]);
        assert!(!new.entry.sha256.contains(new.secret.as_str()));
        let tokens = Tokens::new(vec![new.entry.clone()]).unwrap();
        assert_eq!(tokens.find(&new.secret).map(|token| token.name.as_str()), Some("alice"));
        assert!(tokens.find(&new.entry.sha256).is_none());
        assert!(tokens.find("").is_none());
    }

    #[test]
    fn lists_that_make_no_sense() {
        let token = |name: &str, byte| NewToken::new(name, vec![], &[byte; 32]).entry;
        assert_eq!(Tokens::new(vec![]).unwrap_err(), TokenError::None);
        assert_eq!(
            Tokens::new(vec![token("a", 1), token(" ", 2)]).unwrap_err(),
            TokenError::Name(1)
        );
        assert_eq!(
            Tokens::new(vec![token("a", 1), token("b", 1)]).unwrap_err(),
            TokenError::Twice(1)
        );
        let plain = Token { sha256: "rnt_secret".into(), ..token("a", 1) };
        assert_eq!(Tokens::new(vec![plain]).unwrap_err(), TokenError::Hash(0));
    }
}
