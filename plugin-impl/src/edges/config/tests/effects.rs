//! What a valid configuration comes to.

use std::time::Duration;

use pointsman_core::admission::budget::Terms;
use pointsman_core::formats::format::AuthScheme;
use pointsman_core::formats::{Envelope, WireFormat};
use pointsman_core::ids::ModelId;
use pointsman_core::planning::settings::{FallbackOrder, Settings};
use pointsman_core::planning::strategy::Strategy;
use pointsman_core::quota::protection::{Floors, Level};
use pointsman_core::request::catalog::{Pool, Scope};

use super::super::settings::SECTIONS;
use super::super::settings::setting::Key;
use super::super::{
    Concurrency, Config, ConfigSource, CredentialSource, ListenAddress, Located, ProviderConfig, StoreChoice,
    Timeouts, load as load_located,
};
use super::{Machine, load};

const EXAMPLE: &str = include_str!("../example.yaml");

fn provider<'a>(config: &'a Config, name: &str) -> &'a ProviderConfig {
    config.providers.iter().find(|provider| provider.core.id.as_str() == name).unwrap()
}

/// Returns each pool with its base URLs.
fn pools<'a>(provider: &'a ProviderConfig) -> Vec<(&'a str, Vec<&'a str>)> {
    let pool = |pool: &'a Pool| (pool.name.as_str(), pool.endpoints.iter().map(|url| &*url.0).collect());
    provider.core.pools.iter().map(pool).collect()
}

/// Returns each family with its pools in order.
fn families(provider: &ProviderConfig) -> Vec<(&str, Vec<&str>)> {
    let pool = |at: &usize| provider.core.pools[*at].name.as_str();
    provider
        .core
        .families
        .iter()
        .map(|family| (&*family.name, family.pools.iter().map(pool).collect()))
        .collect()
}

fn warnings(config: &Config) -> Vec<String> {
    config.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_written_gives_the_defaults() {
    let config = load_located(&Located::Nowhere, &Machine::default().variable("HOME", "/home/me")).unwrap();
    assert_eq!(config.settings, Settings::default());
    assert!(!config.quiet_mode);
    assert_eq!(config.listen.to_string(), "127.0.0.1:8787");
    let StoreChoice::Sqlite(file) = &config.store else { panic!("{:?}", config.store) };
    assert_eq!(file.path(None), Some("/home/me/.local/state/pointsman/state.db".into()));
    let seconds = Duration::from_secs;
    assert_eq!(config.timeouts, Timeouts { connect: seconds(10), head: seconds(280), idle: seconds(280) });
    let bodies = super::super::BodyLimits { longest: 32 << 20, time: seconds(120), together: 512 << 20 };
    assert_eq!(config.bodies, bodies);
    assert!(config.accounts.is_empty() && config.warnings.is_empty() && config.notes.is_empty());
    assert_eq!(config.source, ConfigSource::Defaults);
}

#[test]
fn the_example_gives_what_it_says() {
    let machine = Machine::default()
        .variable("HOME", "/home/me")
        .variable("MY_SECRET", "s")
        .variable("WORK_KEY", "w")
        .variable("HOME_TOKEN", "h")
        .variable("TEST_TOKEN", "t");
    let config = machine.load(EXAMPLE).unwrap();

    assert!(config.settings.quota_fallback);
    assert_eq!(config.settings.strategy, Strategy::Hybrid);
    assert_eq!(config.source, ConfigSource::File("pointsman.yaml".into()));
    assert_eq!(pools(provider(&config, "anthropic")), [("anthropic", vec!["http://127.0.0.1:18200"])]);
    assert_eq!(pools(provider(&config, "acme")), [("acme", vec!["https://api.acme.example/v1"])]);
    let antigravity = provider(&config, "antigravity");
    assert_eq!(
        pools(antigravity),
        [
            ("claude", vec!["http://127.0.0.1:18200/pool-claude"]),
            ("antigravity", vec!["http://127.0.0.1:18200/pool-antigravity"]),
            ("gemini-cli", vec!["http://127.0.0.1:18200/pool-gemini-cli"]),
        ]
    );
    assert!(antigravity.core.pools.iter().all(|pool| pool.envelope == Envelope::None));
    assert_eq!(antigravity.headers.iter().map(|headers| headers.len()).collect::<Vec<_>>(), [0, 1, 0]);
    let oauth = antigravity.oauth.as_ref().unwrap();
    assert_eq!((&*oauth.client_id, &*oauth.token_url), ("my-client", "http://127.0.0.1:18200/token"));
    assert_eq!(oauth.client_secret.as_ref().unwrap().expose(), "s");

    let ids: Vec<&str> = config.accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(ids, ["anthropic:work", "antigravity:home", "antigravity:test"]);
    let [work, sticky, test] = &config.accounts[..] else { panic!("three accounts") };
    assert_eq!((work.weight, sticky.weight, sticky.project.as_deref()), (2, 1, Some("my-project")));
    assert_eq!(config.providers[sticky.provider].core.id.as_str(), "antigravity");
    assert!(matches!(&work.credential, CredentialSource::ApiKey(key) if key.expose() == "w"));
    assert!(matches!(&sticky.credential, CredentialSource::RefreshToken(token) if token.expose() == "h"));
    assert!(matches!(&test.credential, CredentialSource::AccessToken(token) if token.expose() == "t"));

    assert_eq!(
        warnings(&config),
        [
            "pointsman.yaml:22:23: `acme/big-model` is left out of `fallbacks.claude-sonnet-4-6[0]`: provider `acme` has no account",
        ]
    );
}

#[test]
fn chains_are_read_as_requests_would_be() {
    let config = load(
        "quota_fallback: true\n\
         providers: {acme: {kind: openai, base_url: 'http://a.b'}}\n\
         accounts: [{id: 'openai:a', api_key: key-0001}, {id: 'acme:a', api_key: k}, {id: 'groq:a', api_key: key-0002}]\n\
         fallbacks:\n  gpt-5: acme/big/model\n  groq/some-model: [acme/m, openrouter/m, openai/gpt-5]\n  \
         meta/llama: [acme/llama]\n  '*': groq/any",
    );
    let chains = config.fallbacks.iter().map(|fallback| {
        let to = fallback.to.iter().map(|route| format!("{} at {}", route.model, route.provider.id));
        let provider = fallback.provider.as_ref().map(ToString::to_string);
        (provider.unwrap_or_default(), &*fallback.model, to.collect::<Vec<_>>().join(", "))
    });
    let expected = [
        ("", "gpt-5", "big/model at acme"),
        ("groq", "some-model", "m at acme, gpt-5 at openai"),
        ("", "meta/llama", "llama at acme"),
        ("", "*", "any at groq"),
    ];
    let expected = expected.map(|(provider, model, to)| (provider.to_owned(), model, to.to_owned()));
    assert_eq!(chains.collect::<Vec<_>>(), expected);
    let left_out = "pointsman.yaml:6:29: `openrouter/m` is left out of `fallbacks.groq/some-model[1]`: provider `openrouter` has no account";
    assert_eq!(warnings(&config), [left_out]);
}

#[test]
fn the_retry_budget_has_a_share_and_a_floor() {
    let terms = |text: &str| load(text).settings.retry_budget;
    assert_eq!(terms("retry_budget: {share: 12.5%}\n"), Terms { share: 125, floor: 10 });
    assert_eq!(terms("retry_budget: {floor: 0}\n"), Terms { share: 200, floor: 0 });
    assert_eq!(terms(""), Terms { share: 200, floor: 10 });
}

#[test]
fn caps_are_those_of_the_account_then_of_its_provider() {
    let config = load(
        "providers:
  anthropic: {concurrency: {total: 40, account: 8, models: {claude-Opus-*: 3, '*': 20}}}
accounts:
  - {id: 'anthropic:a', api_key: k, concurrency: 2}
  - {id: 'anthropic:b', api_key: l}
",
    );
    let caps = &provider(&config, "anthropic").concurrency;
    assert_eq!((caps.total, caps.account), (Some(40), Some(8)));
    let models: Vec<_> = caps.models.iter().map(|(models, cap)| (models.as_str(), *cap)).collect();
    assert_eq!(models, [("claude-opus-*", 3), ("*", 20)]);
    assert_eq!(provider(&config, "openai").concurrency, Concurrency::default());
    let own: Vec<_> = config.accounts.iter().map(|account| account.concurrency).collect();
    assert_eq!(own, [Some(2), None]);
}

#[test]
fn json_is_accepted() {
    let config = load(r#"{"strategy": "round-robin", "max_wait": "5s", "quota_fallback": true}"#);
    assert_eq!(
        (config.settings.strategy, config.settings.max_wait),
        (Strategy::RoundRobin, Duration::from_secs(5))
    );
    assert!(config.settings.quota_fallback);
}

#[test]
fn the_catalog_has_three_formats_and_production_hosts_only() {
    let config = load("");
    let check = |name: &str, format: WireFormat, auth: AuthScheme, url: &str, host: &str| {
        let provider = provider(&config, name);
        assert_eq!((provider.core.format, provider.auth), (format, auth), "{name}");
        assert!(
            provider.core.pools.iter().all(|pool| pool.endpoints.len() == 1 && &*pool.endpoints[0].0 == url),
            "{name}"
        );
        assert_eq!(provider.hosts, [host]);
    };
    use AuthScheme::{Bearer, XApiKey, XGoogApiKey};
    check("anthropic", WireFormat::Anthropic, XApiKey, "https://api.anthropic.com", "api.anthropic.com");
    check("openai", WireFormat::OpenAi, Bearer, "https://api.openai.com/v1", "api.openai.com");
    let gemini = "generativelanguage.googleapis.com";
    check("gemini", WireFormat::Gemini, XGoogApiKey, &format!("https://{gemini}"), gemini);
    let code_assist = "cloudcode-pa.googleapis.com";
    check("antigravity", WireFormat::Gemini, Bearer, &format!("https://{code_assist}"), code_assist);
    check("groq", WireFormat::OpenAi, Bearer, "https://api.groq.com/openai/v1", "api.groq.com");
    for (at, provider) in config.providers.iter().enumerate() {
        assert_eq!(provider.index, at);
        assert!(provider.oauth.is_none() && provider.headers.iter().all(|headers| headers.is_empty()));
    }
}

#[test]
fn quota_is_asked_for_where_an_endpoint_is_known_and_nowhere_else() {
    let urls = |text: &str, name: &str| provider(&load(text), name).quota_urls.clone();
    let code_assist = |method: &str| Some(format!("https://cloudcode-pa.googleapis.com/v1internal:{method}"));
    let models = code_assist("fetchAvailableModels");
    assert_eq!(urls("", "antigravity"), [models.clone(), models, code_assist("retrieveUserQuota")]);
    assert_eq!(urls("", "anthropic"), [None]);
    let elsewhere = "providers: {antigravity: {pools: {claude: {base_url: 'http://127.0.0.1:1/a'}}}}";
    let asked = Some("http://127.0.0.1:1/a/v1internal:fetchAvailableModels".to_owned());
    assert_eq!(urls(elsewhere, "antigravity")[0], asked);
    let plain =
        "providers: {antigravity: {pools: {claude: {base_url: 'http://127.0.0.1:1', envelope: none}}}}";
    assert_eq!(urls(plain, "antigravity")[0], None);
    let own = "providers: {anthropic: {quota_url: 'https://api.anthropic.com/api/oauth/usage'}}";
    assert_eq!(urls(own, "anthropic"), [Some("https://api.anthropic.com/api/oauth/usage".to_owned())]);
    assert_eq!(load("hold: 30m").hold, Duration::from_secs(1_800));
    assert_eq!(load("").hold, Duration::ZERO);
    assert_eq!(load("quota_refresh: 90s").quota_refresh, Duration::from_secs(90));
}

#[test]
fn antigravity_has_three_pools_that_name_models_differently() {
    let config = load("");
    let antigravity = &provider(&config, "antigravity").core;
    let titles: Vec<&str> = antigravity.pools.iter().map(|pool| &*pool.title).collect();
    assert_eq!(titles, ["Claude", "Antigravity", "Gemini CLI"]);
    assert_eq!(
        families(provider(&config, "antigravity")),
        [("claude", vec!["claude"]), ("gemini", vec!["gemini-cli", "antigravity"])]
    );
    assert_eq!(antigravity.family("claude-sonnet-4-6").name, "claude");
    assert_eq!(antigravity.family("gemini-3-flash").name, "gemini");
    let named = |pool: &str, model: &str| {
        let pool = &antigravity.pools[antigravity.pool(pool).unwrap()];
        assert_eq!((pool.envelope, pool.scope), (Envelope::CodeAssist, Scope::Pool));
        pool.model(model).to_owned()
    };
    assert_eq!(named("gemini-cli", "gemini-3-flash"), "gemini-3-flash-preview");
    assert_eq!(named("antigravity", "gemini-3-flash-preview"), "gemini-3-flash");
    assert_eq!(named("antigravity", "gemini-3-flash"), "gemini-3-flash");
}

#[test]
fn what_is_written_replaces_the_catalog_key_by_key() {
    let config = load(
        "providers:
  antigravity:
    base_url: [http://127.0.0.1:1/, http://127.0.0.1:2]
    models: {fast: gemini-3-flash}
    max_in_flight: 7
    hosts: [Example.com]
    pools:
      claude: {title: C, base_url: http://127.0.0.1:3, scope: model, max_in_flight: 9}
      extra: {families: [gemini], headers: {x-a: b}}
    families:
      gpt: {patterns: [GPT], pools: [antigravity]}
",
    );
    let antigravity = provider(&config, "antigravity");
    let both = vec!["http://127.0.0.1:1", "http://127.0.0.1:2"];
    assert_eq!(
        pools(antigravity),
        [
            ("claude", vec!["http://127.0.0.1:3"]),
            ("antigravity", both.clone()),
            ("gemini-cli", both.clone()),
            ("extra", both)
        ]
    );
    assert_eq!(
        families(antigravity),
        [
            ("claude", vec!["claude"]),
            ("gpt", vec!["antigravity"]),
            ("gemini", vec!["gemini-cli", "antigravity", "extra"])
        ]
    );
    let [claude, pool, _, extra] = &antigravity.core.pools[..] else { panic!("four pools") };
    assert_eq!((&*claude.title, claude.scope, claude.max_in_flight), ("C", Scope::Model, 9));
    assert_eq!(claude.envelope, Envelope::CodeAssist);
    assert_eq!((pool.max_in_flight, pool.model("fast")), (7, "gemini-3-flash"));
    assert_eq!(pool.model("gemini-3-pro-preview"), "gemini-3-pro");
    assert_eq!((&*extra.title, extra.envelope), ("extra", Envelope::None));
    assert_eq!(
        antigravity.hosts,
        ["127.0.0.1:3", "127.0.0.1:1", "127.0.0.1:2", "example.com", "cloudcode-pa.googleapis.com"]
    );
}

#[test]
fn the_order_of_pools_is_the_users() {
    let config = load("pool_order: {gemini: [antigravity, gemini-cli]}");
    assert_eq!(families(provider(&config, "antigravity"))[1].1, ["antigravity", "gemini-cli"]);
    assert_eq!(families(provider(&config, "gemini")), [("gemini", vec!["gemini"])]);

    let config = load("pool_order: {gemini: [antigravity]}");
    assert_eq!(families(provider(&config, "antigravity"))[1].1, ["antigravity"]);
    assert_eq!(warnings(&config), [""; 0]);
}

#[test]
fn a_pool_that_serves_no_family_is_warned_of() {
    let config = load("providers:\n  antigravity: {families: {gemini: {pools: [antigravity]}}}");
    assert_eq!(
        warnings(&config),
        [
            "pointsman.yaml:2:16: `providers.antigravity.pools.gemini-cli` serves no family; only requests that name it use it"
        ]
    );
}

#[test]
fn a_provider_of_the_users_own_needs_little() {
    let config =
        load("providers: {acme: {kind: anthropic, base_url: 'http://127.0.0.1:9/v1', auth: query-key}}");
    let acme = provider(&config, "acme");
    assert_eq!((acme.index, acme.auth), (config.providers.len() - 1, AuthScheme::QueryKey));
    assert_eq!(families(acme), [("acme", vec!["acme"])]);
    assert_eq!(acme.core.family("anything").name, "acme");
    assert!(!acme.core.has_named_pools());
}

#[test]
fn a_variable_says_where_a_provider_is() {
    let machine = Machine::default()
        .variable("POINTSMAN_PROVIDERS__ANTHROPIC__BASE_URL", "http://127.0.0.1:1")
        .variable("POINTSMAN_PROVIDERS__MY_OWN__AUTH", "x-api-key")
        .variable("POINTSMAN_PROVIDERS__NEW__KIND", "gemini")
        .variable("POINTSMAN_PROVIDERS__NEW__BASE_URL", "http://127.0.0.1:2")
        .variable("POINTSMAN_PROVIDERS__NEW__HEADERS", "x")
        .variable("POINTSMAN_PROVIDERS__NEW__BASEURL", "http://127.0.0.1:3");
    let written = "providers: {my-own: {kind: openai, base_url: 'http://127.0.0.1:4', auth: bearer}}";
    let config = machine.load(written).unwrap();
    let base = |name: &str| provider(&config, name).core.pools[0].endpoints[0].0.to_string();
    assert_eq!(base("anthropic"), "http://127.0.0.1:1");
    assert_eq!(base("openai"), "https://api.openai.com/v1", "the others stay");
    let own = provider(&config, "my-own");
    assert_eq!((own.auth, base("my-own").as_str()), (AuthScheme::XApiKey, "http://127.0.0.1:4"));
    assert_eq!(
        (provider(&config, "new").core.format, base("new").as_str()),
        (WireFormat::Gemini, "http://127.0.0.1:2")
    );
    assert_eq!(
        warnings(&config),
        [
            "POINTSMAN_PROVIDERS__NEW__BASEURL: this variable is no setting and has no effect; did you mean `POINTSMAN_PROVIDERS__NEW__BASE_URL`?",
            "POINTSMAN_PROVIDERS__NEW__HEADERS: this variable is no setting and has no effect",
        ]
    );
}

#[test]
fn a_variable_wins_over_the_file() {
    let machine = Machine::default()
        .variable("POINTSMAN_STRATEGY", "least-connections")
        .variable("POINTSMAN_QUOTA_FALLBACK", "true")
        .variable("POINTSMAN_FALLBACK_ORDER", "pool-first")
        .variable("POINTSMAN_MAX_WAIT", "")
        .variable("POINTSMAN_PLUGIN", "/x.so")
        .variable("POINTSMAN_CONFIG", "pointsman.yaml")
        .variable("POINTSMAN_LOG", "debug")
        .variable("POINTSMAN_STRATGY", "sticky")
        .variable("POINTSMAN_ACCOUNTS", "[]");
    let config = machine.load("strategy: sticky\nmax_wait: 7s").unwrap();
    let expected = Settings {
        quota_fallback: true,
        fallback_order: FallbackOrder::PoolFirst,
        strategy: Strategy::LeastConnections,
        max_wait: Duration::from_secs(7),
        ..Settings::default()
    };
    assert_eq!(config.settings, expected);
    assert_eq!(
        warnings(&config),
        [
            "POINTSMAN_ACCOUNTS: this variable is no setting and has no effect",
            "POINTSMAN_STRATGY: this variable is no setting and has no effect; did you mean `POINTSMAN_STRATEGY`?",
        ]
    );
}

#[test]
fn keys_of_the_environment_are_accounts_unless_accounts_are_written() {
    let machine = Machine::default().variable("OPENAI_API_KEY", "o").variable("GEMINI_API_KEY", "g");
    let config = machine.load("strategy: sticky").unwrap();
    let ids: Vec<&str> = config.accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(ids, ["openai:env", "gemini:env"]);
    assert_eq!(config.notes[0], "account `openai:env` is taken from the environment variable OPENAI_API_KEY");
    assert_eq!(config.providers[config.accounts[1].provider].core.id.as_str(), "gemini");

    let config = machine.load("accounts: []").unwrap();
    assert!(config.accounts.is_empty() && config.notes.is_empty());
}

#[test]
fn paths_begin_at_home_or_at_the_file() {
    let machine = Machine::default().variable("HOME", "/home/me");
    let config = super::from_text("listen: unix:run/p.sock", "/etc/p/pointsman.yaml", &machine).unwrap();
    assert_eq!(config.listen, ListenAddress::Unix("/etc/p/run/p.sock".into()));
    let config = super::from_text("listen: unix:~/p.sock", "/etc/p/pointsman.yaml", &machine).unwrap();
    assert_eq!(config.listen, ListenAddress::Unix("/home/me/p.sock".into()));
}

#[test]
fn an_empty_value_counts_as_not_written() {
    let config = load("strategy:\naccounts:\nproviders: {openai: ~}\ntimeouts: null");
    assert_eq!(config.settings, Settings::default());
}

#[test]
fn every_setting_has_a_sentence_and_a_name_of_its_own() {
    for section in SECTIONS {
        let mut names: Vec<&str> = section.names().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), section.keys.len(), "{}", section.title);
        for key in section.keys.iter().map(|key| *key as &dyn Key) {
            assert!(key.help().ends_with('.') && !key.allowed().is_empty(), "{}", key.name());
        }
    }
}

#[test]
fn the_numbers_of_hybrid_and_affinity_are_settings() {
    let config = load(
        "hybrid: {health_usable: 40, tokens_per_minute: 12, weight_idle: 0.25, quota_critical: 2.5%, sticky: 300}
affinity: {patience: 0s, sessions: 500}",
    );
    let expected = {
        let mut settings = Settings::default();
        let hybrid = &mut settings.hybrid;
        (hybrid.usable, hybrid.rates.tokens.per_hour, hybrid.weights.idle) = (40, 720, 25);
        (hybrid.quota.critical, hybrid.sticky) = (25, 300);
        (settings.affinity.patience, settings.affinity.sessions) = (Duration::ZERO, 500);
        settings
    };
    assert_eq!(config.settings, expected);
    let error = Machine::default().load("affinity: {patients: 5s}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "pointsman.yaml:1:12: unknown key `patients` in `affinity`; did you mean `patience`?"
    );
}

#[test]
fn quota_protection_can_be_said_at_three_places_and_of_models() {
    let config = load(
        "quota_protection: {soft: 10%, hard: 2.5%, models: {big: {hard: 20%, soft: 30%}}}
providers: {antigravity: {pools: {claude: {quota_protection: {soft: 15%}}}}}
accounts: [{id: 'openai:a', api_key: k, quota_protection: {hard: 0%}}]",
    );
    let floors = |soft, hard| Floors { soft, hard };
    let big = (ModelId::new("big"), floors(Some(300), Some(200)));
    assert_eq!(config.protection, Level { floors: floors(Some(100), Some(25)), models: vec![big] });
    let pools = &provider(&config, "antigravity").protections;
    assert_eq!((pools[0].floors, pools[1].floors), (floors(Some(150), None), Floors::default()));
    assert_eq!(config.accounts[0].protection.floors, floors(None, Some(0)));
}

#[test]
fn the_file_of_the_store_is_the_configured_one_or_that_of_the_host_or_the_users() {
    let path = |machine: Machine, text: &str, of_host: Option<&str>| {
        let StoreChoice::Sqlite(file) = machine.load(text).expect("it is valid").store else { return None };
        file.path(of_host.map(Into::into))
    };
    let here = || Machine::default().variable("HOME", "/home/me");
    let usual = "/home/me/.local/state/pointsman/state.db";
    for (machine, text, of_host, expected) in [
        (here(), "", None, Some(usual)),
        (here().variable("XDG_STATE_HOME", "/xdg"), "", None, Some("/xdg/pointsman/state.db")),
        (here(), "", Some("/host"), Some("/host/state.db")),
        (here(), "state_dir: ~/mine", Some("/host"), Some("/home/me/mine/state.db")),
        (here().variable("POINTSMAN_STATE_DIR", "/dir"), "state_dir: ~/mine", None, Some("/dir/state.db")),
        (here(), "state_dir: /dir\nstore_path: ~/one.db", None, Some("/home/me/one.db")),
        (here(), "store: memory\nstate_dir: /dir", Some("/host"), None),
    ] {
        assert_eq!(path(machine, text, of_host), expected.map(Into::into), "{text}");
    }
}
