//! Who may do what: the caller of a request, by its token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use refund_ledger::UserName;

use crate::problem::Problem;
use crate::service::Service;
use crate::tokens::Role;

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
