//! The gateway: from a client's request to a routed answer.

use std::convert::Infallible;

use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use pointsman_core::formats::format::WireFormat;
use pointsman_core::reporting::refusal;
use pointsman_core::request::intent::{Intent, spoken};

use crate::runtime::answer::Answer;
use crate::runtime::call::Call;
use crate::runtime::driver::own;
use crate::runtime::router::{Router, call};

use super::body::FaceBody;
use super::origin::{self, Asker};
use super::pages;

/// The most room reserved in advance for a body: a client's `content-length` may be wrong.
const MOST_ROOM: u64 = 1 << 20;

/// Answers any request.
pub(super) async fn answer(
    router: &Router,
    request: Request<Incoming>,
) -> Result<Response<FaceBody>, Infallible> {
    let asker = Asker::of(request.headers(), &router.generation().config.allow_origins);
    let mut response = match refused(&asker, &request) {
        Some(response) => response,
        None => match pages::page(router, &request) {
            Some(page) => page,
            None => response(routed(router, request).await),
        },
    };
    asker.open(response.headers_mut());
    Ok(response)
}

/// Answers a request on the way to `target`.
pub(super) async fn on_its_way(
    router: &Router,
    target: &Uri,
    request: Request<Incoming>,
) -> Response<FaceBody> {
    let (parts, body) = request.into_parts();
    let format = format(&parts.method, target.path(), &parts.headers);
    let told = |status, text: &str| response(own(refusal::fault(format, status, text)));
    let body = match whole(body, router.generation().config.max_body).await {
        Ok(body) => body,
        Err((status, text)) => return told(status, &text),
    };
    match router.fetch(target, call(parts.method, target.query(), parts.headers, body)).await {
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
fn refused<B>(asker: &Asker, request: &Request<B>) -> Option<Response<FaceBody>> {
    if *asker == Asker::Stranger {
        let text = "a web page asks, and `allow_origins` in pointsman.yaml does not name where it is from";
        return Some(fault(request, StatusCode::FORBIDDEN, text));
    }
    if matches!(asker, Asker::Page(_)) && origin::is_preflight(request.method(), request.headers()) {
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

async fn routed(router: &Router, request: Request<Incoming>) -> Answer {
    let (Parts { method, uri, headers, .. }, body) = request.into_parts();
    let path = uri.path();
    let body = match whole(body, router.generation().config.max_body).await {
        Ok(body) => body,
        Err((status, text)) => return own(refusal::fault(format(&method, path, &headers), status, &text)),
    };
    match router.serve(path, call(method, uri.query(), headers, body)).await {
        Ok(answer) => answer,
        Err(Call { method, headers, .. }) => {
            let format = format(&method, path, &headers);
            own(refusal::fault(format, StatusCode::NOT_FOUND, &unknown(path)))
        }
    }
}

/// Reads a body. An error is the status and the text of the refusal.
async fn whole(body: Incoming, limit: u64) -> Result<Bytes, (StatusCode, String)> {
    let told = body.size_hint().lower();
    let mut body = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    let (mut first, mut more) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreadable(error.is::<LengthLimitError>(), limit))?;
        let Ok(piece) = frame.into_data() else { continue };
        // Most bodies come in one piece and are never copied.
        if first.is_empty() {
            first = piece;
            continue;
        }
        if more.is_empty() {
            more.reserve(told.min(MOST_ROOM) as usize);
            more.extend_from_slice(&first);
        }
        more.extend_from_slice(&piece);
    }
    Ok(if more.is_empty() { first } else { more.freeze() })
}

fn unreadable(is_too_long: bool, limit: u64) -> (StatusCode, String) {
    if is_too_long {
        let text = format!("the body is longer than {limit} bytes; raise `max_body` in pointsman.yaml");
        return (StatusCode::PAYLOAD_TOO_LARGE, text);
    }
    (StatusCode::BAD_REQUEST, "the body ended before its end".to_owned())
}

pub(super) fn fault<B>(request: &Request<B>, status: StatusCode, text: &str) -> Response<FaceBody> {
    let format = format(request.method(), request.uri().path(), request.headers());
    response(own(refusal::fault(format, status, text)))
}

/// Returns the caller's format: by the path, or by the headers of the caller's service.
fn format(method: &Method, path: &str, headers: &HeaderMap) -> WireFormat {
    let spoken = spoken(headers);
    let format = Intent::read(method, path, None, spoken).map(|intent| intent.format);
    format.or(spoken).unwrap_or(WireFormat::OpenAi)
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
