//! The kinds of notices: the one table of numbers, names and severities.

use super::NoticeEvent;

/// The kind of a notice for hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeKind {
    /// The number at the ABI, frozen with its layout.
    pub number: u16,
    /// The name in JSON.
    pub name: &'static str,
    pub severity: Severity,
}

/// The severity of a notice; larger is more severe. The values are those of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Severity {
    Info = 1,
    Warning = 2,
    Error = 3,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl NoticeEvent {
    /// Returns the kind of the event.
    pub const fn kind(&self) -> NoticeKind {
        let (number, name, severity) = match self {
            Self::PoolFallback { .. } => (1, "pool-fallback", Severity::Info),
            Self::AccountExhausted { .. } => (2, "account-exhausted", Severity::Warning),
            Self::PoolExhausted { pinned: true, .. } | Self::Bound { .. } => {
                (3, "pinned-exhausted", Severity::Warning)
            }
            Self::Cooldown { .. } => (4, "cooldown", Severity::Warning),
            Self::AllLimited { .. } => (5, "all-limited", Severity::Warning),
            Self::AllCooling { .. } => (6, "all-cooling", Severity::Warning),
            Self::SignIn { .. } => (7, "sign-in", Severity::Error),
            Self::LimitOver { .. } => (8, "limit-over", Severity::Info),
            Self::EndpointDown { .. } => (9, "endpoint", Severity::Warning),
            Self::ConfigTaken => (10, "config", Severity::Info),
            Self::ConfigRefused { .. } => (10, "config", Severity::Error),
            Self::PoolExhausted { pinned: false, .. } => (11, "pool-exhausted", Severity::Warning),
            Self::ProviderFallback { .. } => (12, "provider-fallback", Severity::Warning),
            Self::Protected { .. } => (13, "protected", Severity::Warning),
            Self::Disabled { .. } => (14, "disabled", Severity::Warning),
            Self::StoreTrouble { .. } => (15, "store", Severity::Warning),
        };
        NoticeKind { number, name, severity }
    }
}
