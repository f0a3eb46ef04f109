//! Usage: what ended requests have used, by hour, account, pool, model and kind of agent.
//!
//! The journal has all of it already, so no request counts anything: the store's thread adds up what has
//! ended since the last collection. Requests that leave the journal between two collections, beyond some
//! hundred in a second, are not counted.

use std::sync::Arc;

use pointsman_core::state::{Key, Kind, Usage};
use pointsman_core::time::{Millis, UnixMillis};

use crate::edges::store::Store;
use crate::runtime::journal::Record;
use crate::runtime::journal::record::{Attempt, RequestTrace, Sender, Step, What};

/// The longest name of a kind of agent, and of a model, in a key.
const LONGEST: usize = 80;
const HOUR: u64 = 3_600;
const TOO_MANY_REQUESTS: u16 = 429;

/// Adds up the requests of the journal that have ended and were not counted before. Returns whether others are under
/// way. `writer` is the name of this process.
pub(super) fn count(records: &[Arc<Record>], writer: &str, store: &Store) -> bool {
    let (over, under_way): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.is_over());
    for record in over.iter().filter(|record| record.begin_count()) {
        count_one(record, &record.trace(), writer, store);
    }
    !under_way.is_empty()
}

fn count_one(record: &Record, trace: &RequestTrace, writer: &str, store: &Store) {
    let sent = trace.steps.iter().filter_map(|step| attempt(step).map(|attempt| (step.hop, attempt)));
    let mut waited = trace.end.as_ref().map_or(0, |end| millis(trace, end.at));
    for (hop, attempt) in sent {
        let Some(key) = key(record, hop, attempt, writer) else { continue };
        let is_limited = attempt.end.as_ref().is_some_and(|end| end.evidence.status == TOO_MANY_REQUESTS);
        // A wait is counted once, for the first account that was asked.
        let wait = std::mem::take(&mut waited);
        store.count(
            key,
            &[
                (Usage::REQUESTS, attempt.calls.into()),
                (Usage::LIMITED, is_limited.into()),
                (Usage::WAITED, wait),
            ],
        );
    }
}

fn attempt(step: &Step) -> Option<&Attempt> {
    match &step.what {
        What::Attempt(attempt) => (attempt.calls > 0).then_some(attempt),
        What::Planned(_) | What::Denied { .. } | What::Judged { .. } | What::Waited { .. } => None,
    }
}

fn millis(trace: &RequestTrace, now: Millis) -> u64 {
    trace.waited(now).as_millis().try_into().unwrap_or(u64::MAX)
}

fn key(record: &Record, hop: usize, attempt: &Attempt, writer: &str) -> Option<Key> {
    let hop = record.hops.get(hop)?;
    let account = hop.accounts.get(attempt.candidate.account as usize)?;
    let pool = &hop.provider.pools.get(usize::from(attempt.candidate.pool))?.name;
    let hour = hour_of(record.began_wall).to_string();
    let agent = kind_of_agent(&record.sender);
    let names = [&*hour, account.as_str(), pool.as_str(), shortened(&hop.model), &agent, writer];
    Some(Key::new(Kind::Usage, names))
}

fn hour_of(instant: UnixMillis) -> u64 {
    let seconds = instant.0 / 1_000;
    seconds - seconds % HOUR
}

/// Returns the name of the sender's program, and whether the request is a subagent's.
fn kind_of_agent(sender: &Sender) -> String {
    let product = shortened(sender.product().unwrap_or("unknown"));
    if sender.is_subagent { format!("{product} subagent") } else { product.to_owned() }
}

fn shortened(text: &str) -> &str {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= LONGEST).unwrap_or(text.len());
    &text[..end]
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_kind_of_agent_is_its_product() {
        let of = |text: &str, is_subagent| {
            let program = Some(HeaderValue::from_str(text).expect("a header"));
            kind_of_agent(&Sender { program, is_subagent, ..Sender::default() })
        };
        assert_eq!(of("claude-cli/2.0.1 (external, cli)", false), "claude-cli");
        assert_eq!(of("codex_exec", true), "codex_exec subagent");
        assert_eq!((of("", false), kind_of_agent(&Sender::default())), ("unknown".into(), "unknown".into()));
        assert_eq!(of(&"x".repeat(300), false).len(), LONGEST);
    }

    #[test]
    fn an_hour_begins_on_the_hour() {
        assert_eq!(hour_of(UnixMillis(7_199_999)), 3_600);
        assert_eq!(hour_of(UnixMillis(7_200_000)), 7_200);
    }
}
