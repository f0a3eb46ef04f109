//! The gateway: from a client's request to a routed answer.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use pointsman_core::format::WireFormat;
use pointsman_core::intent::Intent;
use pointsman_core::refusal;

use crate::answer::Answer;
use crate::driver::own;
use crate::router::{Router, call};

use super::body::FaceBody;
use super::pages;

/// Answers one request, whatever it is.
pub(super) async fn answer(
    router: &Router,
    request: Request<Incoming>,
) -> Result<Response<FaceBody>, Infallible> {
    if let Some(page) = pages::page(router, &request) {
        return Ok(page);
    }
    // Some agents try a WebSocket first, and take HTTP at once when told so (RFC 9110 section 15.5.22).
    if request.headers().contains_key(UPGRADE) {
        return Ok(plain(StatusCode::UPGRADE_REQUIRED, "use plain HTTP here\n".to_owned()));
    }
    Ok(match routed(router, request).await {
        Ok(answer) => response(answer),
        Err(path) => plain(StatusCode::NOT_FOUND, unknown(&path)),
    })
}

/// Makes a text for a person.
pub(super) fn plain(status: StatusCode, text: String) -> Response<FaceBody> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Routes a request, or returns its path where it is of no wire format.
async fn routed(router: &Router, request: Request<Incoming>) -> Result<Answer, String> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let limit = router.generation().config.max_body;
    let body = match whole(body, limit).await {
        Ok(body) => body,
        Err(fault) => return Ok(unreadable(&parts.method, &path, fault, limit)),
    };
    let call = call(parts.method, parts.uri.query(), parts.headers, body);
    router.serve(&path, call).await.map_err(|_| path)
}

/// Why a body could not be read.
enum BodyFault {
    TooLong,
    Broken,
}

async fn whole(body: Incoming, limit: u64) -> Result<Bytes, BodyFault> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let collected = Limited::new(body, limit).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|error| if error.is::<LengthLimitError>() { BodyFault::TooLong } else { BodyFault::Broken })
}

fn unreadable(method: &Method, path: &str, fault: BodyFault, limit: u64) -> Answer {
    let format = Intent::read(method, path, None, false).map_or(WireFormat::OpenAi, |intent| intent.format);
    own(match fault {
        BodyFault::TooLong => {
            let text = format!("the body is longer than {limit} bytes; raise `max_body` in pointsman.yaml");
            refusal::fault(format, StatusCode::PAYLOAD_TOO_LARGE, &text)
        }
        BodyFault::Broken => refusal::fault(format, StatusCode::BAD_REQUEST, "the body ended before its end"),
    })
}

fn response(answer: Answer) -> Response<FaceBody> {
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

fn unknown(path: &str) -> String {
    format!(
        "Pointsman has nothing at {path}. It serves POST /v1/messages, /v1/messages/count_tokens, \
         /v1/chat/completions, /v1/responses, /v1beta/models/MODEL:generateContent, \
         :streamGenerateContent and :countTokens, GET /v1/models, /health and /account-limits.\n"
    )
}
