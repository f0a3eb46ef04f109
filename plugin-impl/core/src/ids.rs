//! Names as types. A clone counts a reference and copies nothing.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Makes the name.
            pub fn new(name: &str) -> Self {
                Self(name.into())
            }

            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name! {
    /// An upstream service, such as `anthropic`.
    ProviderId
}
name! {
    /// A quota pool of a provider, such as `gemini-cli`.
    PoolId
}
name! {
    /// A model, in the caller's or an upstream's words.
    ModelId
}
name! {
    /// A window of a pool, in its upstream's words, such as `5h` or `requests`.
    WindowId
}
name! {
    /// An account: `provider:label`.
    AccountId
}

impl AccountId {
    /// Makes the id of the account `label` at `provider`.
    pub fn of(provider: &ProviderId, label: &str) -> Self {
        Self::new(&format!("{provider}:{label}"))
    }

    /// Returns the part before the first colon.
    pub fn provider(&self) -> &str {
        self.0.split_once(':').map_or("", |(provider, _)| provider)
    }

    /// Returns the part after the first colon, the account's display name.
    pub fn label(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(_, label)| label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_has_a_provider_and_a_label() {
        let id = AccountId::of(&ProviderId::new("antigravity"), "work");
        assert_eq!((id.as_str(), id.provider(), id.label()), ("antigravity:work", "antigravity", "work"));
    }

    #[test]
    fn a_label_may_hold_a_colon() {
        assert_eq!(AccountId::new("acme:team:blue").label(), "team:blue");
    }
}
