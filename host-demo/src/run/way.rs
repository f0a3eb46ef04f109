//! The way from an agent to the accounts: a gateway of its own, or a running gateway.
//!
//! A running gateway with the same configuration already knows limits and sessions. Its locked file
//! announces it; see [`discovery`](crate::gateway::discovery).

use std::time::Duration;

use pointsman_api::Status;
use pointsman_loader::Router;
use serde_json::Value;

use crate::gateway::client;
use crate::gateway::discovery::{Announced, Kind};
use crate::gateway::find::to_share;
use crate::serve::announce;

use super::summary::Tally;

/// An agent's gateway.
pub(super) enum Way {
    /// A gateway for the agent's lifetime.
    Own {
        url: String,
        router: Router,
        /// Announces the gateway to other commands.
        _announced: Option<Announced>,
    },
    /// A gateway of `pointsman serve`, with its earlier counters.
    Shared { url: String, before: Tally },
}

impl Way {
    /// Chooses a running gateway with this configuration, or starts a gateway.
    pub(super) async fn choose(router: Router, status: &Status) -> anyhow::Result<Self> {
        let fingerprint = status.extensions.text("fingerprint").unwrap_or_default();
        let Some(gateway) = to_share(fingerprint).await else { return Self::own(router) };
        match counted(&gateway.url).await {
            Ok(before) => Ok(Self::Shared { url: gateway.url, before }),
            Err(_) => Self::own(router),
        }
    }

    /// Starts a gateway on a free port.
    pub(super) fn own(router: Router) -> anyhow::Result<Self> {
        let address = router.listen("127.0.0.1:0")?;
        let announced = announce(Kind::Run, &address, &router.status()?);
        Ok(Self::Own { url: client::url(&address), router, _announced: announced })
    }

    pub(super) fn url(&self) -> &str {
        match self {
            Self::Own { url, .. } | Self::Shared { url, .. } => url,
        }
    }

    /// Ends the agent's own gateway, and returns a line about the requests.
    pub(super) async fn end(self) -> anyhow::Result<String> {
        match self {
            Self::Own { router, .. } => {
                // Whoever would read what is still under way is gone.
                router.shutdown(Duration::ZERO).await?;
                Ok(Tally::of(&router.status()?).line())
            }
            Self::Shared { url, before } => Ok(match counted(&url).await {
                Ok(after) => format!("meanwhile, at {url}: {}", after.since(&before).line()),
                Err(error) => format!("the gateway at {url} is gone: {error:#}"),
            }),
        }
    }
}

async fn counted(url: &str) -> anyhow::Result<Tally> {
    let page: Value = serde_json::from_slice(&client::get(url, "/account-limits").await?)?;
    Ok(Tally::of_page(&page))
}
