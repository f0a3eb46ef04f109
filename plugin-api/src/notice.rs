//! Notices: what a person should see. A host shows them as toasts, lines or badges.

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString};

use crate::headers::Extensions;

/// Names what a [`Notice`] is about. A host that does not know a kind shows its text all the same.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoticeKind(pub u16);

impl NoticeKind {
    /// Work goes on in another pool of the same account. Quiet mode drops it.
    pub const POOL_FALLBACK: Self = Self(1);
    /// Every pool of an account that the request may use is limited.
    pub const ACCOUNT_EXHAUSTED: Self = Self(2);
    /// The pool that a request is pinned to is limited.
    pub const PINNED_EXHAUSTED: Self = Self(3);
    /// An account is left alone for a reason that is not quota.
    pub const COOLDOWN: Self = Self(4);
    /// All accounts are limited; the request waits.
    pub const ALL_LIMITED: Self = Self(5);
    /// All accounts are in cooldown; the request waits.
    pub const ALL_COOLING: Self = Self(6);
    /// An account needs to sign in again.
    pub const SIGN_IN: Self = Self(7);
    /// A limit is over.
    pub const LIMIT_OVER: Self = Self(8);
    /// An upstream endpoint fails for everybody.
    pub const ENDPOINT: Self = Self(9);
    /// The configuration was changed, or a change of it was refused.
    pub const CONFIG: Self = Self(10);
    /// The only pool that a request may use on its account is limited.
    pub const POOL_EXHAUSTED: Self = Self(11);
    /// No account of a provider can serve; work goes on at another provider. Quiet mode drops it.
    pub const PROVIDER_FALLBACK: Self = Self(12);
    /// No account can serve, and the user's own quota protection keeps some back; the request waits or is refused.
    pub const PROTECTED: Self = Self(13);
}

/// How loud a [`Notice`] is; larger is louder.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Severity(pub u8);

impl Severity {
    pub const INFO: Self = Self(1);
    pub const WARNING: Self = Self(2);
    pub const ERROR: Self = Self(3);
}

/// One thing that happened, deduplicated: one event, one notice.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub kind: NoticeKind,
    pub severity: Severity,
    /// The account's id, `provider:label`, or empty when it is about none in particular.
    pub account: RString,
    /// The pool's name, or empty.
    pub pool: RString,
    /// When it is expected to be over, in milliseconds of the Unix clock.
    pub until_unix_ms: ROption<u64>,
    /// The sentence to show.
    pub text: RString,
    /// Two notices with the same key are of the same event.
    pub dedupe_key: RString,
    pub extensions: Extensions,
}
