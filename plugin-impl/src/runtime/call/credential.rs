//! The caller's own credential, and its account.

use pointsman_core::ids::ProviderId;
use pointsman_core::time::Millis;

use crate::edges::auth::Brought;
use crate::fleet::callers::Own;
use crate::runtime::failover::Hop;
use crate::runtime::generation::Generation;

use super::{Call, CallError};

/// Finds the account of a request's own credential. A credential sent to a provider's address is for that
/// provider alone.
pub(super) fn own(
    call: &Call,
    asked_at: Option<&ProviderId>,
    primary: &Hop,
    generation: &Generation,
    now: Millis,
) -> Option<Own> {
    let roster = &generation.provider_runtimes[primary.provider].roster;
    if !roster.has_callers() || asked_at.is_some_and(|asked| *asked != primary.route.provider.id) {
        return None;
    }
    roster.own(&Brought::find(&call.headers, call.query.as_deref())?, now)
}

/// Checks for a credential on a request that nothing else can serve.
pub(super) fn check(
    own: Option<&Own>,
    primary: &Hop,
    others: &[Hop],
    generation: &Generation,
) -> Result<(), CallError> {
    let provider_runtime = &generation.provider_runtimes[primary.provider];
    let needs_one = provider_runtime.roster.callers_only(primary.route.account.as_ref());
    match needs_one {
        Some(place) if own.is_none() && others.is_empty() => {
            Err(CallError::NoCredential(provider_runtime.names[place as usize].clone()))
        }
        Some(_) | None => Ok(()),
    }
}
