//! Configured request headers.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::edges::config::reading::Entry;
use crate::edges::config::reading::problem::Problem;
use crate::edges::config::settings::HEADERS;
use crate::edges::config::values::{Shape, Text};
use crate::secret::Secret;

/// The parts of names by which a header holds a credential, as `api-key`, `x-auth-token` and `cookie` do.
const NAMES: [&str; 7] = ["key", "token", "secret", "auth", "cookie", "password", "credential"];
/// Names with such a part that count the tokens of a model.
const COUNTING: [&str; 3] = ["limit", "tokens", "usage"];

/// Says whether a header holds a credential, by the name of the header.
pub fn holds_credential(name: &str) -> bool {
    NAMES.iter().any(|part| name.contains(part)) && !COUNTING.iter().any(|part| name.contains(part))
}

/// Returns the credentials in configured headers, each without a scheme such as `Bearer`.
pub fn credentials(headers: &HeaderMap) -> impl Iterator<Item = Secret> {
    let values = headers.iter().filter(|(name, _)| holds_credential(name.as_str()));
    values
        .filter_map(|(_, value)| value.to_str().ok())
        .map(|text| Secret::new(credential_in(text).to_owned()))
}

fn credential_in(text: &str) -> &str {
    match text.split_once(' ') {
        Some((scheme, credential)) if scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) => credential,
        Some(_) | None => text,
    }
}

const OF_ACCOUNTS: &str = "is a credential; give it to an account as api_key or access_token";
const OF_TRANSPORT: &str = "is set by the connection itself";

/// Headers outside of the configuration's reach, with reasons.
const FORBIDDEN: [(&str, &str); 9] = [
    ("authorization", OF_ACCOUNTS),
    ("x-api-key", OF_ACCOUNTS),
    ("x-goog-api-key", OF_ACCOUNTS),
    ("proxy-authorization", "is a credential; write it into `proxy`"),
    ("host", OF_TRANSPORT),
    ("content-length", OF_TRANSPORT),
    ("transfer-encoding", OF_TRANSPORT),
    ("connection", OF_TRANSPORT),
    ("upgrade", OF_TRANSPORT),
];

/// Returns `base` with the headers at `entry` merged in by name.
///
/// Values are marked as sensitive, so a print of the map hides them.
pub(crate) fn laid_over(base: &HeaderMap, entry: Option<Entry<'_>>) -> HeaderMap {
    let mut headers = base.clone();
    let Some(entry) = entry else { return headers };
    for (name, value) in entry.members(&HEADERS.form.allowed()) {
        match header(name, &value) {
            Ok((name, value)) => drop(headers.insert(name, value)),
            Err(Some(problem)) => value.error(problem),
            Err(None) => {}
        }
    }
    headers
}

/// Makes a header. An error without a problem is already in the report.
fn header(name: &str, value: &Entry<'_>) -> Result<(HeaderName, HeaderValue), Option<Problem>> {
    let forbidden = |why| Problem::ForbiddenHeader { key: value.path.clone(), name: name.to_owned(), why };
    if let Some((_, why)) = FORBIDDEN.iter().find(|(forbidden, _)| forbidden.eq_ignore_ascii_case(name)) {
        return Err(Some(forbidden(why)));
    }
    let header_name =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| forbidden("is no name of a header"))?;
    let text = value.value(&Text("the text of a header")).ok_or(None)?;
    let mut header_value =
        HeaderValue::from_str(&text).map_err(|_| forbidden("has a value that no header can have"))?;
    header_value.set_sensitive(true);
    if holds_credential(header_name.as_str()) {
        value.warn_of_short(&Secret::new(credential_in(&text).to_owned()));
    }
    Ok((header_name, header_value))
}
