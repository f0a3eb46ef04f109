//! Accounts: from the written settings or the environment to the fleet's input.

use std::collections::HashMap;

use pointsman_core::admission::cap::ModelPattern;
use pointsman_core::ids::AccountId;
use pointsman_core::planning::allowed::AllowedModels;
use pointsman_core::quota::protection::Level;

use crate::edges::config::documents::catalog::Declared;
use crate::edges::config::documents::{Node, Value};
use crate::edges::config::environment::Environment;
use crate::edges::config::policy;
use crate::edges::config::reading::problem::{Problem, nearest, shown_name};
use crate::edges::config::reading::report::{Place, Report};
use crate::edges::config::reading::{Entry, Fields};
use crate::edges::config::secrets::ConfiguredSecret;
use crate::edges::config::secrets::source::Secrets;
use crate::edges::config::secrets::text::{Unusable, usable};
use crate::edges::config::settings::setting::Key;
use crate::edges::config::settings::{
    ACCESS_TOKEN, ACCOUNT, API_KEY, CAP_OF_ACCOUNT, CREDENTIAL, Caller, ENABLED, ID, KIND,
    MAX_IN_FLIGHT_OF_ACCOUNT, MODELS_OF_ACCOUNT, MODELS_OF_ACCOUNT_KEYS, NEVER_MODELS, OAUTH, ONLY_MODELS,
    PRIORITY, PROJECT, PROXY, REFRESH_TOKEN, WEIGHT,
};
use crate::edges::config::values::url::ProxyUrl;
use crate::edges::config::values::{Text, words};
use crate::secret::begins_like_key;

/// An account as configured.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    pub id: AccountId,
    /// The index of the provider in [`Config::providers`](super::Config::providers).
    pub provider: usize,
    pub credential: CredentialSource,
    pub project: Option<String>,
    /// The weight, 1 to 100.
    pub weight: u8,
    /// The tier of the account before the strategy, 1 to 100; a lower number goes first.
    pub priority: u8,
    /// The models that the account may be used for.
    pub models: AllowedModels,
    pub enabled: bool,
    pub proxy: Option<ProxyUrl>,
    /// The most requests in flight in a pool. The pool's own limit holds if smaller.
    pub max_in_flight: Option<u16>,
    /// The most requests in flight over every pool; without a value the provider's setting holds.
    pub concurrency: Option<u16>,
    /// The quota protection of the account.
    pub protection: Level,
}

/// The tier of an account without a setting.
const DEFAULT_PRIORITY: u8 = 50;

/// The source of an account's credential.
#[derive(Clone, Debug)]
pub enum CredentialSource {
    /// An API key, sent by the provider's auth scheme.
    ApiKey(ConfiguredSecret),
    /// A bearer token, refreshed by another program.
    AccessToken(ConfiguredSecret),
    /// A refresh token for access tokens.
    RefreshToken(ConfiguredSecret),
    /// The caller's own credential, in each request.
    Caller,
}

impl CredentialSource {
    /// Returns the secret, unless each request brings a credential of its own.
    pub fn secret(&self) -> Option<&ConfiguredSecret> {
        match self {
            Self::ApiKey(secret) | Self::AccessToken(secret) | Self::RefreshToken(secret) => Some(secret),
            Self::Caller => None,
        }
    }
}

/// The inputs for reading accounts.
pub(crate) struct AccountCommon<'a> {
    pub(crate) secrets: &'a Secrets<'a>,
    /// The providers, by index.
    pub(crate) providers: &'a [Declared],
}

/// Reads the list of accounts.
pub(crate) fn accounts(list: &Entry<'_>, common: &AccountCommon<'_>) -> Vec<AccountConfig> {
    let mut seen: HashMap<String, Place> = HashMap::new();
    let mut accounts: Vec<AccountConfig> = Vec::new();
    for entry in list.items("a list of accounts") {
        let written = entry.clone();
        if let Some(account) = account(entry, common, &mut seen) {
            check_callers(&account, &accounts, &written, common);
            accounts.push(account);
        }
    }
    accounts
}

fn kind(provider: &Declared) -> Option<&str> {
    match &provider.node.member(KIND.name)?.node.value {
        Value::Text(kind) => Some(kind),
        Value::List(_) | Value::Map(_) | Value::Null => None,
    }
}

/// Reports a second account with callers' credentials in a wire format: an agent sends a single credential,
/// so only a single account can be meant.
fn check_callers(
    account: &AccountConfig,
    before: &[AccountConfig],
    entry: &Entry<'_>,
    common: &AccountCommon<'_>,
) {
    let is_callers = |account: &AccountConfig| matches!(account.credential, CredentialSource::Caller);
    let format = |account: &AccountConfig| kind(&common.providers[account.provider]);
    let same = |other: &&AccountConfig| is_callers(other) && format(other) == format(account);
    if is_callers(account)
        && let Some(first) = before.iter().find(same)
    {
        let (id, first) = (account.id.to_string(), first.id.to_string());
        let kind = format(account).unwrap_or_default().to_owned();
        entry.error(Problem::TwoCallers { id, first, kind });
    }
}

fn account(
    entry: Entry<'_>,
    common: &AccountCommon<'_>,
    seen: &mut HashMap<String, Place>,
) -> Option<AccountConfig> {
    let is_map = entry.is_map();
    let fields = entry.fields(&ACCOUNT);
    if !is_map {
        return None;
    }
    let id = id(&fields);
    if let Some((id, entry)) = &id {
        check_is_first(id, entry, seen);
    }
    let provider = id.as_ref().and_then(|(id, entry)| provider(id, entry, common));
    // Every check runs even after an error, so that one load reports every error of the account.
    if let (Some((id, _)), Some(provider)) = (&id, provider) {
        check_oauth(&fields, id, &common.providers[provider]);
    }
    let credential = credential(&fields, id.as_ref().map(|(id, _)| id), common.secrets);
    if !provider.is_some_and(|provider| is_plain(&common.providers[provider].node)) {
        warn_of_short(&fields, credential.as_ref());
    }
    let project = fields.read(&PROJECT);
    let weight = fields.read_or_default(&WEIGHT);
    let enabled = fields.read_or_default(&ENABLED);
    let proxy = fields.read(&PROXY);
    let max_in_flight = fields.read(&MAX_IN_FLIGHT_OF_ACCOUNT);
    let concurrency = fields.read(&CAP_OF_ACCOUNT);
    let byte = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
    let (weight, priority) = (byte(weight), byte(fields.read_or_default(&PRIORITY)));
    Some(AccountConfig {
        id: id?.0,
        provider: provider?,
        credential: credential?,
        project,
        weight,
        priority,
        models: models(&fields),
        enabled,
        proxy,
        max_in_flight,
        concurrency,
        protection: policy::protection(&fields),
    })
}

/// Reads the models that an account may be used for.
fn models(account: &Fields<'_>) -> AllowedModels {
    const NAME: Text = Text("a model, or a beginning such as claude-opus-*");
    let Some(entry) = account.get(&MODELS_OF_ACCOUNT) else { return AllowedModels::default() };
    let fields = entry.fields(&MODELS_OF_ACCOUNT_KEYS);
    let patterns = |key: &dyn Key| {
        let names = fields.get(key).map(|entry| entry.elements(&NAME)).unwrap_or_default();
        names.into_iter().filter_map(|(entry, name)| pattern(&entry, &name)).collect()
    };
    let models = AllowedModels { only: patterns(&ONLY_MODELS), never: patterns(&NEVER_MODELS) };
    if let Some(both) = models.only.iter().find(|model| models.never.contains(model)) {
        let reason = format!("has `{}` in `only` and in `never`; leave it out of one of them", both.as_str());
        fields.entry().error(Problem::Rule { key: fields.entry().path.clone(), reason });
    }
    models
}

fn pattern(entry: &Entry<'_>, name: &str) -> Option<ModelPattern> {
    if name.trim_end_matches('*').contains('*') || name.ends_with("**") {
        let reason = format!("is `{}`; `*` may stand at the end only", shown_name(name));
        entry.error(Problem::Rule { key: entry.path.clone(), reason });
        return None;
    }
    Some(ModelPattern::new(name))
}

/// Reads the id, with its entry.
fn id<'a>(fields: &Fields<'a>) -> Option<(AccountId, Entry<'a>)> {
    let text = fields.require(&ID)?;
    let entry = fields.get(&ID)?;
    let halves = text.split_once(':').filter(|(provider, label)| !provider.is_empty() && !label.is_empty());
    if halves.is_none() || text.chars().any(char::is_control) {
        let refusal = "not provider:label, such as anthropic:work".to_owned();
        let (key, value) = (entry.path.clone(), shown_name(&text));
        entry.error(Problem::Value { key, value, refusal, nearest: None });
        return None;
    }
    if halves.is_some_and(|(_, label)| begins_like_key(label)) {
        let reason =
            "has a label that looks like a key; ids are shown everywhere, so take a name of your own";
        entry.error(Problem::Secret { key: entry.path.clone(), reason: reason.to_owned() });
        return None;
    }
    Some((AccountId::new(&text), entry))
}

fn check_is_first(id: &AccountId, entry: &Entry<'_>, seen: &mut HashMap<String, Place>) {
    match seen.get(id.as_str()) {
        Some(first) => {
            let problem = Problem::DuplicateAccount { id: id.to_string(), first: first.to_string() };
            entry.error(problem);
        }
        None => drop(seen.insert(id.to_string(), entry.node.place.clone())),
    }
}

fn provider(id: &AccountId, entry: &Entry<'_>, common: &AccountCommon<'_>) -> Option<usize> {
    let names = common.providers.iter().map(|provider| provider.name.as_str());
    let found = names.clone().position(|name| name == id.provider());
    if found.is_none() {
        let problem = Problem::UnknownProviderOfAccount {
            id: id.to_string(),
            provider: id.provider().to_owned(),
            known: words(names.clone()),
            nearest: nearest(id.provider(), names),
        };
        entry.error(problem);
    }
    found
}

/// The forms of a credential with a secret.
static SECRETS: [(&dyn Key, MakeSource); 3] = [
    (&API_KEY, CredentialSource::ApiKey),
    (&ACCESS_TOKEN, CredentialSource::AccessToken),
    (&REFRESH_TOKEN, CredentialSource::RefreshToken),
];

type MakeSource = fn(ConfiguredSecret) -> CredentialSource;

fn credential(
    fields: &Fields<'_>,
    id: Option<&AccountId>,
    secrets: &Secrets<'_>,
) -> Option<CredentialSource> {
    // Exactly one form of credential: a secret in one of three forms, or the caller's own.
    let written: Vec<_> =
        SECRETS.iter().filter_map(|(key, make)| Some((*key, fields.get(*key)?, *make))).collect();
    let id = id.map_or_else(|| fields.entry().path.clone(), AccountId::to_string);
    let whose = fields.get(&CREDENTIAL).map(|entry| (&CREDENTIAL as &dyn Key, entry));
    match (written.as_slice(), &whose) {
        ([(_, entry, make)], None) => secrets.read(entry).map(*make),
        ([], Some(_)) => fields.read(&CREDENTIAL).map(|Caller| CredentialSource::Caller),
        ([], None) => {
            fields.entry().error(Problem::NoCredential { id });
            None
        }
        (several, whose) => {
            let keys = several.iter().map(|(key, _, _)| *key).chain(whose.as_ref().map(|(key, _)| *key));
            let found = keys.map(|key| key.name()).collect::<Vec<_>>().join(" and ");
            fields.entry().error(Problem::TwoCredentials { id, found });
            None
        }
    }
}

/// Warns of a key that cannot be blanked. A refresh token reaches no upstream but the token service.
fn warn_of_short(fields: &Fields<'_>, credential: Option<&CredentialSource>) {
    let (key, configured): (&dyn Key, _) = match credential {
        Some(CredentialSource::ApiKey(configured)) => (&API_KEY, configured),
        Some(CredentialSource::AccessToken(configured)) => (&ACCESS_TOKEN, configured),
        Some(CredentialSource::RefreshToken(_) | CredentialSource::Caller) | None => return,
    };
    if let (Some(entry), Ok(secret)) = (fields.get(key), configured.secret()) {
        entry.warn_of_short(secret);
    }
}

/// Says whether a provider has a base URL without TLS: servers of one's own take any word as a key.
fn is_plain(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => text.starts_with("http://"),
        Value::List(items) => items.iter().any(is_plain),
        Value::Map(members) => members.iter().any(|member| is_plain(&member.node)),
        Value::Null => false,
    }
}

/// Reports a refresh token without an OAuth client: the token works only with the client it was issued to.
fn check_oauth(fields: &Fields<'_>, id: &AccountId, provider: &Declared) {
    let has_client = provider.node.member(OAUTH.name).is_some_and(|oauth| !oauth.node.is_null());
    if !has_client && let Some(entry) = fields.get(&REFRESH_TOKEN) {
        let problem = Problem::NoOAuthClient { id: id.to_string(), provider: provider.name.clone() };
        entry.error(problem);
    }
}

/// Common variables of API keys, with the provider of each.
pub const VARIABLES: [(&str, &str); 3] =
    [("ANTHROPIC_API_KEY", "anthropic"), ("OPENAI_API_KEY", "openai"), ("GEMINI_API_KEY", "gemini")];

/// Returns an account for each of [`VARIABLES`] with a value, and adds a note to the report.
pub(crate) fn from_environment(
    environment: &dyn Environment,
    providers: &[Declared],
    report: &Report,
) -> Vec<AccountConfig> {
    let offered = VARIABLES.iter().filter_map(|(variable, provider)| {
        let key = key_of(variable, environment, report)?;
        let index = providers.iter().position(|declared| declared.name == *provider)?;
        let id = AccountId::new(&format!("{provider}:env"));
        report.note(format!("account `{id}` is taken from the environment variable {variable}"));
        Some(from_key(id, index, key))
    });
    offered.collect()
}

/// Returns the key in a variable. A blank variable counts as unset.
fn key_of(variable: &str, environment: &dyn Environment, report: &Report) -> Option<String> {
    match usable(&environment.variable(variable)?) {
        Ok(key) => Some(key),
        Err(Unusable::Empty) => None,
        Err(unusable) => {
            let (key, reason) = (variable.to_owned(), unusable.reason());
            report.error(&Place::whole(variable), Problem::Secret { key, reason });
            None
        }
    }
}

fn from_key(id: AccountId, provider: usize, key: String) -> AccountConfig {
    AccountConfig {
        id,
        provider,
        credential: CredentialSource::ApiKey(ConfiguredSecret::fixed(key)),
        project: None,
        weight: WEIGHT.default_value().try_into().unwrap_or(1),
        priority: DEFAULT_PRIORITY,
        models: AllowedModels::default(),
        enabled: ENABLED.default_value(),
        proxy: None,
        max_in_flight: None,
        concurrency: None,
        protection: Level::default(),
    }
}
