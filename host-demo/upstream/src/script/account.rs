//! An account as the script has it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::script::{Pool, ScriptError};

/// The pool of an account that declares none.
const DEFAULT_POOL: &str = "default";

/// An account with the credentials it accepts and the pools it has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Account {
    pub label: String,
    pub api_keys: Vec<String>,
    pub access_tokens: Vec<String>,
    pub refresh_tokens: Vec<String>,
    /// The Google Cloud project that `loadCodeAssist` tells.
    pub project: Option<String>,
    pub pools: BTreeMap<String, Pool>,
    /// The pool of a path that names none; the only one, or `default`, if not set.
    pub default_pool: Option<String>,
    /// The credentials are known and always refused with a 401.
    pub refused: bool,
}

impl Account {
    /// Returns an account without credentials; without pools it gets an unlimited one, `default`.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_keys.push(key.into());
        self
    }

    #[must_use]
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.access_tokens.push(token.into());
        self
    }

    #[must_use]
    pub fn refresh_token(mut self, token: impl Into<String>) -> Self {
        self.refresh_tokens.push(token.into());
        self
    }

    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    #[must_use]
    pub fn pool(mut self, name: impl Into<String>, pool: Pool) -> Self {
        self.pools.insert(name.into(), pool);
        self
    }

    #[must_use]
    pub fn default_pool(mut self, name: impl Into<String>) -> Self {
        self.default_pool = Some(name.into());
        self
    }

    #[must_use]
    pub fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// The pools as played: an account without any has an unlimited one.
    pub(crate) fn resolved_pools(&self) -> Vec<(String, Pool)> {
        if self.pools.is_empty() {
            return vec![(DEFAULT_POOL.to_owned(), Pool::unlimited())];
        }
        self.pools.iter().map(|(name, pool)| (name.clone(), pool.clone())).collect()
    }

    pub(crate) fn resolved_default(&self) -> Option<&str> {
        let chosen = self.default_pool.as_deref();
        match self.pools.len() {
            0 => Some(DEFAULT_POOL),
            1 => chosen.or_else(|| self.pools.keys().next().map(String::as_str)),
            _ => chosen.or_else(|| self.pools.contains_key(DEFAULT_POOL).then_some(DEFAULT_POOL)),
        }
    }

    pub(super) fn credentials(&self) -> impl Iterator<Item = &String> {
        self.api_keys.iter().chain(&self.access_tokens).chain(&self.refresh_tokens)
    }

    pub(super) fn check(&self) -> Result<(), ScriptError> {
        let Some(default) = self.resolved_default() else {
            return Err(ScriptError::NoDefaultPool(self.label.clone()));
        };
        if !self.pools.is_empty() && !self.pools.contains_key(default) {
            let (account, pool) = (self.label.clone(), default.to_owned());
            return Err(ScriptError::UnknownDefaultPool { account, pool });
        }
        match self.pools.iter().find(|(_, pool)| pool.windows.iter().any(|window| window.every.is_zero())) {
            Some((pool, _)) => {
                Err(ScriptError::EmptyWindow { account: self.label.clone(), pool: pool.clone() })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_pool_is_the_default_one() {
        assert_eq!(Account::new("a").resolved_default(), Some("default"));
        assert_eq!(Account::new("a").pool("x", Pool::unlimited()).resolved_default(), Some("x"));
    }
}
