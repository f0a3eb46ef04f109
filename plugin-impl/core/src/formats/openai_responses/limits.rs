//! Headers of limits of a subscription at OpenAI, as Codex shows them.

use http::HeaderValue;

use crate::formats::format::limits::LimitHeaders;

pub(super) const LIMITS: LimitHeaders = LimitHeaders { is_warning, ..LimitHeaders::NONE };

/// The windows `primary` and `secondary`, also of a named limit.
fn is_warning(name: &str, _: &HeaderValue) -> bool {
    name.strip_prefix("x-codex-").is_some_and(|limit| {
        ["primary-", "secondary-"].iter().any(|window| {
            limit.starts_with(window) || limit.find(window).is_some_and(|at| limit[..at].ends_with('-'))
        })
    })
}
