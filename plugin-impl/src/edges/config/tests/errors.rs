//! What people read when something is wrong: one row per text and its error.

use proptest::prelude::*;

use super::super::{Located, load as load_located};
use super::super::{MAX_ERRORS, locate};
use super::Machine;

/// The first line of `text` is line 1 of `pointsman.yaml`; the file's name is left out of `expected`.
fn check(text: &str, expected: &str) {
    let errors = Machine::default().load(text).expect_err(text).to_string();
    let errors = errors.replace("pointsman.yaml:", "");
    assert_eq!(errors, expected, "\n{text}");
}

const STRATEGIES: &str =
    "hybrid, sticky, round-robin, weighted, least-connections, least-recently-used, headroom";
const PROVIDERS: &str = "anthropic, openai, gemini, antigravity, openrouter, groq, deepseek, mistral, xai, together, \
                         fireworks, cerebras, nvidia, moonshot, zai";

#[test]
fn keys_are_checked_wherever_they_are() {
    let error = Machine::default().load("\n\nstratgy: hybrid").unwrap_err();
    assert_eq!(error.to_string(), "pointsman.yaml:3:1: unknown key `stratgy`; did you mean `strategy`?");
    check("strategy: sticky\nstrategy: sticky", "2:1: `strategy` is given twice; the first is at 1:1");
    check(
        "timeouts: {hed: 5s, colour: 1}",
        "1:12: unknown key `hed` in `timeouts`; did you mean `head`?\n\
         1:21: unknown key `colour` in `timeouts`; allowed are connect, head, idle",
    );
    check(
        "providers: {anthropic: {base: 'http://a.b'}}",
        "1:25: unknown key `base` in `providers.anthropic`; did you mean `base_url`?",
    );
    check(
        "providers: {antigravity: {pools: {claude: {header: {}}}}}",
        "1:44: unknown key `header` in `providers.antigravity.pools.claude`; did you mean `headers`?",
    );
    check(
        "accounts:\n  - {id: 'openai:a', api_key: k, wieght: 2}",
        "2:34: unknown key `wieght` in `accounts[0]`; did you mean `weight`?",
    );
    check(r#"{"quiet": true}"#, "1:2: unknown key `quiet`; did you mean `quiet_mode`?");
}

#[test]
fn an_account_has_one_credential_and_a_format_one_account_of_its_callers() {
    check(
        "accounts: [{id: 'openai:a'}]",
        "1:12: account `openai:a` has no credential; give it one of api_key, access_token, refresh_token, credential",
    );
    check(
        "accounts: [{id: 'openai:a', api_key: k, credential: caller}]",
        "1:12: account `openai:a` has api_key and credential; give it only one",
    );
    check(
        "accounts: [{id: 'openai:a', credential: callers}]",
        "1:41: `accounts[0].credential` is `callers`, which is none of caller; did you mean `caller`?",
    );
    check(
        "accounts: [{id: 'openai:a', credential: caller}, {id: 'groq:b', credential: caller}]",
        "1:50: account `groq:b` has `credential: caller`, and so has `openai:a`, which speaks openai too; \
         an agent sends one credential, so give it to one of them",
    );
}

#[test]
fn values_are_checked_and_the_nearest_is_named() {
    let error = Machine::default().load("\n\n\nstrategy: hybird").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "pointsman.yaml:4:11: `strategy` is `hybird`, which is none of {STRATEGIES}; did you mean `hybrid`?"
        ),
    );
    check("strategy: fastest", &format!("1:11: `strategy` is `fastest`, which is none of {STRATEGIES}"));
    check(
        "fallback_order: pools",
        "1:17: `fallback_order` is `pools`, which is none of account-first, pool-first; did you mean `pool-first`?",
    );
    check(
        "quota_fallback: yes",
        "1:17: `quota_fallback` is `yes`, which is neither true nor false; did you mean `true`?",
    );
    check("quiet_mode: [true]", "1:13: `quiet_mode` is a list, but needs true or false");
    check(
        "max_wait: 90",
        "1:11: `max_wait` is `90`, which is not a time from 0s to 10m, such as 90s, 500ms or 1h30m; did you mean `90s`?",
    );
    check(
        "max_wait: 11m",
        "1:11: `max_wait` is `11m`, which is not a time from 0s to 10m, such as 90s, 500ms or 1h30m",
    );
    check(
        "max_body: 1024",
        "1:11: `max_body` is `1024`, which is not a size from 1KiB to 1GiB, such as 64MiB; did you mean `1024B`?",
    );
    check(
        "timeouts: {idle: 0s}",
        "1:18: `timeouts.idle` is `0s`, which is not a time from 100ms to 1h, such as 90s, 500ms or 1h30m",
    );
    check("timeouts: 5s", "1:11: `timeouts` is text, but needs a map with the keys connect, head, idle");
    check(
        "store: sqlit",
        "1:8: `store` is `sqlit`, which is neither sqlite nor memory; did you mean `sqlite`?",
    );
    check(
        "store: memry",
        "1:8: `store` is `memry`, which is neither sqlite nor memory; did you mean `memory`?",
    );
    check(
        "quota_protection: {soft: 10}",
        "1:26: `quota_protection.soft` is `10`, which is not a percentage from 0% to 100%; did you mean `10%`?",
    );
    check(
        "quota_protection: {soft: 5%, hard: 10%}",
        "1:19: `quota_protection.hard` is 10%, which is above soft (5%)",
    );
    check(
        "- a\n- b",
        "1:1: the configuration is a list, but needs a map with the keys quota_fallback, fallback_order, strategy, drain, hybrid, affinity, quiet_mode, unbind, max_wait, hold, quota_refresh, recheck, max_waiting, interactive_first, listen, allow_remote, allow_origins, allow_hosts, store, store_path, state_dir, retry_budget, quota_protection, pool_order, timeouts, max_body, max_bodies, body_timeout, providers, accounts, fallbacks",
    );
}

#[test]
fn a_setting_without_effect_is_an_error() {
    let one = "has no effect in this version, because state is shared on one machine only; \
               write `store: sqlite`, or take the line out";
    check("\n\nstore: redis://me:pw@127.0.0.1:6379/0", &format!("3:8: `store: redis` {one}"));
    check("store: rediss://127.0.0.1:6379/0", &format!("1:8: `store: redis` {one}"));
    check("store: valkey://127.0.0.1:6379/0", &format!("1:8: `store: valkey` {one}"));
    let error = Machine::default().variable("POINTSMAN_STORE", "redis://h").load("").unwrap_err();
    assert_eq!(error.to_string(), format!("POINTSMAN_STORE: `store: redis` {one}"));
}

#[test]
fn the_gateway_is_not_opened_to_others_by_mistake() {
    check(
        "listen: 8787",
        "1:9: `listen` is `8787`, which is neither HOST:PORT nor unix:PATH; did you mean `127.0.0.1:8787`?",
    );
    check(
        "listen: 0.0.0.0:8787",
        "1:9: `listen` is `0.0.0.0:8787`, which other machines can reach; set `allow_remote: true` if you mean that",
    );
    check(
        "listen: '[::]:1'",
        "1:9: `listen` is `[::]:1`, which other machines can reach; set `allow_remote: true` if you mean that",
    );
    Machine::default().load("listen: 0.0.0.0:8787\nallow_remote: true").unwrap();
}

#[test]
fn malformed_yaml_is_told_with_its_place() {
    check("strategy: [sticky", "2:1: malformed YAML: while parsing a flow sequence, expected ',' or ']'");
    check("a: 1\n b: 2", "2:3: malformed YAML: mapping values are not allowed in this context");
    check("a: !secret b", "1:4: malformed YAML: tags (`!name`) are not used here");
    check(
        "store: &a memory\nstrategy: *a",
        "2:11: malformed YAML: aliases (`*name`) are not used here; write the value out",
    );
    check("{}\n---\n{}", "2:1: malformed YAML: a second document; a configuration is one");
    check("? [a]\n: b", "1:3: malformed YAML: a key must be plain text");
    check(&"[".repeat(20), "1:18: malformed YAML: this is nested too deeply");
    check(&"- ".repeat(20), "1:35: malformed YAML: this is nested too deeply");
    let endless = Machine::default().load(&"[".repeat(100_000)).unwrap_err();
    assert_eq!(endless.to_string(), "pointsman.yaml:1:256: malformed YAML: recursion limit exceeded");
}

#[test]
fn providers_are_checked() {
    check(
        "providers:\n  antropic: {base_url: 'http://127.0.0.1:1'}",
        "2:13: provider `antropic` is not in the catalog, and a provider of your own needs `kind`, \
         the wire format it speaks: one of anthropic, openai, gemini; did you mean `anthropic`?",
    );
    check(
        "providers: {acme: {kind: open-ai, base_url: 'http://127.0.0.1:1'}}",
        "1:26: `providers.acme.kind` is `open-ai`, which is none of anthropic, openai, gemini; did you mean `openai`?",
    );
    check(
        "providers: {acme: {kind: openai}}",
        "1:19: `providers.acme` has no `base_url`; it needs a URL with http:// or https://, or a list of them",
    );
    check(
        "providers: {openai: {base_url: ftp://me:pw@a.b}}",
        "1:32: `providers.openai.base_url` is `ftp://<redacted>@a.b`, which is not a URL with http:// or https://, \
         without a password or a key",
    );
    check(
        "providers: {openai: {base_url: [api.acme.example]}}",
        "1:33: `providers.openai.base_url[0]` is `api.acme.example`, which is not a URL with http:// or https://, \
         without a password or a key; did you mean `https://api.acme.example`?",
    );
    check(
        "providers: {openai: {headers: {Authorization: Bearer sk-1, host: a}}}",
        "1:47: `providers.openai.headers.Authorization` sets the header `Authorization`, which is a credential; \
         give it to an account as api_key or access_token\n\
         1:66: `providers.openai.headers.host` sets the header `host`, which is set by the connection itself",
    );
    check(
        "providers: {openai: {proxy: 'socks5://me:pw@a:1'}}",
        "1:29: `providers.openai.proxy` is `socks5://<redacted>@a:1`, which is not a URL such as http://PROXY:PORT or https://USER:PASSWORD@PROXY:PORT",
    );
    check(
        "providers: {openai: {hosts: ['https://a.example/v1']}}",
        "1:30: `providers.openai.hosts[0]` is `https://a.example/v1`, which is not a host such as api.example.com, or HOST:PORT; did you mean `a.example`?",
    );
    check(
        "providers: {'a:b': {kind: openai, base_url: 'http://a'}}",
        "1:20: `providers` holds the name `a:b`; names are letters, digits, `.`, `_` and `-`",
    );
    check(
        "providers: {antigravity: {oauth: {client_id: me}}}",
        "1:34: `providers.antigravity.oauth` has no `token_url`; it needs a URL with http:// or https://, without a query or a password",
    );
}

#[test]
fn an_error_of_a_provider_is_told_once_and_not_for_each_of_its_pools() {
    let needed = "a map with the keys kind, title, base_url, auth, headers, proxy, oauth, pools, families, models, quota_url, scope, max_in_flight, concurrency, errors, hosts";
    check(
        "providers: {antigravity: text}",
        &format!("1:26: `providers.antigravity` is text, but needs {needed}"),
    );
    check(
        "providers: {antigravity: {base_url: ftp://a}}",
        "1:37: `providers.antigravity.base_url` is `ftp://a`, which is not a URL with http:// or https://, \
         without a password or a key",
    );
    check(
        "providers: {openai: {base_url: []}}",
        "1:21: `providers.openai` has no `base_url`; it needs a URL with http:// or https://, or a list of them",
    );
}

#[test]
fn pools_and_families_are_checked() {
    check(
        "pool_order: {gemini: [gemini-cly]}",
        "1:22: `pool_order.gemini` names pool `gemini-cly`, which is none of gemini, claude, antigravity, gemini-cli; did you mean `gemini-cli`?",
    );
    check(
        "pool_order: {gemni: [gemini-cli]}",
        &format!(
            "1:21: `pool_order.gemni` names family `gemni`, which is none of claude, gpt, gemini, {}; did you mean `gemini`?",
            &PROVIDERS[40..]
        ),
    );
    check(
        "providers: {antigravity: {families: {claude: {pools: [cloude]}}}}",
        "1:54: `providers.antigravity.families.claude.pools` names pool `cloude`, which is none of claude, antigravity, gemini-cli; \
         did you mean `claude`?",
    );
    check(
        "providers: {antigravity: {pools: {extra: {families: [gemnii]}}}}",
        "1:53: `providers.antigravity.pools.extra.families` names family `gemnii`, which is none of claude, gemini; did you mean `gemini`?",
    );
    check(
        "providers: {antigravity: {pools: {claude: {max_in_flight: 0}}}}",
        "1:59: `providers.antigravity.pools.claude.max_in_flight` is `0`, which is not a whole number from 1 to 4000",
    );
    check(
        "fallbacks: {some-model: [acme/big-model, big]}",
        &format!(
            "1:26: `fallbacks.some-model[0]` names provider `acme`, which is none of {PROVIDERS}\n\
             1:42: `fallbacks.some-model[1]` is `big`, which is not provider/model, such as acme/big-model"
        ),
    );
}

#[test]
fn a_chain_stays_in_one_wire_format() {
    const OF_GEMINI: &str = "gemini, antigravity";
    let accounts = "accounts: [{id: 'anthropic:a', api_key: k}, {id: 'gemini:a', api_key: k}, {id: 'groq:a', api_key: k}]";
    let with_accounts = |chains: &str, expected: &str| check(&format!("{chains}\n{accounts}"), expected);
    with_accounts(
        "fallbacks: {gemini/some-model: [antigravity/some-model, groq/big-model]}",
        &format!(
            "1:57: `fallbacks.gemini/some-model[1]` is `groq/big-model`, which speaks openai, and provider `gemini` \
             speaks gemini; a chain stays in one wire format, so allowed are models of {OF_GEMINI}"
        ),
    );
    with_accounts(
        "fallbacks: {some-model: [gemini/some-model, groq/big-model]}",
        &format!(
            "1:45: `fallbacks.some-model[1]` is `groq/big-model`, which speaks openai, and `gemini/some-model`, \
             the first of the chain, speaks gemini; a chain stays in one wire format, so allowed are models of {OF_GEMINI}"
        ),
    );
    with_accounts(
        "fallbacks: {claude-sonnet-4-6: [groq/big-model]}",
        "1:33: `fallbacks.claude-sonnet-4-6[0]` is `groq/big-model`, which speaks openai, and no other provider \
         with an account does; a chain stays in one wire format, so allowed are models of anthropic, gemini, antigravity \
         (a chain for requests that groq itself serves has the key `groq/claude-sonnet-4-6`)",
    );
}

#[test]
fn a_target_is_checked_as_a_request_for_it_would_be() {
    check(
        "accounts: [{id: 'gemini:a', api_key: k}, {id: 'antigravity:a', access_token: k}]\n\
         fallbacks: {gemini-3-flash: ['antigravity/gemini-3-flash:claude']}",
        "2:30: `fallbacks.gemini-3-flash[0]` cannot be routed: pool `claude` of provider `antigravity` does not serve \
         model `gemini-3-flash`; pools that do: antigravity, gemini-cli",
    );
}

#[test]
fn a_family_that_no_pool_serves_is_an_error() {
    let pool = "base_url: 'http://a.b', families: [small]";
    check(
        &format!(
            "providers: {{acme: {{kind: openai, families: {{small: {{}}, big: {{}}}}, pools: {{one: {{{pool}}}}}}}}}"
        ),
        "1:19: `providers.acme.families.big` has no `pools`; it needs the name of a pool",
    );
}

#[test]
fn accounts_are_checked() {
    let check = |accounts: &str, expected: &str| check(&format!("accounts:\n{accounts}"), expected);
    check(
        "  - {id: work, api_key: k}",
        "2:10: `accounts[0].id` is `work`, which is not provider:label, such as anthropic:work",
    );
    check(
        "  - {api_key: k}",
        "2:5: `accounts[0]` has no `id`; it needs provider:label, such as anthropic:work",
    );
    check(
        "  - {id: 'antropic:work', api_key: k}",
        &format!(
            "2:10: account `antropic:work` belongs to provider `antropic`, which is none of {PROVIDERS}; did you mean `anthropic`?"
        ),
    );
    check(
        "  - {id: 'openai:a', api_key: k}\n  - {id: 'openai:a', api_key: k}",
        "3:10: account `openai:a` is given twice; the first is at 2:10",
    );
    check(
        "  - {id: 'openai:a'}",
        "2:5: account `openai:a` has no credential; give it one of api_key, access_token, refresh_token, credential",
    );
    check(
        "  - {id: 'openai:a', api_key: sk-1, access_token: sk-2}",
        "2:5: account `openai:a` has api_key and access_token; give it only one",
    );
    check(
        "  - {id: 'openai:a', api_key: k, weight: 101}",
        "2:42: `accounts[0].weight` is `101`, which is not a whole number from 1 to 100",
    );
    check(
        "  - {id: 'antigravity:home', refresh_token: t}",
        "2:45: account `antigravity:home` has a refresh_token, which needs an OAuth client of yours: \
         set `providers.antigravity.oauth` with client_id and token_url",
    );
    check("  a: b", "2:3: `accounts` is a map, but needs a list of accounts");
    check(
        "  - text",
        "2:5: `accounts[0]` is text, but needs a map with the keys id, api_key, access_token, refresh_token, credential, project, weight, priority, models, enabled, proxy, max_in_flight, concurrency, quota_protection",
    );
}

#[test]
fn a_variable_is_named_when_its_value_is_wrong() {
    let check = |name: &str, value: &str, expected: &str| {
        let error = Machine::default().variable(name, value).load("strategy: sticky").unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        "POINTSMAN_STRATEGY",
        "hybird",
        &format!(
            "POINTSMAN_STRATEGY: `strategy` is `hybird`, which is none of {STRATEGIES}; did you mean `hybrid`?"
        ),
    );
    check(
        "POINTSMAN_PROVIDERS__OPENAI__BASE_URL",
        "api.openai.com",
        "POINTSMAN_PROVIDERS__OPENAI__BASE_URL: `providers.openai.base_url` is `api.openai.com`, which is not a URL with http:// or https://, without a password or a key; did you mean `https://api.openai.com`?",
    );
    check(
        "POINTSMAN_LISTEN",
        "0.0.0.0:1",
        "POINTSMAN_LISTEN: `listen` is `0.0.0.0:1`, which other machines can reach; set `allow_remote: true` if you mean that",
    );
}

#[test]
fn all_errors_are_told_up_to_a_bound() {
    let text: String = (0..MAX_ERRORS + 5).map(|at| format!("key{at}: 1\n")).collect();
    let errors = Machine::default().load(&text).unwrap_err();
    assert_eq!((errors.errors.len(), errors.left_out), (MAX_ERRORS, 5));
    assert!(errors.to_string().ends_with("\nand 5 more"));
}

#[test]
fn a_file_that_was_named_and_is_not_there_is_an_error() {
    let machine = Machine::default();
    let located = locate(Some("/missing.yaml".as_ref()), &machine);
    assert_eq!(located, Located::File("/missing.yaml".into()));
    let error = load_located(&located, &machine).unwrap_err();
    assert!(error.to_string().starts_with("/missing.yaml: cannot read the configuration: "), "{error}");
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in ".{0,200}") {
        let _ = Machine::default().load(&text);
    }

    #[test]
    fn no_yaml_makes_reading_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        let Ok(config) = Machine::default().load(&pieces.concat()) else { return Ok(()) };
        for (at, provider) in config.providers.iter().enumerate() {
            prop_assert_eq!(provider.index, at);
        }
        prop_assert!(config.accounts.iter().all(|account| account.provider < config.providers.len()));
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "accounts",
        "providers",
        "openai",
        "antigravity",
        "pools",
        "families",
        "claude",
        "timeouts",
        "listen",
        "store",
        "id",
        "api_key",
        "env",
        "command",
        "pool_order",
        "gemini",
        "base_url",
        "headers",
        "fallbacks",
        ": ",
        ":",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "'",
        "\"",
        "|",
        ">",
        "#",
        "&a ",
        "*a",
        "!t ",
        "%",
        "@",
        "~",
        "---",
        "...",
        "\t",
        "1h",
        "10%",
        "é",
        "\u{feff}",
    ])
}
