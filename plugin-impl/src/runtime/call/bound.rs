//! The account demanded by a call's references.

use http::StatusCode;
use pointsman_core::ids::AccountId;
use pointsman_core::request::intent::Intent;
use pointsman_core::request::route::{Ask, Providers, Route, RouteError};
use thiserror::Error;

use crate::fleet::resource_owners::{Binding, Bound};
use crate::runtime::failover::Hop;
use crate::runtime::generation::Generation;

/// A call without a usable account, because of its references.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResourceError {
    #[error("this request refers to {by} of accounts `{one}` and `{other}`, and no account can use both")]
    Torn { by: String, one: AccountId, other: AccountId },
    #[error("this request refers to {by} of account `{owner}`, which is no longer configured")]
    Gone { by: String, owner: AccountId },
    #[error("this request refers to {by} of account `{owner}`, and is pinned to account `{pinned}`")]
    Pinned { by: String, owner: AccountId, pinned: String },
    #[error("this request refers to {by} of account `{owner}`, and its model is at provider `{provider}`")]
    Elsewhere { by: String, owner: AccountId, provider: String },
}

impl ResourceError {
    /// The HTTP status: the request is valid, but in conflict with the state of accounts.
    pub const STATUS: StatusCode = StatusCode::CONFLICT;

    /// Returns the meaning of a route's error for a call bound to `owner`.
    pub(super) fn of_route(binding: &Binding, error: &RouteError) -> Option<Self> {
        match error {
            RouteError::UnknownAccount { provider, .. } => {
                let (by, owner) = (binding.by(), binding.owner.clone());
                Some(Self::Elsewhere { by, owner, provider: provider.clone() })
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
) -> Result<Option<Binding>, ResourceError> {
    let binding = match bound {
        Bound::Free => return Ok(None),
        Bound::Torn(binding, other) => {
            return Err(ResourceError::Torn { by: binding.by(), one: binding.owner, other });
        }
        Bound::To(binding) => binding,
    };
    let Binding { owner, .. } = &binding;
    // Only the owner has the resource, so there is nowhere else to go.
    if !providers.has_account(owner.as_str()) {
        return Err(ResourceError::Gone { by: binding.by(), owner: owner.clone() });
    }
    match pinned {
        Some(pinned) if pinned != owner.as_str() && pinned != owner.label() => {
            let (by, owner) = (binding.by(), owner.clone());
            Err(ResourceError::Pinned { by, owner, pinned: pinned.to_owned() })
        }
        Some(_) | None => Ok(Some(binding)),
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
    use pointsman_core::request::resource::ResourceKind;

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

    fn binding(label: &str) -> Binding {
        Binding { owner: account(label), kinds: [ResourceKind::Reasoning].into_iter().collect() }
    }

    fn check(bound: Bound, pinned: Option<&str>, expected: Result<Option<&str>, &str>) {
        let found = owner(bound, pinned, &Configured);
        let found =
            found.map(|owner| owner.map(|binding| binding.owner.to_string())).map_err(|e| e.to_string());
        assert_eq!(found, expected.map(|owner| owner.map(str::to_owned)).map_err(str::to_owned));
    }

    #[test]
    fn a_bound_call_goes_to_the_maker_or_fails_with_the_reason() {
        let to = |label| Bound::To(binding(label));
        check(Bound::Free, None, Ok(None));
        check(Bound::Free, Some("b"), Ok(None));
        check(to("a"), None, Ok(Some("openai:a")));
        check(to("a"), Some("a"), Ok(Some("openai:a")));
        check(to("a"), Some("openai:a"), Ok(Some("openai:a")));
        check(
            to("a"),
            Some("b"),
            Err(
                "this request refers to encrypted reasoning of account `openai:a`, and is pinned to account `b`",
            ),
        );
        check(
            to("b"),
            None,
            Err(
                "this request refers to encrypted reasoning of account `openai:b`, which is no longer configured",
            ),
        );
        check(
            Bound::Torn(binding("a"), account("b")),
            Some("a"),
            Err(
                "this request refers to encrypted reasoning of accounts `openai:a` and `openai:b`, and no account can use both",
            ),
        );
    }
}
