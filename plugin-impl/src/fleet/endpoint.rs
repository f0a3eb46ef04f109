//! The health of a base URL, which all accounts share.

use pointsman_core::admission::suspicion::Suspicion;
use pointsman_core::request::catalog::Endpoint;

use super::breaker::Breaker;
use super::keyed::Keyed;

/// What is known of an endpoint. An outage is one event here, not one strike per account.
#[derive(Debug)]
pub struct EndpointState {
    pub url: Endpoint,
    pub(super) cell: Breaker,
    pub(super) models: Keyed<Breaker>,
    pub(super) suspicion: Suspicion,
}

impl EndpointState {
    pub(super) fn new(url: &Endpoint) -> Self {
        Self {
            url: url.clone(),
            cell: Breaker::default(),
            models: Keyed::default(),
            suspicion: Suspicion::default(),
        }
    }
}
