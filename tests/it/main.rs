//! End to end: agents ask, through the library as a host loads it, a local upstream with real quotas.
//!
//! The numbers that these tests hold are those that peers were measured by: how many accounts a burst
//! uses, how often one event is counted, how many selections an upstream call costs, and how long it takes
//! to leave an account that does not serve.

mod agents;
mod bad_requests;
mod bonds;
mod broken_upstreams;
mod cancel;
mod caps;
mod code_assist;
mod connections;
mod credentials;
mod dashboard;
mod defects;
mod early_ends;
mod early_probes;
mod echoes;
mod explain;
mod fallbacks;
mod families;
mod gateway;
mod hold;
mod http;
mod issues;
mod known_paths;
mod limits;
mod listening;
mod metrics;
mod models;
mod notices;
mod own_credentials;
mod own_rules;
mod pages;
mod pass_through;
#[cfg(unix)]
mod processes;
mod protection;
mod races;
mod readings;
mod recovery;
mod reload;
mod retry_budget;
mod secrets;
#[cfg(unix)]
mod serving;
mod sessions;
mod shutdown;
mod state;
mod streams;
#[cfg(target_os = "linux")]
mod tls;
mod told;
mod turns;
mod unbinding;
mod uploads;
mod waiting;
