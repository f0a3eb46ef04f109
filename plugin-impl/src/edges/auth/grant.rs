//! Grants: the credentials for a token endpoint.

use crate::edges::config::{OAuthClient, SecretSource};
use crate::edges::store::Fingerprint;
use crate::secret::Secret;

/// The credentials for a token endpoint.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) client: OAuthClient,
    pub(super) source: Option<SecretSource>,
    /// The fingerprint of the refresh token as configured.
    pub(super) fingerprint: Fingerprint,
    /// The refresh token: as configured, or from a later exchange.
    pub(super) refresh: Secret,
}

impl Grant {
    /// Returns the grant with a new token or client secret, or `None` if neither changed.
    pub(super) fn with(&self, token: Option<&Secret>, client_secret: Option<&Secret>) -> Option<Self> {
        let mut grant = self.clone();
        if let Some(token) = token.filter(|token| Fingerprint::of(token) != self.fingerprint) {
            grant.fingerprint = Fingerprint::of(token);
            grant.refresh = token.clone();
        }
        let mut is_other = grant.fingerprint != self.fingerprint;
        if let (Some(known), Some(read)) = (&mut grant.client.client_secret, client_secret) {
            is_other |= known.replace(read);
        }
        is_other.then_some(grant)
    }
}
