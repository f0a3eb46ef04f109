//! Target URLs: joins a base URL and a path.
//!
//! People write base URLs with the version of the API (`https://api.openai.com/v1`) and without
//! (`https://api.anthropic.com`), like the services' own documents. Paths inside are canonical and always
//! begin with a version. If base and path both name a version, the base's version wins, because the user
//! wrote the base.

/// Returns the URL for `path` (`/v1/…`, `/v1beta/…` or `/v1internal:…`) at `base`.
///
/// A base has a version if the last segment is a version (`/v1`, `/v1beta`, `/api/paas/v4`), is `openai`
/// after a version (`/v1beta/openai`), or names a deployment of Azure (`/openai/deployments/gpt`).
///
/// A query of the base goes to every request, before the caller's query. For a parameter in both queries,
/// the base's value wins.
pub fn target_url(base: &str, path: &str) -> String {
    let Some((base, query)) = base.split_once('?') else { return joined(base, path) };
    let (path, callers) = path.split_once('?').unwrap_or((path, ""));
    let name = |pair: &'_ str| pair.split('=').next().unwrap_or(pair).to_owned();
    let is_new = |pair: &&str| !pair.is_empty() && query.split('&').all(|own| name(own) != name(pair));
    let more = callers.split('&').filter(is_new).map(|pair| format!("&{pair}"));
    std::iter::once(format!("{}?{query}", joined(base, path))).chain(more).collect()
}

fn joined(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/');
    if path.starts_with("/upload/") || path.starts_with("/download/") || path.starts_with("/resumable/") {
        // The media paths of the Gemini API stand before the version.
        let root = base_version(base).map_or(base, |version| base.trim_end_matches(version));
        return [root.trim_end_matches('/'), path].concat();
    }
    let (version, rest) = split_version(path);
    let keeps = match base_version(base) {
        None => true,
        // `/v1internal:method` has no other spelling, so only its own version stands for it.
        Some(of_base) => version.is_empty() || rest.starts_with(':') && of_base != version,
    };
    [base, if keeps { path } else { rest }].concat()
}

/// Splits `/v1/messages` into `v1` and `/messages`; a path without a version has an empty version.
fn split_version(path: &str) -> (&str, &str) {
    let segment = path.strip_prefix('/').unwrap_or(path);
    let end = segment.find(['/', ':', '?']).unwrap_or(segment.len());
    if is_version(&segment[..end]) { segment.split_at(end) } else { ("", path) }
}

fn base_version(base: &str) -> Option<&str> {
    let after_scheme = base.split_once("://").map_or(base, |(_, rest)| rest);
    let (_, path) = after_scheme.split_once('/')?;
    let mut segments = path.rsplit('/');
    let last = segments.next()?;
    if segments.clone().next() == Some("deployments") {
        // Azure names the version in the query of such a URL, and none in its path.
        return Some(last);
    }
    let candidate = if last == "openai" { segments.next()? } else { last };
    is_version(candidate).then_some(candidate)
}

/// Returns whether `segment` is `v` with a number, and perhaps a word, such as `v1beta`.
fn is_version(segment: &str) -> bool {
    let Some(number) = segment.strip_prefix('v') else { return false };
    number.starts_with(|c: char| c.is_ascii_digit()) && number.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::target_url;

    #[test]
    fn a_version_is_never_doubled_and_never_lost() {
        let rows = [
            ("https://g.example", "/upload/v1beta/files", "https://g.example/upload/v1beta/files"),
            ("https://g.example/v1beta/", "/upload/v1beta/files", "https://g.example/upload/v1beta/files"),
            ("https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"),
            ("https://api.anthropic.com/v1", "/v1/messages", "https://api.anthropic.com/v1/messages"),
            (
                "https://api.anthropic.com/v1/",
                "/v1/messages?beta=true",
                "https://api.anthropic.com/v1/messages?beta=true",
            ),
            (
                "https://api.groq.com/openai/v1",
                "/v1/chat/completions",
                "https://api.groq.com/openai/v1/chat/completions",
            ),
            (
                "https://api.z.ai/api/paas/v4",
                "/v1/chat/completions",
                "https://api.z.ai/api/paas/v4/chat/completions",
            ),
            ("https://g.example/v1beta/openai", "/v1/models", "https://g.example/v1beta/openai/models"),
            ("https://g.example/openai", "/v1/models", "https://g.example/openai/v1/models"),
            (
                "http://127.0.0.1:1/pool",
                "/v1beta/models/m:generateContent",
                "http://127.0.0.1:1/pool/v1beta/models/m:generateContent",
            ),
            (
                "http://127.0.0.1:1/v1beta",
                "/v1beta/models/m:countTokens",
                "http://127.0.0.1:1/v1beta/models/m:countTokens",
            ),
            (
                "https://c.example",
                "/v1internal:generateContent",
                "https://c.example/v1internal:generateContent",
            ),
            (
                "https://c.example/v1internal",
                "/v1internal:generateContent",
                "https://c.example/v1internal:generateContent",
            ),
            (
                "https://c.example/v1",
                "/v1internal:generateContent",
                "https://c.example/v1/v1internal:generateContent",
            ),
            ("https://c.example/v1", "/models", "https://c.example/v1/models"),
            ("http://v1", "/v1/models", "http://v1/v1/models"),
            (
                "https://me.openai.azure.com/openai/v1?api-version=preview",
                "/v1/chat/completions",
                "https://me.openai.azure.com/openai/v1/chat/completions?api-version=preview",
            ),
            (
                "https://me.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21",
                "/v1/chat/completions?api-version=other&beta=true",
                "https://me.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21&beta=true",
            ),
            ("https://c.example/vault", "/v1/models", "https://c.example/vault/v1/models"),
        ];
        for (base, path, url) in rows {
            assert_eq!(target_url(base, path), url, "{base} {path}");
        }
    }
}
