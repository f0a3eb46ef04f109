//! Quota protection, at each of its places.

use pointsman_core::ids::ModelId;
use pointsman_core::quota::protection::{Floors, Level};

use super::form::{Percent, Shape};
use super::problem::Problem;
use super::reader::Fields;
use super::report::Report;
use super::setting::Setting;
use super::settings::{HARD, PROTECTED_MODELS, PROTECTION_KEYS, PROTECTION_OF_MODEL, QUOTA_PROTECTION, SOFT};

/// Reads `quota_protection` of the top level, an account or a pool.
pub(super) fn level(fields: &Fields<'_>, report: &mut Report) -> Level {
    let Some(entry) = fields.get(&QUOTA_PROTECTION) else { return Level::default() };
    let fields = entry.fields(&PROTECTION_KEYS, report);
    let own = floors(&fields, report);
    let models = fields
        .get(&PROTECTED_MODELS)
        .map(|entry| entry.members(&PROTECTED_MODELS.form.allowed(), report))
        .unwrap_or_default();
    let models = models.into_iter().map(|(name, entry)| {
        (ModelId::new(name), floors(&entry.fields(&PROTECTION_OF_MODEL, report), report))
    });
    Level { floors: own, models: models.collect() }
}

fn floors(fields: &Fields<'_>, report: &mut Report) -> Floors {
    let (soft, hard) = (fields.read(&SOFT, report), fields.read(&HARD, report));
    if let (Some(soft), Some(hard)) = (soft, hard)
        && hard > soft
    {
        fields.entry().error(Problem::ProtectionOrder { soft, hard }, report);
    }
    Floors { soft: soft.map(thousandths), hard: hard.map(thousandths) }
}

/// Reads a percentage in thousandths.
pub(super) fn thousandths_of(fields: &Fields<'_>, setting: &Setting<Percent>, report: &mut Report) -> u16 {
    thousandths(fields.read_or_default(setting, report))
}

fn thousandths(percent: f64) -> u16 {
    (percent * 10.0).round() as u16
}
