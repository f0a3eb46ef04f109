//! Caps of a provider: total, per account, per model.

use pointsman_core::admission::cap::ModelPattern;

use super::form::Shape;
use super::reader::{Entry, Fields};
use super::report::Report;
use super::settings::{CAP, CAP_OF_ACCOUNTS, CAP_TOTAL, CAPS_OF_MODELS, CONCURRENCY, CONCURRENCY_KEYS};

/// Caps on requests in flight; an absent cap is no cap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concurrency {
    /// The cap of the provider, over every account.
    pub total: Option<u16>,
    /// The cap of each account without a cap of its own, over every pool.
    pub account: Option<u16>,
    /// The caps per model, over every account; the first match counts.
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
