//! The policies of the shop, and what each of them wants: written down twice, so that the product is not its own judge.

use std::sync::OnceLock;

use refund_core::money::{Currency, Money};
use refund_core::policy::{Document, Terms};
use refund_ledger::{HeldRules, MerchantRules};

/// A policy, by its place in [`all`].
pub(crate) type PolicyId = usize;

/// What a policy wants of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// So many approvers, none of whom asked for it.
    Approvers(usize),
    /// That it is not made.
    Nothing,
}

/// A policy, as the product reads it and as the judge reads it.
pub(crate) struct ShopPolicy {
    pub(crate) rules: MerchantRules,
    wants: fn(u64) -> Wants,
}

fn document(toml_like: &str) -> MerchantRules {
    let document: Document = serde_json::from_str(toml_like).expect("these documents are correct");
    MerchantRules::document(document, false)
}

/// Every policy.
pub(crate) fn all() -> &'static [ShopPolicy] {
    static ALL: OnceLock<Vec<ShopPolicy>> = OnceLock::new();
    ALL.get_or_init(|| {
        let usd = |amount| Money { amount, currency: Currency::parse("usd").expect("a currency") };
        let terms = |policy| MerchantRules::policy(policy);
        vec![
            ShopPolicy { rules: MerchantRules::default(), wants: |_| Wants::Approvers(0) },
            ShopPolicy {
                rules: terms(Terms { approve_up_to: Some(usd(2000).into()), ..Terms::default() }),
                wants: |amount| Wants::Approvers(usize::from(amount > 2000)),
            },
            ShopPolicy {
                rules: terms(Terms { never_above: Some(usd(3000).into()), ..Terms::default() }),
                wants: |amount| if amount > 3000 { Wants::Nothing } else { Wants::Approvers(0) },
            },
            ShopPolicy {
                rules: document(
                    r#"{"name": "shop", "version": "1", "defaults": {"approve_up_to": {"usd": "10.00"},
                        "second_approval_above": {"usd": "25.00"}, "never_above": {"usd": "60.00"}}}"#,
                ),
                wants: |amount| match amount {
                    0..=1000 => Wants::Approvers(0),
                    1001..=2500 => Wants::Approvers(1),
                    2501..=6000 => Wants::Approvers(2),
                    _ => Wants::Nothing,
                },
            },
            ShopPolicy {
                rules: document(r#"{"name": "ask", "version": "2", "defaults": {"decision": "ask"}}"#),
                wants: |_| Wants::Approvers(1),
            },
            ShopPolicy {
                rules: document(r#"{"name": "no", "version": "3", "defaults": {"decision": "deny"}}"#),
                wants: |_| Wants::Nothing,
            },
        ]
    })
}

/// What rules want of a refund of this amount. Rules that are not the shop's want that it is not made.
pub(crate) fn wants(rules: &HeldRules, amount: u64) -> Wants {
    let known = all().iter().find(|policy| HeldRules::from(policy.rules.clone()) == *rules);
    known.map_or(Wants::Nothing, |policy| (policy.wants)(amount))
}
