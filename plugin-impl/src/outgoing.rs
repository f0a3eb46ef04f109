//! What goes out: the caller's request, as one pool of one account wants it.
//!
//! Bytes pass through. Only what the pool needs is touched: the model's name where the pool has another,
//! an envelope where it has one, the credential, and headers that are between two ends of a connection.

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use pointsman_core::body;
use pointsman_core::catalog::Pool;
use pointsman_core::envelope;
use pointsman_core::format::Envelope;
use pointsman_core::intent::ModelPlace;
use smallvec::SmallVec;

use crate::auth::Proof;
use crate::call::Routed;
use crate::chains::Leg;
use crate::config::ProviderConfig;
use crate::fleet::lease::Target;
use crate::target::target_url;
use crate::upstream::Outgoing;

/// Headers that belong to one connection (RFC 9110 section 7.6.1), or that the client sets itself.
const OF_THE_CONNECTION: [HeaderName; 10] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// The prefix of the router's own headers.
const OWN: &str = "x-pointsman-";

/// Builds the request for one attempt.
pub fn build(
    routed: &Routed,
    leg: &Leg,
    provider: &ProviderConfig,
    target: &Target,
    project: Option<&str>,
    proof: &Proof,
) -> Outgoing {
    let pool = leg.route.pool(target.pool);
    let model = pool.model(&leg.route.model);
    let mut url = target_url(&target.endpoint.url.0, &path(routed, pool, model));
    let mut headers = callers(routed.call.headers.clone());
    // An answer that is compressed could not be looked into.
    headers.remove(header::ACCEPT_ENCODING);
    for (name, value) in &provider.headers[target.pool] {
        headers.insert(name, value.clone());
    }
    proof.apply(&mut url, &mut headers);
    Outgoing { method: routed.call.method.clone(), url, headers, body: body(routed, pool, model, project) }
}

/// Returns headers without those that end here.
pub fn callers(headers: HeaderMap) -> HeaderMap {
    let mut kept = end_to_end(headers);
    remove_where(&mut kept, |name| name.as_str().starts_with(OWN));
    kept
}

/// Returns headers without those of the connection they came by.
pub fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    let lists: SmallVec<[HeaderValue; 1]> = headers.get_all(header::CONNECTION).iter().cloned().collect();
    for name in lists.iter().filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')) {
        headers.remove(name.trim());
    }
    remove_where(&mut headers, |name| OF_THE_CONNECTION.contains(name));
    headers
}

/// Takes those headers out whose names are such. Most messages have few of them, or none.
pub fn remove_where(headers: &mut HeaderMap, is_such: impl Fn(&HeaderName) -> bool) {
    let names: SmallVec<[HeaderName; 4]> = headers.keys().filter(|name| is_such(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn path(routed: &Routed, pool: &Pool, model: &str) -> String {
    let query = routed.call.query.as_deref();
    if let (Envelope::CodeAssist, ModelPlace::Path { action, .. }) = (pool.envelope, &routed.intent.model) {
        return envelope::path(action, query);
    }
    let path = routed.intent.path_for(model);
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

fn body(routed: &Routed, pool: &Pool, model: &str, project: Option<&str>) -> Bytes {
    let body = &routed.call.body;
    match (&routed.intent.model, pool.envelope) {
        (ModelPlace::Path { action, .. }, Envelope::CodeAssist) if action == "countTokens" => {
            envelope::wrap_count(body, model).into()
        }
        (ModelPlace::Path { .. }, Envelope::CodeAssist) => envelope::wrap(body, project, model).into(),
        (ModelPlace::Body, _) if routed.written_model.as_deref() != Some(model) => renamed(body, model),
        (ModelPlace::Body | ModelPlace::Path { .. } | ModelPlace::Nowhere, _) => body.clone(),
    }
}

/// The body was found to be JSON when its model was read, so renaming finds the same place again.
fn renamed(body: &Bytes, model: &str) -> Bytes {
    body::with_model(body, model).map_or_else(|_| body.clone(), |renamed| renamed.into_owned().into())
}

/// Says whether the pool put an envelope around a good answer.
pub fn is_enveloped(routed: &Routed, pool: &Pool, status: StatusCode) -> bool {
    let counts = matches!(&routed.intent.model, ModelPlace::Path { action, .. } if action == "countTokens");
    pool.envelope == Envelope::CodeAssist && status.is_success() && !counts
}
