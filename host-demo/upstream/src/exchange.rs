//! One request and its answer over HTTP: delays, hangs, heads and bodies. What is answered is decided in
//! [`crate::decide`].

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use crate::body::{self, Unread};
use crate::call::Call;
use crate::decide::{Answer, Case, ModelAnswer};
use crate::delivery::{Break, Delivery, How, Rhythm};
use crate::fault::{BodyHarm, BodyHarmKind, Moment};
use crate::format::Format;
use crate::ledger::Ending;
use crate::line::Fate;
use crate::refusal::{Refusal, put};
use crate::route::Operation;
use crate::shape::Shape;
use crate::shared::Shared;
use crate::source::Source;
use crate::story::Story;
use crate::visit::Visit;

const HTML: &str = "<!DOCTYPE html><html><head><title>Error</title></head>\
                    <body><h1>Something went wrong</h1></body></html>";

/// Answers one request; an error closes its connection, or its stream in HTTP/2.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    fate: Arc<Fate>,
    request: Request<Incoming>,
) -> io::Result<Response<Delivery>> {
    let arrived = Instant::now();
    let (head, incoming) = request.into_parts();
    // A connection of HTTP/2 carries other requests too: there the stream alone is harmed.
    let fate = (head.version != Version::HTTP_2).then_some(fate);
    let (body, too_long) = read(incoming).await?;
    let mut call = Call::read(&shared, &head, body);
    call.complaint = too_long.then_some(Shape::PromptTooLong).or(call.complaint);
    let mut visit = Visit::begin(&shared, &call, head, arrived);
    let case = Case::new(&shared, &call, visit.sequence);
    let answer = case.decide(&mut visit);
    wait(delay(&case, &answer, visit.sequence)).await;
    carry_out(answer, &case, visit, fate).await
}

async fn read(incoming: Incoming) -> io::Result<(Bytes, bool)> {
    match body::read(incoming).await {
        Ok(body) => Ok((body, false)),
        Err(Unread::TooLong) => Ok((Bytes::new(), true)),
        Err(Unread::Gone) => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

/// Before the head.
fn delay(case: &Case<'_>, answer: &Answer, sequence: u64) -> Duration {
    match (answer, &case.call.operation) {
        (Answer::Model(model), _) => case.shared.jitter(sequence).wait(model.pace.head, model.pace.jitter),
        (_, Some(Operation::Token)) => case.shared.tokens().script.delay,
        (_, _) => Duration::ZERO,
    }
}

async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

async fn carry_out(
    answer: Answer,
    case: &Case<'_>,
    mut visit: Visit,
    fate: Option<Arc<Fate>>,
) -> io::Result<Response<Delivery>> {
    match answer {
        Answer::Refuse(refusal) => Ok(refused(refusal, visit)),
        Answer::Json(json) => Ok(whole(StatusCode::OK, "application/json", json, visit)),
        Answer::Model(answer) => Ok(model(*answer, case, visit, fate)),
        Answer::Html(code) => Ok(whole(status(code), "text/html; charset=utf-8", HTML, visit)),
        Answer::Hang => pending().await,
        Answer::Reset => {
            visit.end(Ending::Broken);
            fate.inspect(|fate| fate.reset());
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Answer::Garbage => garbled(visit, fate),
    }
}

fn refused(refusal: Refusal, visit: Visit) -> Response<Delivery> {
    let mut response = whole(status(refusal.code), "application/json", refusal.body, visit);
    response.headers_mut().extend(refusal.headers);
    response
}

fn whole(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
    visit: Visit,
) -> Response<Delivery> {
    visit.answered(status.as_u16());
    let mut response = Response::new(Delivery::new(Source::whole(body), visit));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A script can name any number as a code.
fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The head is written as any other, and the connection sends garbage in its place.
fn garbled(mut visit: Visit, fate: Option<Arc<Fate>>) -> io::Result<Response<Delivery>> {
    visit.end(Ending::Broken);
    let Some(fate) = fate else { return Err(io::ErrorKind::InvalidData.into()) };
    fate.garble();
    let mut response = Response::new(Delivery::new(Source::Over, visit));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}

fn model(answer: ModelAnswer, case: &Case<'_>, visit: Visit, fate: Option<Arc<Fate>>) -> Response<Delivery> {
    visit.answered(200);
    let headers = head(&answer, &case.request_id);
    let body =
        if answer.stream { streamed(answer, case, visit, fate) } else { unstreamed(&answer, visit, fate) };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

fn head(answer: &ModelAnswer, request_id: &str) -> HeaderMap {
    let mut headers = answer.headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(answer)));
    if answer.stream {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    match answer.reply.format {
        Format::Anthropic => put(&mut headers, "request-id", request_id),
        Format::OpenaiChat | Format::OpenaiResponses => put(&mut headers, "x-request-id", request_id),
        Format::Gemini | Format::CodeAssist => {}
    }
    headers
}

fn content_type(answer: &ModelAnswer) -> &'static str {
    let google = matches!(answer.reply.format, Format::Gemini | Format::CodeAssist);
    match (answer.stream, google) {
        (true, true) if answer.reply.array => "application/json; charset=UTF-8",
        (true, true) => "text/event-stream",
        (true, false) => "text/event-stream; charset=utf-8",
        (false, true) => "application/json; charset=UTF-8",
        (false, false) => "application/json",
    }
}

fn streamed(answer: ModelAnswer, case: &Case<'_>, visit: Visit, fate: Option<Arc<Fate>>) -> Delivery {
    let rhythm = Rhythm::new(&answer.pace, case.shared.jitter(visit.sequence));
    let story = Source::Story(Box::new(Story::new(answer.reply)));
    let Some(BodyHarm { at, kind }) = answer.harm else { return Delivery::new(story, visit).paced(rhythm) };
    let how = match kind {
        BodyHarmKind::Cut => How::Cut(fate),
        BodyHarmKind::Eof => How::Eof,
        BodyHarmKind::Stall => How::Stall,
        BodyHarmKind::Error(shape) => How::Error(case.refusal(shape)),
    };
    Delivery::breaking(story, Break { at, how }, visit).paced(rhythm)
}

fn unstreamed(answer: &ModelAnswer, visit: Visit, fate: Option<Arc<Fate>>) -> Delivery {
    let body = Bytes::from(answer.reply.whole());
    let Some(BodyHarm { at, kind }) = answer.harm else { return Delivery::new(Source::whole(body), visit) };
    let (all, kept) = (body.len(), if at == Moment::Events(0) { 0 } else { body.len() / 2 });
    let part = body.slice(..kept);
    match kind {
        BodyHarmKind::Cut => {
            Delivery::breaking(Source::part(part, all), Break { at, how: How::Cut(fate) }, visit)
        }
        BodyHarmKind::Stall => {
            Delivery::breaking(Source::part(part, all), Break { at, how: How::Stall }, visit)
        }
        // An error would have been answered as a status.
        BodyHarmKind::Eof | BodyHarmKind::Error(_) => Delivery::shortened(Source::whole(part), visit),
    }
}
