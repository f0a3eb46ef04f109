//! The gateway: from a client's request to a routed answer.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, EXPECT, RETRY_AFTER, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use pointsman_core::formats::WireFormat;
use pointsman_core::reporting::refusal;
use pointsman_core::request::intent::{Intent, spoken};

use crate::runtime::answer::Answer;
use crate::runtime::body_memory::Room;
use crate::runtime::call::Call;
use crate::runtime::driver::own;
use crate::runtime::router::{Router, call};

use super::body::FaceBody;
use super::dashboard::{self, Pages};
use super::origin::{self, WebAsker};
use super::pages;
use super::upload::{Unread, Uploads};

/// What all requests of an instance are answered with.
#[derive(Clone, Copy)]
pub(super) struct Face<'a> {
    pub(super) router: &'a Arc<Router>,
    pub(super) uploads: &'a Uploads,
    pub(super) pages: &'a Pages,
    /// Only programs of this machine reach the listener.
    pub(super) is_local: bool,
}

/// Answers any request.
pub(super) async fn answer(
    face: Face<'_>,
    request: Request<Incoming>,
) -> Result<Response<FaceBody>, Infallible> {
    let router = face.router;
    let asker = WebAsker::of(request.headers(), &router.generation().config.allow_origins);
    let mut response = match refused(&asker, &request) {
        Some(response) => response,
        None => match dashboard::page(face, &request).or_else(|| pages::page(router, &request)) {
            Some(page) => page,
            None => response(resolved(face, request).await),
        },
    };
    asker.open(response.headers_mut());
    Ok(response)
}

/// Answers a request on the way to `target`.
pub(super) async fn on_its_way(
    face: Face<'_>,
    target: &Uri,
    request: Request<Incoming>,
) -> Response<FaceBody> {
    let (parts, body) = request.into_parts();
    let format = format(&parts.method, target.path(), &parts.headers);
    let told = |status, text: &str| response(own(refusal::fault(format, status, text)));
    let (body, _room) = match whole(face, &parts.headers, body, format).await {
        Ok(read) => read,
        Err(refused) => return response(*refused),
    };
    match face.router.fetch(target, call(parts.method, target.query(), parts.headers, body)).await {
        Ok(answer) => response(answer),
        Err(error) => told(StatusCode::BAD_GATEWAY, &error.to_string()),
    }
}

/// Makes a text answer for a person.
pub(super) fn plain(status: StatusCode, text: String) -> Response<FaceBody> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Answers requests refused or answered before the body is read.
fn refused<B>(asker: &WebAsker, request: &Request<B>) -> Option<Response<FaceBody>> {
    if *asker == WebAsker::Stranger {
        let text = "a web page asks, and `allow_origins` in pointsman.yaml does not name where it is from";
        return Some(fault(request, StatusCode::FORBIDDEN, text));
    }
    if matches!(asker, WebAsker::Page(_)) && origin::is_preflight(request.method(), request.headers()) {
        let mut response = plain(StatusCode::NO_CONTENT, String::new());
        origin::allow(request.headers(), response.headers_mut());
        return Some(response);
    }
    if request.method() == Method::OPTIONS {
        let mut response = fault(request, StatusCode::METHOD_NOT_ALLOWED, "nothing has options here");
        let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
        response.headers_mut().insert(ALLOW, methods);
        return Some(response);
    }
    wants_web_socket(request.headers()).then(|| use_http(request))
}

/// Returns whether a request asks for a WebSocket. Codex tries a WebSocket first, and uses HTTP at once
/// after a refusal.
fn wants_web_socket(headers: &HeaderMap) -> bool {
    let protocols =
        headers.get_all(UPGRADE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    protocols.into_iter().any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

/// Answers with the supported protocol (RFC 9110 section 15.5.22).
fn use_http<B>(request: &Request<B>) -> Response<FaceBody> {
    let mut response =
        fault(request, StatusCode::UPGRADE_REQUIRED, "WebSockets are not spoken here; use HTTP");
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response
}

async fn resolved(face: Face<'_>, request: Request<Incoming>) -> Answer {
    let (Parts { method, uri, headers, .. }, body) = request.into_parts();
    let path = uri.path();
    let (body, _room) = match whole(face, &headers, body, format(&method, path, &headers)).await {
        Ok(read) => read,
        Err(refused) => return *refused,
    };
    match face.router.serve(path, call(method, uri.query(), headers, body)).await {
        Ok(answer) => answer,
        Err(Call { method, headers, .. }) => {
            let format = format(&method, path, &headers);
            own(refusal::fault(format, StatusCode::NOT_FOUND, &unknown(path)))
        }
    }
}

/// Reads the body of a request, or makes the answer that refuses it in `format`.
async fn whole(
    face: Face<'_>,
    headers: &HeaderMap,
    body: Incoming,
    format: WireFormat,
) -> Result<(Bytes, Room), Box<Answer>> {
    let limits = face.router.generation().config.bodies;
    let read = face.uploads.read(body, limits, headers.contains_key(EXPECT)).await;
    read.map_err(|unread| Box::new(refused_body(&unread, format)))
}

fn refused_body(unread: &Unread, format: WireFormat) -> Answer {
    let mut answer = own(refusal::fault(format, unread.status(), &unread.to_string()));
    if unread.status() == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

pub(super) fn fault<B>(request: &Request<B>, status: StatusCode, text: &str) -> Response<FaceBody> {
    let format = format(request.method(), request.uri().path(), request.headers());
    response(own(refusal::fault(format, status, text)))
}

/// Returns the caller's format: by the path, or by the headers of the caller's service.
fn format(method: &Method, path: &str, headers: &HeaderMap) -> WireFormat {
    let spoken = spoken(headers);
    let format = Intent::read(method, path, None, spoken).map(|intent| intent.format);
    format.or(spoken).unwrap_or_default()
}

fn response(answer: Answer) -> Response<FaceBody> {
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    origin::close(response.headers_mut());
    response
}

fn unknown(path: &str) -> String {
    format!(
        "there is nothing at {path}. Served are POST /v1/messages, /v1/messages/count_tokens, \
         /v1/chat/completions, /v1/responses, /v1beta/models/MODEL:generateContent, \
         :streamGenerateContent and :countTokens, GET /v1/models, /health, /account-limits and /explain"
    )
}
