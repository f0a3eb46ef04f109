//! The status as metrics, in the text format of Prometheus.
//!
//! Labels have few values: accounts, their pools, and the windows that upstreams report. Models are a label
//! only where a window counts a single model.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::counters::Counters;

use super::{AccountState, AccountStatus, PoolState, PoolStatus, Status, WindowStatus};

const PREFIX: &str = "pointsman";
const PER_THOUSAND: f64 = 1_000.0;
const MILLISECONDS: f64 = 1_000.0;

/// Returns the metrics of a status.
pub(super) fn render(status: &Status) -> String {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Snapshot(status.clone())));
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = prometheus_text::encode(&mut text, &registry);
    text
}

/// A status, collected once.
#[derive(Debug)]
struct Snapshot(Status);

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (status, to) = (&self.0, &mut encoder);
        build(status, to)?;
        counters(status, to)?;
        for gauge in ACCOUNTS {
            accounts(gauge, status, to)?;
        }
        for metric in POOLS {
            pools(metric, status, to)?;
        }
        WINDOWS.iter().try_for_each(|gauge| windows(gauge, status, to))
    }
}

fn build(status: &Status, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut family = to.encode_descriptor("build_info", "The running version.", None, MetricType::Gauge)?;
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    ConstGauge::new(1_u64).encode(family.encode_family(&version)?)?;
    let waiting = ConstGauge::new(status.waiting);
    waiting.encode(to.encode_descriptor("waiting", "Requests in the queue now.", None, MetricType::Gauge)?)
}

fn counters(status: &Status, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
    for ((name, count), help) in status.counters.iter().zip(Counters::HELP) {
        let counter = ConstCounter::new(*count);
        counter.encode(to.encode_descriptor(name, help.trim(), None, MetricType::Counter)?)?;
    }
    Ok(())
}

/// A value of each account.
struct AccountGauge {
    name: &'static str,
    help: &'static str,
    value: fn(&AccountStatus) -> u64,
}

const ACCOUNTS: [AccountGauge; 2] = [
    AccountGauge {
        name: "account_ready",
        help: "1 where an account takes requests; 0 in cooldown, without sign-in, or disabled.",
        value: |account| u64::from(account.state == AccountState::Ready),
    },
    AccountGauge {
        name: "account_in_flight",
        help: "Requests in flight at an account.",
        value: |account| account.under_way.in_flight.into(),
    },
];

fn accounts(gauge: AccountGauge, status: &Status, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut family = to.encode_descriptor(gauge.name, gauge.help, None, MetricType::Gauge)?;
    for account in &status.accounts {
        let labels = [("account", account.id.as_str())];
        ConstGauge::new((gauge.value)(account)).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

/// A value of each pool.
struct PoolMetric {
    name: &'static str,
    help: &'static str,
    /// Whether the value only grows.
    counts: bool,
    value: fn(&PoolStatus) -> u64,
}

const POOLS: [PoolMetric; 5] = [
    PoolMetric {
        name: "pool_open",
        help: "1 where a pool of an account is open; 0 where a limit or the user's protection closes it.",
        counts: false,
        value: |pool| u64::from(matches!(pool.state, PoolState::Open | PoolState::Probing)),
    },
    PoolMetric {
        name: "pool_in_flight",
        help: "Requests in flight in a pool of an account.",
        counts: false,
        value: |pool| pool.under_way.in_flight.into(),
    },
    PoolMetric {
        name: "pool_served",
        help: "Requests served by a pool of an account.",
        counts: true,
        value: |pool| pool.served,
    },
    PoolMetric {
        name: "pool_limited",
        help: "429s from a pool of an account.",
        counts: true,
        value: |pool| pool.limited,
    },
    PoolMetric {
        name: "pool_trips",
        help: "Limits begun at a pool of an account.",
        counts: true,
        value: |pool| pool.trips,
    },
];

fn pools(metric: PoolMetric, status: &Status, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let kind = if metric.counts { MetricType::Counter } else { MetricType::Gauge };
    let mut family = to.encode_descriptor(metric.name, metric.help, None, kind)?;
    for (account, pool) in each_pool(status) {
        let labels = [("account", account.id.as_str()), ("pool", pool.name.as_str())];
        let (row, value) = (family.encode_family(&labels)?, (metric.value)(pool));
        if metric.counts {
            ConstCounter::new(value).encode(row)?
        } else {
            ConstGauge::new(value).encode(row)?
        }
    }
    Ok(())
}

fn each_pool(status: &Status) -> impl Iterator<Item = (&AccountStatus, &PoolStatus)> {
    status.accounts.iter().flat_map(|account| account.pools.iter().map(move |pool| (account, pool)))
}

/// A value of each reported window.
struct WindowGauge {
    name: &'static str,
    help: &'static str,
    value: fn(&WindowStatus) -> Option<f64>,
}

const WINDOWS: [WindowGauge; 2] = [
    WindowGauge {
        name: "window_remaining_ratio",
        help: "The remaining part of a window, from 0 to 1, as last reported.",
        value: |window| window.remaining.map(|part| f64::from(part) / PER_THOUSAND),
    },
    WindowGauge {
        name: "window_reset_timestamp_seconds",
        help: "The reset of a window, in seconds of the Unix epoch.",
        value: |window| window.reset.map(|reset| reset.0 as f64 / MILLISECONDS),
    },
];

fn windows(gauge: &WindowGauge, status: &Status, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut family = to.encode_descriptor(gauge.name, gauge.help, None, MetricType::Gauge)?;
    for (account, pool) in each_pool(status) {
        for window in pool.windows.iter().filter(|window| !window.stale) {
            let Some(value) = (gauge.value)(window) else { continue };
            let model = window.model.as_deref().unwrap_or_default();
            let labels = [
                ("account", account.id.as_str()),
                ("pool", &pool.name),
                ("window", &window.name),
                ("model", model),
            ];
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
