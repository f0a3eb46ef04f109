//! Model families of a provider, with their pools.

use pointsman_core::request::catalog::Family;

use super::form::{Shape, Text, words};
use super::pool::PoolConfig;
use super::pool_order::PoolOrder;
use super::problem::{Problem, nearest};
use super::reader::{Entry, Fields};
use super::report::Report;
use super::settings::{FAMILIES, FAMILY, FAMILY_POOLS, PATTERNS};

const POOL_NAME: Text = Text("the name of a pool");
const FAMILY_NAME: Text = Text("the name of a family");
const PATTERN: Text = Text("a part of a model name");

/// Reads the families of a provider. A provider without families has one of its own name, for all models.
pub(super) fn families(
    provider: &Fields<'_>,
    name: &str,
    pools: &[PoolConfig<'_>],
    order: &PoolOrder<'_>,
    report: &mut Report,
) -> Vec<Family> {
    let named = provider
        .get(&FAMILIES)
        .map(|entry| entry.names(&FAMILIES.form.allowed(), report))
        .unwrap_or_default();
    let mut families: Vec<Family> =
        named.into_iter().map(|(name, entry)| family(name, entry, pools, report)).collect();
    if families.is_empty() {
        families.push(Family { name: name.to_owned(), patterns: Vec::new(), pools: open_pools(pools) });
    }
    join_pools(&mut families, pools, report);
    // A family without patterns takes every model, so what came after it would never be asked.
    families.sort_by_key(|family| family.patterns.is_empty());
    check_use(provider.entry(), &families, pools, report);
    for family in &mut families {
        order.apply(family, pools);
    }
    families
}

fn family(name: &str, entry: Entry<'_>, pools: &[PoolConfig<'_>], report: &mut Report) -> Family {
    let fields = entry.fields(&FAMILY, report);
    let patterns = fields.get(&PATTERNS).map(|entry| entry.values(&PATTERN, report)).unwrap_or_default();
    let named = fields.get(&FAMILY_POOLS).map(|entry| indices(&entry, pools, report)).unwrap_or_default();
    Family {
        name: name.to_owned(),
        patterns: patterns.into_iter().map(|pattern| pattern.to_ascii_lowercase()).collect(),
        pools: if named.is_empty() { open_pools(pools) } else { named },
    }
}

/// Returns the pools without families of their own.
fn open_pools(pools: &[PoolConfig<'_>]) -> Vec<usize> {
    (0..pools.len()).filter(|at| pools[*at].families.is_none()).collect()
}

fn indices(entry: &Entry<'_>, pools: &[PoolConfig<'_>], report: &mut Report) -> Vec<usize> {
    let mut indices = Vec::new();
    for name in entry.values(&POOL_NAME, report) {
        match pools.iter().position(|pool| pool.core.name.as_str() == name) {
            Some(at) if indices.contains(&at) => {}
            Some(at) => indices.push(at),
            None => entry.error(unknown(entry, "pool", name, &pool_names(pools)), report),
        }
    }
    indices
}

/// Adds each pool to the families named by the pool.
fn join_pools(families: &mut [Family], pools: &[PoolConfig<'_>], report: &mut Report) {
    for (at, entry) in pools.iter().enumerate().filter_map(|(at, pool)| Some((at, pool.families.as_ref()?))) {
        for name in entry.values(&FAMILY_NAME, report) {
            join(families, at, name, entry, report);
        }
    }
}

fn join(families: &mut [Family], pool: usize, name: String, entry: &Entry<'_>, report: &mut Report) {
    match families.iter_mut().find(|family| family.name == name) {
        Some(family) if family.pools.contains(&pool) => {}
        Some(family) => family.pools.push(pool),
        None => {
            let known: Vec<&str> = families.iter().map(|family| family.name.as_str()).collect();
            entry.error(unknown(entry, "family", name, &known), report);
        }
    }
}

fn check_use(provider: &Entry<'_>, families: &[Family], pools: &[PoolConfig<'_>], report: &mut Report) {
    for family in families.iter().filter(|family| family.pools.is_empty()) {
        let section = format!("{}.families.{}", provider.path, family.name);
        let problem = Problem::Missing { section, key: FAMILY_POOLS.name, needed: POOL_NAME.allowed() };
        provider.error(problem, report);
    }
    for (at, pool) in pools.iter().enumerate() {
        if !families.iter().any(|family| family.pools.contains(&at)) {
            let path = format!("{}.pools.{}", provider.path, pool.core.name);
            report.warn(
                &provider.node.place,
                format!("`{path}` serves no family; only requests that name it use it"),
            );
        }
    }
}

pub(super) fn unknown(entry: &Entry<'_>, what: &'static str, name: String, known: &[&str]) -> Problem {
    let nearest = nearest(&name, known.iter().copied());
    Problem::Unknown { key: entry.path.clone(), what, name, known: words(known.iter().copied()), nearest }
}

fn pool_names<'a>(pools: &'a [PoolConfig<'_>]) -> Vec<&'a str> {
    pools.iter().map(|pool| pool.core.name.as_str()).collect()
}
