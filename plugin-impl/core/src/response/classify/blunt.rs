//! Refusals without a telling code: a status, and at best a text.
//!
//! A refusal surely about the request costs one call. A refusal possibly about an account, or without
//! meaning, goes to a witness.

use super::limit::at_least_rate;
use super::meaning::of_model;
use super::refusal;
use super::reply::Reply;
use crate::formats::operation::Operation;
use crate::response::evidence::{Accused, Certainty, Evidence};
use crate::response::outcome::Outcome;

/// Words about the caller.
const ACCOUNTS: [&str; 31] = [
    "account",
    "api key",
    "api-key",
    "apikey",
    "access",
    "authoriz",
    "authoris",
    "balance",
    "billing",
    "credential",
    "credit",
    "deactivated",
    "entitle",
    "good standing",
    "licen",
    "member",
    "not enabled",
    "organization",
    "organisation",
    "payment",
    "permission",
    "plan",
    "project",
    "quota",
    "spend",
    "subscription",
    "suspended",
    "team",
    "tier",
    "usage limit",
    "workspace",
];

/// Words about the request. Providers have thousands of such texts; these are their nouns.
const REQUESTS: [&str; 44] = [
    "argument",
    "assistant",
    "base64",
    "body",
    "budget_tokens",
    "cache_control",
    "content",
    "context",
    "duplicate",
    "expected",
    "extra_forbidden",
    "extra inputs",
    "field",
    "file",
    "format",
    "function",
    "image",
    "input",
    "invalid value",
    "json",
    "length",
    "malformed",
    "max_tokens",
    "message",
    "missing",
    "moderation",
    "must be",
    "not supported",
    "parameter",
    "parse",
    "policy",
    "prompt",
    "required",
    "role",
    "safety",
    "schema",
    "signature",
    "temperature",
    "thinking",
    "token",
    "tool",
    "too long",
    "too many",
    "unsupported",
];

/// Codes of malformed requests.
const WRONG: [&str; 10] = [
    "INVALID_ARGUMENT",
    "OUT_OF_RANGE",
    "context_length_exceeded",
    "invalid_prompt",
    "previous_response_not_found",
    "string_above_max_length",
    "unsupported_parameter",
    "unsupported_value",
    "invalid_value",
    "missing_required_parameter",
];

/// Reads a refusal by its status and its text.
pub(super) fn refusal(reply: &Reply<'_>, status: u16) -> Evidence {
    if is_limit(reply, status) {
        return reply.read(Outcome::Limited(at_least_rate(reply)), Certainty::Implied);
    }
    match status {
        401 => unauthorized(reply),
        402 => doubtful(reply, Outcome::Unpaid),
        403 => reply.read(refusal::forbidden(reply), Certainty::Implied),
        404 if is_side(reply.asked.operation) => wrong(reply),
        400 | 404 | 412 | 422 => bad_request(reply),
        413 => reply.read(Outcome::TooLarge, Certainty::Implied),
        _ => wrong(reply),
    }
}

/// A status other than 429, but with a wait and an exhausted remainder.
fn is_limit(reply: &Reply<'_>, status: u16) -> bool {
    let told_to_wait = reply.header("retry-after").is_some() || reply.header("retry-after-ms").is_some();
    let of_limits =
        reply.error.tells_any(&["rate limit", "rate-limit", "too many requests", "throttl", "quota"]);
    match status {
        // A 403 needs a wait or plain words of a rate.
        403 => told_to_wait || reply.error.tells_any(&["rate limit", "rate-limit", "throttl"]),
        // Faults of a request may quote such words, so the header must agree.
        400 | 402 | 412 | 422 => told_to_wait && of_limits,
        _ => false,
    }
}

/// Counting, listing or fetching: a failure there is nobody's fault.
const fn is_side(operation: Operation) -> bool {
    match operation {
        Operation::Generating | Operation::Embedding => false,
        Operation::Counting | Operation::Listing | Operation::Files => true,
    }
}

fn unauthorized(reply: &Reply<'_>) -> Evidence {
    let named = reply.error.tells_any(&["api key", "api-key", "token", "credential", "auth"]);
    let certainty = if named { Certainty::Implied } else { Certainty::Status };
    reply.read(Outcome::Unauthorized, certainty)
}

fn bad_request(reply: &Reply<'_>) -> Evidence {
    let error = &reply.error;
    if error.says_any(&WRONG) || error.field("param").is_some_and(|param| !param.is_null()) {
        wrong(reply)
    } else if error.tells_any(&ACCOUNTS) {
        doubtful(reply, Outcome::ProjectRefused)
    } else if error.tells_any(&REQUESTS) {
        wrong(reply)
    } else {
        // Who is refused for a reason that is not told keeps what it may do besides.
        let evidence = of_model(reply, doubtful(reply, Outcome::Refused));
        Evidence { accused: Accused::Unknown, certainty: Certainty::Status, ..evidence }
    }
}

fn wrong(reply: &Reply<'_>) -> Evidence {
    reply.read(Outcome::RequestFault, Certainty::Implied)
}

fn doubtful(reply: &Reply<'_>, outcome: Outcome) -> Evidence {
    reply.read(outcome, Certainty::Status)
}
