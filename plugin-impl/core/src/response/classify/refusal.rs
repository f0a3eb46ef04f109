//! Errors by name, for names more telling than the status.

use serde_json::Value;

use super::error::ErrorBody;
use super::limit;
use super::provider;
use super::reply::Reply;
use crate::response::outcome::{NetworkFault, Outcome, SignIn};

/// The model has no room, without regard to quota.
const NO_ROOM: [&str; 5] = [
    "MODEL_CAPACITY_EXHAUSTED",
    "overloaded_error",
    "server_is_overloaded",
    "service_unavailable_error",
    "slow_down",
];
const NO_ROOM_TEXT: [&str; 6] = [
    "no capacity available",
    "at capacity",
    "currently overloaded",
    "is overloaded",
    "temporarily overloaded",
    "high traffic",
];

/// A limit, whatever the status: older Google APIs send it as a 403.
const LIMITS: [&str; 9] = [
    "RESOURCE_EXHAUSTED",
    "RATE_LIMIT_EXCEEDED",
    "userRateLimitExceeded",
    "dailyLimitExceeded",
    "QUOTA_EXHAUSTED",
    "quotaExceeded",
    "rate_limit_error",
    "usage_limit_reached",
    "insufficient_quota",
];

const ACCOUNT_GONE: [&str; 2] = ["CONSUMER_SUSPENDED", "ACCOUNT_DISABLED"];

/// The equivalent status of errors without a status.
const STATUS_OF_CODES: [(&str, u16); 33] = [
    // google.rpc.Code
    ("RESOURCE_EXHAUSTED", 429),
    ("UNAVAILABLE", 503),
    ("INTERNAL", 500),
    ("DEADLINE_EXCEEDED", 504),
    ("INVALID_ARGUMENT", 400),
    ("FAILED_PRECONDITION", 400),
    ("OUT_OF_RANGE", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("ABORTED", 409),
    ("CANCELLED", 499),
    // Anthropic
    ("rate_limit_error", 429),
    ("overloaded_error", 529),
    ("api_error", 500),
    ("timeout_error", 504),
    ("authentication_error", 401),
    ("permission_error", 403),
    ("billing_error", 402),
    ("not_found_error", 404),
    ("request_too_large", 413),
    // OpenAI. Its specific codes come before `invalid_request_error`, which accompanies them.
    ("rate_limit_exceeded", 429),
    ("usage_limit_reached", 429),
    ("insufficient_quota", 429),
    ("server_is_overloaded", 503),
    ("server_error", 500),
    ("invalid_api_key", 401),
    ("usage_not_included", 403),
    ("context_length_exceeded", 400),
    ("invalid_prompt", 400),
    ("model_not_found", 404),
    ("previous_response_not_found", 400),
    ("invalid_request_error", 400),
];

/// Returns the outcome by the error's name alone, or none if the status decides.
pub(super) fn named(reply: &Reply<'_>, status: u16) -> Option<Outcome> {
    let error = &reply.error;
    let client = (400..500).contains(&status);
    // First the names that contradict their status.
    if has_no_room(error, status) {
        Some(Outcome::Capacity)
    } else if error.says("websocket_connection_limit_reached") {
        // The socket has served its hour; the next one will do.
        Some(Outcome::Unreachable(NetworkFault::Reset))
    } else if client && is_gone(error) {
        Some(Outcome::NeedsSignIn(SignIn::Disabled))
    } else if status == 429 && is_option(reply) {
        Some(Outcome::RequestFault)
    } else if client && status != 401 && error.says_any(&LIMITS) {
        Some(Outcome::Limited(limit::kind(reply)))
    } else {
        None
    }
}

/// Tells the refusals of a 403 apart.
pub(super) fn forbidden(reply: &Reply<'_>) -> Outcome {
    let error = &reply.error;
    if wants_verification(error) {
        Outcome::NeedsSignIn(SignIn::Verification { url: verification_page(error) })
    } else if error.tells_any(&["#3501", "gemini code assist license"]) {
        Outcome::PoolRefused
    } else if project_is_refused(error) {
        Outcome::ProjectRefused
    } else if error.says("unsupported_country_region_territory") {
        Outcome::RequestFault
    } else if reply.header("cf-mitigated").is_some() {
        // A challenge of the network in front: it has not looked at the credential.
        Outcome::ServerError
    } else if error.tells_any(&["api key", "api-key", "credential", "access token", "oauth"]) {
        Outcome::Unauthorized
    } else {
        Outcome::Refused
    }
}

/// Returns the status of any of the error's codes.
pub(super) fn status_of_codes(error: &ErrorBody) -> Option<u16> {
    STATUS_OF_CODES.iter().find(|(code, _)| error.says(code)).map(|&(_, status)| status)
}

/// The text counts only if it quotes no request.
fn has_no_room(error: &ErrorBody, status: u16) -> bool {
    let text_counts = status == 429 || status >= 500;
    error.says_any(&NO_ROOM) || (text_counts && error.tells_any(&NO_ROOM_TEXT))
}

fn is_gone(error: &ErrorBody) -> bool {
    let disabled = error.message.contains("has been disabled");
    let for_good = ["violation", "terms of service", "account", "organization"];
    error.says_any(&ACCOUNT_GONE)
        || (disabled && error.tells_any(&for_good) && !error.says("SERVICE_DISABLED"))
}

/// Returns whether the request asks for an option that is paid apart. The account's windows are not meant,
/// unless a window was reported as exhausted.
fn is_option(reply: &Reply<'_>) -> bool {
    let words = reply.asked.format.main().limits.option;
    words.is_some_and(|words| reply.error.message.contains(words)) && !provider::has_rejected_window(reply)
}

fn wants_verification(error: &ErrorBody) -> bool {
    error.says("VALIDATION_REQUIRED") || error.message.contains("verify your account")
}

fn project_is_refused(error: &ErrorBody) -> bool {
    const REASONS: [&str; 7] = [
        "SUBSCRIPTION_REQUIRED",
        "SERVICE_DISABLED",
        "IAM_PERMISSION_DENIED",
        "USER_PROJECT_DENIED",
        "CONSUMER_INVALID",
        "usage_not_included",
        "model_not_found",
    ];
    error.says_any(&REASONS) || error.message.contains("cloudaicompanion.companions.generatechat")
}

/// Returns the page for the owner's verification of the account, under the first known name.
fn verification_page(error: &ErrorBody) -> Option<String> {
    const NAMES: [&str; 4] = ["validation_url", "verify_url", "verification_url", "url"];
    NAMES.iter().find_map(|name| error.details().find_map(|detail| link(detail, name))).map(str::to_owned)
}

/// Returns the first link with the name, at any depth; the parser has bounded the depth.
fn link<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    if let Some(members) = value.as_object() {
        let own = members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .and_then(|(_, link)| link.as_str());
        return own
            .filter(|link| is_link(link))
            .or_else(|| members.values().find_map(|inner| link(inner, name)));
    }
    value.as_array().and_then(|elements| elements.iter().find_map(|inner| link(inner, name)))
}

/// A link is shown to a person and may be opened: the text must be a link and nothing else.
fn is_link(text: &str) -> bool {
    const MAX_LINK: usize = 2_048;
    let scheme = text.starts_with("https://") || text.starts_with("http://");
    scheme && text.len() <= MAX_LINK && text.bytes().all(|byte| byte.is_ascii_graphic())
}
