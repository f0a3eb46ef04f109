//! Caps of a provider: in all, for each account, and for models.

use pointsman_core::admission::cap::ModelPattern;

use super::form::Shape;
use super::reader::{Entry, Fields};
use super::report::Report;
use super::settings::{CAP, CAP_OF_ACCOUNTS, CAP_TOTAL, CAPS_OF_MODELS, CONCURRENCY, CONCURRENCY_KEYS};

/// How many requests may be under way at once; what is not written is not capped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concurrency {
    /// At the provider, over all accounts.
    pub total: Option<u16>,
    /// At each account, over all its pools, where it has no cap of its own.
    pub account: Option<u16>,
    /// For models, over all accounts; the first that matches counts.
    pub models: Vec<(ModelPattern, u16)>,
}

/// Reads the caps of a provider.
pub(super) fn read(provider: &Fields<'_>, report: &mut Report) -> Concurrency {
    let Some(entry) = provider.get(&CONCURRENCY) else { return Concurrency::default() };
    let fields = entry.fields(&CONCURRENCY_KEYS, report);
    Concurrency {
        total: fields.read(&CAP_TOTAL, report),
        account: fields.read(&CAP_OF_ACCOUNTS, report),
        models: fields.get(&CAPS_OF_MODELS).map(|entry| models(&entry, report)).unwrap_or_default(),
    }
}

fn models(entry: &Entry<'_>, report: &mut Report) -> Vec<(ModelPattern, u16)> {
    let members = entry.members(&CAPS_OF_MODELS.form.allowed(), report);
    let caps = members.into_iter();
    caps.filter_map(|(name, cap)| Some((ModelPattern::new(name), cap.value(&CAP, report)?))).collect()
}
