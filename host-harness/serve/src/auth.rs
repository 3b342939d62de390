//! Who may do what: bearer tokens, of which only hashes are kept.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use refund_core::problem::FieldProblem;
use refund_core::wire::hex;
use refund_ledger::UserName;
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
        [
            ("requester", Self::Requester),
            ("self_serve", Self::SelfServe),
            ("approver", Self::Approver),
            ("auditor", Self::Auditor),
        ]
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

/// Whoever holds a known token.
pub(crate) struct Caller {
    pub(crate) name: UserName,
    roles: Vec<Role>,
}

impl Caller {
    fn with(self, roles: &[Role], what: &str) -> Result<Self, Problem> {
        if roles.iter().any(|role| self.roles.contains(role)) {
            return Ok(self);
        }
        Err(Problem::forbidden(format!("`{}` may not {what}: the token lacks the role", self.name)))
    }
}

impl Caller {
    /// Who asks: whether a request is judged as self-serve. The role decides; a caller without it may say so of a single
    /// request, which makes the limits stricter. A caller can therefore not choose the limits of staff.
    pub(crate) fn asks_as_self_serve(&self, said: bool) -> bool {
        said || self.roles.contains(&Role::SelfServe)
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
        // Checked when the list was read.
        Ok(Self { name: UserName::stored(&token.name), roles: token.roles.clone() })
    }
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident, $roles:expr, $what:literal) => {
        $(#[$doc])*
        pub(crate) struct $name(#[allow(dead_code, reason = "an auditor is asked for nothing but the role")] pub(crate) Caller);

        impl FromRequestParts<Arc<Service>> for $name {
            type Rejection = Problem;

            async fn from_request_parts(
                parts: &mut Parts,
                service: &Arc<Service>,
            ) -> Result<Self, Problem> {
                Caller::from_request_parts(parts, service).await?.with(&$roles, $what).map(Self)
            }
        }
    };
}

role! {
    /// A caller who may ask for refunds, as staff or as self-serve.
    RefundRequester, [Role::Requester, Role::SelfServe], "ask for refunds"
}
role! {
    /// A caller on the merchant's staff who may ask for refunds.
    Requester, [Role::Requester], "ask for refunds"
}
role! {
    /// A caller who may decide about approvals.
    Approver, [Role::Approver], "decide about approvals"
}
role! {
    /// A caller who may look at the audit.
    Auditor, [Role::Auditor], "look at the audit"
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

    #[test]
    fn the_role_decides_who_asks() {
        let caller = |roles| Caller { name: UserName::parse("a").unwrap(), roles };
        for (roles, said, self_serve, may_ask, is_staff) in [
            (vec![Role::Requester], false, false, true, true),
            (vec![Role::Requester], true, true, true, true),
            (vec![Role::SelfServe], false, true, true, false),
            (vec![Role::SelfServe], true, true, true, false),
            (vec![Role::Approver], false, false, false, false),
        ] {
            assert_eq!(caller(roles.clone()).asks_as_self_serve(said), self_serve, "{roles:?}");
            let may = |wanted: &[Role]| caller(roles.clone()).with(wanted, "ask").is_ok();
            assert_eq!(may(&[Role::Requester, Role::SelfServe]), may_ask, "{roles:?}");
            assert_eq!(may(&[Role::Requester]), is_staff, "{roles:?}");
        }
        assert_eq!(Role::parse("self_serve"), Some(Role::SelfServe));
        assert_eq!(serde_json::to_string(&Role::SelfServe).unwrap(), "\"self_serve\"");
    }
}
