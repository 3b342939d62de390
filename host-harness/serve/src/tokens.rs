//! Bearer tokens, of which only hashes are kept.

use refund_core::problem::FieldProblem;
use refund_core::wire::hex;
use refund_ledger::UserName;
use serde::de::value::{Error as BadWord, StrDeserializer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What a token may be used for. Every token may look at refunds and approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Ask for refunds.
    Requester,
    /// Ask for refunds as self-serve: every request is judged by the policy's limits for self-serve, whatever it says.
    SelfServe,
    /// Decide about approvals.
    Approver,
    /// Look at the audit.
    Auditor,
}

impl Role {
    /// Reads a role as people type it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::deserialize(StrDeserializer::<BadWord>::new(word)).ok()
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
    /// Not a user name.
    #[error("tokens[{at}].{problem}")]
    Name {
        /// Which.
        at: usize,
        /// What is wrong with it.
        problem: FieldProblem,
    },
    /// Its requests would be self-serve and not.
    #[error(
        "tokens[{0}].roles has both `requester` and `self_serve`: keep `self_serve` for a caller whose requests are always self-serve, `requester` for staff"
    )]
    Roles(usize),
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
            if let Err(problem) = UserName::parse(&token.name) {
                return Err(TokenError::Name { at, problem });
            }
            if !is_hash(&token.sha256) {
                return Err(TokenError::Hash(at));
            }
            if token.roles.contains(&Role::Requester) && token.roles.contains(&Role::SelfServe) {
                return Err(TokenError::Roles(at));
            }
            if tokens[..at].iter().any(|earlier| earlier.sha256 == token.sha256) {
                return Err(TokenError::Twice(at));
            }
        }
        if tokens.is_empty() { Err(TokenError::None) } else { Ok(Self(tokens)) }
    }

    /// Whether requests of some token are always self-serve.
    pub fn has_self_serve(&self) -> bool {
        self.0.iter().any(|token| token.roles.contains(&Role::SelfServe))
    }

    /// The entry of a token. All are compared, whichever it is.
    pub(crate) fn find(&self, secret: &str) -> Option<&Token> {
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
        for name in [" ", "d\u{430}ve"] {
            let refused = Tokens::new(vec![token("a", 1), token(name, 2)]).unwrap_err();
            assert!(matches!(refused, TokenError::Name { at: 1, .. }), "{refused}");
        }
        assert_eq!(
            Tokens::new(vec![token("a", 1), token("b", 1)]).unwrap_err(),
            TokenError::Twice(1)
        );
        let roles = |roles| Token { roles, ..token("a", 1) };
        assert_eq!(
            Tokens::new(vec![token("b", 2), roles(vec![Role::SelfServe, Role::Requester])])
                .unwrap_err(),
            TokenError::Roles(1)
        );
        assert!(Tokens::new(vec![roles(vec![Role::SelfServe, Role::Auditor])]).is_ok());
        let plain = Token { sha256: "rnt_secret".into(), ..token("a", 1) };
        assert_eq!(Tokens::new(vec![plain]).unwrap_err(), TokenError::Hash(0));
    }
}
