//! Requests freed from an account, under the setting `unbind`: state that only this account can read is left out.

use pointsman_core::formats::body;
use pointsman_core::ids::AccountId;
use pointsman_core::request::resource::{self, ResourceKey, ResourceKind};
use pointsman_core::time::Millis;

use super::{Call, CallError, Resolved};
use crate::fleet::resource_owners::ResourceOwners;
use crate::runtime::claim::Claim;
use crate::runtime::generation::Generation;

/// State left out of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The owner, if known.
    pub owner: Option<AccountId>,
    /// The state as a phrase.
    pub by: String,
}

/// The phrase for state of an unknown owner.
const STATE: &str = "encrypted reasoning or signatures";

impl Resolved {
    /// Returns the request without state of another account, ready for any account; none if the setting is off,
    /// if the request was freed before, or if it makes no sense without the state.
    pub fn unbound(
        &self,
        generation: &Generation,
        resource_owners: &ResourceOwners,
        now: Millis,
    ) -> Option<Self> {
        let is_vital = self.binding.as_ref().is_some_and(|binding| !binding.is_droppable());
        if !generation.config.unbind || self.left_out.is_some() || is_vital {
            return None;
        }
        let body = body::unbound(&self.call.body, self.intent.format, |_| false)?;
        let call = Call { body: body.into(), ..self.call.clone() };
        let (provider, asked_at) = self.addressed.clone();
        let claim = Claim { intent: self.intent.clone(), provider, asked_at };
        let free = Self::read(call, claim, generation, resource_owners, now).ok()?;
        let by = self.binding.as_ref().map_or_else(|| STATE.to_owned(), |binding| binding.by());
        let owner = self.binding.as_ref().map(|binding| binding.owner.clone());
        // The head of a stream may be on its way already, so the request keeps its hold.
        Some(Self { left_out: Some(LeftOut { owner, by }), hold: self.hold.clone(), ..free })
    }
}

/// Reads a call that no account can serve because of its references, without the state of other accounts: first all
/// but the latest account's, then all.
pub(super) fn read_anyway(
    (call, claim): (Call, Claim),
    resource_owners: &ResourceOwners,
    now: Millis,
    read: impl Fn(Call, Claim) -> Result<Resolved, CallError>,
) -> Option<Result<Resolved, CallError>> {
    let owner_of = |key: ResourceKey| resource_owners.owner(key, now);
    let keys = resource::resource_owners(&call.body, &claim.intent);
    let mut reasoning = keys.iter().rev().filter(|key| key.1 == ResourceKind::Reasoning);
    let latest = reasoning.find_map(|key| owner_of(*key));
    let is_latest =
        |text: &str| latest.is_some() && ResourceKey::of_reasoning(text).and_then(owner_of) == latest;
    let without = |keeps: &dyn Fn(&str) -> bool| {
        let body = body::unbound(&call.body, claim.intent.format, keeps)?;
        let resolved = read(Call { body: body.into(), ..call.clone() }, claim.clone());
        (!matches!(resolved, Err(CallError::Resource(_)))).then_some(resolved)
    };
    without(&is_latest).or_else(|| without(&|_| false))
}
