//! Quota polling: the upstream's quota endpoint is asked for the remaining quota while an account is in
//! use.
//!
//! No request waits for a poll, and a failed poll only lengthens the pause to the next poll. The core
//! decides on the effect of an answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::quota::reading::{Reading, in_quota_answer};
use pointsman_core::request::catalog::Provider;
use serde_json::json;

use crate::counters::Counters;
use crate::edges::auth::{Proof, Tokens};
use crate::edges::config::{ProviderConfig, Timeouts};
use crate::edges::store::SavedLimit;
use crate::edges::upstream::{Outgoing, Replay, ask_for, whole};
use crate::fleet::Account;
use crate::fleet::inquiry::{Inquiry, Moved};
use crate::runtime::generation::{AccountCredentials, Generation};
use crate::runtime::shared::Shared;

/// The longest answer of a quota endpoint to read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// The time limit of a quota poll.
const PATIENCE: Duration = Duration::from_secs(15);

/// A pool of an account, by indices.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// The index of the provider in the configuration.
    pub provider: usize,
    /// The index of the account in the provider's roster.
    pub account: usize,
    /// The index of the pool at the provider.
    pub pool: usize,
}

/// Starts a quota poll if the pool has a quota endpoint and a poll is due. Does not wait.
pub fn ask_if_due(shared: &Shared, generation: &Generation, subject: Subject) {
    let pause = generation.config.quota_refresh;
    let provider = &generation.config.providers[subject.provider];
    let Some(url) = &provider.quota_urls[subject.pool] else { return };
    if pause.is_zero() {
        return;
    }
    let provider_runtime = &generation.provider_runtimes[subject.provider];
    let account = &provider_runtime.roster.members[subject.account].account;
    if provider_runtime.credentials[subject.account].credential.is_callers() {
        return; // Their requests have it, and nobody else.
    }
    let Some(inquiry) = Inquiry::begin(account, subject.pool, pause, shared.clock.mono()) else { return };
    shared.counters.quota_questions.count();
    let question = Question {
        url: url.clone(),
        pool: subject.pool,
        provider: provider.clone(),
        credentials: provider_runtime.credentials[subject.account].clone(),
        tokens: shared.tokens(generation.config.timeouts),
    };
    tokio::spawn(question.put(inquiry));
}

/// The inputs of a quota poll.
struct Question {
    url: String,
    pool: usize,
    provider: Arc<ProviderConfig>,
    credentials: AccountCredentials,
    tokens: Tokens,
}

impl Question {
    async fn put(self, inquiry: Inquiry) {
        let account = inquiry.account().clone();
        let ordinal = account.ordinal;
        match tokio::time::timeout(PATIENCE, self.readings()).await {
            Ok(Ok(readings)) => {
                let told = readings.len();
                let described = &self.provider.core.pools[self.pool];
                let moved = inquiry.answered(readings, described, self.tokens.clock.mono());
                tracing::debug!(account = ordinal, told, moved = moved.len(), "a quota endpoint answered");
                moved.iter().for_each(|moved| self.keep(&account, moved));
                self.counters().limits_moved.add(moved.len() as u64);
            }
            Ok(Err(why)) => {
                inquiry.failed();
                tracing::debug!(account = ordinal, why, "a quota endpoint failed");
            }
            Err(_) => {
                inquiry.failed();
                tracing::debug!(account = ordinal, "a quota endpoint did not answer in time");
            }
        }
    }

    async fn readings(&self) -> Result<Vec<Reading>, String> {
        let provider = &self.provider;
        let proof = self.credentials.credential.proof(provider.auth, None, || self.tokens.clone()).await;
        let proof = proof.map_err(|_| "no access token could be had".to_owned())?;
        let Timeouts { connect, .. } = self.tokens.timeouts;
        let timeouts = Timeouts { connect, head: PATIENCE, idle: PATIENCE };
        let sent = self
            .tokens
            .upstream
            .send(|| self.request(&proof), self.credentials.proxy.as_ref(), timeouts)
            .await;
        let incoming = sent.map_err(|error| error.text)?.decoded();
        if !incoming.status.is_success() {
            return Err(format!("it answered {}", incoming.status.as_u16()));
        }
        let body = whole(incoming.body, MAX_ANSWER).await;
        let body = body.ok_or("its answer broke off or is too long")?;
        let mut readings = in_quota_answer(&body, self.tokens.clock.now());
        // The endpoint reports every model of the account; other pools have polls of their own.
        readings.retain(|reading| serves(&provider.core, self.pool, reading));
        if readings.is_empty() {
            Err("its answer tells nothing of this pool".to_owned())
        } else {
            Ok(readings)
        }
    }

    /// Builds the poll's request. A method of Google's, such as `v1internal:retrieveUserQuota`, is a POST;
    /// any other URL is read with GET.
    fn request(&self, proof: &Proof) -> Outgoing {
        let mut headers = HeaderMap::new();
        ask_for(&mut headers);
        for (name, value) in &self.provider.headers[self.pool] {
            headers.insert(name, value.clone());
        }
        let last = self.url.rsplit('/').next().unwrap_or_default();
        let (method, body) = if last.contains(':') {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let project = self.credentials.project.as_ref();
            let body = project.map_or_else(|| json!({}), |project| json!({"project": project}));
            (Method::POST, Bytes::from(body.to_string()))
        } else {
            (Method::GET, Bytes::new())
        };
        let mut request = Outgoing { method, url: self.url.clone(), headers, body, replay: Replay::IfUnread };
        proof.apply(&mut request.url, &mut request.headers);
        request
    }

    /// Stores a moved limit, for the next start and for other processes.
    fn keep(&self, account: &Account, moved: &Moved) {
        let now = self.tokens.clock.now();
        let limit = SavedLimit { heard: now.wall, until: now.wall_of(moved.end), known: true };
        let pool = &self.provider.core.pools[self.pool].name;
        self.tokens.store.learn_limit((&account.id, pool), moved.models.as_ref(), limit);
    }

    fn counters(&self) -> &Counters {
        &self.tokens.counters
    }
}

/// Returns whether a reading is of the pool: an endpoint reports every model, and each model belongs to
/// some pools.
fn serves(provider: &Provider, pool: usize, reading: &Reading) -> bool {
    reading.model.as_ref().is_none_or(|models| match models {
        ModelSet::One(model) => provider.family(model.as_str()).pools.contains(&pool),
        ModelSet::Naming(text) => provider.family(text).pools.contains(&pool),
    })
}
