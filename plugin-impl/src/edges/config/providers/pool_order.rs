//! The user's order of pools, for all providers with the family.

use pointsman_core::request::catalog::Family;

use crate::edges::config::providers::ProviderConfig;
use crate::edges::config::providers::family::unknown;
use crate::edges::config::providers::pool::PoolConfig;
use crate::edges::config::reading::{Entry, Fields};
use crate::edges::config::settings::POOL_ORDER;
use crate::edges::config::values::{Shape, Text};

/// The content of `pool_order`.
#[derive(Default)]
pub(crate) struct PoolOrder<'a>(Vec<Line<'a>>);

struct Line<'a> {
    family: &'a str,
    pools: Vec<String>,
    entry: Entry<'a>,
}

impl<'a> PoolOrder<'a> {
    pub(crate) fn read(top: &Fields<'a>) -> Self {
        let Some(entry) = top.get(&POOL_ORDER) else { return Self::default() };
        let lines = entry.members(&POOL_ORDER.form.allowed()).into_iter();
        let line = |(family, entry): (&'a str, Entry<'a>)| {
            let pools = entry.values(&Text("the name of a pool"));
            Line { family, pools, entry }
        };
        Self(lines.map(line).collect())
    }

    /// Applies the configured order to the pools of `family`. A provider without these pools keeps its own
    /// order.
    pub(crate) fn apply(&self, family: &mut Family, pools: &[PoolConfig<'_>]) {
        let Some(line) = self.0.iter().find(|line| line.family == family.name) else { return };
        let position = |name: &String| pools.iter().position(|pool| pool.core.name.as_str() == name);
        let mut ordered: Vec<usize> = Vec::new();
        for at in line.pools.iter().filter_map(position) {
            if !ordered.contains(&at) {
                ordered.push(at);
            }
        }
        if !ordered.is_empty() {
            family.pools = ordered;
        }
    }

    /// Reports unknown families and pools.
    pub(crate) fn check(&self, providers: &[ProviderConfig]) {
        for line in &self.0 {
            let families = providers.iter().flat_map(|provider| &provider.core.families);
            let known = distinct(families.map(|family| family.name.as_str()));
            if known.contains(&line.family) {
                line.check_pools(providers);
            } else {
                line.entry.error(unknown(&line.entry, "family", line.family.to_owned(), &known));
            }
        }
    }
}

impl Line<'_> {
    fn check_pools(&self, providers: &[ProviderConfig]) {
        let has_family = |provider: &&ProviderConfig| {
            provider.core.families.iter().any(|family| family.name == self.family)
        };
        let pools = providers.iter().filter(has_family).flat_map(|provider| &provider.core.pools);
        let known = distinct(pools.map(|pool| pool.name.as_str()));
        for pool in self.pools.iter().filter(|pool| !known.contains(&pool.as_str())) {
            self.entry.error(unknown(&self.entry, "pool", pool.clone(), &known));
        }
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}
