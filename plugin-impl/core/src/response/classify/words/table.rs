//! The table of words. The pages were read in November and December 2026, unless a row says otherwise.

use super::Word;
use crate::response::rule::Means;

const ZAI: &str = "https://docs.z.ai/api-reference/api-code";
const MOONSHOT: &str = "https://platform.moonshot.ai/docs/api/errors";
const DASHSCOPE: &str = "https://www.alibabacloud.com/help/en/model-studio/error-code";
const XAI: &str = "https://docs.x.ai/docs/key-information/debugging";
const GROQ: &str = "https://console.groq.com/docs/errors";
const CEREBRAS: &str = "https://inference-docs.cerebras.ai/support/error";
const MISTRAL: &str = "https://docs.mistral.ai/api/";
const FIREWORKS: &str = "https://docs.fireworks.ai/guides/inference-error-codes";
const TOGETHER: &str = "https://docs.together.ai/docs/error-codes";
const DEEPSEEK: &str = "https://api-docs.deepseek.com/quick_start/error_codes";
const OPENROUTER: &str = "https://openrouter.ai/docs/api-reference/errors";
const OPENROUTER_LIMITS: &str = "https://openrouter.ai/docs/api-reference/limits";
const AZURE: &str = "https://learn.microsoft.com/azure/ai-foundry/openai/quotas-limits";
const AZURE_FILTER: &str = "https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter";
const GITHUB: &str = "https://docs.github.com/github-models/use-github-models/prototyping-with-ai-models";
const GITHUB_REST: &str = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
const NVIDIA: &str = "https://docs.api.nvidia.com/cloud-functions/reference";
const BEDROCK: &str =
    "https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html";
const VERTEX: &str = "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429";
const GEMINI: &str = "https://ai.google.dev/gemini-api/docs/troubleshooting";
const COPILOT: &str = "https://docs.github.com/copilot/concepts/rate-limits";
const OPENAI: &str = "https://platform.openai.com/docs/guides/error-codes";
const CODEX: &str = "https://github.com/openai/codex/blob/main/codex-rs/core/src/error.rs";
const ANTHROPIC: &str = "https://docs.claude.com/en/api/errors";

const fn word(
    service: &'static str,
    (status, code, text): (u16, &'static str, &'static str),
    means: Means,
    source: &'static str,
) -> Word {
    Word { service, status, code, text, means, source }
}

/// The particular rows of a service come before its general ones.
#[rustfmt::skip]
pub(super) static WORDS: &[Word] = &[
    // Larger than the rate, the balance or the context of the account allows.
    word("Groq, OpenAI", (0, "", "request too large"), Means::TooLarge, GROQ),
    word("GitHub Models", (0, "tokens_limit_reached", ""), Means::TooLarge, GITHUB),
    word("OpenRouter", (402, "", "fewer max_tokens"), Means::TooLarge, OPENROUTER),
    word("Anthropic", (0, "request_too_large", ""), Means::TooLarge, ANTHROPIC),

    // Content that is not allowed, which no account changes.
    word("OpenRouter", (403, "", "flagged"), Means::Request, OPENROUTER),
    word("xAI", (403, "", "usage guidelines"), Means::Request, XAI),
    word("Azure", (0, "content_filter", ""), Means::Request, AZURE_FILTER),
    word("Azure", (0, "ResponsibleAIPolicyViolation", ""), Means::Request, AZURE_FILTER),
    word("OpenAI", (0, "content_policy_violation", ""), Means::Request, OPENAI),
    word("DashScope", (0, "DataInspectionFailed", ""), Means::Request, DASHSCOPE),
    word("Z.ai", (0, "1301", ""), Means::Request, ZAI),
    word("Z.ai", (0, "1261", ""), Means::Request, ZAI),

    // Nobody pays. These come before limits, because some send them as a 429.
    word("Z.ai", (0, "1113", ""), Means::Unpaid, ZAI),
    word("Moonshot", (0, "exceeded_current_quota_error", ""), Means::Unpaid, MOONSHOT),
    word("DashScope", (0, "Arrearage", ""), Means::Unpaid, DASHSCOPE),
    word("DeepSeek", (402, "", "insufficient balance"), Means::Unpaid, DEEPSEEK),
    word("xAI", (0, "", "doesn't have any credits"), Means::Unpaid, XAI),
    word("xAI", (0, "", "run out of credits"), Means::Unpaid, XAI),
    word("Fireworks", (412, "", "spending limit"), Means::Unpaid, FIREWORKS),
    word("Fireworks", (412, "", "suspended"), Means::Account, FIREWORKS),
    word("Together", (0, "", "payment method is required"), Means::Unpaid, TOGETHER),
    word("Together", (402, "", "maximum allowed monthly"), Means::Unpaid, TOGETHER),
    word("xAI", (0, "", "monthly spending limit"), Means::Unpaid, XAI),
    word("OpenRouter", (402, "", "credits"), Means::Unpaid, OPENROUTER),
    word("OpenRouter", (403, "", "key limit exceeded"), Means::Unpaid, OPENROUTER_LIMITS),
    word("OpenAI", (0, "billing_hard_limit_reached", ""), Means::Unpaid, OPENAI),
    word("OpenAI", (0, "billing_not_active", ""), Means::Unpaid, OPENAI),
    word("OpenAI", (0, "insufficient_quota", "billing"), Means::Unpaid, OPENAI),
    word("Anthropic", (0, "billing_error", ""), Means::Unpaid, ANTHROPIC),
    word("Anthropic", (0, "", "credit balance is too low"), Means::Unpaid, ANTHROPIC),
    word("Anthropic", (0, "", "specified api usage limits"), Means::Unpaid, ANTHROPIC),
    word("Anthropic", (0, "", "workspace api usage limits"), Means::Unpaid, ANTHROPIC),
    word("Google", (0, "BILLING_DISABLED", ""), Means::Unpaid, GEMINI),
    word("Google", (0, "", "billing to be enabled"), Means::Unpaid, GEMINI),

    // Limits of one model.
    word("Together", (0, "model_rate_limit", ""), Means::ModelRate, TOGETHER),
    word("DashScope", (0, "AllocationQuota.FreeTierOnly", ""), Means::ModelQuota, DASHSCOPE),
    word("xAI", (0, "subscription:free-usage-exhausted", ""), Means::ModelQuota, XAI),
    word("OpenRouter", (0, "", "free-models-per-day"), Means::ModelQuota, OPENROUTER_LIMITS),
    word("OpenRouter", (0, "", "free-models-per-min"), Means::ModelRate, OPENROUTER_LIMITS),
    word("OpenRouter", (0, "", "temporarily rate-limited upstream"), Means::ModelRate, OPENROUTER),
    word("GitHub Models", (0, "", "userbymodelbyday"), Means::ModelQuota, GITHUB),
    word("GitHub Models", (0, "", "userbymodelbyminute"), Means::ModelRate, GITHUB),

    // Too many at once.
    word("Z.ai", (0, "1302", ""), Means::Concurrency, ZAI),
    word("Moonshot", (0, "", "max organization concurrency"), Means::Concurrency, MOONSHOT),
    word("GitHub Models", (0, "", "userconcurrentrequests"), Means::Concurrency, GITHUB),
    word("DashScope", (0, "", "concurrency allocated quota exceeded"), Means::Concurrency, DASHSCOPE),
    word("NVIDIA", (0, "", "worker local total request limit"), Means::Concurrency, NVIDIA),

    // Limits of a day, a week, a month.
    word("Z.ai", (0, "1304", ""), Means::Quota, ZAI),
    word("Z.ai", (0, "1308", ""), Means::Quota, ZAI),
    word("Z.ai", (0, "1310", ""), Means::Quota, ZAI),
    word("Z.ai", (0, "1309", ""), Means::Unpaid, ZAI),
    word("Cerebras", (0, "token_quota_exceeded", "per day"), Means::Quota, CEREBRAS),
    word("Cerebras", (0, "request_quota_exceeded", "per day"), Means::Quota, CEREBRAS),
    word("Copilot", (0, "quota_exceeded", ""), Means::Quota, COPILOT),
    word("Copilot", (0, "", "premium request allowance"), Means::Quota, COPILOT),
    word("Bedrock", (0, "ServiceQuotaExceededException", ""), Means::Quota, BEDROCK),
    word("Bedrock", (429, "", "too many tokens per day"), Means::Quota, BEDROCK),
    word("Codex", (0, "usage_limit_reached", ""), Means::Quota, CODEX),

    // Limits of a minute.
    word("Z.ai", (0, "1303", ""), Means::Rate, ZAI),
    word("Moonshot", (0, "rate_limit_reached_error", ""), Means::Rate, MOONSHOT),
    word("DashScope", (0, "Throttling.RateQuota", ""), Means::Rate, DASHSCOPE),
    word("DashScope", (0, "Throttling.AllocationQuota", ""), Means::Rate, DASHSCOPE),
    word("DashScope", (0, "Throttling.BurstRate", ""), Means::Rate, DASHSCOPE),
    word("Cerebras", (0, "token_quota_exceeded", ""), Means::Rate, CEREBRAS),
    word("Cerebras", (0, "request_quota_exceeded", ""), Means::Rate, CEREBRAS),
    word("Azure", (429, "", "token rate limit"), Means::Rate, AZURE),
    word("Azure", (429, "", "call rate limit"), Means::Rate, AZURE),
    word("GitHub Models", (0, "", "secondary rate limit"), Means::Rate, GITHUB_REST),
    word("Bedrock", (0, "ThrottlingException", ""), Means::Rate, BEDROCK),
    word("Mistral", (429, "rate_limited", ""), Means::Rate, MISTRAL),

    // No room for the model, which is nobody's limit.
    word("Z.ai", (0, "1305", ""), Means::Capacity, ZAI),
    word("Z.ai", (0, "1312", ""), Means::Capacity, ZAI),
    word("Moonshot", (0, "engine_overloaded_error", ""), Means::Capacity, MOONSHOT),
    word("Cerebras", (0, "queue_exceeded", ""), Means::Capacity, CEREBRAS),
    word("Groq", (498, "", ""), Means::Capacity, GROQ),
    word("Groq", (0, "capacity_exceeded", ""), Means::Capacity, GROQ),
    word("Codex", (0, "model_at_capacity", ""), Means::Capacity, CODEX),
    word("Fireworks", (0, "overloaded", ""), Means::Capacity, FIREWORKS),
    word("Mistral", (0, "service_tier_capacity_exceeded", ""), Means::Capacity, MISTRAL),
    word("Bedrock", (0, "ModelNotReadyException", ""), Means::Capacity, BEDROCK),
    word("Bedrock", (0, "ServiceUnavailableException", ""), Means::Capacity, BEDROCK),
    word("Vertex", (429, "", "provisioned throughput"), Means::Capacity, VERTEX),
    word("Together", (0, "", "high demand"), Means::Capacity, TOGETHER),

    // The model is not open to the account.
    word("OpenAI", (0, "", "must be verified to use the model"), Means::Model, OPENAI),
    word("OpenAI", (0, "model_not_found", ""), Means::Model, OPENAI),
    word("Codex", (0, "", "is not supported when using codex"), Means::Model, CODEX),
    word("NVIDIA", (404, "", "not found for account"), Means::Model, NVIDIA),
    word("DashScope", (0, "Model.AccessDenied", ""), Means::Model, DASHSCOPE),
    word("Copilot", (0, "model_not_supported", ""), Means::Model, COPILOT),
    word("GitHub Models", (0, "unavailable_model", ""), Means::Model, GITHUB),
    word("Azure", (0, "DeploymentNotFound", ""), Means::Model, AZURE),
    word("Bedrock", (0, "", "access to the model with the specified model id"), Means::Model, BEDROCK),
    word("Z.ai", (0, "1220", ""), Means::Model, ZAI),

    // The credential or the account.
    word("xAI", (400, "", "incorrect api key"), Means::Credential, XAI),
    word("Google", (0, "API_KEY_INVALID", ""), Means::Credential, GEMINI),
    word("Google", (403, "", "reported as leaked"), Means::Credential, GEMINI),
    word("Anthropic", (400, "", "credential is only authorized"), Means::Account, ANTHROPIC),
    word("Anthropic", (400, "", "organization has been disabled"), Means::Disabled, ANTHROPIC),
    word("OpenAI", (0, "account_deactivated", ""), Means::Disabled, OPENAI),
    word("Codex", (402, "deactivated_workspace", ""), Means::Account, CODEX),
];
