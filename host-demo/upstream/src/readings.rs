//! The headers in which providers report the levels of their windows, with good answers and with limits.

use std::time::Duration;

use http::HeaderMap;

use crate::format::Format;
use crate::quota::Level;
use crate::refusal::put;
use crate::script::Unit;
use crate::span::{Clockwise, Rfc3339, ceil_seconds};

/// The readings of a wire format; Google has none in headers.
pub(crate) fn headers(format: Format, levels: &[Level], unix: Duration) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if levels.is_empty() {
        return headers;
    }
    match format {
        Format::Anthropic => anthropic(&mut headers, levels, unix),
        Format::OpenaiChat => openai(&mut headers, levels),
        Format::OpenaiResponses => codex(&mut headers, levels),
        Format::Gemini | Format::CodeAssist => {}
    }
    headers
}

fn anthropic(headers: &mut HeaderMap, levels: &[Level], unix: Duration) {
    for level in levels {
        anthropic_window(headers, level, unix);
    }
    let Some(tightest) = tightest(levels) else { return };
    let reset = ceil_seconds(unix.saturating_add(tightest.resets_in)).to_string();
    put(headers, "anthropic-ratelimit-unified-status", status(tightest));
    put(headers, "anthropic-ratelimit-unified-reset", &reset);
    put(headers, "anthropic-ratelimit-unified-representative-claim", claim(&tightest.name));
    // `tokens` is whichever limit on tokens is the tighter; here only those of what is asked are counted.
    let buckets =
        [("requests", Unit::Requests), ("tokens", Unit::InputTokens), ("input-tokens", Unit::InputTokens)];
    for (bucket, unit) in buckets {
        let Some(level) = tightest_of(levels, unit) else { continue };
        let name = |part| format!("anthropic-ratelimit-{bucket}-{part}");
        put(headers, &name("limit"), &level.limit.to_string());
        put(headers, &name("remaining"), &level.remaining().to_string());
        put(headers, &name("reset"), &Rfc3339(unix.saturating_add(level.resets_in)).to_string());
    }
}

fn anthropic_window(headers: &mut HeaderMap, level: &Level, unix: Duration) {
    let name = |part| format!("anthropic-ratelimit-unified-{}-{part}", level.name);
    put(headers, &name("status"), status(level));
    put(headers, &name("reset"), &ceil_seconds(unix.saturating_add(level.resets_in)).to_string());
    put(headers, &name("utilization"), &format!("{:.4}", level.utilization()));
}

/// The window that decides: the fullest, and of those the one that stays so the longest.
fn tightest(levels: &[Level]) -> Option<&Level> {
    levels.iter().max_by_key(tightness)
}

fn tightest_of(levels: &[Level], unit: Unit) -> Option<&Level> {
    levels.iter().filter(|level| level.unit == unit).max_by_key(tightness)
}

fn tightness(level: &&Level) -> (u64, Duration) {
    (permille(level), level.resets_in)
}

fn permille(level: &Level) -> u64 {
    u64::from(level.used) * 1_000 / u64::from(level.limit.max(1))
}

fn status(level: &Level) -> &'static str {
    match permille(level) {
        _ if level.remaining() == 0 => "rejected",
        900.. => "allowed_warning",
        _ => "allowed",
    }
}

fn claim(window: &str) -> &str {
    match window {
        "5h" => "five_hour",
        "7d" => "seven_day",
        other => other,
    }
}

fn openai(headers: &mut HeaderMap, levels: &[Level]) {
    for (bucket, unit) in [("requests", Unit::Requests), ("tokens", Unit::InputTokens)] {
        let Some(level) = tightest_of(levels, unit) else { continue };
        put(headers, &format!("x-ratelimit-limit-{bucket}"), &level.limit.to_string());
        put(headers, &format!("x-ratelimit-remaining-{bucket}"), &level.remaining().to_string());
        put(headers, &format!("x-ratelimit-reset-{bucket}"), &Clockwise(level.resets_in).to_string());
    }
}

fn codex(headers: &mut HeaderMap, levels: &[Level]) {
    for (level, place) in levels.iter().zip(["primary", "secondary"]) {
        codex_window(headers, level, place);
    }
    if let [primary, secondary, ..] = levels {
        let over = u64::from(primary.limit) * 100 / u64::from(secondary.limit.max(1));
        put(headers, "x-codex-primary-over-secondary-limit-percent", &over.to_string());
    }
}

fn codex_window(headers: &mut HeaderMap, level: &Level, place: &str) {
    let name = |part| format!("x-codex-{place}-{part}");
    put(headers, &name("used-percent"), &(permille(level) / 10).to_string());
    put(headers, &name("reset-after-seconds"), &ceil_seconds(level.resets_in).to_string());
    put(headers, &name("window-minutes"), &level.every.as_secs().div_ceil(60).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(name: &str, used: u32) -> Level {
        let (every, resets_in) = (Duration::from_secs(18_000), Duration::from_millis(59_500));
        Level { name: name.to_owned(), unit: Unit::Requests, limit: 10, used, every, resets_in }
    }

    fn read(format: Format, levels: &[Level]) -> Vec<(String, String)> {
        let headers = headers(format, levels, Duration::from_secs(1_780_000_000));
        headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect()
    }

    fn check(format: Format, levels: &[Level], name: &str, expected: &str) {
        let found = read(format, levels);
        assert!(found.contains(&(name.to_owned(), expected.to_owned())), "{name}: {expected} in {found:?}");
    }

    #[test]
    fn anthropic_reports_each_window_and_the_tightest() {
        let levels = [level("5h", 10), level("7d", 4)];
        for (name, value) in [
            ("anthropic-ratelimit-unified-status", "rejected"),
            ("anthropic-ratelimit-unified-reset", "1780000060"),
            ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
            ("anthropic-ratelimit-unified-5h-status", "rejected"),
            ("anthropic-ratelimit-unified-7d-status", "allowed"),
            ("anthropic-ratelimit-unified-7d-utilization", "0.4000"),
            ("anthropic-ratelimit-requests-remaining", "0"),
        ] {
            check(Format::Anthropic, &levels, name, value);
        }
    }

    #[test]
    fn tokens_have_buckets_of_their_own() {
        let tokens = Level { unit: Unit::InputTokens, ..level("1m", 4) };
        let levels = [level("5h", 9), tokens];
        for (format, name, value) in [
            (Format::Anthropic, "anthropic-ratelimit-requests-remaining", "1"),
            (Format::Anthropic, "anthropic-ratelimit-input-tokens-remaining", "6"),
            (Format::Anthropic, "anthropic-ratelimit-tokens-reset", "2026-05-28T20:27:40Z"),
            (Format::OpenaiChat, "x-ratelimit-remaining-requests", "1"),
            (Format::OpenaiChat, "x-ratelimit-limit-tokens", "10"),
            (Format::OpenaiChat, "x-ratelimit-remaining-tokens", "6"),
        ] {
            check(format, &levels, name, value);
        }
    }

    #[test]
    fn codex_reports_two_windows() {
        let levels = [level("5h", 9), level("7d", 1)];
        for (name, value) in [
            ("x-codex-primary-used-percent", "90"),
            ("x-codex-primary-reset-after-seconds", "60"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-secondary-used-percent", "10"),
            ("x-codex-primary-over-secondary-limit-percent", "100"),
        ] {
            check(Format::OpenaiResponses, &levels, name, value);
        }
    }

    #[test]
    fn openai_reports_requests() {
        check(Format::OpenaiChat, &[level("5h", 9)], "x-ratelimit-remaining-requests", "1");
        check(Format::OpenaiChat, &[level("5h", 9)], "x-ratelimit-reset-requests", "59.5s");
    }

    #[test]
    fn google_and_unlimited_pools_report_nothing() {
        assert!(read(Format::Gemini, &[level("5h", 9)]).is_empty());
        assert!(read(Format::Anthropic, &[]).is_empty());
    }
}
