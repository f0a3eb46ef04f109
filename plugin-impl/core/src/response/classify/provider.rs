//! Headers and members that a provider has for itself.
//!
//! They stand on good answers, too, and tell of windows that are not used up. So each is read only where
//! the upstream says that this is the window that is.

use super::reply::Reply;
use super::when::When;
use crate::response::outcome::LimitKind;

/// Returns the latest end of what is used up, of the first provider whose words there are.
pub(super) fn when(reply: &Reply<'_>) -> Option<When> {
    unified(reply)
        .or_else(|| latest(reply, anthropic_buckets(reply)))
        .or_else(|| latest(reply, members(reply, &["resets_at", "resets_in_seconds"])))
        .or_else(|| latest(reply, codex_windows(reply)))
        .or_else(|| latest(reply, ratelimit_headers(reply)))
        .or_else(|| latest(reply, members(reply, &["reset_seconds", "retry_after_seconds", "retry_after"])))
}

/// Returns the kind of what is used up.
pub(super) fn kind(reply: &Reply<'_>) -> Option<LimitKind> {
    if unified_is(reply, "rejected") || has_rejected_window(reply) || codex_windows(reply).next().is_some() {
        Some(LimitKind::Quota)
    } else if anthropic_buckets(reply).next().is_some() || ratelimit_is_empty(reply) {
        Some(LimitKind::Rate)
    } else {
        None
    }
}

/// Anthropic subscriptions: returns whether one of the windows is used up.
pub(super) fn has_rejected_window(reply: &Reply<'_>) -> bool {
    rejected_windows(reply).next().is_some()
}

/// Anthropic subscriptions have windows of five hours, seven days and others yet to be named:
/// `anthropic-ratelimit-unified-<window>-status` and `-reset`.
///
/// Without a rejected one, the reset of the whole counts, unless the whole is said to be allowed: then
/// it is the regular end of a window that has room.
fn unified(reply: &Reply<'_>) -> Option<When> {
    let whole = || read(reply, "anthropic-ratelimit-unified-reset");
    let allowed = unified_is(reply, "allowed") || unified_is(reply, "allowed_warning");
    latest(reply, rejected_windows(reply).flatten()).or_else(|| if allowed { None } else { whole() })
}

fn unified_is(reply: &Reply<'_>, status: &str) -> bool {
    reply.header("anthropic-ratelimit-unified-status").is_some_and(|said| said.trim() == status)
}

/// `overage` is no window: it says whether more may be bought, and is rejected on good answers, too.
fn rejected_windows(reply: &Reply<'_>) -> impl Iterator<Item = Option<When>> {
    reply.headers().filter(|(_, status)| status.trim() == "rejected").filter_map(|(name, _)| {
        let window = name.strip_prefix("anthropic-ratelimit-unified-")?.strip_suffix("-status")?;
        (window != "overage").then(|| read(reply, &format!("anthropic-ratelimit-unified-{window}-reset")))
    })
}

/// Anthropic API keys have buckets that fill up again; their resets are RFC 3339 timestamps.
fn anthropic_buckets(reply: &Reply<'_>) -> impl Iterator<Item = When> {
    ["requests", "tokens", "input-tokens", "output-tokens"].into_iter().filter_map(|bucket| {
        let remaining = reply.header(&format!("anthropic-ratelimit-{bucket}-remaining"))?;
        let reset = read(reply, &format!("anthropic-ratelimit-{bucket}-reset"))?;
        is_zero(remaining).then_some(reset)
    })
}

/// Codex: `x-codex-<window>-used-percent`, for the windows `primary`, `secondary` and those of single
/// models.
fn codex_windows(reply: &Reply<'_>) -> impl Iterator<Item = When> {
    reply.headers().filter(|(_, used)| is_full(used)).filter_map(|(name, _)| {
        let window = name.strip_prefix("x-codex-")?.strip_suffix("-used-percent")?;
        read(reply, &format!("x-codex-{window}-reset-after-seconds"))
            .or_else(|| read(reply, &format!("x-codex-{window}-reset-at")))
    })
}

/// What many APIs have in common, and what the IETF wants it to be (`ratelimit-reset`). A bucket that is
/// known to have something left is not the one.
fn ratelimit_headers(reply: &Reply<'_>) -> impl Iterator<Item = When> {
    BUCKETS.into_iter().filter_map(|(reset, remaining)| {
        let has_some = reply.header(remaining).is_some_and(|left| !is_zero(left));
        read(reply, reset).filter(|_| !has_some)
    })
}

const BUCKETS: [(&str, &str); 4] = [
    ("x-ratelimit-reset", "x-ratelimit-remaining"),
    ("x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"),
    ("x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"),
    ("ratelimit-reset", "ratelimit-remaining"),
];

fn ratelimit_is_empty(reply: &Reply<'_>) -> bool {
    BUCKETS.iter().any(|(_, remaining)| reply.header(remaining).is_some_and(is_zero))
}

/// Members of the error: Codex has an instant and a span, other routers a span.
fn members(reply: &Reply<'_>, names: &'static [&str]) -> impl Iterator<Item = When> {
    names.iter().filter_map(|name| When::of(reply.error.field(name)?))
}

fn read(reply: &Reply<'_>, name: &str) -> Option<When> {
    When::read(reply.header(name)?)
}

fn latest(reply: &Reply<'_>, all: impl Iterator<Item = When>) -> Option<When> {
    all.max_by_key(|when| when.resolve(reply.now))
}

fn is_zero(count: &str) -> bool {
    count.trim().parse::<f64>().is_ok_and(|count| count <= 0.0)
}

fn is_full(percent: &str) -> bool {
    percent.trim().parse::<f64>().is_ok_and(|percent| percent >= 100.0)
}
