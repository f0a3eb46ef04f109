//! The health of a base URL, which all accounts share.

use pointsman_core::admission::cell::Cell;
use pointsman_core::admission::suspicion::Suspicion;
use pointsman_core::request::catalog::Endpoint;

use super::keyed::Keyed;

/// What is known of an endpoint. An outage is one event here, not one strike per account.
#[derive(Debug)]
pub struct EndpointState {
    pub url: Endpoint,
    pub(super) cell: Cell,
    pub(super) models: Keyed,
    pub(super) suspicion: Suspicion,
}

impl EndpointState {
    pub(super) fn new(url: &Endpoint) -> Self {
        Self {
            url: url.clone(),
            cell: Cell::default(),
            models: Keyed::default(),
            suspicion: Suspicion::default(),
        }
    }
}
