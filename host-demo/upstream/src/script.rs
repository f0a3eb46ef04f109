//! The script: everything the upstream plays, as data. Built in code, or read from JSON by the binary.

mod account;
mod play;
mod pool;

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use crate::fault::Fault;
use crate::ledger::Recording;
use crate::oauth::TokenScript;
use crate::pace::Pace;

pub use account::Account;
pub use play::{Act, Play};
pub use pool::{Hint, Pool, Refill, Unit, Window};

/// What the upstream plays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Script {
    /// Decides ids, tokens and jitter.
    pub seed: u64,
    /// The port on the loopback; 0 is any free one.
    pub port: u16,
    pub accounts: Vec<Account>,
    /// Label of the account that answers requests with no known credential, in place of a 401.
    pub stranger: Option<String>,
    /// What the model lists and quota readings name.
    pub models: Vec<String>,
    /// First path segments that stand for a pool, beside `pool-<name>` for every declared pool.
    pub mounts: BTreeMap<String, String>,
    pub pace: Pace,
    pub token: TokenScript,
    pub faults: Vec<Fault>,
    /// What the model does with tools.
    pub plays: Vec<Play>,
    pub recording: Recording,
}

/// Why a script cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error("script is not valid: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("account label {0:?} is given twice")]
    TwoAccounts(String),
    #[error("a credential of account {0:?} belongs to another account too")]
    SharedCredential(String),
    #[error("default pool {pool:?} of account {account:?} is not one of its pools")]
    UnknownDefaultPool { account: String, pool: String },
    #[error("account {0:?} has several pools and no default pool")]
    NoDefaultPool(String),
    #[error("a window of account {account:?} in pool {pool:?} lasts no time")]
    EmptyWindow { account: String, pool: String },
    #[error("stranger {0:?} is not an account")]
    UnknownStranger(String),
}

impl Script {
    /// Returns a script without accounts.
    pub fn new(seed: u64) -> Self {
        let models = ["claude-sonnet-4-6", "gemini-3-flash", "gemini-3-pro", "gpt-5"];
        Self { seed, models: models.map(str::to_owned).to_vec(), ..Self::default() }
    }

    /// Returns a script that asks for no credential, limits nobody and records nothing: for benchmarks.
    pub fn anonymous() -> Self {
        let account = Account::new("anonymous");
        Self { recording: Recording::Off, ..Self::new(0).account(account).stranger("anonymous") }
    }

    /// Reads a script from JSON.
    pub fn from_json(text: &str) -> Result<Self, ScriptError> {
        Ok(serde_json::from_str(text)?)
    }

    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    #[must_use]
    pub fn play(mut self, play: Play) -> Self {
        self.plays.push(play);
        self
    }

    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    #[must_use]
    pub fn token(mut self, token: TokenScript) -> Self {
        self.token = token;
        self
    }

    #[must_use]
    pub fn recording(mut self, recording: Recording) -> Self {
        self.recording = recording;
        self
    }

    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Lets this account answer requests with no known credential.
    #[must_use]
    pub fn stranger(mut self, label: impl Into<String>) -> Self {
        self.stranger = Some(label.into());
        self
    }

    /// Lets a first path segment stand for a pool.
    #[must_use]
    pub fn mount(mut self, segment: impl Into<String>, pool: impl Into<String>) -> Self {
        self.mounts.insert(segment.into(), pool.into());
        self
    }

    pub(crate) fn check(&self) -> Result<(), ScriptError> {
        let mut labels = HashSet::new();
        let mut credentials = HashSet::new();
        for account in &self.accounts {
            if !labels.insert(&account.label) {
                return Err(ScriptError::TwoAccounts(account.label.clone()));
            }
            if !account.credentials().all(|credential| credentials.insert(credential)) {
                return Err(ScriptError::SharedCredential(account.label.clone()));
            }
            account.check()?;
        }
        self.check_stranger()
    }

    fn check_stranger(&self) -> Result<(), ScriptError> {
        match &self.stranger {
            Some(label) if !self.accounts.iter().any(|account| account.label == *label) => {
                Err(ScriptError::UnknownStranger(label.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn complaint(script: &Script) -> String {
        script.check().unwrap_err().to_string()
    }

    #[test]
    fn a_script_is_read_from_json() {
        let script = Script::from_json(
            r#"{"seed": 7, "accounts": [{"label": "work", "api-keys": ["k"], "pools": {
                "a": {"windows": [{"limit": 20, "every": "4s"}], "hint": {"wrong": "1h"}, "concurrency": 2}}}],
                "pace": {"gap": "5ms", "chunks": 4},
                "plays": [{"about": "work", "turns": [[{"tool": "Read", "input": {"path": "x"}}]]}],
                "faults": [{"when": {"pool": "a"}, "lasts": {"span": {"after": "2s", "length": "3s"}},
                            "harm": {"status": {"shape": "capacity"}}}]}"#,
        )
        .unwrap();
        script.check().unwrap();
        let pool = &script.accounts[0].pools["a"];
        assert_eq!(pool.windows[0].every, Duration::from_secs(4));
        assert_eq!(pool.hint, Hint::Wrong(Duration::from_secs(3_600)));
        assert_eq!(script.faults.len(), 1);
        assert_eq!(script.plays[0].turns[0][0].tool, "Read");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = Script::from_json(r#"{"acounts": []}"#).unwrap_err().to_string();
        assert!(error.contains("acounts"), "{error}");
    }

    #[test]
    fn contradictions_are_refused_with_the_wrong_value() {
        let twice = Script::new(0).account(Account::new("a")).account(Account::new("a"));
        assert!(complaint(&twice).contains("\"a\""));
        let shared =
            Script::new(0).account(Account::new("a").api_key("k")).account(Account::new("b").api_key("k"));
        assert!(complaint(&shared).contains("\"b\""));
        let two = Account::new("a").pool("x", Pool::unlimited()).pool("y", Pool::unlimited());
        assert!(complaint(&Script::new(0).account(two.clone())).contains("no default pool"));
        assert!(complaint(&Script::new(0).account(two.default_pool("z"))).contains("\"z\""));
        let empty = Account::new("a").pool("x", Pool::limited(1, Duration::ZERO));
        assert!(complaint(&Script::new(0).account(empty)).contains("lasts no time"));
        assert!(complaint(&Script::new(0).stranger("who")).contains("who"));
    }
}
