//! The status as a table of at most 80 columns, if the names allow.

use std::fmt::Write;

use pointsman_core::quota::outlook::WHOLE;
use pointsman_core::time::UnixMillis;

use super::{AccountState, AccountStatus, ClosedStatus, PoolStatus, Status, UnderWay};

const HEADINGS: [&str; 7] = ["ACCOUNT", "POOL", "STATE", "UNTIL", "BUSY", "SERVED", "LEFT"];

/// Renders accounts × pools, and a line on the requests.
pub(super) fn render(status: &Status) -> String {
    if status.accounts.is_empty() {
        return "no accounts: add some under `accounts:` in pointsman.yaml\n".to_owned();
    }
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for account in &status.accounts {
        rows.extend(
            account.pools.iter().enumerate().map(|(at, pool)| row(account, pool, at == 0, status.now)),
        );
    }
    let mut text = aligned(&rows);
    text.push_str(&disabled(status));
    text.push_str(&closed(status));
    text.push_str(&caps(status));
    let counter =
        |name: &str| status.counters.iter().find(|(known, _)| *known == name).map_or(0, |(_, count)| *count);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "\n{}, {} answered, {} refused, {} failed; {}, {} of them limited",
        counted(counter("requests"), "request"),
        counter("answered"),
        counter("refused"),
        counter("failed"),
        counted(counter("attempts"), "upstream call"),
        counter("upstream_429"),
    );
    text
}

fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn row(account: &AccountStatus, pool: &PoolStatus, first: bool, now: UnixMillis) -> [String; 7] {
    let (state, until) = match account.state {
        AccountState::Ready => (pool.state.as_str().to_owned(), pool.until),
        AccountState::Cooling => (account.reason.clone(), account.until),
        AccountState::NeedsSignIn | AccountState::Disabled => (account.state.as_str().to_owned(), None),
    };
    [
        if first { account.id.clone() } else { String::new() },
        pool.name.clone(),
        state,
        until.map_or_else(|| "-".to_owned(), |until| countdown(until, now)),
        busy(pool.under_way),
        pool.served.to_string(),
        left(pool, now),
    ]
}

/// Returns the remaining quota of the tightest window, and the time to the reset: `42% 1h03m`.
fn left(pool: &PoolStatus, now: UnixMillis) -> String {
    let Some(remaining) = pool.remaining else { return "-".to_owned() };
    // Rounded up, so that 0% means that nothing is left.
    let percent = format!("{}%", remaining.div_ceil(10));
    match pool.reset {
        Some(reset) if remaining < WHOLE => format!("{percent} {}", countdown(reset, now)),
        Some(_) | None => percent,
    }
}

fn busy(under_way: UnderWay) -> String {
    match under_way.cap {
        Some(cap) => format!("{}/{cap}", under_way.in_flight),
        None => under_way.in_flight.to_string(),
    }
}

/// Lists accounts disabled for lack of a credential, with the reason.
fn disabled(status: &Status) -> String {
    let without = status.accounts.iter().filter(|account| account.state == AccountState::Disabled);
    let lines = without.filter(|account| !account.reason.is_empty());
    let lines: String =
        lines.map(|account| format!("{} is disabled: {}\n", account.id, account.reason)).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// Lists what is closed besides accounts and pools.
fn closed(status: &Status) -> String {
    let of_accounts = status.accounts.iter().map(|account| (&account.id, &account.closed));
    let of_providers = status.providers.iter().map(|provider| (&provider.name, &provider.closed));
    let all =
        of_accounts.chain(of_providers).flat_map(|(who, closed)| closed.iter().map(move |it| (who, it)));
    let line = |(who, closed): (&String, &ClosedStatus)| {
        let end = countdown(closed.until, status.now);
        format!("  {who}, {}, {end} ({})\n", closed.words(), closed.quality)
    };
    let lines: String = all.map(line).collect();
    if lines.is_empty() { lines } else { format!("\nclosed:\n{lines}") }
}

/// Lists the use of the caps not shown in any row.
fn caps(status: &Status) -> String {
    let models = |provider: &'_ super::ProviderStatus| {
        let named = |(models, cap): &(String, UnderWay)| (format!("{} {models}", provider.name), *cap);
        provider.models.iter().map(named).collect::<Vec<_>>()
    };
    let of_providers = status.providers.iter().flat_map(|provider| {
        [(provider.name.clone(), provider.under_way)].into_iter().chain(models(provider))
    });
    let of_accounts = status.accounts.iter().map(|account| (account.id.clone(), account.under_way));
    let capped = of_providers.chain(of_accounts).filter(|(_, under_way)| under_way.cap.is_some());
    let texts: Vec<_> = capped.map(|(name, under_way)| format!("{name} {}", busy(under_way))).collect();
    if texts.is_empty() { String::new() } else { format!("\n{}\n", wrapped("at once:", &texts)) }
}

fn countdown(until: UnixMillis, now: UnixMillis) -> String {
    let seconds = until.0.saturating_sub(now.0).div_ceil(1_000);
    match (seconds / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// The default columns of a terminal.
const WIDTH: usize = 80;
/// Columns to shorten, in order, with the least width: accounts, then pools, then states.
const SHORTEST: [(usize, usize); 3] = [(0, 16), (1, 10), (2, 12)];

/// Puts rows into columns. Names too long for the terminal lose the middle.
fn aligned(rows: &[[String; 7]]) -> String {
    let widths = widths(rows);
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{:width$}", cut(cell, width)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn widths(rows: &[[String; 7]]) -> [usize; 7] {
    let longest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let mut widths: [usize; 7] = std::array::from_fn(longest);
    for (column, shortest) in SHORTEST {
        let whole = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
        let over = whole.saturating_sub(WIDTH);
        widths[column] = widths[column].saturating_sub(over).max(shortest.min(widths[column]));
    }
    widths
}

/// Cuts a text to a width by removing the middle: the two ends of a name are the most telling.
fn cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let (head, tail) = (width / 2, width - width / 2 - 1);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail)).collect()
}

/// Joins parts with commas into lines of the terminal.
fn wrapped(title: &str, parts: &[String]) -> String {
    let mut lines = vec![title.to_owned()];
    for (at, part) in parts.iter().enumerate() {
        let comma = if at + 1 == parts.len() { "" } else { "," };
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(last) if line + part.chars().count() + 2 <= WIDTH => *last += &format!(" {part}{comma}"),
            Some(_) | None => lines.push(format!("  {part}{comma}")),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use pointsman_core::admission::allowance::Experience;
    use pointsman_core::formats::operation::Operation;

    use super::*;
    use crate::operator::status::{PoolState, ProviderStatus};

    #[test]
    fn a_table_has_a_row_for_each_pool() {
        let pool = |name: &str, state, until| PoolStatus {
            name: name.into(),
            state,
            until,
            under_way: UnderWay { in_flight: 2, cap: (name == "claude").then_some(4) },
            consecutive_trips: 0,
            trips: 1,
            served: 40,
            limited: 3,
            remaining: until.map(|_| 0).or(Some(421)),
            reset: until.or(Some(UnixMillis(3_780_000))),
            windows: Vec::new(),
            learned: Experience::default(),
        };
        let account = AccountStatus {
            id: "antigravity:work".into(),
            provider: "antigravity".into(),
            format: "anthropic",
            label: "work".into(),
            callers: None,
            state: AccountState::Ready,
            reason: String::new(),
            until: None,
            under_way: UnderWay { in_flight: 4, cap: Some(10) },
            closed: vec![ClosedStatus {
                operation: Operation::Generating,
                pool: Some("claude".into()),
                models: Some("*opus*".into()),
                endpoint: None,
                reason: "limited",
                until: UnixMillis(3_600_000),
                quality: "reported",
            }],
            pools: vec![
                pool("claude", PoolState::Open, None),
                pool("gemini-cli", PoolState::Limited, Some(UnixMillis(71_000))),
            ],
        };
        let status = Status {
            now: UnixMillis(0),
            listen: String::new(),
            config: String::new(),
            fingerprint: 0,
            quiet_mode: false,
            waiting: 0,
            providers: vec![ProviderStatus {
                name: "antigravity".into(),
                under_way: UnderWay { in_flight: 4, cap: None },
                models: vec![("claude-opus-*".into(), UnderWay { in_flight: 1, cap: Some(3) })],
                closed: vec![ClosedStatus {
                    operation: Operation::Counting,
                    pool: None,
                    models: None,
                    endpoint: Some("127.0.0.1:80".into()),
                    reason: "server error",
                    until: UnixMillis(5_000),
                    quality: "estimated",
                }],
            }],
            accounts: vec![account],
            counters: vec![("requests", 7), ("attempts", 1)],
        };
        let expected = "\
ACCOUNT           POOL        STATE    UNTIL  BUSY  SERVED  LEFT
antigravity:work  claude      open     -      2/4   40      43% 1h03m
                  gemini-cli  limited  1m11s  2     40      0% 1m11s

closed:
  antigravity:work, model *opus* pool claude: limited, 1h00m (reported)
  antigravity, at 127.0.0.1:80 for counting: server error, 5s (estimated)

at once: antigravity claude-opus-* 1/3, antigravity:work 4/10

7 requests, 0 answered, 0 refused, 0 failed; 1 upstream call, 0 of them limited
";
        assert_eq!(render(&status), expected);
    }

    #[test]
    fn long_names_lose_their_middle_and_no_line_is_longer_than_a_terminal() {
        let row = |account: &str, pool: &str| {
            [account, pool, "limited (learned)", "1h03m", "12/40", "1000000", "43% 1h03m"].map(str::to_owned)
        };
        let long = "anthropic:somebody.with.a.long.name@company.example";
        let text =
            aligned(&[HEADINGS.map(str::to_owned), row(long, "a-pool-with-a-long-name"), row("a:b", "p")]);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.contains("anthropi…example") && text.contains("a:b "), "{text}");
        let parts: Vec<_> = (0..9).map(|n| format!("antigravity:account-{n} 1/4")).collect();
        let caps = wrapped("at once:", &parts);
        assert!(caps.lines().count() > 1 && caps.lines().all(|line| line.chars().count() <= WIDTH), "{caps}");
    }
}
