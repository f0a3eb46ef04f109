//! Notices: events for people. A host shows notices as toasts, lines or badges.

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString};

use crate::headers::Extensions;

/// The kind of a [`Notice`]. A host shows the text of an unknown kind, too.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoticeKind(pub u16);

impl NoticeKind {
    /// Work goes on in another pool of the same account. Quiet mode drops it.
    pub const POOL_FALLBACK: Self = Self(1);
    /// All pools of an account open to the request are limited.
    pub const ACCOUNT_EXHAUSTED: Self = Self(2);
    /// The pinned pool of a request is limited.
    pub const PINNED_EXHAUSTED: Self = Self(3);
    /// An account is in cooldown, for a reason other than quota.
    pub const COOLDOWN: Self = Self(4);
    /// All accounts are limited; the request waits.
    pub const ALL_LIMITED: Self = Self(5);
    /// All accounts are in cooldown; the request waits.
    pub const ALL_COOLING: Self = Self(6);
    /// An account needs to sign in again.
    pub const SIGN_IN: Self = Self(7);
    /// A limit has ended.
    pub const LIMIT_OVER: Self = Self(8);
    /// An upstream endpoint fails for all accounts.
    pub const ENDPOINT: Self = Self(9);
    /// A change of the configuration was applied or refused.
    pub const CONFIG: Self = Self(10);
    /// The only pool of an account open to the request is limited.
    pub const POOL_EXHAUSTED: Self = Self(11);
    /// No account of a provider can serve; work goes on at another provider. Quiet mode drops it.
    pub const PROVIDER_FALLBACK: Self = Self(12);
    /// The user's quota protection reserves the remaining quota; the request waits or is refused.
    pub const PROTECTED: Self = Self(13);
    /// An account has no credential, so it is disabled.
    pub const DISABLED: Self = Self(14);
    /// The file of the store is damaged, or cannot be used.
    pub const STORE: Self = Self(15);
}

/// The severity of a [`Notice`]; larger is more severe.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Severity(pub u8);

impl Severity {
    pub const INFO: Self = Self(1);
    pub const WARNING: Self = Self(2);
    pub const ERROR: Self = Self(3);
}

/// A deduplicated event.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub kind: NoticeKind,
    pub severity: Severity,
    /// The account's id, `provider:label`, or empty.
    pub account: RString,
    /// The pool's name, or empty.
    pub pool: RString,
    /// The expected end, in milliseconds of the Unix clock.
    pub until_unix_ms: ROption<u64>,
    /// The sentence to show.
    pub text: RString,
    /// The key of the event; equal keys mean equal events.
    pub dedupe_key: RString,
    pub extensions: Extensions,
}
