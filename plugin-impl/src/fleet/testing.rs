//! Fixtures of the fleet's tests.

use pointsman_core::formats::{Envelope, WireFormat};
use pointsman_core::ids::{PoolId, ProviderId};
use pointsman_core::request::catalog::{Endpoint, Family, MAX_IN_FLIGHT, Pool, Provider, Scope};

/// A provider with one pool and one endpoint.
pub(super) fn provider() -> Provider {
    let pool = Pool {
        name: PoolId::new("default"),
        title: "Default".into(),
        endpoints: vec![Endpoint("http://upstream.example".into())],
        envelope: Envelope::None,
        models: [].into(),
        scope: Scope::Pool,
        max_in_flight: MAX_IN_FLIGHT,
    };
    Provider {
        id: ProviderId::new("acme"),
        format: WireFormat::OpenAi,
        families: vec![Family { name: "acme".into(), patterns: vec![], pools: vec![0] }],
        pools: vec![pool],
    }
}
