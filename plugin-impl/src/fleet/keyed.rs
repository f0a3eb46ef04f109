//! Cells by models: present only while there is something to know of the models.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pointsman_core::admission::blame::Reason;
use pointsman_core::admission::cell::{Cell, Deny};
use pointsman_core::ids::ModelId;
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::time::Millis;
use smallvec::SmallVec;

use crate::sync::{RwLock, unpoisoned};

use super::breaker::Breaker;

/// The number of models before cells at rest are forgotten.
const CROWDED: usize = 64;

/// Cells created on first use. While there are none, a look-up costs an atomic load.
#[derive(Debug)]
pub struct Keyed<T = Cell> {
    any: AtomicBool,
    cells: RwLock<Vec<(ModelSet, Arc<T>)>>,
}

/// The cells on a model's route, hardly ever more than a single cell.
pub type Covering<T> = SmallVec<[(ModelSet, Arc<T>); 1]>;

/// A cell to forget while at rest and not held by any request.
pub trait Rest: Default {
    /// Returns whether nothing is known of the cell's models.
    fn is_at_rest(&self) -> bool;
}

impl Rest for Cell {
    fn is_at_rest(&self) -> bool {
        self.state().is_at_rest()
    }
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { any: AtomicBool::new(false), cells: RwLock::new(Vec::new()) }
    }
}

impl<T: Rest> Keyed<T> {
    /// Returns whether there is no cell, the usual case, by an atomic load.
    #[inline]
    pub fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Returns the cell of a single model, if there is a cell.
    pub fn find(&self, model: &ModelId) -> Option<Arc<T>> {
        self.find_set(&ModelSet::One(model.clone()))
    }

    /// Returns the cell of `models`, if there is a cell.
    pub fn find_set(&self, models: &ModelSet) -> Option<Arc<T>> {
        if self.is_empty() {
            return None;
        }
        let cells = unpoisoned(self.cells.read());
        cells.iter().find(|(known, _)| known == models).map(|(_, cell)| cell.clone())
    }

    /// Returns every cell with `model` in its set.
    pub fn covering(&self, model: &ModelId) -> Covering<T> {
        if self.is_empty() {
            return Covering::new();
        }
        let cells = unpoisoned(self.cells.read());
        cells.iter().filter(|(models, _)| models.covers(model.as_str())).cloned().collect()
    }

    /// Returns the cells with their models.
    pub fn all(&self) -> Vec<(ModelSet, Arc<T>)> {
        if self.is_empty() { Vec::new() } else { unpoisoned(self.cells.read()).clone() }
    }

    /// Returns the cell of a single model, created on first use.
    pub fn make(&self, model: &ModelId) -> Arc<T> {
        self.make_set(&ModelSet::One(model.clone()))
    }

    /// Returns the cell of `models`, created on first use.
    pub fn make_set(&self, models: &ModelSet) -> Arc<T> {
        if let Some(cell) = self.find_set(models) {
            return cell;
        }
        let mut cells = unpoisoned(self.cells.write());
        if let Some((_, cell)) = cells.iter().find(|(known, _)| known == models) {
            return cell.clone();
        }
        // A cell at rest is like a new one, so nothing known is lost.
        if cells.len() >= CROWDED {
            cells.retain(|(_, cell)| !cell.is_at_rest());
        }
        let cell = Arc::new(T::default());
        cells.push((models.clone(), cell.clone()));
        self.any.store(true, Ordering::Release);
        cell
    }
}

impl Keyed<Breaker> {
    /// Returns the denial for `model`, if the cell would pass no request. An unknown model is open.
    #[inline]
    pub(super) fn denied(&self, model: &ModelId, now: Millis) -> Option<(Deny, Reason)> {
        if self.is_empty() { None } else { self.find(model)?.denied(now) }
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::admission::backoff::Schedule;
    use pointsman_core::admission::cell::{CellPermit, Limit};

    use super::*;

    #[test]
    fn a_model_has_one_cell() {
        let keyed = Keyed::<Cell>::default();
        let model = ModelId::new("m");
        assert!(keyed.find(&model).is_none());
        assert!(Arc::ptr_eq(&keyed.make(&model), &keyed.make(&model)));
    }

    #[test]
    fn models_at_rest_are_forgotten_and_limited_ones_kept() {
        let keyed = Keyed::<Cell>::default();
        let limited = ModelId::new("limited");
        keyed.make(&limited).settle_limit(CellPermit::default(), Limit::Estimated(Schedule::RATE), Millis(0));
        for number in 0..10 * CROWDED {
            keyed.make(&ModelId::new(&number.to_string()));
        }
        assert!(unpoisoned(keyed.cells.read()).len() <= CROWDED + 1);
        assert!(keyed.find(&limited).is_some());
    }
}
