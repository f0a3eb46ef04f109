//! Outgoing requests: the caller's request, adapted to a pool of an account.
//!
//! Bytes pass through. Only the pool's needs are changed: the model's name if the pool has a different
//! name, an envelope if the pool has an envelope, the credential, and hop-by-hop headers.

use bytes::Bytes;
use http::StatusCode;
use pointsman_core::formats::body;
use pointsman_core::formats::format::envelope::{Unwrapped, Wrapping};
use pointsman_core::request::catalog::Pool;
use pointsman_core::request::intent::ModelPlace;
use pointsman_core::request::resource::TURN_STATE;

use crate::edges::auth::Proof;
use crate::edges::config::ProviderConfig;
use crate::edges::upstream::{Outgoing, Replay, ask_for};
use crate::fleet::lease::Target;
use crate::runtime::call::Resolved;
use crate::runtime::failover::Hop;
use crate::runtime::headers::callers;
use crate::target::target_url;

/// Builds the request of an attempt.
pub fn build(
    resolved: &Resolved,
    hop: &Hop,
    provider: &ProviderConfig,
    target: &Target,
    project: Option<&str>,
    proof: &Proof,
) -> Outgoing {
    let pool = hop.route.pool(target.pool);
    let model = pool.model(&hop.route.model);
    let mut url = target_url(&target.endpoint.url.0, &path(resolved, pool, model));
    let mut headers = callers(resolved.call.headers.clone());
    ask_for(&mut headers);
    // The turn state belongs to the account of the turn's first request, and goes to no other.
    if resolved.began_turn.as_ref() != Some(&target.account.id) {
        headers.remove(&TURN_STATE);
    }
    // The caller's own credential must not reach the provider next to the account's.
    proof.replace_callers(&mut url, &mut headers);
    for (name, value) in &provider.headers[target.pool] {
        headers.insert(name, value.clone());
    }
    proof.apply(&mut url, &mut headers);
    let body = body(resolved, pool, model, project);
    Outgoing { method: resolved.call.method.clone(), url, headers, body, replay: Replay::IfUnread }
}

fn path(resolved: &Resolved, pool: &Pool, model: &str) -> String {
    let query = resolved.call.query.as_deref();
    if let (Some(envelope), ModelPlace::Path { action, .. }) =
        (pool.envelope.wrapping(), &resolved.intent.model)
    {
        return (envelope.path)(action, query);
    }
    let path = resolved.intent.path_for(model);
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

fn body(resolved: &Resolved, pool: &Pool, model: &str, project: Option<&str>) -> Bytes {
    let body = &resolved.call.body;
    match (&resolved.intent.model, pool.envelope.wrapping()) {
        (ModelPlace::Path { action, .. }, Some(envelope)) => {
            (envelope.body)(&Unwrapped { action, body, project, model }).into()
        }
        (ModelPlace::Path { .. } | ModelPlace::Nowhere, _) => body.clone(),
        (ModelPlace::Body | ModelPlace::Optional | ModelPlace::Requests, _) => {
            match &resolved.written_model {
                Some(written) if written != model => renamed(resolved, written, model),
                Some(_) | None => body.clone(),
            }
        }
    }
}

/// Returns the body with the pool's model name. The model was read from the body before, so the position is
/// found again.
fn renamed(resolved: &Resolved, written: &str, model: &str) -> Bytes {
    let body = &resolved.call.body;
    if resolved.intent.model == ModelPlace::Requests {
        return body::with_model_in_requests(body, written, model).map_or_else(|_| body.clone(), Bytes::from);
    }
    match resolved.call.model_in_form() {
        Some(range) if resolved.intent.model == ModelPlace::Optional => {
            [&body[..range.start], model.as_bytes(), &body[range.end..]].concat().into()
        }
        Some(_) | None => {
            body::with_model(body, model).map_or_else(|_| body.clone(), |renamed| renamed.into_owned().into())
        }
    }
}

/// Returns whether the pool put an envelope around a good answer.
pub fn is_enveloped(resolved: &Resolved, pool: &Pool, status: StatusCode) -> bool {
    let action = match &resolved.intent.model {
        ModelPlace::Path { action, .. } => Some(action.as_str()),
        ModelPlace::Body | ModelPlace::Optional | ModelPlace::Requests | ModelPlace::Nowhere => None,
    };
    let wraps = |envelope: &Wrapping| (envelope.wraps_answer)(action);
    status.is_success() && pool.envelope.wrapping().is_some_and(wraps)
}
