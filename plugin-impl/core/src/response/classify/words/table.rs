//! The table of words. Each row names the page with the words and the day of reading the page. Where a service does
//! not document an answer, the page is a public report that quotes the answer.

use super::{Source, Word};
use crate::response::rule::Means;

const fn page(page: &'static str) -> Source {
    Source { page, read: "2026-12-01" }
}

const ZAI: Source = page("https://docs.z.ai/api-reference/api-code");
const ZAI_CN: Source = page("https://docs.bigmodel.cn/cn/api/api-code");
const ZAI_FAIR: Source = page("https://github.com/zai-org/GLM-5/issues/77");
const MOONSHOT: Source = page("https://www.kimi.com/help/kimi-api/api-error-codes");
const MOONSHOT_RATES: Source = page("https://github.com/LLM-Red-Team/kimi-cc/issues/16");
const MOONSHOT_DAY: Source = page("https://github.com/MoonshotAI/kimi-cli/issues/1599");
const MOONSHOT_BALANCE: Source = page("https://github.com/anomalyco/opencode/issues/24462");
const KIMI_CODE: Source = page("https://www.kimi.com/code/docs/en/kimi-code/error-reference.html");
const DASHSCOPE: Source = page("https://help.aliyun.com/en/model-studio/error-code");
const DASHSCOPE_START: Source = page("https://help.aliyun.com/en/model-studio/error-code-start");
const DASHSCOPE_RATES: Source = page("https://help.aliyun.com/en/model-studio/rate-limit");
const DASHSCOPE_FREE: Source = page("https://github.com/axoviq-ai/synthadoc/issues/215");
const QWEN_FREE: Source = page("https://github.com/QwenLM/qwen-code/issues/1742");
const XAI: Source = page("https://docs.x.ai/developers/debugging");
const XAI_POLICY: Source = page("https://github.com/theopenco/llmgateway/pull/1785");
const XAI_CREDITS: Source = page("https://github.com/continuedev/continue/issues/12670");
const XAI_SPENDING: Source = page("https://github.com/continuedev/continue/issues/10373");
const XAI_SUBSCRIPTION: Source = page("https://github.com/Wei-Shaw/sub2api/issues/4069");
const XAI_FREE: Source = page("https://github.com/Wei-Shaw/sub2api/issues/4568");
const GROQ: Source = page("https://console.groq.com/docs/errors");
const GROQ_FLEX: Source = page("https://console.groq.com/docs/flex-processing");
const CEREBRAS: Source = page("https://github.com/nminaya/grammar-nazi-bot/issues/958");
const CEREBRAS_TOKENS: Source = page("https://github.com/anomalyco/opencode/issues/7463");
const CEREBRAS_RATES: Source = page("https://inference-docs.cerebras.ai/support/rate-limits");
const CEREBRAS_QUEUE: Source = page("https://github.com/sandialabs/atlas-ui-3/issues/111");
const MISTRAL_RATE: Source = page("https://github.com/raycast/extensions/issues/31107");
const MISTRAL_TIER: Source = page("https://github.com/continuedev/continue/issues/6185");
const FIREWORKS: Source = page("https://docs.fireworks.ai/guides/inference-error-codes");
const TOGETHER: Source = page("https://docs.together.ai/docs/error-codes");
const TOGETHER_CARD: Source = page("https://github.com/Nutlope/logocreator/issues/10");
const TOGETHER_MODEL: Source = page("https://github.com/xtekky/gpt4free/issues/3032");
const DEEPSEEK: Source = page("https://api-docs.deepseek.com/quick_start/error_codes");
const DEEPSEEK_RISK: Source = page("https://github.com/deepseek-ai/awesome-deepseek-integration/issues/13");
const OPENROUTER: Source = page("https://openrouter.ai/docs/api/reference/errors-and-debugging");
const OPENROUTER_LIMITS: Source = page("https://openrouter.ai/docs/use-cases/limits");
const OPENROUTER_TOKENS: Source = page("https://github.com/can1357/oh-my-pi/issues/9569");
const OPENROUTER_PROMPT: Source = page("https://github.com/continuedev/continue/issues/10962");
const OPENROUTER_FREE: Source = page("https://github.com/Gitlawb/openclaude/issues/936");
const AZURE: Source = page("https://learn.microsoft.com/en-us/answers/questions/2140040/");
const AZURE_RATES: Source = page(
    "https://learn.microsoft.com/en-us/microsoft-cloud/dev/dev-proxy/concepts/azure-openai-429-token-rate-limit",
);
const AZURE_DEMAND: Source =
    page("https://www.developersdigest.tech/errors/api/azure-openai/429-system-capacity-throttling");
const AZURE_FILTER: Source =
    page("https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter");
const GITHUB: Source =
    page("https://docs.github.com/github-models/use-github-models/prototyping-with-ai-models");
const GITHUB_SIZE: Source = page("https://github.com/Aider-AI/aider/issues/2296");
const GITHUB_MODELS: Source = page("https://github.com/github/gh-models/issues/65");
const GITHUB_REST: Source =
    page("https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api");
const NVIDIA: Source = page("https://github.com/Alishahryar1/free-claude-code/issues/1021");
const NVIDIA_WORKER: Source = page("https://docs.api.nvidia.com/nim/reference/llm-apis");
const BEDROCK: Source =
    page("https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html");
const BEDROCK_RATE: Source = page("https://www.repost.aws/knowledge-center/bedrock-throttling-error");
const VERTEX: Source = page("https://docs.cloud.google.com/vertex-ai/generative-ai/docs/error-code-429");
const GEMINI: Source = page("https://ai.google.dev/gemini-api/docs/troubleshooting");
const GEMINI_LEAKED: Source = page("https://github.com/continuedev/continue/issues/11541");
const GEMINI_PREPAID: Source = page("https://discuss.ai.google.dev/t/183654");
const COPILOT_QUOTA: Source = page("https://github.com/earendil-works/pi/issues/3643");
const COPILOT_MODEL: Source = page("https://github.com/github/copilot-cli/issues/639");
const COPILOT_CODES: Source = page("https://github.com/microsoft/vscode/tree/main/extensions/copilot");
const OPENAI: Source = page("https://developers.openai.com/api/docs/guides/error-codes");
const OPENAI_SPEND: Source =
    page("https://help.openai.com/en/articles/6614457-troubleshooting-api-usage-and-spend-limits");
const OPENAI_VERIFIED: Source = page("https://github.com/openai/openai-go/issues/565");
const CODEX: Source = page("https://github.com/openai/codex/blob/main/codex-rs/core/src/error.rs");
const CODEX_MODEL: Source = page("https://github.com/openai/codex/issues/6603");
const CODEX_CAPACITY: Source = page("https://github.com/openai/codex/issues/19446");
const CODEX_WORKSPACE: Source = page("https://github.com/HKUDS/nanobot/pull/1738");
const CODEX_SELECTED: Source = page("https://github.com/openai/codex/issues/24495");
const ANTHROPIC: Source = page("https://platform.claude.com/docs/en/api/errors");
const ANTHROPIC_SPEND: Source = page("https://platform.claude.com/docs/en/api/rate-limits");
const ANTHROPIC_BALANCE: Source = page("https://github.com/anthropics/claude-code/issues/54839");
const ANTHROPIC_CREDENTIAL: Source = page("https://github.com/anthropics/claude-code/issues/8046");

const fn word(
    service: &'static str,
    (status, code, text): (u16, &'static str, &'static str),
    means: Means,
    source: Source,
) -> Word {
    Word { service, status, code, text, means, source }
}

/// The particular rows of a service come before its general ones.
#[rustfmt::skip]
pub(super) static WORDS: &[Word] = &[
    // Larger than the rate, the balance or the context of the account allows.
    word("Groq, OpenAI", (0, "", "request too large"), Means::TooLarge, GROQ),
    word("GitHub Models", (0, "tokens_limit_reached", ""), Means::TooLarge, GITHUB_SIZE),
    word("OpenRouter", (402, "", "fewer max_tokens"), Means::TooLarge, OPENROUTER_TOKENS),
    word("OpenRouter", (402, "", "prompt tokens limit exceeded"), Means::TooLarge, OPENROUTER_PROMPT),
    word("OpenRouter", (402, "weight_exceeds_budget", ""), Means::TooLarge, OPENROUTER_LIMITS),
    word("Anthropic", (0, "request_too_large", ""), Means::TooLarge, ANTHROPIC),

    // Content that is not allowed, which no account changes.
    word("OpenRouter", (403, "", "flagged"), Means::Request, OPENROUTER),
    word("xAI", (403, "", "usage guidelines"), Means::Request, XAI_POLICY),
    word("Azure", (0, "content_filter", ""), Means::Request, AZURE_FILTER),
    word("Azure", (0, "ResponsibleAIPolicyViolation", ""), Means::Request, AZURE_FILTER),
    word("OpenAI", (0, "content_policy_violation", ""), Means::Request, OPENAI),
    word("DashScope", (0, "DataInspectionFailed", ""), Means::Request, DASHSCOPE),
    word("DeepSeek", (400, "", "content exists risk"), Means::Request, DEEPSEEK_RISK),
    word("Z.ai", (0, "1301", ""), Means::Request, ZAI),
    word("Z.ai", (0, "1261", ""), Means::Request, ZAI),
    // Together sends its limit on the context as a 403.
    word("Together", (403, "", "context length"), Means::Request, TOGETHER),
    word("Kimi", (403, "", "only available for coding agents"), Means::Request, KIMI_CODE),

    // Nobody pays. These come before limits, because some send them as a 429.
    word("Z.ai", (0, "1113", ""), Means::Unpaid, ZAI),
    word("Z.ai", (0, "1309", ""), Means::Unpaid, ZAI),
    word("Moonshot", (0, "exceeded_current_quota_error", ""), Means::Unpaid, MOONSHOT_BALANCE),
    word("DashScope", (0, "Arrearage", ""), Means::Unpaid, DASHSCOPE),
    word("DeepSeek", (402, "", "insufficient balance"), Means::Unpaid, DEEPSEEK),
    word("xAI", (0, "", "doesn't have any credits"), Means::Unpaid, XAI_CREDITS),
    word("xAI", (0, "", "run out of credits"), Means::Unpaid, XAI_SUBSCRIPTION),
    word("xAI", (0, "", "reached its monthly spending limit"), Means::Unpaid, XAI_SPENDING),
    word("Fireworks", (412, "", "spending limit"), Means::Unpaid, FIREWORKS),
    word("Fireworks", (412, "", "suspended"), Means::Account, FIREWORKS),
    word("Together", (0, "", "payment method is required"), Means::Unpaid, TOGETHER),
    word("Together", (0, "", "needs a credit card on file"), Means::Unpaid, TOGETHER_CARD),
    word("Together", (402, "", "maximum allowed monthly"), Means::Unpaid, TOGETHER),
    word("Google", (0, "", "prepayment credits are depleted"), Means::Unpaid, GEMINI_PREPAID),
    word("OpenRouter", (402, "openrouter_in_flight_budget", ""), Means::Concurrency, OPENROUTER_LIMITS),
    word("OpenRouter", (402, "in_flight_budget_exhausted", ""), Means::Concurrency, OPENROUTER_LIMITS),
    word("OpenRouter", (402, "", "credits"), Means::Unpaid, OPENROUTER),
    word("OpenRouter", (403, "", "key limit exceeded"), Means::Unpaid, OPENROUTER_LIMITS),
    word("OpenRouter", (403, "", "budget limit exceeded"), Means::Unpaid, OPENROUTER_LIMITS),
    word("OpenAI", (0, "billing_hard_limit_reached", ""), Means::Unpaid, OPENAI),
    word("OpenAI", (0, "billing_not_active", ""), Means::Unpaid, OPENAI),
    word("OpenAI", (0, "credit_balance_exhausted", ""), Means::Unpaid, OPENAI_SPEND),
    word("OpenAI", (0, "organization_spend_limit_exceeded", ""), Means::Unpaid, OPENAI_SPEND),
    word("OpenAI", (0, "project_spend_limit_exceeded", ""), Means::Unpaid, OPENAI_SPEND),
    word("OpenAI", (0, "organization_usage_limit_exceeded", ""), Means::Unpaid, OPENAI_SPEND),
    // DashScope sends OpenAI's words for tokens of a minute, with a link to its own pages.
    word("DashScope", (429, "insufficient_quota", "model-studio"), Means::ModelRate, DASHSCOPE_START),
    word("OpenAI", (0, "insufficient_quota", "billing"), Means::Unpaid, OPENAI),
    word("Anthropic", (0, "billing_error", ""), Means::Unpaid, ANTHROPIC),
    word("Anthropic", (0, "enforced_spend_limit_reached", ""), Means::Unpaid, ANTHROPIC_SPEND),
    word("Anthropic", (0, "", "credit balance is too low"), Means::Unpaid, ANTHROPIC_BALANCE),
    word("Anthropic", (0, "", "specified api usage limits"), Means::Unpaid, ANTHROPIC_SPEND),
    word("Anthropic", (0, "", "workspace api usage limits"), Means::Unpaid, ANTHROPIC_SPEND),
    word("Google", (0, "BILLING_DISABLED", ""), Means::Unpaid, GEMINI),
    word("Google", (0, "", "billing to be enabled"), Means::Unpaid, GEMINI),

    // Limits of one model.
    word("Together", (0, "model_rate_limit", ""), Means::ModelRate, TOGETHER_MODEL),
    word("Together", (0, "", "rate limit specific to this model"), Means::ModelRate, TOGETHER_MODEL),
    word("DashScope", (0, "AllocationQuota.FreeTierOnly", ""), Means::ModelQuota, DASHSCOPE_FREE),
    word("xAI", (0, "subscription:free-usage-exhausted", ""), Means::ModelQuota, XAI_FREE),
    word("OpenRouter", (0, "", "free-models-per-day"), Means::ModelQuota, OPENROUTER_FREE),
    word("OpenRouter", (0, "", "free-models-per-min"), Means::ModelRate, OPENROUTER_LIMITS),
    word("OpenRouter", (0, "", "temporarily rate-limited upstream"), Means::ModelRate, OPENROUTER),
    word("GitHub Models", (0, "", "userbymodelbyday"), Means::ModelQuota, GITHUB),
    word("GitHub Models", (0, "", "userbymodelbyminute"), Means::ModelRate, GITHUB),
    word("Copilot", (0, "user_model_rate_limited", ""), Means::ModelRate, COPILOT_CODES),

    // Too many at once.
    word("Z.ai", (0, "1302", ""), Means::Concurrency, ZAI),
    word("Moonshot", (0, "", "max organization concurrency"), Means::Concurrency, MOONSHOT_RATES),
    word("GitHub Models", (0, "", "userconcurrentrequests"), Means::Concurrency, GITHUB),
    word("DashScope", (0, "", "concurrency allocated quota exceeded"), Means::Concurrency, DASHSCOPE),

    // Limits of a day, a week, a month.
    word("Z.ai", (0, "1304", ""), Means::Quota, ZAI),
    word("Z.ai", (0, "1308", ""), Means::Quota, ZAI),
    word("Z.ai", (0, "1310", ""), Means::Quota, ZAI),
    word("Moonshot", (0, "rate_limit_reached_error", "tpd"), Means::Quota, MOONSHOT_DAY),
    word("Kimi", (0, "", "usage limit for this"), Means::Quota, KIMI_CODE),
    word("DashScope", (429, "", "free allocated quota exceeded"), Means::Quota, QWEN_FREE),
    word("Cerebras", (0, "token_quota_exceeded", "per day"), Means::Quota, CEREBRAS_RATES),
    word("Cerebras", (0, "request_quota_exceeded", "per day"), Means::Quota, CEREBRAS_RATES),
    word("Copilot", (0, "quota_exceeded", ""), Means::Quota, COPILOT_QUOTA),
    word("Copilot", (0, "user_weekly_rate_limited", ""), Means::Quota, COPILOT_CODES),
    word("Copilot", (0, "", "premium request allowance"), Means::Quota, COPILOT_QUOTA),
    word("Bedrock", (0, "ServiceQuotaExceededException", ""), Means::Quota, BEDROCK),
    word("Bedrock", (429, "", "too many tokens per day"), Means::Quota, BEDROCK),
    word("Codex", (0, "usage_limit_reached", ""), Means::Quota, CODEX),

    // Limits of a minute.
    word("Z.ai", (0, "1303", ""), Means::Rate, ZAI),
    word("Z.ai", (0, "1313", ""), Means::Rate, ZAI_FAIR),
    word("Moonshot", (0, "rate_limit_reached_error", ""), Means::Rate, MOONSHOT_RATES),
    word("DashScope", (0, "Throttling.RateQuota", ""), Means::ModelRate, DASHSCOPE_RATES),
    word("DashScope", (0, "Throttling.AllocationQuota", ""), Means::ModelRate, DASHSCOPE_RATES),
    word("DashScope", (0, "Throttling.BurstRate", ""), Means::ModelRate, DASHSCOPE_RATES),
    word("Cerebras", (0, "token_quota_exceeded", ""), Means::Rate, CEREBRAS_TOKENS),
    word("Cerebras", (0, "request_quota_exceeded", ""), Means::Rate, CEREBRAS),
    word("Azure", (429, "", "token rate limit"), Means::Rate, AZURE),
    word("Azure", (429, "", "call rate limit"), Means::Rate, AZURE_RATES),
    word("GitHub Models", (0, "", "secondary rate limit"), Means::Rate, GITHUB_REST),
    word("Copilot", (0, "user_global_rate_limited", ""), Means::Rate, COPILOT_CODES),
    word("Copilot", (0, "integration_rate_limited", ""), Means::Rate, COPILOT_CODES),
    word("Bedrock", (0, "ThrottlingException", ""), Means::Rate, BEDROCK_RATE),
    word("Mistral", (429, "rate_limited", ""), Means::Rate, MISTRAL_RATE),

    // No room for the model, which is nobody's limit.
    word("Z.ai", (0, "1305", ""), Means::Capacity, ZAI),
    word("Z.ai", (0, "1312", ""), Means::Capacity, ZAI_CN),
    word("Moonshot", (0, "engine_overloaded_error", ""), Means::Capacity, MOONSHOT),
    word("Kimi", (429, "", "engine is currently overloaded"), Means::Capacity, KIMI_CODE),
    word("Cerebras", (0, "queue_exceeded", ""), Means::Capacity, CEREBRAS_QUEUE),
    word("Groq", (498, "", ""), Means::Capacity, GROQ),
    word("Groq", (0, "capacity_exceeded", ""), Means::Capacity, GROQ_FLEX),
    // A worker of a model serves many accounts: its limit is none of the account.
    word("NVIDIA", (0, "", "worker local total request limit"), Means::Capacity, NVIDIA_WORKER),
    word("Codex", (0, "model_at_capacity", ""), Means::Capacity, CODEX_CAPACITY),
    word("Copilot", (0, "model_overloaded", ""), Means::Capacity, COPILOT_CODES),
    word("Fireworks", (0, "overloaded", ""), Means::Capacity, FIREWORKS),
    word("Mistral", (0, "service_tier_capacity_exceeded", ""), Means::Capacity, MISTRAL_TIER),
    word("Mistral", (429, "", "service tier capacity exceeded"), Means::Capacity, MISTRAL_TIER),
    word("Azure", (429, "", "experiencing high demand"), Means::Capacity, AZURE_DEMAND),
    word("Azure", (429, "", "temporarily unable to process your request"), Means::Capacity, AZURE_DEMAND),
    word("Bedrock", (0, "ModelNotReadyException", ""), Means::Capacity, BEDROCK),
    word("Bedrock", (0, "ServiceUnavailableException", ""), Means::Capacity, BEDROCK),
    word("Vertex", (429, "", "provisioned throughput"), Means::Capacity, VERTEX),
    word("Vertex", (429, "", "resource exhausted, please try again later"), Means::Capacity, VERTEX),
    word("Vertex", (429, "", "generative-ai/docs/error-code-429"), Means::Capacity, VERTEX),
    word("Together", (0, "", "high demand"), Means::Capacity, TOGETHER),

    // The model is not open to the account.
    word("OpenAI", (0, "", "must be verified to use the model"), Means::Model, OPENAI_VERIFIED),
    word("OpenAI", (0, "", "must be verified to stream this model"), Means::Model, OPENAI_VERIFIED),
    word("OpenAI", (0, "model_not_found", ""), Means::Model, OPENAI),
    word("Codex", (0, "", "is not supported when using codex"), Means::Model, CODEX_MODEL),
    word("NVIDIA", (404, "", "not found for account"), Means::Model, NVIDIA),
    word("DashScope", (0, "Model.AccessDenied", ""), Means::Model, DASHSCOPE),
    word("Copilot", (0, "model_not_supported", ""), Means::Model, COPILOT_MODEL),
    word("GitHub Models", (0, "unavailable_model", ""), Means::Model, GITHUB_MODELS),
    word("GitHub Models", (0, "unknown_model", ""), Means::Model, GITHUB_MODELS),
    word("Azure", (0, "DeploymentNotFound", ""), Means::Model, AZURE_RATES),
    word("Bedrock", (0, "FTUFormNotFilled", ""), Means::Model, BEDROCK),
    word("Bedrock", (0, "", "access to the model with the specified model id"), Means::Model, BEDROCK),
    word("Z.ai", (0, "1220", ""), Means::Model, ZAI),
    word("Z.ai", (0, "1311", ""), Means::Model, ZAI_CN),

    // The credential or the account.
    word("xAI", (400, "", "incorrect api key"), Means::Credential, XAI),
    word("Google", (0, "API_KEY_INVALID", ""), Means::Credential, GEMINI),
    word("Google", (403, "", "reported as leaked"), Means::Credential, GEMINI_LEAKED),
    word("Anthropic", (400, "", "credential is only authorized"), Means::Account, ANTHROPIC_CREDENTIAL),
    word("Anthropic", (400, "", "organization has been disabled"), Means::Disabled, ANTHROPIC),
    word("OpenAI", (0, "account_deactivated", ""), Means::Disabled, OPENAI),
    word("Codex", (402, "deactivated_workspace", ""), Means::Account, CODEX_WORKSPACE),
    word("Codex", (403, "invalid_workspace_selected", ""), Means::Account, CODEX_SELECTED),
    word("Kimi", (402, "", "membership benefits"), Means::Account, KIMI_CODE),
    word("Kimi", (403, "", "access terminated"), Means::Account, KIMI_CODE),
    word("Z.ai", (0, "1112", ""), Means::Account, ZAI),
    word("Z.ai", (0, "1121", ""), Means::Account, ZAI),
];
