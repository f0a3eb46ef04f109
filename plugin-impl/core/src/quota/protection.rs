//! Quota protection: the part of a quota that the user reserves.
//!
//! Below the soft floor an account comes after all others; below the hard floor the account is closed until
//! the window resets. Both floors use readings and share their precision: requests in flight at a floor
//! still pass, and a quota without a reading is unprotected.
//!
//! Protection is the user's own limit: it closes no cell and is never reported as an upstream's limit.

use crate::ids::ModelId;
use crate::quota::outlook::Outlook;
use crate::time::Millis;

/// The floors at a place of the configuration, in thousandths; none for an absent floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floors {
    pub soft: Option<u16>,
    pub hard: Option<u16>,
}

/// The protection at a place of the configuration: for all models, and for some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    pub floors: Floors,
    pub models: Vec<(ModelId, Floors)>,
}

/// The protection of a pool of an account, from all places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    floors: Floors,
    models: Vec<(ModelId, Floors)>,
}

/// The judgement on a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    Free,
    /// The remaining share is below the soft floor.
    Deprioritised,
    /// The remaining share is below the hard floor, until the window resets.
    Kept {
        until: Option<Millis>,
    },
}

impl Floors {
    /// Returns these floors, with gaps filled from another place.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self { soft: self.soft.or(others.soft), hard: self.hard.or(others.hard) }
    }

    fn judge(self, outlook: Outlook) -> Judgement {
        let Some(left) = outlook.remaining else { return Judgement::Free };
        let is_below = |floor: Option<u16>| floor.is_some_and(|floor| left < floor);
        if is_below(self.hard) {
            Judgement::Kept { until: outlook.reset }
        } else if is_below(self.soft) {
            Judgement::Deprioritised
        } else {
            Judgement::Free
        }
    }
}

impl Protection {
    /// Merges levels, the most specific first. A model's floor precedes a floor for all models, at any
    /// place.
    pub fn new(levels: [&Level; 3]) -> Self {
        let floors = levels.iter().fold(Floors::default(), |floors, level| floors.or(level.floors));
        let mut models: Vec<(ModelId, Floors)> = Vec::new();
        for (model, own) in levels.iter().flat_map(|level| &level.models) {
            match models.iter_mut().find(|(known, _)| known == model) {
                Some((_, known)) => *known = known.or(*own),
                None => models.push((model.clone(), *own)),
            }
        }
        models.iter_mut().for_each(|(_, own)| *own = own.or(floors));
        Self { floors, models }
    }

    /// Returns whether nothing is protected, the usual case.
    #[inline]
    pub fn is_nothing(&self) -> bool {
        self.floors == Floors::default() && self.models.is_empty()
    }

    /// Returns the judgement on a pool with this outlook, for `model` or in general.
    pub fn judge(&self, model: Option<&ModelId>, outlook: Outlook) -> Judgement {
        let own = model.and_then(|model| self.models.iter().find(|(known, _)| known == model));
        own.map_or(self.floors, |(_, own)| *own).judge(outlook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESET: Option<Millis> = Some(Millis(60_000));
    const KEPT: Judgement = Judgement::Kept { until: RESET };

    fn floors(soft: Option<u16>, hard: Option<u16>) -> Floors {
        Floors { soft, hard }
    }

    fn left(remaining: u16) -> Outlook {
        Outlook { remaining: Some(remaining), reset: RESET }
    }

    fn level(floors: Floors, models: &[(&str, Floors)]) -> Level {
        let models = models.iter().map(|(name, floors)| (ModelId::new(name), *floors)).collect();
        Level { floors, models }
    }

    #[test]
    fn below_the_soft_floor_it_is_spared_and_below_the_hard_one_kept() {
        let check = |remaining, expected| {
            assert_eq!(floors(Some(100), Some(20)).judge(left(remaining)), expected, "{remaining}");
        };
        check(100, Judgement::Free);
        check(99, Judgement::Deprioritised);
        check(20, Judgement::Deprioritised);
        check(19, KEPT);
        check(0, KEPT);
    }

    #[test]
    fn what_nobody_has_read_is_not_protected() {
        assert_eq!(floors(Some(1_000), Some(1_000)).judge(Outlook::default()), Judgement::Free);
    }

    #[test]
    fn a_hard_floor_above_the_soft_one_goes_before_it() {
        assert_eq!(floors(Some(50), Some(100)).judge(left(70)), KEPT);
    }

    #[test]
    fn the_model_goes_before_the_pool_the_account_and_all() {
        let pool = level(floors(None, Some(30)), &[("a", floors(None, Some(10)))]);
        let account = level(floors(Some(200), Some(40)), &[("b", floors(None, Some(500)))]);
        let all = level(floors(Some(900), Some(50)), &[("a", floors(Some(300), Some(60)))]);
        let protection = Protection::new([&pool, &account, &all]);
        let of = |model: &str| protection.models.iter().find(|(known, _)| known.as_str() == model);
        assert_eq!(protection.floors, floors(Some(200), Some(30)));
        assert_eq!(of("a").map(|(_, own)| *own), Some(floors(Some(300), Some(10))));
        assert_eq!(of("b").map(|(_, own)| *own), Some(floors(Some(200), Some(500))));
        assert_eq!(protection.judge(Some(&ModelId::new("b")), left(499)), KEPT);
        assert_eq!(protection.judge(Some(&ModelId::new("c")), left(499)), Judgement::Free);
        assert_eq!(protection.judge(None, left(199)), Judgement::Deprioritised);
    }

    #[test]
    fn by_default_nothing_is_protected() {
        let nothing = Level::default();
        let protection = Protection::new([&nothing, &nothing, &nothing]);
        assert!(protection.is_nothing());
        assert_eq!(protection.judge(None, left(0)), Judgement::Free);
    }
}
