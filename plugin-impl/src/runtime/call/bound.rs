//! The account demanded by a call's references.

use http::StatusCode;
use pointsman_core::ids::AccountId;
use pointsman_core::request::intent::Intent;
use pointsman_core::request::route::{Ask, Providers, Route, RouteError};
use thiserror::Error;

use crate::fleet::bonds::Bound;
use crate::runtime::chains::Leg;
use crate::runtime::generation::Generation;

/// A call without a usable account, because of its references.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BondError {
    #[error("this request refers to things that accounts `{0}` and `{1}` made, and no account can use both")]
    Torn(AccountId, AccountId),
    #[error("this request refers to things that account `{0}` made, which is no longer configured")]
    Gone(AccountId),
    #[error("this request refers to things that account `{maker}` made, and is pinned to account `{pinned}`")]
    Pinned { maker: AccountId, pinned: String },
    #[error(
        "this request refers to things that account `{maker}` made, and its model is at provider `{provider}`"
    )]
    Elsewhere { maker: AccountId, provider: String },
}

impl BondError {
    /// The HTTP status: the request is valid, but in conflict with the state of accounts.
    pub const STATUS: StatusCode = StatusCode::CONFLICT;

    /// Returns the meaning of a route's error for a call bound to `maker`.
    pub(super) fn of_route(maker: &AccountId, error: &RouteError) -> Option<Self> {
        match error {
            RouteError::UnknownAccount { provider, .. } => {
                Some(Self::Elsewhere { maker: maker.clone(), provider: provider.clone() })
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
/// [`BondError`] for an unusable account.
pub(super) fn maker(
    bound: Bound,
    pinned: Option<&str>,
    providers: &impl Providers,
) -> Result<Option<AccountId>, BondError> {
    let maker = match bound {
        Bound::Free => return Ok(None),
        Bound::Torn(one, other) => return Err(BondError::Torn(one, other)),
        Bound::To(maker) => maker,
    };
    // Only the owner has the resource, so there is nowhere else to go.
    if !providers.has_account(maker.as_str()) {
        return Err(BondError::Gone(maker));
    }
    match pinned {
        Some(pinned) if pinned != maker.as_str() && pinned != maker.label() => {
            Err(BondError::Pinned { maker, pinned: pinned.to_owned() })
        }
        Some(_) | None => Ok(Some(maker)),
    }
}

/// Returns the hop of the owner, for an earlier request served by another hop. There the model has another
/// name.
pub(super) fn leg_of(
    maker: &AccountId,
    ask: &Ask<'_>,
    intent: &Intent,
    generation: &Generation,
) -> Option<Leg> {
    let free = Ask { account: None, ..*ask };
    let origin = Route::parse(&free, generation, generation.config.settings.quota_fallback).ok()?;
    if origin.provider.id.as_str() == maker.provider() {
        return None;
    }
    let chain = generation.chains.of(&origin, intent);
    let leg = chain.iter().find(|leg| leg.route.provider.id.as_str() == maker.provider())?;
    let route = Route { account: Some(maker.clone()), ..leg.route.clone() };
    Some(Leg { route, ..leg.clone() })
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
        let found = maker(bound, pinned, &Configured);
        let found = found.map(|maker| maker.map(|maker| maker.to_string())).map_err(|e| e.to_string());
        assert_eq!(found, expected.map(|maker| maker.map(str::to_owned)).map_err(str::to_owned));
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
