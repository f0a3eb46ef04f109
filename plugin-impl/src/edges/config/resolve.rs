//! From the text of a file to a [`Config`], top level first.

use std::path::Path;
use std::sync::Arc;

use pointsman_core::planning::settings::Settings;

use super::account::{self, AccountConfig};
use super::catalog::{self, Declared};
use super::environment::Environment;
use super::form::Shape;
use super::listen::ListenAddress;
use super::paths::Paths;
use super::pool_order::PoolOrder;
use super::problem::Problem;
use super::provider::{self, ProviderConfig};
use super::reader::{Entry, Fields};
use super::report::{ConfigErrors, Report};
use super::secret_source::Secrets;
use super::settings::{
    ACCOUNTS, ALLOW_HOSTS, ALLOW_ORIGINS, ALLOW_REMOTE, BODY_TIMEOUT, CONNECT, FALLBACK_ORDER, HEAD, HOLD,
    HOST_FORM, IDLE, INTERACTIVE_FIRST, LISTEN, MAX_BODIES, MAX_BODY, MAX_WAIT, MAX_WAITING, ORIGIN_FORM,
    PROVIDERS, QUIET_MODE, QUOTA_FALLBACK, QUOTA_REFRESH, RECHECK, STORE, STRATEGY, TIMEOUT_KEYS, TIMEOUTS,
    TOP,
};
use super::yaml::{self, Node, Value};
use super::{
    BodyLimits, Config, ConfigSource, Timeouts, fallbacks, not_yet, overrides, policy, protection,
    retry_budget,
};

/// Reads a whole configuration.
pub(super) fn config(
    text: &str,
    name: &str,
    source: ConfigSource,
    environment: &dyn Environment,
) -> Result<Config, ConfigErrors> {
    let mut report = Report::default();
    let root = tree(text, name, environment, &mut report)?;
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let paths = Paths::new(folder, environment);
    let secrets = Secrets::new(environment, &paths);

    let top = Entry::root(&root).fields(&TOP, &mut report);
    let mut config = scalars(&top, &secrets, source, &mut report);
    // Providers first: accounts and chains refer to them by index.
    let declared = declared(&top, &mut report);
    config.providers = providers(&top, &declared, &secrets, &mut report);
    config.accounts = accounts(&top, &declared, &secrets, &mut report);
    let chains = fallbacks::FallbackCommon {
        names: &names(&declared),
        providers: &config.providers,
        accounts: &config.accounts,
        quota_fallback: config.settings.quota_fallback,
    };
    config.fallbacks = fallbacks::fallbacks(&top, &chains, &mut report);
    not_yet::check(&top, &mut report);
    config.secret_files = secrets.into_files();

    (config.warnings, config.notes) = report.finish()?;
    Ok(config)
}

fn tree(
    text: &str,
    name: &str,
    environment: &dyn Environment,
    report: &mut Report,
) -> Result<Node, ConfigErrors> {
    let parsed = yaml::parse(text, &Arc::from(name), report);
    let mut root = parsed.map_err(|error| ConfigErrors { errors: vec![*error], left_out: 0 })?;
    if matches!(root.value, Value::Map(_) | Value::Null) {
        overrides::apply(&mut root, environment, report);
    }
    Ok(root)
}

fn scalars(top: &Fields<'_>, secrets: &Secrets<'_>, source: ConfigSource, report: &mut Report) -> Config {
    Config {
        settings: Settings {
            quota_fallback: top.read_or_default(&QUOTA_FALLBACK, report),
            fallback_order: top.read_or_default(&FALLBACK_ORDER, report),
            strategy: top.read_or_default(&STRATEGY, report),
            hybrid: policy::hybrid(top, report),
            affinity: policy::affinity(top, report),
            max_wait: top.read_or_default(&MAX_WAIT, report),
            recheck: top.read_or_default(&RECHECK, report),
            max_waiting: top.read_or_default(&MAX_WAITING, report).into(),
            interactive_first: top.read_or_default(&INTERACTIVE_FIRST, report),
            retry_budget: retry_budget::read(top, report),
        },
        quiet_mode: top.read_or_default(&QUIET_MODE, report),
        quota_refresh: top.read_or_default(&QUOTA_REFRESH, report),
        hold: top.read_or_default(&HOLD, report),
        protection: protection::level(top, report),
        listen: listen(top, secrets.paths, report),
        allow_origins: allow_origins(top, report),
        allow_hosts: top.get(&ALLOW_HOSTS).map(|entry| entry.values(&HOST_FORM, report)).unwrap_or_default(),
        store: top.read_or_default(&STORE, report),
        timeouts: timeouts(top, report),
        bodies: bodies(top, report),
        providers: Vec::new(),
        accounts: Vec::new(),
        fallbacks: Vec::new(),
        secret_files: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        source,
    }
}

fn listen(top: &Fields<'_>, paths: &Paths, report: &mut Report) -> ListenAddress {
    let address = top.read_or_default(&LISTEN, report);
    let allow_remote = top.read_or_default(&ALLOW_REMOTE, report);
    if let Some(entry) = top.get(&LISTEN).filter(|_| !address.is_local() && !allow_remote) {
        entry.error(Problem::RemoteListen(address.to_string()), report);
    }
    match address {
        ListenAddress::Unix(path) => ListenAddress::Unix(paths.resolve(&path.to_string_lossy())),
        ListenAddress::Tcp { .. } => address,
    }
}

fn allow_origins(top: &Fields<'_>, report: &mut Report) -> Vec<String> {
    top.get(&ALLOW_ORIGINS).map(|entry| entry.values(&ORIGIN_FORM, report)).unwrap_or_default()
}

fn timeouts(top: &Fields<'_>, report: &mut Report) -> Timeouts {
    let fields = top.section(&TIMEOUTS, &TIMEOUT_KEYS, report);
    Timeouts {
        connect: fields.read_or_default(&CONNECT, report),
        head: fields.read_or_default(&HEAD, report),
        idle: fields.read_or_default(&IDLE, report),
    }
}

/// One body of the longest has to fit in, whatever all together may take.
fn bodies(top: &Fields<'_>, report: &mut Report) -> BodyLimits {
    let longest = top.read_or_default(&MAX_BODY, report);
    let together = top.read_or_default(&MAX_BODIES, report).max(longest);
    BodyLimits { longest, time: top.read_or_default(&BODY_TIMEOUT, report), together }
}

fn declared(top: &Fields<'_>, report: &mut Report) -> Vec<Declared> {
    let entry = top.get(&PROVIDERS);
    if let Some(entry) = &entry {
        // Only the names are checked; what is under them is read together with the catalog.
        entry.names(&PROVIDERS.form.allowed(), report);
    }
    catalog::declared(entry.map_or(&[], |entry| entry.node.members()))
}

fn providers(
    top: &Fields<'_>,
    declared: &[Declared],
    secrets: &Secrets<'_>,
    report: &mut Report,
) -> Vec<Arc<ProviderConfig>> {
    let pool_order = PoolOrder::read(top, report);
    let names_in_catalog: Vec<&str> = names(declared.iter().filter(|declared| declared.in_catalog));
    let common =
        provider::ProviderCommon { secrets, pool_order: &pool_order, names_in_catalog: &names_in_catalog };
    let each = declared.iter().enumerate();
    let providers: Vec<ProviderConfig> =
        each.filter_map(|(index, declared)| provider::resolve(index, declared, &common, report)).collect();
    pool_order.check(&providers, report);
    providers.into_iter().map(Arc::new).collect()
}

fn accounts(
    top: &Fields<'_>,
    declared: &[Declared],
    secrets: &Secrets<'_>,
    report: &mut Report,
) -> Vec<AccountConfig> {
    match top.get(&ACCOUNTS) {
        Some(list) => {
            account::accounts(&list, &account::AccountCommon { secrets, providers: declared }, report)
        }
        None => account::from_environment(secrets.environment, declared, report),
    }
}

fn names<'a>(declared: impl IntoIterator<Item = &'a Declared>) -> Vec<&'a str> {
    declared.into_iter().map(|declared| declared.name.as_str()).collect()
}
