//! What services answer, a fixture for each row of the table. Names, ids and numbers are invented; of messages only
//! the words that matter are kept.

use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::{Asked, Head, classify};
use super::table::WORDS;
use super::*;
use crate::formats::WireFormat;
use crate::response::evidence::{Extent, Ground};
use crate::response::outcome::Outcome;
use crate::time::{Millis, Now, UnixMillis};

/// The service, the status, the body, and what it comes to.
type Fixture = (&'static str, u16, &'static str, &'static str);

#[rustfmt::skip]
const FIXTURES: &[Fixture] = &[
    ("Groq, OpenAI", 413, r#"{"error":{"message":"Request too large for model `llama` on tokens per minute (TPM): Limit 6000, Requested 9000","type":"tokens","code":"rate_limit_exceeded"}}"#, "too-large"),
    ("GitHub Models", 413, r#"{"error":{"code":"tokens_limit_reached","message":"Request body too large for gpt-4o model. Max size: 8000 tokens."}}"#, "too-large"),
    ("OpenRouter", 402, r#"{"error":{"message":"This request requires more credits, or fewer max_tokens","code":402}}"#, "too-large"),
    ("OpenRouter", 402, r#"{"error":{"code":402,"message":"Prompt tokens limit exceeded: 69120 > 36608. To increase, upgrade to a paid account"}}"#, "too-large"),
    ("OpenRouter", 402, r#"{"error":{"code":402,"message":"The request is too expensive","metadata":{"error_type":"weight_exceeds_budget","limit_source":"openrouter_credits"}}}"#, "too-large"),
    ("Anthropic", 413, r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#, "too-large"),

    ("OpenRouter", 403, r#"{"error":{"code":403,"message":"m requires moderation and your input was flagged","metadata":{"reasons":["violence"]}}}"#, "request"),
    ("xAI", 403, r#"{"code":"permission-denied","error":"Content violates usage guidelines."}"#, "request"),
    ("Azure", 400, r#"{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400}}"#, "request"),
    ("Azure", 400, r#"{"error":{"message":"The response was filtered","reason":"ResponsibleAIPolicyViolation"}}"#, "request"),
    ("OpenAI", 400, r#"{"error":{"code":"content_policy_violation","message":"Your request was rejected"}}"#, "request"),
    ("DashScope", 400, r#"{"error":{"code":"DataInspectionFailed","message":"Input data may contain inappropriate content."}}"#, "request"),
    ("DashScope", 400, r#"{"error":{"code":"data_inspection_failed","message":"Output data may contain inappropriate content."}}"#, "request"),
    ("Z.ai", 400, r#"{"error":{"code":"1301","message":"System detected potentially unsafe or sensitive content"}}"#, "request"),
    ("Z.ai", 400, r#"{"error":{"code":"1261","message":"Prompt exceeds max length"}}"#, "request"),
    ("Azure", 400, r#"{"error":{"message":"The response was filtered","code":null,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#, "request"),
    ("DeepSeek", 400, r#"{"error":{"message":"Content Exists Risk","type":"invalid_request_error","code":"invalid_request_error"}}"#, "request"),
    ("Together", 403, r#"{"error":{"message":"Input token count plus max_tokens must be less than the context length of the model","type":"invalid_request_error"}}"#, "request"),
    ("Kimi", 403, r#"{"error":{"message":"Kimi For Coding is currently only available for Coding Agents","type":"access_terminated_error"}}"#, "request"),

    ("Z.ai", 429, r#"{"error":{"code":"1113","message":"Insufficient balance or no resource package. Please recharge."}}"#, "unpaid"),
    ("Moonshot", 429, r#"{"error":{"type":"exceeded_current_quota_error","message":"Your account is suspended due to insufficient balance"}}"#, "unpaid"),
    ("DashScope", 400, r#"{"error":{"code":"Arrearage","type":"Arrearage","message":"Access denied, make sure your account is in good standing"}}"#, "unpaid"),
    ("DeepSeek", 402, r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#, "unpaid"),
    ("xAI", 403, r#"{"code":"permission denied","error":"Your team doesn't have any credits or licenses"}"#, "unpaid"),
    ("xAI", 429, r#"{"code":"resource exhausted","error":"Your team has run out of credits"}"#, "unpaid"),
    ("xAI", 429, r#"{"code":"resource exhausted","error":"Your team has reached its monthly spending limit"}"#, "unpaid"),
    ("Fireworks", 412, r#"{"error":{"message":"Account is suspended: monthly usage spending limit","code":"PRECONDITION_FAILED"}}"#, "unpaid"),
    ("Fireworks", 412, r#"{"error":{"message":"Account is suspended","code":"PRECONDITION_FAILED"}}"#, "account"),
    ("Together", 403, r#"{"error":{"message":"A payment method is required for this account","type":"invalid_request_error"}}"#, "unpaid"),
    ("Together", 402, r#"{"error":{"message":"The account associated with the API key has reached its maximum allowed monthly spending limit."}}"#, "unpaid"),
    ("OpenRouter", 402, r#"{"error":{"code":402,"message":"Insufficient credits. Add more"}}"#, "unpaid"),
    ("OpenRouter", 403, r#"{"error":{"code":403,"message":"Key limit exceeded (total limit)"}}"#, "unpaid"),
    ("OpenAI", 429, r#"{"error":{"message":"Billing hard limit has been reached","type":"insufficient_quota","code":"billing_hard_limit_reached"}}"#, "unpaid"),
    ("OpenAI", 429, r#"{"error":{"message":"Your account is not active","code":"billing_not_active"}}"#, "unpaid"),
    ("OpenAI", 429, r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}"#, "unpaid"),
    ("Anthropic", 402, r#"{"type":"error","error":{"type":"billing_error","message":"There's an issue with your payment information"}}"#, "unpaid"),
    ("Anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API"}}"#, "unpaid"),
    ("Anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2027-01-01 at 00:00 UTC."}}"#, "unpaid"),
    ("Anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified workspace API usage limits"}}"#, "unpaid"),
    ("Google", 403, r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"m","details":[{"reason":"BILLING_DISABLED"}]}}"#, "unpaid"),
    ("Google", 403, r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"This API method requires billing to be enabled"}}"#, "unpaid"),
    ("Together", 402, r#"{"error":{"message":"Your Together AI account needs a credit card on file to use this"}}"#, "unpaid"),
    ("OpenRouter", 402, r#"{"error":{"code":402,"message":"Your running requests fill the budget","metadata":{"limit_source":"openrouter_in_flight_budget"}}}"#, "concurrency"),
    ("OpenRouter", 402, r#"{"error":{"code":402,"message":"Your running requests fill the budget","metadata":{"error_type":"in_flight_budget_exhausted"}}}"#, "concurrency"),
    ("OpenRouter", 403, r#"{"error":{"code":403,"message":"Budget limit exceeded","metadata":{"limit_source":"openrouter_workspace_budget"}}}"#, "unpaid"),
    ("OpenAI", 429, r#"{"error":{"message":"m","type":"insufficient_quota","code":"credit_balance_exhausted"}}"#, "unpaid"),
    ("OpenAI", 429, r#"{"error":{"message":"m","type":"insufficient_quota","code":"organization_spend_limit_exceeded"}}"#, "unpaid"),
    ("OpenAI", 429, r#"{"error":{"message":"m","type":"insufficient_quota","code":"project_spend_limit_exceeded"}}"#, "unpaid"),
    ("OpenAI", 429, r#"{"error":{"message":"m","type":"insufficient_quota","code":"organization_usage_limit_exceeded"}}"#, "unpaid"),
    ("DashScope", 429, r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For details, see: https://help.example.com/model-studio/error-code","type":"insufficient_quota","code":"insufficient_quota"}}"#, "rate of models"),
    ("Anthropic", 429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#, "unpaid"),
    ("Google", 402, r#"{"error":{"code":402,"status":"RESOURCE_EXHAUSTED","message":"Your prepayment credits are depleted."}}"#, "unpaid"),

    ("Together", 429, r#"{"error":{"message":"rate limit specific to this model meta-llama/X","type":"model_rate_limit"}}"#, "rate of models"),
    ("DashScope", 403, r#"{"error":{"code":"AllocationQuota.FreeTierOnly","message":"The free tier of the model has been exhausted"}}"#, "quota of models"),
    ("xAI", 429, r#"{"code":"subscription:free-usage-exhausted","error":"included free usage for model grok used, rolling 24-hour window"}"#, "quota of models"),
    ("OpenRouter", 429, r#"{"error":{"message":"Rate limit exceeded: free-models-per-day","code":429}}"#, "quota of models"),
    ("OpenRouter", 429, r#"{"error":{"message":"Rate limit exceeded: free-models-per-min","code":429}}"#, "rate of models"),
    ("OpenRouter", 429, r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"m:free is temporarily rate-limited upstream"}}}"#, "rate of models"),
    ("GitHub Models", 429, r#"{"error":{"code":"RateLimitReached","message":"Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 500 seconds before retrying."}}"#, "quota of models"),
    ("GitHub Models", 429, r#"{"error":{"code":"RateLimitReached","message":"Rate limit of 10 per 60s exceeded for UserByModelByMinute. Please wait 9 seconds before retrying."}}"#, "rate of models"),
    ("Copilot", 429, r#"{"error":{"code":"user_model_rate_limited:pro","message":"m"}}"#, "rate of models"),
    ("Together", 429, r#"{"error":{"message":"You have reached the rate limit specific to this model x","type":"rate_limit"}}"#, "rate of models"),

    ("Z.ai", 429, r#"{"error":{"code":"1302","message":"Rate limit reached for requests"}}"#, "concurrency"),
    ("Moonshot", 429, r#"{"error":{"type":"rate_limit_reached_error","message":"Your account request reached max organization concurrency: 1, please try again after 1 seconds"}}"#, "concurrency"),
    ("GitHub Models", 429, r#"{"error":{"code":"RateLimitReached","message":"Rate limit of 2 per 0s exceeded for UserConcurrentRequests"}}"#, "concurrency"),
    ("DashScope", 429, r#"{"error":{"code":"Throttling","message":"Concurrency allocated quota exceeded"}}"#, "concurrency"),

    ("Z.ai", 429, r#"{"error":{"code":"1304","message":"Daily call limit for this API reached"}}"#, "quota"),
    ("Z.ai", 429, r#"{"error":{"code":"1308","message":"Usage limit reached for 5 hour. Your limit will reset at 2026-12-02 09:00:00"}}"#, "quota"),
    ("Z.ai", 429, r#"{"error":{"code":"1310","message":"Weekly/Monthly Limit Exhausted. Your limit will reset at 2026-12-04 09:00:00"}}"#, "quota"),
    ("Z.ai", 429, r#"{"error":{"code":"1309","message":"Your GLM Coding Plan package has expired"}}"#, "unpaid"),
    ("Cerebras", 429, r#"{"message":"Tokens per day limit exceeded","type":"too_many_tokens_error","code":"token_quota_exceeded"}"#, "quota"),
    ("Cerebras", 429, r#"{"message":"Requests per day limit exceeded","type":"too_many_requests_error","code":"request_quota_exceeded"}"#, "quota"),
    ("Copilot", 402, r#"{"error":{"code":"quota_exceeded","message":"You have no quota"}}"#, "quota"),
    ("Copilot", 429, r#"{"error":{"message":"You have exceeded your premium request allowance"}}"#, "quota"),
    ("Bedrock", 400, r#"{"__type":"com.amazon.coral.service#ServiceQuotaExceededException","message":"Your account has reached its daily quota"}"#, "quota"),
    ("Bedrock", 429, r#"{"message":"Too many tokens per day, please wait before trying again."}"#, "quota"),
    ("Codex", 429, r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_in_seconds":561635}}"#, "quota"),
    ("Moonshot", 429, r#"{"error":{"type":"rate_limit_reached_error","message":"Your account request reached organization TPD rate limit, current: 1526210, limit: 1500000"}}"#, "quota"),
    ("Kimi", 403, r#"{"error":{"message":"You've reached your usage limit for this billing cycle"}}"#, "quota"),
    ("DashScope", 429, r#"{"error":{"message":"Free allocated quota exceeded.","code":"insufficient_quota"}}"#, "quota"),
    ("Copilot", 429, r#"{"error":{"code":"user_weekly_rate_limited","message":"m"}}"#, "quota"),

    ("Z.ai", 429, r#"{"error":{"code":"1303","message":"High frequency usage of this API"}}"#, "rate"),
    ("Moonshot", 429, r#"{"error":{"type":"rate_limit_reached_error","message":"Your account request reached organization max RPM: 3"}}"#, "rate"),
    ("DashScope", 429, r#"{"error":{"code":"Throttling.RateQuota","message":"Requests rate limit exceeded, please try again later."}}"#, "rate of models"),
    ("DashScope", 429, r#"{"error":{"code":"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit."}}"#, "rate of models"),
    ("DashScope", 429, r#"{"error":{"code":"Throttling.BurstRate","message":"Request rate increased too quickly."}}"#, "rate of models"),
    ("Cerebras", 429, r#"{"message":"Tokens per minute limit exceeded","type":"too_many_tokens_error","code":"token_quota_exceeded"}"#, "rate"),
    ("Cerebras", 429, r#"{"message":"Requests per minute limit exceeded","type":"too_many_requests_error","code":"request_quota_exceeded"}"#, "rate"),
    ("Azure", 429, r#"{"error":{"code":"429","message":"Requests have exceeded token rate limit of your current AIServices S0 pricing tier. Please retry after 26 seconds."}}"#, "rate"),
    ("Azure", 429, r#"{"error":{"code":"429","message":"Requests have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 2 seconds."}}"#, "rate"),
    ("GitHub Models", 403, r#"{"message":"You have exceeded a secondary rate limit"}"#, "rate"),
    ("Bedrock", 429, r#"{"__type":"ThrottlingException","message":"Too many requests, please wait before trying again."}"#, "rate"),
    ("Mistral", 429, r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","code":"1300"}"#, "rate"),
    ("Z.ai", 429, r#"{"type":"error","error":{"type":"rate_limit_error","code":"1313","message":"[1313][Your account's current usage pattern does not comply with the Fair Usage Policy]"}}"#, "rate"),
    ("Copilot", 429, r#"{"error":{"code":"user_global_rate_limited","message":"m"}}"#, "rate"),
    ("Copilot", 429, r#"{"error":{"code":"integration_rate_limited","message":"m"}}"#, "rate"),

    ("Z.ai", 429, r#"{"error":{"code":"1305","message":"temporarily overloaded, try again later"}}"#, "capacity"),
    ("Z.ai", 429, r#"{"error":{"code":"1312","message":"This model is currently experiencing high traffic"}}"#, "capacity"),
    ("Moonshot", 429, r#"{"error":{"type":"engine_overloaded_error","message":"The engine is currently overloaded, please try again later"}}"#, "capacity"),
    ("Cerebras", 429, r#"{"message":"We're experiencing high traffic right now","type":"too_many_requests_error","param":"queue","code":"queue_exceeded"}"#, "capacity"),
    ("Groq", 498, r#"{"error":{"message":"Flex tier has no room"}}"#, "capacity"),
    ("Groq", 503, r#"{"error":{"message":"Flex tier capacity exceeded","code":"capacity_exceeded"}}"#, "capacity"),
    ("Codex", 429, r#"{"error":{"message":"Selected model is at capacity","code":"model_at_capacity"}}"#, "capacity"),
    ("Fireworks", 429, r#"{"error":{"message":"Model is overloaded, please retry","type":"overloaded"}}"#, "capacity"),
    ("Mistral", 429, r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"service_tier_capacity_exceeded","code":"3505"}"#, "capacity"),
    ("Bedrock", 429, r#"{"__type":"ModelNotReadyException","message":"The model is not ready for inference."}"#, "capacity"),
    ("Bedrock", 503, r#"{"__type":"ServiceUnavailableException","message":"Too many connections"}"#, "capacity"),
    ("Vertex", 429, r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Too many requests. Exceeded the provisioned throughput."}}"#, "capacity"),
    ("Together", 503, r#"{"error":{"message":"The service is in high demand","type":"service_unavailable"}}"#, "capacity"),
    ("NVIDIA", 429, r#"{"status":429,"title":"Too Many Requests","detail":"ResourceExhausted: Worker local total request limit reached (288/48)"}"#, "capacity"),
    ("NVIDIA", 503, r#"{"error":{"message":"ResourceExhausted: Worker local total request limit reached (16/16)","type":"Service Unavailable","code":503}}"#, "capacity"),
    ("Kimi", 429, r#"{"error":{"message":"The engine is currently overloaded, please try again later"}}"#, "capacity"),
    ("Copilot", 429, r#"{"error":{"code":"model_overloaded","message":"m"}}"#, "capacity"),
    ("Mistral", 429, r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"invalid_request_error","param":null,"code":null}"#, "capacity"),
    ("Azure", 429, r#"{"error":{"code":"429","message":"System is experiencing high demand"}}"#, "capacity"),
    ("Azure", 429, r#"{"error":{"code":"429","message":"The service is temporarily unable to process your request"}}"#, "capacity"),
    ("Vertex", 429, r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Resource exhausted, please try again later."}}"#, "capacity"),
    ("Vertex", 429, r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Resource exhausted. See https://example.com/vertex-ai/generative-ai/docs/error-code-429"}}"#, "capacity"),

    ("OpenAI", 403, r#"{"error":{"message":"Your organization must be verified to use the model `m`","type":"invalid_request_error"}}"#, "account of models"),
    ("OpenAI", 404, r#"{"error":{"message":"The model `m` does not exist or you do not have access to it.","type":"invalid_request_error","code":"model_not_found"}}"#, "account of models"),
    ("Codex", 400, r#"{"detail":"The 'm' model is not supported when using Codex with a ChatGPT account."}"#, "account of models"),
    ("NVIDIA", 404, r#"{"status":404,"title":"Not Found","detail":"Function 'f1': Not found for account 'n1'"}"#, "account of models"),
    ("DashScope", 403, r#"{"error":{"code":"Model.AccessDenied","message":"Model access denied."}}"#, "account of models"),
    ("Copilot", 400, r#"{"error":{"code":"model_not_supported","message":"The requested model is not supported."}}"#, "account of models"),
    ("GitHub Models", 403, r#"{"error":{"code":"unavailable_model","message":"Unavailable model: m"}}"#, "account of models"),
    ("Azure", 404, r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#, "account of models"),
    ("Bedrock", 403, r#"{"__type":"AccessDeniedException","message":"You don't have access to the model with the specified model ID."}"#, "account of models"),
    ("Z.ai", 403, r#"{"error":{"code":"1220","message":"You do not have permission to access m"}}"#, "account of models"),
    ("Z.ai", 429, r#"{"error":{"code":"1311","message":"Your plan does not include m"}}"#, "account of models"),
    ("OpenAI", 400, r#"{"error":{"message":"Your organization must be verified to stream this model.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}"#, "account of models"),
    ("GitHub Models", 400, r#"{"error":{"code":"unknown_model","message":"Unknown model: m"}}"#, "account of models"),
    ("Bedrock", 404, r#"{"__type":"FTUFormNotFilled","message":"Model use case details have not been submitted for this account"}"#, "account of models"),

    ("xAI", 400, r#"{"code":"invalid argument","error":"Incorrect API key provided"}"#, "credential"),
    ("Google", 400, r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"API key not valid","details":[{"reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#, "credential"),
    ("Google", 403, r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Your API key was reported as leaked. Please use another API key."}}"#, "credential"),
    ("Anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"This credential is only authorized for use with Claude Code"}}"#, "account"),
    ("Anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}"#, "disabled"),
    ("OpenAI", 401, r#"{"error":{"message":"m","code":"account_deactivated"}}"#, "disabled"),
    ("Codex", 402, r#"{"detail":{"code":"deactivated_workspace"}}"#, "account"),
    ("Codex", 403, r#"{"detail":{"code":"invalid_workspace_selected"}}"#, "account"),
    ("Kimi", 402, r#"{"error":{"message":"We are unable to verify your membership benefits"}}"#, "account"),
    ("Kimi", 403, r#"{"error":{"message":"Access terminated"}}"#, "account"),
    ("Z.ai", 429, r#"{"error":{"code":"1112","message":"Your account has been locked"}}"#, "account"),
    ("Z.ai", 429, r#"{"error":{"code":"1121","message":"The account has violations and has been locked"}}"#, "account"),
];

fn told(outcome: &Outcome) -> String {
    let debug = format!("{outcome:?}").to_lowercase();
    let word = match debug.as_str() {
        "requestfault" => "request",
        "toolarge" => "too-large",
        "projectrefused" => "account",
        "unauthorized" => "credential",
        "needssignin(disabled)" => "disabled",
        limited => limited.trim_start_matches("limited(").trim_end_matches(')'),
    };
    word.to_owned()
}

fn read(status: u16, body: &str) -> (String, Ground) {
    let asked = Asked { model: "m:free", named: "m:free", ..Asked::of(WireFormat::OpenAi) };
    let headers =
        HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let head = Head { status: StatusCode::from_u16(status).expect("a status"), headers: &headers };
    let now = Now { mono: Millis(10_000), wall: UnixMillis(1_796_126_400_000) };
    let evidence = classify(asked, head, body.as_bytes(), now);
    let of_models = if matches!(evidence.extent, Extent::Models(_)) { " of models" } else { "" };
    (told(&evidence.outcome) + of_models, evidence.ground)
}

#[test]
fn services_mean_what_their_words_say() {
    for (service, status, body, expected) in FIXTURES {
        let (found, ground) = read(*status, body);
        assert_eq!(found, *expected, "{body}");
        let Ground::Words { service: by, .. } = ground else { panic!("{ground:?}: {body}") };
        assert_eq!(by, *service, "{body}");
    }
}

#[test]
fn each_row_has_a_fixture_that_it_reads_and_a_source() {
    for word in WORDS {
        let reads = |(_, status, body, _): &&Fixture| {
            find(&ErrorBody::read(body.as_bytes()), *status).is_some_and(|found| std::ptr::eq(found, word))
        };
        assert!(FIXTURES.iter().any(|fixture| reads(&fixture)), "{word:?}");
        let Source { page, read } = word.source;
        assert!(page.starts_with("https://") && read.len() == 10 && read.starts_with("202"), "{word:?}");
        assert!(word.status != 0 || !word.code.is_empty() || !word.text.is_empty(), "{word:?}");
    }
}

#[test]
fn every_service_of_the_documentation_has_rows() {
    const SERVICES: [&str; 22] = [
        "Z.ai",
        "Moonshot",
        "Kimi",
        "DashScope",
        "xAI",
        "Groq",
        "Cerebras",
        "Mistral",
        "Fireworks",
        "Together",
        "DeepSeek",
        "OpenRouter",
        "Azure",
        "GitHub Models",
        "NVIDIA",
        "Bedrock",
        "Vertex",
        "Google",
        "Copilot",
        "OpenAI",
        "Codex",
        "Anthropic",
    ];
    for service in SERVICES {
        assert!(WORDS.iter().any(|word| word.service.split(", ").any(|one| one == service)), "{service}");
    }
    for word in WORDS {
        assert!(word.service.split(", ").all(|one| SERVICES.contains(&one)), "{word:?}");
    }
}
