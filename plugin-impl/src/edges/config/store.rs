//! Where state is kept.

use super::form::{Form, Refused, Shape};
use super::problem::nearest;

/// Where limits, cooldowns and readings are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// In the process; they end with it.
    #[default]
    Memory,
}

/// The name of a store; those that are to come mean memory until then.
pub(super) struct StoreName;

impl Shape for StoreName {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "memory, sqlite or redis://HOST:PORT/DATABASE".to_owned()
    }

    fn refusal(&self) -> String {
        "none of memory, sqlite, redis://HOST:PORT/DATABASE".to_owned()
    }
}

impl Form for StoreName {
    type Value = Store;

    fn parse(&self, text: &str) -> Result<Store, Refused> {
        match text {
            "memory" | "sqlite" => Ok(Store::Memory),
            _ if text.strip_prefix("redis://").is_some_and(|rest| !rest.is_empty()) => Ok(Store::Memory),
            _ => Err(Refused(nearest(text, ["memory", "sqlite"]))),
        }
    }
}
