//! Secrets read again after a refusal: by then the file or command may hold a new secret.

use std::sync::Arc;
use std::time::Duration;

use pointsman_core::time::Millis;
use tokio::sync::watch;

use crate::edges::config::{ConfiguredSecret, Environment, SecretSource};
use crate::secret::Secret;
use crate::sync::{Mutex, unpoisoned};

use super::Tokens;

/// The pause between readings after refusals. A command can prompt a person, or cost money.
const PAUSE: Duration = Duration::from_secs(10);

/// A secret sent without an exchange: fixed, or read again from a source.
#[derive(Clone, Debug)]
pub enum Kept {
    Fixed(Secret),
    Reread(Arc<Rereader>),
}

/// A secret, with the source for reading the secret again.
#[derive(Debug)]
pub struct Rereader {
    source: SecretSource,
    state: Mutex<RereadState>,
}

#[derive(Debug)]
struct RereadState {
    secret: Secret,
    pace: Pace,
    /// The reading in progress; the channel reports the end.
    reading: Option<watch::Receiver<bool>>,
}

/// A limiter of readings after refusals.
#[derive(Debug, Default)]
pub(super) struct Pace(Option<Millis>);

impl Pace {
    /// Returns whether the source may be read now, and remembers the reading.
    pub(super) fn allows(&mut self, now: Millis) -> bool {
        let allows = self.0.is_none_or(|last| now.since(last) >= PAUSE);
        if allows {
            self.0 = Some(now);
        }
        allows
    }
}

impl Kept {
    /// Keeps `secret` from the source in `configured`.
    pub fn new(secret: &Secret, configured: &ConfiguredSecret) -> Self {
        match configured.source() {
            None => Self::Fixed(secret.clone()),
            Some(source) => {
                let state = RereadState { secret: secret.clone(), pace: Pace::default(), reading: None };
                Self::Reread(Arc::new(Rereader { source: source.clone(), state: Mutex::new(state) }))
            }
        }
    }

    /// Returns whether a refusal may lead to a new secret.
    pub(super) fn is_renewable(&self) -> bool {
        matches!(self, Self::Reread(_))
    }

    /// Returns the secret. If the current secret is `rejected`, reads the source for a new secret.
    pub(super) async fn secret(
        &self,
        rejected: Option<&Secret>,
        tokens: impl FnOnce() -> Tokens,
    ) -> Option<Secret> {
        match (self, rejected) {
            (Self::Fixed(secret), None) => Some(secret.clone()),
            (Self::Fixed(_), Some(_)) => None,
            (Self::Reread(rereader), None) => Some(rereader.current()),
            (Self::Reread(rereader), Some(rejected)) => rereader.other_than(rejected, tokens()).await,
        }
    }

    /// Takes over a secret read elsewhere. Returns whether the secret changed.
    pub(super) fn adopt(&self, configured: &ConfiguredSecret) -> bool {
        match (self, configured.secret()) {
            (Self::Reread(rereader), Ok(secret)) => rereader.set(secret.clone()),
            (Self::Fixed(_) | Self::Reread(_), _) => false,
        }
    }
}

impl Rereader {
    fn current(&self) -> Secret {
        unpoisoned(self.state.lock()).secret.clone()
    }

    fn set(&self, secret: Secret) -> bool {
        let mut state = unpoisoned(self.state.lock());
        let is_other = state.secret.expose() != secret.expose();
        state.secret = secret;
        is_other
    }

    async fn other_than(self: &Arc<Self>, rejected: &Secret, tokens: Tokens) -> Option<Secret> {
        let known = self.current();
        if known.expose() != rejected.expose() {
            return Some(known);
        }
        let mut reading = self.reading(tokens)?;
        // The reading's task is gone only when the plugin shuts down.
        let _ = reading.wait_for(|over| *over).await;
        Some(self.current()).filter(|read| read.expose() != rejected.expose())
    }

    /// Joins the reading in progress, or starts a reading if the pace allows.
    ///
    /// The reading is a task of its own: a caller gone away does not take the result along.
    fn reading(self: &Arc<Self>, tokens: Tokens) -> Option<watch::Receiver<bool>> {
        let mut state = unpoisoned(self.state.lock());
        if let Some(reading) = &state.reading {
            return Some(reading.clone());
        }
        // Too soon after the last reading: there is no other secret for now.
        if !state.pace.allows(tokens.clock.mono()) {
            return None;
        }
        let (over, reading) = watch::channel(false);
        state.reading = Some(reading.clone());
        let rereader = self.clone();
        tokio::spawn(async move {
            let read = read_again(&rereader.source, tokens.environment).await;
            let mut state = unpoisoned(rereader.state.lock());
            if let Some(secret) = read {
                state.secret = secret;
            }
            // Cleared under the lock, so that whoever comes next starts a fresh reading.
            state.reading = None;
            drop(state);
            over.send_replace(true);
        });
        Some(reading)
    }
}

/// Reads a source on a blocking thread. Returns `None` for a source without a secret, and the current
/// secret stays.
pub(super) async fn read_again(source: &SecretSource, environment: Arc<dyn Environment>) -> Option<Secret> {
    let from = source.clone();
    match tokio::task::spawn_blocking(move || from.read(&*environment)).await {
        Ok(Ok(secret)) => Some(secret),
        Ok(Err(why)) => {
            tracing::warn!("a refused secret could not be read again: {why}");
            None
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_not_read_for_every_refusal() {
        let mut pace = Pace::default();
        let at = |seconds| Millis(1_000).after(Duration::from_secs(seconds));
        let allowed: Vec<bool> =
            [0, 1, 9, 10, 11, 25].into_iter().map(|seconds| pace.allows(at(seconds))).collect();
        assert_eq!(allowed, [true, false, false, true, false, true]);
    }
}
