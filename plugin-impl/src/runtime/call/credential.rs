//! The credential that a request brought, and the account that it has by it.

use pointsman_core::ids::ProviderId;
use pointsman_core::time::Millis;

use crate::edges::auth::Brought;
use crate::fleet::callers::Own;
use crate::runtime::chains::Leg;
use crate::runtime::generation::Generation;

use super::{Call, CallError};

/// Finds the account that a request has by its own credential. One that was sent to the address of a provider is
/// for that provider alone.
pub(super) fn own(
    call: &Call,
    asked_at: Option<&ProviderId>,
    origin: &Leg,
    generation: &Generation,
    now: Millis,
) -> Option<Own> {
    let roster = &generation.crews[origin.provider].roster;
    if !roster.has_callers() || asked_at.is_some_and(|asked| *asked != origin.route.provider.id) {
        return None;
    }
    roster.own(&Brought::find(&call.headers, call.query.as_deref())?, now)
}

/// Checks that a request has a credential where it can be served by that alone.
pub(super) fn check(
    own: Option<&Own>,
    origin: &Leg,
    others: &[Leg],
    generation: &Generation,
) -> Result<(), CallError> {
    let crew = &generation.crews[origin.provider];
    let needs_one = crew.roster.callers_only(origin.route.account.as_ref());
    match needs_one.filter(|_| own.is_none() && others.is_empty()) {
        Some(place) => Err(CallError::NoCredential(crew.names[place as usize].clone())),
        None => Ok(()),
    }
}
