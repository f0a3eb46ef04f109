use super::*;
use crate::testing::{Fixture, antigravity, provider};

fn ask(model: &str) -> Ask<'_> {
    Ask { format: WireFormat::Gemini, provider: None, model, pool: None, account: None }
}

fn fixture() -> Fixture {
    Fixture::new([antigravity(), provider("acme", WireFormat::OpenAi)]).with_accounts([
        "antigravity:work",
        "antigravity:home",
        "acme:one",
    ])
}

/// Returns the model and the names of the pools, a `!` before a pinned one.
fn routed(ask: &Ask<'_>) -> Result<(String, Vec<String>), RouteError> {
    let route = Route::parse(ask, &fixture(), true)?;
    let mark = if route.is_pinned() { "!" } else { "" };
    let pools = route.pools().iter().map(|pool| format!("{mark}{}", route.pool(*pool).name)).collect();
    Ok((route.model, pools))
}

fn check(asked: &Ask<'_>, model: &str, pools: &[&str]) {
    let (got_model, got_pools) = routed(asked).expect("a route");
    assert_eq!((got_model.as_str(), got_pools), (model, pools.iter().map(ToString::to_string).collect()));
}

#[test]
fn a_model_without_a_pin_prefers_the_first_pool_of_its_family() {
    check(&ask("gemini-3-flash"), "gemini-3-flash", &["gemini-cli", "antigravity"]);
    check(&ask("claude-sonnet-4-6"), "claude-sonnet-4-6", &["claude"]);
}

#[test]
fn a_prefix_a_suffix_and_a_slash_pin() {
    for pinned in ["antigravity-gemini-3-flash", "gemini-3-flash:antigravity", "antigravity/gemini-3-flash"] {
        check(&ask(pinned), "gemini-3-flash", &["!antigravity"]);
    }
    check(&ask("gemini-cli-gemini-3-flash"), "gemini-3-flash", &["!gemini-cli"]);
    check(&ask("gemini-cli/gemini-3-flash"), "gemini-3-flash", &["!gemini-cli"]);
}

#[test]
fn a_model_that_begins_like_a_pool_is_no_pin() {
    check(&ask("claude-sonnet-4-6"), "claude-sonnet-4-6", &["claude"]);
    check(&ask("claude-claude-sonnet-4-6"), "claude-sonnet-4-6", &["!claude"]);
}

#[test]
fn a_provider_before_the_slash_whose_own_pool_does_not_serve_the_family_leaves_the_choice() {
    check(&ask("antigravity/claude-sonnet-4-6"), "claude-sonnet-4-6", &["claude"]);
}

#[test]
fn headers_pin_the_pool_and_the_account() {
    check(&Ask { pool: Some("antigravity"), ..ask("gemini-3-flash") }, "gemini-3-flash", &["!antigravity"]);
    let asked = Ask { account: Some("antigravity:work"), ..ask("gemini-3-flash") };
    let route = Route::parse(&asked, &fixture(), true).expect("a route");
    assert_eq!(route.account, Some(AccountId::new("antigravity:work")));
    let asked = Ask { account: Some("work"), ..ask("gemini-3-flash") };
    assert!(Route::parse(&asked, &fixture(), true).is_ok(), "a label alone will do");
}

#[test]
fn without_fallback_only_the_preferred_pool_is_left() {
    let route = Route::parse(&ask("gemini-3-flash"), &fixture(), false).expect("a route");
    assert_eq!(route.pools().len(), 1);
    assert_eq!(route.pool(route.pools()[0]).name.as_str(), "gemini-cli");
}

#[test]
fn an_unknown_pool_in_a_pin_lists_the_known_ones() {
    let error = routed(&Ask { pool: Some("gold"), ..ask("gemini-3-flash") }).expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "pool `gold` is unknown for model `gemini-3-flash`; known pools: antigravity, claude, gemini-cli"
    );
    assert!(matches!(routed(&ask("gemini-3-flash:gold")), Err(RouteError::UnknownPool { .. })));
    assert!(matches!(routed(&ask("gold/gemini-3-flash")), Err(RouteError::UnknownProvider { .. })));
}

#[test]
fn a_pool_that_does_not_serve_the_family_is_refused() {
    let error = routed(&Ask { pool: Some("gemini-cli"), ..ask("claude-sonnet-4-6") }).expect_err("refused");
    assert!(matches!(error, RouteError::PoolDoesNotServe { .. }), "{error}");
}

#[test]
fn compatible_services_keep_the_slashes_and_colons_of_their_models() {
    let openai = |model| Ask { format: WireFormat::OpenAi, ..ask(model) };
    check(&openai("meta/llama-4:free"), "meta/llama-4:free", &["default"]);
    check(&openai("acme/meta/llama-4"), "meta/llama-4", &["default"]);
}

#[test]
fn a_provider_without_accounts_is_a_clear_error() {
    let none = Fixture::new([antigravity()]);
    let error = Route::parse(&ask("gemini-3-flash"), &none, true).expect_err("no account");
    assert_eq!(error, RouteError::NoProvider { format: WireFormat::Gemini });
    let error = Route::parse(&ask("antigravity/gemini-3-flash"), &none, true).expect_err("no account");
    assert_eq!(error, RouteError::NoAccounts { provider: "antigravity".into() });
}

#[test]
fn a_request_in_another_format_than_the_provider_speaks_is_refused() {
    let asked = Ask { format: WireFormat::Anthropic, ..ask("acme/big") };
    assert!(matches!(routed(&asked), Err(RouteError::OtherFormat { .. })));
}

#[test]
fn an_unknown_account_is_a_clear_error() {
    let asked = Ask { account: Some("antigravity:nobody"), ..ask("gemini-3-flash") };
    assert!(matches!(routed(&asked), Err(RouteError::UnknownAccount { .. })));
}

/// Resolves a model for a fleet of OpenAI-compatible providers, each named by an account.
fn resolved<const N: usize>(model: &str, accounts: [&str; N]) -> String {
    let openai = |id| provider(id, WireFormat::OpenAi);
    let anthropic = provider("anthropic", WireFormat::Anthropic);
    let [a, b, c, d] = ["openai", "deepseek", "openrouter", "groq"].map(openai);
    let fleet = Fixture::new([a, b, c, d, anthropic]).with_accounts(accounts);
    let asked = Ask { format: WireFormat::OpenAi, ..ask(model) };
    match Route::parse(&asked, &fleet, true) {
        Ok(route) => format!("{} {} {}", route.provider.id, route.model, route.is_pinned()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn ids_with_slashes_reach_an_aggregator_if_the_named_provider_has_no_account() {
    let fleet = ["openai:a", "openrouter:a"];
    assert_eq!(resolved("deepseek/deepseek-chat", fleet), "openrouter deepseek/deepseek-chat false");
    assert_eq!(resolved("anthropic/claude-opus-4.5", fleet), "openrouter anthropic/claude-opus-4.5 false");
    assert_eq!(resolved("google/gemma-3:free", fleet), "openrouter google/gemma-3:free false");
    assert_eq!(resolved("openai/gpt-oss-120b", ["groq:a"]), "groq openai/gpt-oss-120b false");
}

#[test]
fn a_named_provider_with_an_account_goes_before_an_aggregator() {
    let fleet = ["deepseek:a", "openrouter:a"];
    assert_eq!(resolved("deepseek/deepseek-chat", fleet), "deepseek deepseek-chat false");
    assert_eq!(
        resolved("openrouter/deepseek/deepseek-chat", fleet),
        "openrouter deepseek/deepseek-chat false"
    );
}

#[test]
fn a_named_provider_without_account_is_told_if_nobody_else_has_such_ids() {
    let told = resolved("deepseek/deepseek-chat", ["openai:a"]);
    assert!(told.starts_with("no account for provider `deepseek`"), "{told}");
    let told = resolved("openrouter/m", ["groq:a"]);
    assert!(told.starts_with("no account for provider `openrouter`"), "{told}");
    let told = resolved("anthropic/claude", ["openai:a"]);
    assert!(told.starts_with("provider `anthropic` speaks"), "{told}");
}

#[test]
fn a_prefix_of_a_provider_with_one_pool_pins_nothing() {
    let mut only = provider("acme", WireFormat::OpenAi);
    only.pools[0].name = crate::ids::PoolId::new("acme");
    let fleet = Fixture::new([only]).with_accounts(["acme:one"]);
    let asked = Ask { format: WireFormat::OpenAi, ..ask("acme/big") };
    assert!(!Route::parse(&asked, &fleet, true).expect("a route").is_pinned());
}
