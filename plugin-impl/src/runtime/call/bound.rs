//! The account demanded by a call's references.

use http::StatusCode;
use pointsman_core::ids::AccountId;
use pointsman_core::request::intent::Intent;
use pointsman_core::request::route::{Ask, Providers, Route, RouteError};
use thiserror::Error;

use crate::fleet::resource_owners::Bound;
use crate::runtime::failover::Hop;
use crate::runtime::generation::Generation;

/// A call without a usable account, because of its references.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResourceError {
    #[error("this request refers to things that accounts `{0}` and `{1}` made, and no account can use both")]
    Torn(AccountId, AccountId),
    #[error("this request refers to things that account `{0}` made, which is no longer configured")]
    Gone(AccountId),
    #[error("this request refers to things that account `{owner}` made, and is pinned to account `{pinned}`")]
    Pinned { owner: AccountId, pinned: String },
    #[error(
        "this request refers to things that account `{owner}` made, and its model is at provider `{provider}`"
    )]
    Elsewhere { owner: AccountId, provider: String },
}

impl ResourceError {
    /// The HTTP status: the request is valid, but in conflict with the state of accounts.
    pub const STATUS: StatusCode = StatusCode::CONFLICT;

    /// Returns the meaning of a route's error for a call bound to `owner`.
    pub(super) fn of_route(owner: &AccountId, error: &RouteError) -> Option<Self> {
        match error {
            RouteError::UnknownAccount { provider, .. } => {
                Some(Self::Elsewhere { owner: owner.clone(), provider: provider.clone() })
            }
            RouteError::UnknownPool { .. }
            | RouteError::PoolDoesNotServe { .. }
            | RouteError::UnknownProvider { .. }
            | RouteError::OtherFormat { .. }
            | RouteError::NoAccounts { .. }
            | RouteError::NoProvider { .. } => None,
        }
    }
}

/// Returns the account demanded by a call, if any.
///
/// # Errors
/// [`ResourceError`] for an unusable account.
pub(super) fn owner(
    bound: Bound,
    pinned: Option<&str>,
    providers: &impl Providers,
) -> Result<Option<AccountId>, ResourceError> {
    let owner = match bound {
        Bound::Free => return Ok(None),
        Bound::Torn(one, other) => return Err(ResourceError::Torn(one, other)),
        Bound::To(owner) => owner,
    };
    // Only the owner has the resource, so there is nowhere else to go.
    if !providers.has_account(owner.as_str()) {
        return Err(ResourceError::Gone(owner));
    }
    match pinned {
        Some(pinned) if pinned != owner.as_str() && pinned != owner.label() => {
            Err(ResourceError::Pinned { owner, pinned: pinned.to_owned() })
        }
        Some(_) | None => Ok(Some(owner)),
    }
}

/// Returns the hop of the owner, for an earlier request served by another hop. There the model has another
/// name.
pub(super) fn hop_of(
    owner: &AccountId,
    ask: &Ask<'_>,
    intent: &Intent,
    generation: &Generation,
) -> Option<Hop> {
    let free = Ask { account: None, ..*ask };
    let primary = Route::parse(&free, generation, generation.config.settings.quota_fallback).ok()?;
    if primary.provider.id.as_str() == owner.provider() {
        return None;
    }
    let chain = generation.failover_chains.of(&primary, intent);
    let hop = chain.iter().find(|hop| hop.route.provider.id.as_str() == owner.provider())?;
    let route = Route { account: Some(owner.clone()), ..hop.route.clone() };
    Some(Hop { route, ..hop.clone() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pointsman_core::request::catalog::Provider;

    use super::*;

    struct Configured;

    impl Providers for Configured {
        fn all(&self) -> &[Arc<Provider>] {
            &[]
        }

        fn has_accounts(&self, _: &Provider) -> bool {
            true
        }

        fn has_account(&self, id: &str) -> bool {
            id == "openai:a"
        }
    }

    fn account(label: &str) -> AccountId {
        AccountId::new(&format!("openai:{label}"))
    }

    fn check(bound: Bound, pinned: Option<&str>, expected: Result<Option<&str>, &str>) {
        let found = owner(bound, pinned, &Configured);
        let found = found.map(|owner| owner.map(|owner| owner.to_string())).map_err(|e| e.to_string());
        assert_eq!(found, expected.map(|owner| owner.map(str::to_owned)).map_err(str::to_owned));
    }

    #[test]
    fn a_bound_call_goes_to_the_maker_or_fails_with_the_reason() {
        let to = |label| Bound::To(account(label));
        check(Bound::Free, None, Ok(None));
        check(Bound::Free, Some("b"), Ok(None));
        check(to("a"), None, Ok(Some("openai:a")));
        check(to("a"), Some("a"), Ok(Some("openai:a")));
        check(to("a"), Some("openai:a"), Ok(Some("openai:a")));
        check(
            to("a"),
            Some("b"),
            Err("this request refers to things that account `openai:a` made, and is pinned to account `b`"),
        );
        check(
            to("b"),
            None,
            Err("this request refers to things that account `openai:b` made, which is no longer configured"),
        );
        check(
            Bound::Torn(account("a"), account("b")),
            Some("a"),
            Err(
                "this request refers to things that accounts `openai:a` and `openai:b` made, and no account can use both",
            ),
        );
    }
}
