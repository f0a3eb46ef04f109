//! From the text of a file to a [`Config`], top level first.

use std::path::Path;
use std::sync::Arc;

use pointsman_core::planning::settings::Settings;

use crate::edges::config::accounts::{self, AccountConfig};
use crate::edges::config::documents::catalog::{self, Declared};
use crate::edges::config::documents::locate::Paths;
use crate::edges::config::documents::overrides;
use crate::edges::config::documents::{self, Node, Value};
use crate::edges::config::environment::Environment;
use crate::edges::config::providers::fallbacks;
use crate::edges::config::providers::pool_order::PoolOrder;
use crate::edges::config::providers::{self, ProviderConfig};
use crate::edges::config::reading::problem::Problem;
use crate::edges::config::reading::report::{ConfigErrors, Report};
use crate::edges::config::reading::{Entry, Fields};
use crate::edges::config::secrets::source::Secrets;
use crate::edges::config::settings::not_yet;
use crate::edges::config::settings::{
    ACCOUNTS, ALLOW_HOSTS, ALLOW_ORIGINS, ALLOW_REMOTE, BODY_TIMEOUT, CONNECT, DRAIN, FALLBACK_ORDER, HEAD,
    HOLD, HOST_FORM, IDLE, INTERACTIVE_FIRST, LISTEN, MAX_BODIES, MAX_BODY, MAX_WAIT, MAX_WAITING,
    ORIGIN_FORM, PROVIDERS, QUIET_MODE, QUOTA_FALLBACK, QUOTA_REFRESH, RECHECK, STRATEGY, TIMEOUT_KEYS,
    TIMEOUTS, TOP, UNBIND,
};
use crate::edges::config::values::Shape;
use crate::edges::config::values::listen::ListenAddress;
use crate::edges::config::values::store;
use crate::edges::config::{BodyLimits, Config, ConfigSource, Timeouts, policy};

/// Reads a whole configuration.
pub(crate) fn config(
    text: &str,
    name: &str,
    source: ConfigSource,
    environment: &dyn Environment,
) -> Result<Config, ConfigErrors> {
    let report = Report::default();
    let root = tree(text, name, environment, &report)?;
    let paths = Paths::new(Path::new(name).parent().unwrap_or(Path::new("")), environment);
    let secrets = Secrets::new(environment, &paths);

    let top = Entry::root(&root, &report).fields(&TOP);
    let mut config = scalars(&top, &secrets, source);
    // Providers first: accounts and chains refer to them by index.
    let declared = declared(&top);
    config.providers = providers(&top, &declared, &secrets);
    config.accounts = accounts(&top, &declared, &secrets);
    let chains = fallbacks::FallbackCommon {
        names: &names(&declared),
        providers: &config.providers,
        accounts: &config.accounts,
        quota_fallback: config.settings.quota_fallback,
    };
    config.fallbacks = fallbacks::fallbacks(&top, &chains);
    not_yet::check(&top);
    config.secret_files = secrets.into_files();

    (config.warnings, config.notes) = report.finish()?;
    Ok(config)
}

fn tree(
    text: &str,
    name: &str,
    environment: &dyn Environment,
    report: &Report,
) -> Result<Node, ConfigErrors> {
    let parsed = documents::parse(text, &Arc::from(name), report);
    let mut root = parsed.map_err(|error| ConfigErrors { errors: vec![*error], left_out: 0 })?;
    if matches!(root.value, Value::Map(_) | Value::Null) {
        overrides::apply(&mut root, environment, report);
    }
    Ok(root)
}

fn scalars(top: &Fields<'_>, secrets: &Secrets<'_>, source: ConfigSource) -> Config {
    Config {
        settings: Settings {
            quota_fallback: top.read_or_default(&QUOTA_FALLBACK),
            fallback_order: top.read_or_default(&FALLBACK_ORDER),
            strategy: top.read_or_default(&STRATEGY),
            drain: top.read_or_default(&DRAIN),
            hybrid: policy::hybrid(top),
            affinity: policy::affinity(top),
            max_wait: top.read_or_default(&MAX_WAIT),
            recheck: top.read_or_default(&RECHECK),
            max_waiting: top.read_or_default(&MAX_WAITING).into(),
            interactive_first: top.read_or_default(&INTERACTIVE_FIRST),
            retry_budget: policy::retry_budget(top),
        },
        quiet_mode: top.read_or_default(&QUIET_MODE),
        unbind: top.read_or_default(&UNBIND),
        quota_refresh: top.read_or_default(&QUOTA_REFRESH),
        hold: top.read_or_default(&HOLD),
        protection: policy::protection(top),
        listen: listen(top, secrets.paths),
        allow_origins: allow_origins(top),
        allow_hosts: top.get(&ALLOW_HOSTS).map(|entry| entry.values(&HOST_FORM)).unwrap_or_default(),
        store: store::read(top, secrets.paths, secrets.environment),
        timeouts: timeouts(top),
        bodies: bodies(top),
        providers: Vec::new(),
        accounts: Vec::new(),
        fallbacks: Vec::new(),
        secret_files: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        source,
    }
}

fn listen(top: &Fields<'_>, paths: &Paths) -> ListenAddress {
    let address = top.read_or_default(&LISTEN);
    let allow_remote = top.read_or_default(&ALLOW_REMOTE);
    if !address.is_local()
        && !allow_remote
        && let Some(entry) = top.get(&LISTEN)
    {
        entry.error(Problem::RemoteListen(address.to_string()));
    }
    match address {
        ListenAddress::Unix(path) => ListenAddress::Unix(paths.resolve(&path.to_string_lossy())),
        ListenAddress::Tcp { .. } => address,
    }
}

fn allow_origins(top: &Fields<'_>) -> Vec<String> {
    top.get(&ALLOW_ORIGINS).map(|entry| entry.values(&ORIGIN_FORM)).unwrap_or_default()
}

fn timeouts(top: &Fields<'_>) -> Timeouts {
    let fields = top.section(&TIMEOUTS, &TIMEOUT_KEYS);
    Timeouts {
        connect: fields.read_or_default(&CONNECT),
        head: fields.read_or_default(&HEAD),
        idle: fields.read_or_default(&IDLE),
    }
}

/// One body of the longest has to fit in, whatever all together may take.
fn bodies(top: &Fields<'_>) -> BodyLimits {
    let longest = top.read_or_default(&MAX_BODY);
    let together = top.read_or_default(&MAX_BODIES).max(longest);
    BodyLimits { longest, time: top.read_or_default(&BODY_TIMEOUT), together }
}

fn declared(top: &Fields<'_>) -> Vec<Declared> {
    let entry = top.get(&PROVIDERS);
    if let Some(entry) = &entry {
        // Only the names are checked; what is under them is read together with the catalog.
        entry.names(&PROVIDERS.form.allowed());
    }
    catalog::declared(entry.map_or(&[], |entry| entry.node.members()))
}

fn providers(top: &Fields<'_>, declared: &[Declared], secrets: &Secrets<'_>) -> Vec<Arc<ProviderConfig>> {
    let pool_order = PoolOrder::read(top);
    let names_in_catalog: Vec<&str> = names(declared.iter().filter(|declared| declared.in_catalog));
    let common = providers::ProviderCommon {
        secrets,
        pool_order: &pool_order,
        names_in_catalog: &names_in_catalog,
        report: top.entry().report,
    };
    let each = declared.iter().enumerate();
    let providers: Vec<ProviderConfig> =
        each.filter_map(|(index, declared)| providers::resolve(index, declared, &common)).collect();
    pool_order.check(&providers);
    providers.into_iter().map(Arc::new).collect()
}

fn accounts(top: &Fields<'_>, declared: &[Declared], secrets: &Secrets<'_>) -> Vec<AccountConfig> {
    match top.get(&ACCOUNTS) {
        Some(list) => accounts::accounts(&list, &accounts::AccountCommon { secrets, providers: declared }),
        None => accounts::from_environment(secrets.environment, declared, top.entry().report),
    }
}

fn names<'a>(declared: impl IntoIterator<Item = &'a Declared>) -> Vec<&'a str> {
    declared.into_iter().map(|declared| declared.name.as_str()).collect()
}
