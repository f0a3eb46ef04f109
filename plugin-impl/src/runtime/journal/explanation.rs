//! Explanations: a record in words, with each plan made again from the recorded input.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use pointsman_core::admission::blame::BreakerScope;
use pointsman_core::admission::cell::Deny;
use pointsman_core::planning::plan::Candidate;
use pointsman_core::planning::snapshot::{Closed, Why};
use pointsman_core::reporting::explain::{Line, explain};
use pointsman_core::response::evidence::{Certainty, Evidence, Extent, Ground};
use pointsman_core::response::outcome::{Hint, HintSource, LimitKind, NetworkFault, Outcome, SignIn};
use pointsman_core::time::{Millis, Now};
use serde_json::Value;

use crate::fleet::Settlement;

use super::record::{HopNote, How, Record, RequestTrace, ViewQuery};
use super::{KEPT, json, text};

/// The explanation of a request.
#[derive(Debug)]
pub struct Explanation {
    pub(super) record: Arc<Record>,
    pub(super) trace: RequestTrace,
    pub(super) now: Now,
    naming: Naming,
}

/// The style of account names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// `anthropic:work`, as in the configuration.
    Ids,
    /// `anthropic#0`: a label can be an e-mail address, and e-mail addresses do not belong in a log.
    Places,
}

impl Explanation {
    /// Explains a request to the operator.
    pub fn new(record: Arc<Record>, now: Now) -> Self {
        let trace = record.trace();
        Self { record, trace, now, naming: Naming::Ids }
    }

    /// Explains a request for a log.
    pub fn for_log(record: Arc<Record>, now: Now) -> Self {
        Self { naming: Naming::Places, ..Self::new(record, now) }
    }

    /// Returns the explanation as text.
    pub fn to_text(&self) -> String {
        text::of(self)
    }

    /// Returns the explanation as JSON.
    pub fn to_json(&self) -> Value {
        json::of(self)
    }

    pub(super) fn age(&self) -> Duration {
        self.now.mono.since(self.record.began)
    }

    /// Returns the number of upstream calls so far.
    pub(super) fn attempts(&self) -> u32 {
        self.trace.end.as_ref().map_or_else(|| self.trace.calls(), |end| end.attempts)
    }

    pub(super) fn hop(&self, hop: usize) -> &HopNote {
        &self.record.hops[hop]
    }

    /// Makes a plan again and returns a line per candidate.
    pub(super) fn lines(&self, view_query: &ViewQuery) -> Vec<Line> {
        let snapshot = view_query.snapshot();
        snapshot.map_or_else(Vec::new, |seen| explain(&seen, &self.record.settings, &view_query.context))
    }

    pub(super) fn account(&self, hop: usize, place: u32) -> String {
        let hop = self.hop(hop);
        match (self.naming, hop.accounts.get(place as usize)) {
            (Naming::Ids, Some(id)) => id.to_string(),
            (Naming::Ids | Naming::Places, _) => format!("{}#{place}", hop.provider.id),
        }
    }

    pub(super) fn pool(&self, hop: usize, pool: u16) -> String {
        self.hop(hop)
            .provider
            .pools
            .get(usize::from(pool))
            .map_or_else(String::new, |pool| pool.name.to_string())
    }

    /// Returns account and pool, and the endpoint unless it is the first.
    pub(super) fn way(&self, hop: usize, way: Candidate) -> String {
        let endpoint = match way.endpoint {
            0 => String::new(),
            other => format!(" by endpoint {}", other + 1),
        };
        format!("{} in {}{endpoint}", self.account(hop, way.account), self.pool(hop, way.pool))
    }

    /// Returns a word for the request's state.
    pub(super) fn state(&self) -> &'static str {
        match self.trace.end.as_ref().map(|end| &end.how) {
            None if self.trace.awaited().is_some() => "waiting",
            None => "under way",
            Some(How::Answered { route_reason, .. }) => route_reason.as_str(),
            Some(How::Refused(_)) => "refused",
            Some(How::Failed(_)) => "failed",
            Some(How::Cancelled) => "cancelled",
        }
    }

    /// Returns the id of the answering account, or an empty text.
    pub(super) fn served_by(&self) -> String {
        match self.trace.end.as_ref().map(|end| &end.how) {
            Some(How::Answered { account, .. }) if self.naming == Naming::Ids => account.to_string(),
            Some(How::Answered { account, .. }) => account.provider().to_owned(),
            Some(How::Refused(_) | How::Failed(_) | How::Cancelled) | None => String::new(),
        }
    }
}

/// Returns the entry of a request in a list, as JSON.
pub fn entry(explanation: &Explanation) -> Value {
    json::summary(explanation)
}

/// Returns a list of requests as text, in the given order.
pub fn list_text(explanations: &[Explanation]) -> String {
    if explanations.is_empty() {
        return "no request has been routed yet\n".to_owned();
    }
    text::list(explanations)
}

/// Returns a list of requests as JSON, in the given order.
pub fn list_json(explanations: &[Explanation]) -> Value {
    let requests: Vec<_> = explanations.iter().map(json::summary).collect();
    serde_json::json!({"kept": requests.len(), "at_most": KEPT, "requests": requests})
}

/// Returns the message for an unknown request, with a hint at the known requests.
pub fn unknown(asked: &str, kept: usize) -> String {
    let kept = match kept {
        0 => "no request has been routed yet".to_owned(),
        1 => "1 request is kept".to_owned(),
        kept if kept < KEPT => format!("{kept} requests are kept"),
        _ => format!("the last {KEPT} requests are kept"),
    };
    format!(
        "no request `{asked}`: {kept}. The id is in the header x-pointsman-request-id; `last` is the newest. \
         A request that is not understood is answered with the reason, and not kept"
    )
}

/// Returns a span for people: `40ms`, `3.2s`, `2m05s`, `1h03m`.
pub(super) fn span(span: Duration) -> String {
    let (millis, seconds) = (span.as_millis(), span.as_secs());
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{millis}ms"),
        (0, 0, s) if s < 10 => format!("{s}.{}s", millis % 1_000 / 100),
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// Returns the time until an instant.
pub(super) fn until(instant: Millis, at: Millis) -> String {
    span(instant.since(at))
}

pub(super) const fn why(why: Why) -> &'static str {
    match why {
        Why::Busy => "busy",
        Why::Probing => "being tried",
        Why::Protected => "protected",
        Why::Limited | Why::Exhausted => "limited",
        Why::Cooling(_) => "cooling",
        Why::NeedsSignIn => "needs sign-in",
        Why::Excluded => "kept from this model by its `models`",
        Why::Disabled => "disabled",
    }
}

/// Returns the cause and the rest of a closing.
pub(super) fn closed(closed: Closed, at: Millis) -> String {
    let mut text = why(closed.why).to_owned();
    if let Some(instant) = closed.until {
        text += &format!(" for {}", until(instant, at));
    }
    match closed.why {
        Why::Cooling(reason) => format!("{text} ({})", reason.as_str()),
        Why::Exhausted => format!("{text} (quota)"),
        Why::Busy
        | Why::Probing
        | Why::Protected
        | Why::Limited
        | Why::NeedsSignIn
        | Why::Excluded
        | Why::Disabled => text,
    }
}

pub(super) fn denied(deny: Deny, at: Millis) -> String {
    match deny {
        Deny::Limited { until: instant, known: true } => format!("closed for {}", until(instant, at)),
        Deny::Limited { until: instant, known: false } => {
            format!("closed for {}, as a guess", until(instant, at))
        }
        Deny::Predicted { until: instant, .. } => {
            format!("closed for {}, as its limits have taught", until(instant, at))
        }
        Deny::Probing => "a probe is under way".to_owned(),
        Deny::Full => "as many requests as it may have".to_owned(),
    }
}

/// Returns an outcome as a word, for programs.
pub(super) const fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "good",
        Outcome::Limited(_) => "limited",
        Outcome::Capacity => "capacity",
        Outcome::ServerError => "server-error",
        Outcome::Unreachable(_) => "unreachable",
        Outcome::Unauthorized => "unauthorized",
        Outcome::TokenOutage => "token-outage",
        Outcome::NeedsSignIn(_) => "needs-sign-in",
        Outcome::ProjectRefused => "project-refused",
        Outcome::PoolRefused => "pool-refused",
        Outcome::Unpaid => "unpaid",
        Outcome::Refused => "refused",
        Outcome::TooLarge => "too-large",
        Outcome::RequestFault => "request-fault",
    }
}

/// Returns the evidence of an answer, for people.
pub(super) fn outcome(evidence: &Evidence, at: Millis) -> String {
    let text = what(&evidence.outcome);
    let ends = if evidence.outcome.can_name_end() { hint(evidence.until, at) } else { String::new() };
    let of = match &evidence.extent {
        Extent::Models(models) => format!(" for {models}"),
        Extent::Nothing | Extent::Usual | Extent::Pool | Extent::Account => String::new(),
    };
    let by = match (evidence.ground, evidence.certainty) {
        (Ground::Usual, Certainty::Status) if evidence.status > 0 => {
            format!(", by its status {} alone", evidence.status)
        }
        (Ground::Usual, _) => String::new(),
        (ground @ (Ground::Words { .. } | Ground::Rule(_)), _) => format!(", by {}", self::ground(ground)),
    };
    format!("{text}{of}{ends}{by}")
}

const fn what(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "good",
        Outcome::Limited(LimitKind::Quota) => "limited (quota)",
        Outcome::Limited(LimitKind::Rate) => "limited (rate)",
        Outcome::Limited(LimitKind::Concurrency) => "limited (concurrency)",
        Outcome::Limited(LimitKind::Unknown) => "limited (429)",
        Outcome::Capacity => "no capacity for the model",
        Outcome::ServerError => "server error",
        Outcome::Unreachable(NetworkFault::Connect) => "no connection",
        Outcome::Unreachable(NetworkFault::Timeout) => "no answer in time",
        Outcome::Unreachable(NetworkFault::Reset) => "the connection broke",
        Outcome::Unreachable(NetworkFault::Garbage) => "what came is not HTTP",
        Outcome::Unreachable(NetworkFault::Local) => "this process could open no connection",
        Outcome::Unauthorized => "the credential was not accepted",
        Outcome::TokenOutage => "the token service failed",
        Outcome::NeedsSignIn(SignIn::Revoked) => "the account has to sign in again",
        Outcome::NeedsSignIn(SignIn::Verification { .. }) => "the account has to be verified",
        Outcome::NeedsSignIn(SignIn::Disabled) => "the provider has disabled the account",
        Outcome::ProjectRefused => "the account is not allowed to",
        Outcome::PoolRefused => "the account has no licence for the pool",
        Outcome::Unpaid => "no balance or credit",
        Outcome::Refused => "refused, without a word on whose fault it is",
        Outcome::TooLarge => "larger than the account may send at once",
        Outcome::RequestFault => "the request itself is at fault",
    }
}

/// Returns how much an answer names.
pub(super) fn extent(extent: &Extent) -> String {
    match extent {
        Extent::Nothing => "nothing".to_owned(),
        Extent::Usual => "what the pool counts by".to_owned(),
        Extent::Models(models) => models.to_string(),
        Extent::Pool => "the pool".to_owned(),
        Extent::Account => "the account".to_owned(),
    }
}

/// Returns the ground of the evidence.
pub(super) fn ground(ground: Ground) -> String {
    match ground {
        Ground::Usual => "its status, codes and headers".to_owned(),
        Ground::Words { service, source } => format!("the words of {service} ({source})"),
        Ground::Rule(at) => format!("your own rule errors[{at}]"),
    }
}

fn hint(hint: Hint, at: Millis) -> String {
    match hint {
        Hint::Unknown => ", for an unknown time".to_owned(),
        Hint::Until { until: instant, source } => {
            format!(", for {} by {}", until(instant, at), source_name(source))
        }
        Hint::Doubted { until: instant, source } if instant <= at => {
            format!(", for an unknown time (by {} it is over)", source_name(source))
        }
        Hint::Doubted { until: instant, source } => {
            let told = until(instant, at);
            format!(", for an unknown time (the {told} by {} are not plausible)", source_name(source))
        }
    }
}

const fn source_name(source: HintSource) -> &'static str {
    match source {
        HintSource::RetryAfterMs => "retry-after-ms",
        HintSource::RetryAfter => "retry-after",
        HintSource::RetryInfo => "RetryInfo",
        HintSource::QuotaResetTimeStamp => "quotaResetTimeStamp",
        HintSource::QuotaResetDelay => "quotaResetDelay",
        HintSource::Provider => "a header of the provider's own",
        HintSource::Message => "its message",
        HintSource::Rule => "the configuration",
    }
}

/// Returns the change to the shared state by an attempt; empty for no change.
pub(super) fn settlement(settlement: &Settlement, at: Millis) -> String {
    match settlement {
        Settlement::Nothing => String::new(),
        Settlement::Limited { models: None, until: instant, .. } => {
            format!("the pool is closed for {}", until(*instant, at))
        }
        Settlement::Limited { models: Some(models), until: instant, .. } => {
            format!("the pool is closed to {models} for {}", until(*instant, at))
        }
        Settlement::Folded => "that was known already".to_owned(),
        Settlement::Closed { breaker, reason, until: instant } => {
            let what = match breaker {
                BreakerScope::Account => "the account",
                BreakerScope::Way => "the account at this endpoint",
                BreakerScope::WayModel => "the account at this endpoint for the model",
                BreakerScope::Endpoint => "the endpoint, for all,",
                BreakerScope::EndpointModel => "the endpoint for the model, for all,",
            };
            format!("{what} is left alone for {} ({})", until(*instant, at), reason.as_str())
        }
        Settlement::SignIn { .. } => "the account waits for its owner".to_owned(),
    }
}

/// Returns the change by the verdict on an answer in doubt.
pub(super) fn judged(changed: &Settlement, at: Millis) -> String {
    match changed {
        Settlement::Nothing => "its answer in doubt closes nothing".to_owned(),
        Settlement::Limited { .. }
        | Settlement::Folded
        | Settlement::Closed { .. }
        | Settlement::SignIn { .. } => format!("it is at fault: {}", settlement(changed, at)),
    }
}

/// Returns `load 2000, turn 1`.
pub(super) fn parts(line: &Line) -> String {
    let mut text = String::new();
    for part in &line.parts {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{} {}", part.name, part.value);
    }
    text
}
