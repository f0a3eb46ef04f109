//! Model families of a provider, with their pools.

use pointsman_core::request::catalog::Family;

use crate::edges::config::providers::pool::PoolConfig;
use crate::edges::config::providers::pool_order::PoolOrder;
use crate::edges::config::reading::problem::{Problem, nearest};
use crate::edges::config::reading::{Entry, Fields};
use crate::edges::config::settings::{FAMILIES, FAMILY, FAMILY_POOLS, PATTERNS};
use crate::edges::config::values::{Shape, Text, words};

const POOL_NAME: Text = Text("the name of a pool");
const FAMILY_NAME: Text = Text("the name of a family");
const PATTERN: Text = Text("a part of a model name");

/// Reads the families of a provider. A provider without families has one of its own name, for all models.
pub(crate) fn families(
    provider: &Fields<'_>,
    name: &str,
    pools: &[PoolConfig<'_>],
    order: &PoolOrder<'_>,
) -> Vec<Family> {
    let named =
        provider.get(&FAMILIES).map(|entry| entry.names(&FAMILIES.form.allowed())).unwrap_or_default();
    let mut families: Vec<Family> =
        named.into_iter().map(|(name, entry)| family(name, entry, pools)).collect();
    if families.is_empty() {
        families.push(Family { name: name.to_owned(), patterns: Vec::new(), pools: open_pools(pools) });
    }
    join_pools(&mut families, pools);
    // A family without patterns takes every model, so what came after it would never be asked.
    families.sort_by_key(|family| family.patterns.is_empty());
    check_use(provider.entry(), &families, pools);
    for family in &mut families {
        order.apply(family, pools);
    }
    families
}

fn family(name: &str, entry: Entry<'_>, pools: &[PoolConfig<'_>]) -> Family {
    let fields = entry.fields(&FAMILY);
    let patterns = fields.get(&PATTERNS).map(|entry| entry.values(&PATTERN)).unwrap_or_default();
    let named = fields.get(&FAMILY_POOLS).map(|entry| indices(&entry, pools)).unwrap_or_default();
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

fn indices(entry: &Entry<'_>, pools: &[PoolConfig<'_>]) -> Vec<usize> {
    let mut indices = Vec::new();
    for name in entry.values(&POOL_NAME) {
        match pools.iter().position(|pool| pool.core.name.as_str() == name) {
            Some(at) if indices.contains(&at) => {}
            Some(at) => indices.push(at),
            None => entry.error(unknown(entry, "pool", name, &pool_names(pools))),
        }
    }
    indices
}

/// Adds each pool to the families named by the pool.
fn join_pools(families: &mut [Family], pools: &[PoolConfig<'_>]) {
    for (at, entry) in pools.iter().enumerate().filter_map(|(at, pool)| Some((at, pool.families.as_ref()?))) {
        for name in entry.values(&FAMILY_NAME) {
            join(families, at, name, entry);
        }
    }
}

fn join(families: &mut [Family], pool: usize, name: String, entry: &Entry<'_>) {
    match families.iter_mut().find(|family| family.name == name) {
        Some(family) if family.pools.contains(&pool) => {}
        Some(family) => family.pools.push(pool),
        None => {
            let known: Vec<&str> = families.iter().map(|family| family.name.as_str()).collect();
            entry.error(unknown(entry, "family", name, &known));
        }
    }
}

fn check_use(provider: &Entry<'_>, families: &[Family], pools: &[PoolConfig<'_>]) {
    for family in families.iter().filter(|family| family.pools.is_empty()) {
        let section = format!("{}.families.{}", provider.path, family.name);
        let problem = Problem::Missing { section, key: FAMILY_POOLS.name, needed: POOL_NAME.allowed() };
        provider.error(problem);
    }
    for (at, pool) in pools.iter().enumerate() {
        if !families.iter().any(|family| family.pools.contains(&at)) {
            let path = format!("{}.pools.{}", provider.path, pool.core.name);
            provider.warn(format!("`{path}` serves no family; only requests that name it use it"));
        }
    }
}

pub(crate) fn unknown(entry: &Entry<'_>, what: &'static str, name: String, known: &[&str]) -> Problem {
    let nearest = nearest(&name, known.iter().copied());
    Problem::Unknown { key: entry.path.clone(), what, name, known: words(known.iter().copied()), nearest }
}

fn pool_names<'a>(pools: &'a [PoolConfig<'_>]) -> Vec<&'a str> {
    pools.iter().map(|pool| pool.core.name.as_str()).collect()
}
