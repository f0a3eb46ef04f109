//! A look at a configuration: enough to identify the gateway, without reading secrets.

use std::io::{self, Write};
use std::path::Path;

use anyhow::bail;
use pointsman_api::Status;
use pointsman_loader::{Library, Silent};

use crate::gateway::client;
use crate::gateway::discovery::{Gateway, Kind};
use crate::gateway::find::{Wanted, find, name_of};
use crate::plugin;

use super::summary;

/// A configuration, without its secrets.
pub(super) struct Look {
    status: Status,
    /// The user named the configuration.
    is_named: bool,
}

impl Look {
    /// Looks at the configuration in `file`, or in the usual places.
    pub(super) fn at(library: &Library, file: Option<&Path>) -> anyhow::Result<Self> {
        let router = library.start(plugin::looked_at(file), Silent)?;
        let is_named = file.is_some() || std::env::var_os("POINTSMAN_CONFIG").is_some();
        let status = router.status()?;
        writeln!(io::stderr(), "{}", summary::configuration(&status))?;
        Ok(Self { status, is_named })
    }

    /// Returns the URL of the meant gateway, if running.
    pub(super) async fn gateway(&self) -> anyhow::Result<Option<String>> {
        let config = name_of(self.text("config"));
        match find(Wanted { config: &config, is_named: self.is_named }).await {
            Ok(Some(gateway)) => {
                told(&gateway, &config)?;
                Ok(Some(gateway.url))
            }
            Ok(None) => Ok(self.listening().await),
            Err(several) => bail!("{}", which(&several)),
        }
    }

    /// Returns the configured address if somebody answers there: a program with the library loaded
    /// announces no gateway.
    async fn listening(&self) -> Option<String> {
        let url = self.url();
        client::ask(&url, "/health").await.is_ok().then_some(url)
    }

    /// Returns the configured address as a URL.
    pub(super) fn url(&self) -> String {
        client::url(self.text("listen"))
    }

    /// Returns the fault of the configuration, if any.
    pub(super) fn problem(&self) -> Option<&str> {
        self.status.extensions.text("problem")
    }

    /// Returns a page made by the plugin from the configuration.
    pub(super) fn text(&self, name: &str) -> &str {
        self.status.extensions.text(name).unwrap_or_default()
    }
}

/// Names the asked gateway, unless the gateway is the `serve` of this configuration.
fn told(gateway: &Gateway, config: &str) -> io::Result<()> {
    let Gateway { kind, url, config: own, .. } = gateway;
    if own != config {
        return writeln!(io::stderr(), "this is the gateway at {url}; its configuration is {own}");
    }
    match kind {
        Kind::Serve => Ok(()),
        Kind::Run => writeln!(io::stderr(), "this is the gateway of a `pointsman run`, at {url}"),
    }
}

fn which(several: &[Gateway]) -> String {
    let each: Vec<_> =
        several.iter().map(|gateway| format!("\n  --url {}  ({})", gateway.url, gateway.config)).collect();
    format!(
        "{} gateways run, none of them with this configuration; name one:{}",
        several.len(),
        each.concat()
    )
}
