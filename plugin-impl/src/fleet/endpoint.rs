//! The health of a base URL, shared by every account.

use pointsman_core::admission::suspicion::Suspicion;
use pointsman_core::formats::operation::Operation;
use pointsman_core::request::catalog::Endpoint;

use super::breaker::Breaker;
use super::keyed::Keyed;

/// The state of an endpoint. An outage is a single event here, instead of a strike for each account.
#[derive(Debug)]
pub struct EndpointState {
    pub url: Endpoint,
    /// The cells of each operation.
    cells: [EndpointCells; Operation::COUNT],
}

/// The cells of an endpoint for an operation.
#[derive(Debug, Default)]
pub(super) struct EndpointCells {
    pub(super) cell: Breaker,
    pub(super) models: Keyed<Breaker>,
    pub(super) suspicion: Suspicion,
}

impl EndpointState {
    pub(super) fn new(url: &Endpoint) -> Self {
        Self { url: url.clone(), cells: Default::default() }
    }

    #[inline]
    pub(super) fn cells(&self, operation: Operation) -> &EndpointCells {
        &self.cells[operation.index()]
    }
}
