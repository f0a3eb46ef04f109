//! The upstream's books, read as evidence.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use pointsman_upstream::{Entry, Pool, Script};

use super::evidence::{Cell, Visit};
use super::scenario::{Family, number_in};

/// Reads every request for an answer; times count from `started`.
///
/// The books lack the ends of limits. The ends are computed from the script's windows and the counted
/// requests, independent of anything reported to the plugin.
pub(crate) fn visits(entries: &[Entry], script: &Script, started: Instant) -> Vec<Visit> {
    let mut meters = Meters { script, meters: HashMap::new() };
    entries.iter().filter_map(|entry| visit(entry, &mut meters, started)).collect()
}

fn visit(entry: &Entry, meters: &mut Meters<'_>, started: Instant) -> Option<Visit> {
    let cell = Cell { account: entry.account.clone()?, pool: entry.pool.clone()? };
    let call = Some(number_in(&String::from_utf8_lossy(&entry.body))?);
    let at = entry.arrived.saturating_duration_since(started);
    let ended = entry.ended.unwrap_or_else(Instant::now).saturating_duration_since(started);
    // Without a status the client went away before there was an answer.
    let status = entry.status.unwrap_or(0);
    let family = Family::of(entry.model.as_deref().unwrap_or_default());
    let until_ms = meters.follow(&cell, at, status).map(ms);
    Some(Visit { call, cell, family, at_ms: ms(at), ended_ms: ms(ended), status, until_ms })
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The quota of every cell, counted again.
struct Meters<'a> {
    script: &'a Script,
    meters: HashMap<Cell, Vec<Used>>,
}

/// The used amount of a window since it opened.
#[derive(Clone, Copy, Default)]
struct Used {
    opened: Duration,
    requests: u32,
}

impl Meters<'_> {
    /// Counts a request like the upstream, and returns the end of a 429's limit.
    fn follow(&mut self, cell: &Cell, at: Duration, status: u16) -> Option<Duration> {
        let account = self.script.accounts.iter().find(|account| account.label == cell.account)?;
        let pool = account.pools.get(&cell.pool)?;
        let used = self.meters.entry(cell.clone()).or_default();
        used.resize(pool.windows.len(), Used::default());
        if status == 200 {
            count(used, pool, at);
        }
        if status == 429 { end_of_limit(used, pool) } else { None }
    }
}

/// A window opens with the first request after its predecessor's end.
fn count(used: &mut [Used], pool: &Pool, at: Duration) {
    for (used, window) in used.iter_mut().zip(&pool.windows) {
        if used.requests == 0 || at >= used.opened + window.every {
            *used = Used { opened: at, requests: 0 };
        }
        used.requests += 1;
    }
}

/// Of several exhausted windows, the last end counts.
fn end_of_limit(used: &[Used], pool: &Pool) -> Option<Duration> {
    let windows = used.iter().zip(&pool.windows);
    let used_up = windows.filter(|(used, window)| used.requests >= window.limit);
    used_up.map(|(used, window)| used.opened + window.every).max()
}

#[cfg(test)]
mod tests {
    use pointsman_upstream::Account;

    use super::*;

    #[test]
    fn the_end_of_a_limit_is_counted_from_the_first_request_of_its_window() {
        let pool = Pool::limited(2, Duration::from_secs(4));
        let script = Script::new(1).account(Account::new("work").pool("claude", pool));
        let mut meters = Meters { script: &script, meters: HashMap::new() };
        let cell = Cell { account: "work".to_owned(), pool: "claude".to_owned() };
        let mut follow = |second, status| meters.follow(&cell, Duration::from_secs(second), status);
        assert_eq!(follow(1, 200), None);
        assert_eq!(follow(2, 503), None);
        assert_eq!(follow(2, 200), None);
        assert_eq!(follow(3, 429), Some(Duration::from_secs(5)));
        assert_eq!(follow(6, 200), None);
        assert_eq!(follow(7, 200), None);
        assert_eq!(follow(8, 429), Some(Duration::from_secs(10)));
    }
}
