//! `errors` of a provider, and `models`, `priority` and `drain`: what they come to, and what is wrong with them.

use std::time::Duration;

use pointsman_core::ids::ModelId;
use pointsman_core::planning::settings::Drain;
use pointsman_core::request::catalog::Scope;
use pointsman_core::response::rule::{Means, Rule};

use super::super::Config;
use super::Machine;

fn load(text: &str) -> Config {
    Machine::default().load(text).expect(text)
}

fn check(text: &str, expected: &str) {
    let errors = Machine::default().load(text).expect_err(text).to_string();
    assert_eq!(errors.replace("pointsman.yaml:", ""), expected, "\n{text}");
}

fn of_openai(config: &Config) -> &[Rule] {
    let provider = config.providers.iter().find(|provider| provider.core.id.as_str() == "openai");
    &provider.expect("it is in the catalog").errors
}

#[test]
fn errors_become_rules_in_their_order() {
    let config = load(
        "providers:\n  openai:\n    errors:\n      - {status: 400, text: Plan EXPIRED, means: account, for: 10m}\n      \
         - {code: weird_code, means: ignore}\n      - {status: 418, means: capacity}",
    );
    let [plan, code, teapot] = of_openai(&config) else { panic!("{:?}", of_openai(&config)) };
    let expected = Rule {
        status: Some(400),
        code: None,
        text: Some("plan expired".to_owned()),
        means: Means::Account,
        lasts: Some(Duration::from_secs(600)),
    };
    assert_eq!(*plan, expected);
    assert_eq!((code.code.as_deref(), code.means, code.lasts), (Some("weird_code"), Means::Ignore, None));
    assert_eq!((teapot.status, teapot.means), (Some(418), Means::Capacity));
    for (word, means) in [("request", Means::Request), ("model", Means::Model), ("limit", Means::Rate)] {
        let text = format!("providers: {{openai: {{errors: [{{status: 400, means: {word}}}]}}}}");
        assert_eq!(of_openai(&load(&text))[0].means, means);
    }
}

#[test]
fn errors_that_mean_nothing_are_told() {
    let rule = |rule: &str, expected: &str| {
        check(&format!("providers: {{openai: {{errors: [{rule}]}}}}"), &format!("1:31: {expected}"));
    };
    let key = "`providers.openai.errors[0]`";
    rule(
        "{status: 400}",
        &format!("{key} has no `means`; it needs one of request, account, model, limit, capacity, ignore"),
    );
    rule("{means: account}", &format!("{key} matches every error; give it a `status`, a `code` or a `text`"));
    rule(
        "{status: 400, means: ignore, for: 5m}",
        &format!("{key} closes nothing, so `for` has no effect; leave `for` out"),
    );
    rule(
        "{status: 400, means: limit, for: 0s}",
        &format!("{key} closes nothing for no time; take `means: ignore`"),
    );
    rule(
        "{text: /plan .*/, means: account}",
        &format!("{key} has the text `/plan .*/`; a text is looked for as written, not as a pattern"),
    );
    check(
        "providers: {openai: {errors: [{status: 400, means: acount}]}}",
        "1:52: `providers.openai.errors[0].means` is `acount`, which is none of request, account, model, limit, \
         capacity, ignore; did you mean `account`?",
    );
    check(
        "providers: {openai: {errors: [{status: 200, means: account}]}}",
        "1:40: `providers.openai.errors[0].status` is `200`, which is not a whole number from 400 to 599",
    );
    check(
        "providers: {openai: {errors: [{status: 400, means: account}, {status: 400, text: x, means: limit}]}}",
        "1:62: `providers.openai.errors[1]` has no effect, because `providers.openai.errors[0]` matches the same \
         errors before; leave one of them out",
    );
}

#[test]
fn accounts_have_models_and_tiers() {
    let config = load(
        "drain: soonest-reset\naccounts:\n  - {id: 'openai:a', api_key: k, priority: 10, models: {only: [gpt-5, o*], \
         never: o1}}\n  - {id: 'openai:b', api_key: l}",
    );
    assert_eq!(config.settings.drain, Drain::SoonestReset);
    let [a, b] = &config.accounts[..] else { panic!("{:?}", config.accounts) };
    assert_eq!((a.priority, b.priority), (10, 50));
    let allowed = ["gpt-5", "o3", "o1", "gpt-4"].map(|model| a.models.allows(&ModelId::new(model)));
    assert_eq!(allowed, [true, true, false, false]);
    assert!(b.models.allows(&ModelId::new("gpt-4")));
}

#[test]
fn models_and_tiers_are_checked() {
    let account = |settings: &str| format!("accounts: [{{id: 'openai:a', api_key: k, {settings}}}]");
    check(
        &account("priority: 0"),
        "1:51: `accounts[0].priority` is `0`, which is not a whole number from 1 to 100",
    );
    check(
        &account("models: {only: ['*-mini']}"),
        "1:57: `accounts[0].models.only[0]` is `*-mini`; `*` may stand at the end only",
    );
    check(
        &account("models: {only: [gpt-5], never: [GPT-5]}"),
        "1:49: `accounts[0].models` has `gpt-5` in `only` and in `never`; leave it out of one of them",
    );
    check(
        &account("models: {onyl: [gpt-5]}"),
        "1:50: unknown key `onyl` in `accounts[0].models`; did you mean `only`?",
    );
    check(
        "drain: soonest",
        "1:8: `drain` is `soonest`, which is none of none, soonest-reset; did you mean `soonest-reset`?",
    );
}

#[test]
fn a_limit_without_a_word_covers_the_pool_where_it_is_known_and_the_model_elsewhere() {
    let config = load(
        "providers: {mine: {kind: openai, base_url: 'http://a.b/v1'}, yours: {kind: openai, \
                       base_url: 'http://c.d/v1', scope: pool}}",
    );
    let scope = |name: &str| {
        let provider = config.providers.iter().find(|provider| provider.core.id.as_str() == name);
        provider.expect(name).core.pools.iter().map(|pool| pool.scope).collect::<Vec<_>>()
    };
    for name in ["mine", "openai", "anthropic", "gemini", "groq", "xai", "openrouter"] {
        assert_eq!(scope(name), [Scope::Auto], "{name}");
    }
    for name in ["yours", "moonshot", "mistral", "deepseek", "fireworks"] {
        assert_eq!(scope(name), [Scope::Pool], "{name}");
    }
    assert_eq!(scope("antigravity"), [Scope::Pool; 3]);
}
