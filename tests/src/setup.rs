//! What a test is about: accounts, quotas, faults, settings.

use std::path::Path;
use std::time::Duration;

use pointsman_loader::api::StartOptions;
use pointsman_loader::api::abi_stable::std_types::RSome;
use pointsman_upstream::{Account, Fault, Pace, Play, Pool, Script, TokenScript, Upstream};
use serde_json::{Map, Value, json};

use crate::stage::Stage;

/// The OAuth client of the tests.
pub const CLIENT_ID: &str = "client-of-the-tests";
/// Its secret, which must be seen nowhere.
pub const CLIENT_SECRET: &str = "hush-client-secret";

/// Accounts at a local upstream, and the configuration that a person would write for them.
///
/// Account labels are unique over all providers, because the upstream knows accounts by them.
#[derive(Clone, Debug)]
pub struct Setup {
    script: Script,
    settings: Map<String, Value>,
    providers: Map<String, Value>,
    accounts: Vec<Value>,
    envelope: &'static str,
    token: TokenScript,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// Begins without accounts. A request that finds nobody fails at once; see [`Setup::patient`].
    pub fn new() -> Self {
        let token = TokenScript {
            client_id: Some(CLIENT_ID.to_owned()),
            client_secret: Some(CLIENT_SECRET.to_owned()),
            ..TokenScript::default()
        };
        let setup = Self {
            script: Script::new(7),
            settings: Map::new(),
            providers: Map::new(),
            accounts: Vec::new(),
            envelope: "none",
            token,
        };
        setup.set("max_wait", "0s").set("store", "memory").set("quota_refresh", "0s")
    }

    /// Sets a setting of the top level.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Lets a request wait for a place as long as it takes.
    #[must_use]
    pub fn patient(self) -> Self {
        self.set("max_wait", "20s")
    }

    /// Lets requests fall to other pools.
    #[must_use]
    pub fn falling_back(self, order: &str) -> Self {
        self.set("quota_fallback", true).set("fallback_order", order)
    }

    /// Gives up on a silent upstream soon.
    #[must_use]
    pub fn hasty(self) -> Self {
        self.set("timeouts", json!({"connect": "2s", "head": "300ms", "idle": "300ms"}))
    }

    /// Puts the envelope of Code Assist around requests to Antigravity.
    #[must_use]
    pub fn enveloped(mut self) -> Self {
        self.envelope = "code-assist";
        self
    }

    /// Writes something into a provider of the configuration.
    #[must_use]
    pub fn provider(mut self, name: &str, key: &str, value: impl Into<Value>) -> Self {
        let provider = self.providers.entry(name).or_insert_with(|| json!({}));
        provider[key] = value.into();
        self
    }

    /// Adds a provider that is not in the catalog, at the same upstream.
    #[must_use]
    pub fn beside(self, name: &str, kind: &str) -> Self {
        self.provider(name, "kind", kind)
    }

    /// Lets requests for a model go on at other providers.
    #[must_use]
    pub fn chain(mut self, model: &str, to: &[&str]) -> Self {
        let chains = self.settings.entry("fallbacks").or_insert_with(|| json!({}));
        chains[model] = to.into();
        self
    }

    /// Writes something into the account that was added last.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.accounts.last_mut().expect("an account")[key] = value.into();
        self
    }

    /// Adds an account of Anthropic.
    #[must_use]
    pub fn anthropic(self, label: &str, pool: Pool) -> Self {
        self.keyed("anthropic", label, pool, 1)
    }

    /// Adds an account of OpenAI.
    #[must_use]
    pub fn openai(self, label: &str, pool: Pool) -> Self {
        self.keyed("openai", label, pool, 1)
    }

    /// Adds an account of Gemini with an API key.
    #[must_use]
    pub fn gemini(self, label: &str, pool: Pool) -> Self {
        self.keyed("gemini", label, pool, 1)
    }

    /// Adds an account with an API key and a weight.
    #[must_use]
    pub fn keyed(mut self, provider: &str, label: &str, pool: Pool, weight: u8) -> Self {
        let key = secret("key", label);
        self.script = self.script.account(Account::new(label).api_key(&key).pool("default", pool));
        self.accounts.push(json!({"id": format!("{provider}:{label}"), "api_key": key, "weight": weight}));
        self
    }

    /// Adds an account that uses the credential that each caller sends.
    #[must_use]
    pub fn callers(mut self, provider: &str, label: &str) -> Self {
        self.accounts.push(json!({"id": format!("{provider}:{label}"), "credential": "caller"}));
        self
    }

    /// Adds an account that is known to the upstream and not in the configuration: its key is `secret("key", label)`.
    #[must_use]
    pub fn caller(mut self, label: &str, pool: Pool) -> Self {
        let account = Account::new(label).api_key(secret("key", label)).pool("default", pool);
        self.script = self.script.account(account);
        self
    }

    /// Adds an account of Antigravity whose access token somebody else keeps fresh.
    #[must_use]
    pub fn antigravity(mut self, label: &str, pools: &[(&str, Pool)]) -> Self {
        let token = secret("access", label);
        self.script = self.script.account(with_pools(Account::new(label).access_token(&token), pools));
        let id = format!("antigravity:{label}");
        self.accounts.push(json!({"id": id, "access_token": token, "project": "a-project"}));
        self
    }

    /// Adds an account of Antigravity that makes its access tokens from a refresh token.
    #[must_use]
    pub fn refreshing(mut self, label: &str, pools: &[(&str, Pool)]) -> Self {
        let token = secret("refresh", label);
        self.script = self.script.account(with_pools(Account::new(label).refresh_token(&token), pools));
        let id = format!("antigravity:{label}");
        self.accounts.push(json!({"id": id, "refresh_token": token, "project": "a-project"}));
        self
    }

    /// Adds a fault that is there from the start.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.script = self.script.fault(fault);
        self
    }

    /// Lets the model call tools in conversations about something.
    #[must_use]
    pub fn play(mut self, play: Play) -> Self {
        self.script = self.script.play(play);
        self
    }

    /// Sets the pace of answers.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.script = self.script.pace(pace);
        self
    }

    /// Changes how the token endpoint behaves.
    #[must_use]
    pub fn token(mut self, change: impl FnOnce(&mut TokenScript)) -> Self {
        change(&mut self.token);
        self
    }

    /// Starts the upstream, and a router with this configuration as a text.
    ///
    /// # Panics
    /// Where either cannot be started.
    pub fn start(self) -> Stage {
        let upstream = self.upstream();
        let text = self.config(&upstream.base_url());
        Stage::start(upstream, options(&text))
    }

    /// Starts the upstream, and a router that reads this configuration from a file and watches it.
    ///
    /// # Panics
    /// Where either cannot be started.
    pub fn start_from(self, file: &Path) -> Stage {
        let upstream = self.upstream();
        std::fs::write(file, self.config(&upstream.base_url())).expect("the file can be written");
        let path = file.to_str().expect("a path of text").into();
        Stage::start(upstream, StartOptions { config_path: RSome(path), ..StartOptions::default() })
    }

    /// Starts the upstream alone.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn upstream(&self) -> Upstream {
        let script = self.script.clone().token(self.token.clone());
        Upstream::start_blocking(script).expect("the upstream starts")
    }

    /// Returns the configuration for an upstream at `base`. JSON is YAML.
    pub fn config(&self, base: &str) -> String {
        let pool = |name| {
            (
                str::to_owned(name),
                json!({"base_url": format!("{base}/pool-{name}"), "envelope": self.envelope}),
            )
        };
        let pools: Map<_, _> = ["claude", "antigravity", "gemini-cli"].map(pool).into_iter().collect();
        let oauth = json!({
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "token_url": format!("{base}/token"),
        });
        let mut providers = json!({
            "anthropic": {"base_url": base},
            "openai": {"base_url": format!("{base}/v1")},
            "gemini": {"base_url": base},
            "antigravity": {"oauth": oauth, "pools": pools},
        });
        for (name, written) in &self.providers {
            for (key, value) in written.as_object().into_iter().flatten() {
                providers[name][key] = value.clone();
            }
            if providers[name]["base_url"].is_null() && providers[name]["pools"].is_null() {
                providers[name]["base_url"] = base.into();
            }
        }
        let mut config = Value::Object(self.settings.clone());
        config["providers"] = providers;
        config["accounts"] = Value::Array(self.accounts.clone());
        format!("{config:#}")
    }
}

/// Returns the secret of an account, as it must be seen nowhere.
pub fn secret(kind: &str, label: &str) -> String {
    format!("hush-{kind}-{label}")
}

/// A pool of so many requests in each window of so many seconds.
pub fn limited(requests: u32, seconds: u64) -> Pool {
    Pool::limited(requests, Duration::from_secs(seconds))
}

/// A pool without a limit.
pub fn free() -> Pool {
    Pool::unlimited()
}

/// A pool that refuses everything, and says that it is over in so many seconds.
pub fn spent(seconds: u64) -> Pool {
    limited(0, seconds)
}

/// Returns the options for a configuration as a text.
pub fn options(config: &str) -> StartOptions {
    StartOptions { config_text: RSome(config.into()), ..StartOptions::default() }
}

fn with_pools(account: Account, pools: &[(&str, Pool)]) -> Account {
    let account = account.project("a-project").default_pool(pools[0].0);
    pools.iter().fold(account, |account, (name, pool)| account.pool(*name, pool.clone()))
}
