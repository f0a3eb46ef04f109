//! The place of state.

use crate::edges::config::reading::problem::nearest;
use crate::edges::config::values::{Form, Refused, Shape};

/// The place of limits, cooldowns and readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// In the process; state ends with the process.
    #[default]
    Memory,
}

/// The name of a store. `not_yet` refuses names of later versions.
pub(crate) struct StoreName;

impl Shape for StoreName {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "memory".to_owned()
    }

    fn refusal(&self) -> String {
        "not memory, the only store in this version".to_owned()
    }
}

impl Form for StoreName {
    type Value = StoreChoice;

    fn parse(&self, text: &str) -> Result<StoreChoice, Refused> {
        match text {
            "memory" => Ok(StoreChoice::Memory),
            _ if text.starts_with("sqlite") || text.starts_with("redis") => Ok(StoreChoice::Memory),
            _ => Err(Refused(nearest(text, ["memory"]))),
        }
    }
}
