//! The tokens of accounts with a refresh token.

use std::collections::BTreeMap;
use std::fmt;

use pointsman_core::ids::AccountId;
use pointsman_core::state::token_lease::{StoredToken, TokenVersion, lands};
use pointsman_core::time::UnixMillis;
use ring::digest::{SHA256, digest};

use crate::secret::Secret;

/// The fingerprint of a configured refresh token, the same in every build: half of its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Returns the fingerprint of a token.
    pub fn of(token: &Secret) -> Self {
        let hash = digest(&SHA256, token.expose().as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&hash.as_ref()[..16]);
        Self(half)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The key of tokens: the account, and the configured token at the start of the exchanges. So a token that
/// the user configures anew starts anew, and the old one's successors stay with the old one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenKey {
    pub account: AccountId,
    pub fingerprint: Box<str>,
}

impl TokenKey {
    /// Makes the key.
    pub fn new(account: &AccountId, fingerprint: Fingerprint) -> Self {
        Self { account: account.clone(), fingerprint: fingerprint.to_string().into() }
    }
}

/// The tokens in force.
#[derive(Clone, Debug)]
pub struct SavedToken {
    pub version: TokenVersion,
    /// The refresh token of the last exchange; the configured one without an exchange.
    pub refresh: Option<Secret>,
    /// The access token, with its end.
    pub access: Option<(Secret, UnixMillis)>,
}

impl SavedToken {
    pub(super) fn stored(&self) -> StoredToken {
        StoredToken { version: self.version, until: self.access.as_ref().map(|(_, until)| *until) }
    }
}

/// What a process is to do that needs another access token.
#[derive(Clone, Debug)]
pub enum Departed {
    /// Use the token that another process has refreshed.
    Use(SavedToken),
    /// Exchange the saved refresh token, or the configured one, under a lease; fence 0 is no lease.
    Exchange { fence: u64, saved: Option<SavedToken> },
}

/// Tokens by key. The greatest version wins.
#[derive(Debug, Default)]
pub(super) struct TokenMap(BTreeMap<TokenKey, SavedToken>);

impl TokenMap {
    pub(super) fn get(&self, key: &TokenKey) -> Option<&SavedToken> {
        self.0.get(key)
    }

    pub(super) fn join(&mut self, key: TokenKey, token: SavedToken) {
        if lands(self.0.get(&key).map(|known| known.version), token.version) {
            self.0.insert(key, token);
        }
    }

    pub(super) fn all(&self) -> Vec<(TokenKey, SavedToken)> {
        self.0.iter().map(|(key, token)| (key.clone(), token.clone())).collect()
    }
}
