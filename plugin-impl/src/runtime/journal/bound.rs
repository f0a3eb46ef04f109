//! The binding of a request to an account, for its record.

use pointsman_core::ids::AccountId;

use crate::runtime::call::Resolved;

/// The account that a request is bound to, for messages.
#[derive(Clone, Debug)]
pub struct BoundNote {
    /// The owner, if known.
    pub account: Option<AccountId>,
    /// The resources that bind the request, as a phrase.
    pub by: String,
    /// Whether the resources were left out of the request.
    pub left_out: bool,
}

impl BoundNote {
    pub(super) fn of(resolved: &Resolved) -> Option<Self> {
        let left_out = resolved.left_out.as_ref().map(|left_out| Self {
            account: left_out.owner.clone(),
            by: left_out.by.clone(),
            left_out: true,
        });
        let bound = || {
            let binding = resolved.binding.as_ref()?;
            Some(Self { account: Some(binding.owner.clone()), by: binding.by(), left_out: false })
        };
        left_out.or_else(bound)
    }

    /// Returns the fact as a sentence.
    pub fn text(&self) -> String {
        let account = self.account.as_ref().map(|account| account.to_string());
        let account = account.unwrap_or_else(|| "another account".to_owned());
        if self.left_out {
            format!("went on without {} of {account} (`unbind`)", self.by)
        } else {
            format!("bound to {account} by {}", self.by)
        }
    }
}
