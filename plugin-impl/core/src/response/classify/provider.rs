//! Headers and members specific to a provider.
//!
//! Good answers carry them, too, and some report windows with room left. So each is read only if the
//! upstream marks its window as exhausted.

use super::extent::models_of_window;
use super::reply::Reply;
use super::when::When;
use crate::quota::model_set::ModelSet;
use crate::response::evidence::Extent;
use crate::response::outcome::LimitKind;

/// Returns the latest end of the exhausted windows, from the first provider with such words.
pub(super) fn when(reply: &Reply<'_>) -> Option<When> {
    unified(reply)
        .or_else(|| latest(reply, anthropic_buckets(reply)))
        .or_else(|| latest(reply, members(reply, &["resets_at", "resets_in_seconds"])))
        .or_else(|| latest(reply, codex_windows(reply)))
        .or_else(|| latest(reply, spent_windows(reply)))
        .or_else(|| latest(reply, ratelimit_headers(reply)))
        .or_else(|| latest(reply, ratelimit_fields(reply)))
        .or_else(|| latest(reply, members(reply, &["reset_seconds", "retry_after_seconds", "retry_after"])))
}

/// Returns the kind of the exhausted windows.
pub(super) fn kind(reply: &Reply<'_>) -> Option<LimitKind> {
    if unified_is(reply, "rejected") || has_rejected_window(reply) || codex_windows(reply).next().is_some() {
        Some(LimitKind::Quota)
    } else if anthropic_buckets(reply).next().is_some() || ratelimit_is_empty(reply) {
        Some(LimitKind::Rate)
    } else {
        None
    }
}

/// Returns the extent of the exhausted windows: every model, or the named models.
pub(super) fn extent(reply: &Reply<'_>) -> Option<Extent> {
    let mut sets = unified_sets(reply);
    sets.extend(codex_full(reply).map(|window| codex_set(reply, window)));
    if sets.is_empty() && unified_is(reply, "rejected") {
        sets.extend(claimed_set(reply));
    }
    let first = sets.first()?.clone();
    // Where a window of all models is used up as well, all are closed.
    let all = sets.iter().any(Option::is_none);
    Some(if all { Extent::Pool } else { first.map_or(Extent::Pool, Extent::Models) })
}

fn unified_sets(reply: &Reply<'_>) -> Vec<Option<ModelSet>> {
    rejected_names(reply).map(|window| models_of_window(window, reply.asked.model)).collect()
}

/// Without a rejected window, the overall status counts for its claim: `seven_day_opus`.
fn claimed_set(reply: &Reply<'_>) -> Option<Option<ModelSet>> {
    let claim = reply.header("anthropic-ratelimit-unified-representative-claim")?.trim();
    let window = crate::quota::reading::window_of_claim(claim);
    Some(models_of_window(&window, reply.asked.model))
}

/// A named window of Codex covers the models of that name.
fn codex_set(reply: &Reply<'_>, window: &str) -> Option<ModelSet> {
    let limit = window.strip_suffix("-primary").or_else(|| window.strip_suffix("-secondary"))?;
    let name = reply.header(&format!("x-codex-{limit}-limit-name")).unwrap_or(limit);
    Some(ModelSet::named(name, reply.asked.model))
}

/// Anthropic subscriptions: returns whether a window is exhausted.
pub(super) fn has_rejected_window(reply: &Reply<'_>) -> bool {
    rejected_windows(reply).next().is_some()
}

/// Anthropic subscriptions have windows of five hours, seven days and others yet to be named:
/// `anthropic-ratelimit-unified-<window>-status` and `-reset`.
///
/// Without a rejected window the overall reset counts, unless the overall status is allowed: then the reset
/// is the regular end of a window with room.
fn unified(reply: &Reply<'_>) -> Option<When> {
    let whole = || read(reply, "anthropic-ratelimit-unified-reset");
    let allowed = unified_is(reply, "allowed") || unified_is(reply, "allowed_warning");
    latest(reply, rejected_windows(reply).flatten()).or_else(|| if allowed { None } else { whole() })
}

fn unified_is(reply: &Reply<'_>, status: &str) -> bool {
    reply.header("anthropic-ratelimit-unified-status").is_some_and(|said| said.trim() == status)
}

/// `overage` is no window: it tells whether more may be bought, and good answers may reject it, too.
fn rejected_windows(reply: &Reply<'_>) -> impl Iterator<Item = Option<When>> {
    rejected_names(reply).map(|window| read(reply, &format!("anthropic-ratelimit-unified-{window}-reset")))
}

fn rejected_names<'a>(reply: &'a Reply<'_>) -> impl Iterator<Item = &'a str> {
    reply.headers().filter(|(_, status)| status.trim() == "rejected").filter_map(|(name, _)| {
        let window = name.strip_prefix("anthropic-ratelimit-unified-")?.strip_suffix("-status")?;
        (window != "overage").then_some(window)
    })
}

/// Anthropic API keys have token buckets that refill; their resets are RFC 3339 timestamps.
fn anthropic_buckets(reply: &Reply<'_>) -> impl Iterator<Item = When> {
    ["requests", "tokens", "input-tokens", "output-tokens"].into_iter().filter_map(|bucket| {
        let remaining = reply.header(&format!("anthropic-ratelimit-{bucket}-remaining"))?;
        let reset = read(reply, &format!("anthropic-ratelimit-{bucket}-reset"))?;
        is_zero(remaining).then_some(reset)
    })
}

/// Codex: `x-codex-<window>-used-percent`, for the windows `primary`, `secondary` and the windows of single
/// models.
fn codex_windows(reply: &Reply<'_>) -> impl Iterator<Item = When> {
    codex_full(reply).filter_map(|window| {
        read(reply, &format!("x-codex-{window}-reset-after-seconds"))
            .or_else(|| read(reply, &format!("x-codex-{window}-reset-at")))
    })
}

fn codex_full<'a>(reply: &'a Reply<'_>) -> impl Iterator<Item = &'a str> {
    let full = reply.headers().filter(|(_, used)| is_full(used));
    full.filter_map(|(name, _)| name.strip_prefix("x-codex-")?.strip_suffix("-used-percent"))
}

/// Exhausted windows by their spans, such as `x-ratelimit-remaining-tokens-day`.
fn spent_windows(reply: &Reply<'_>) -> impl Iterator<Item = When> {
    reply.headers().filter(|(_, left)| is_zero(left)).filter_map(|(name, _)| {
        let window = name.strip_prefix("x-ratelimit-remaining-")?;
        read(reply, &format!("x-ratelimit-reset-{window}"))
    })
}

/// The IETF's draft of 2025: `ratelimit: "default";r=0;t=55`, also without the quotes and with several
/// items.
fn ratelimit_fields(reply: &Reply<'_>) -> impl Iterator<Item = When> {
    let items = reply.header("ratelimit").unwrap_or_default().split(',');
    items.filter_map(|item| {
        let part = |name: &str| {
            let parts = item.split([';', ' ']).map(str::trim);
            parts
                .filter_map(|part| part.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        let left = part("r").or_else(|| part("remaining"));
        let reset = When::read(part("t").or_else(|| part("reset"))?)?;
        left.is_none_or(is_zero).then_some(reset)
    })
}

/// The headers common to many APIs, and the IETF's proposal (`ratelimit-reset`). A bucket with a known
/// remainder is not the exhausted bucket.
fn ratelimit_headers(reply: &Reply<'_>) -> impl Iterator<Item = When> {
    BUCKETS.into_iter().filter_map(|(reset, remaining)| {
        let has_some = reply.header(remaining).is_some_and(|left| !is_zero(left));
        if has_some { None } else { read(reply, reset) }
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
