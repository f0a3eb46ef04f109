//! `pointsman status`: the state of every account and pool.
//!
//! Only a running gateway knows what its upstreams said. Where there is none, the configuration is at
//! least told, read from a router that was started for it and has sent nothing.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use pointsman_loader::{Router, Silent};

use crate::cli::{Format, Status};
use crate::{client, plugin};

/// Prints what a gateway knows, or what is configured.
pub(crate) async fn run(library: Option<&Path>, arguments: &Status) -> anyhow::Result<()> {
    let path = path(arguments.format);
    let text = match &arguments.url {
        Some(url) => client::get(url, path).await?,
        None => ask_configured(library, arguments, path).await?,
    };
    print(&text)?;
    Ok(())
}

async fn ask_configured(library: Option<&Path>, arguments: &Status, path: &str) -> anyhow::Result<Bytes> {
    let library = plugin::open(library)?;
    let router = library.start(plugin::configured_by(arguments.config.as_deref()), Silent)?;
    let url = client::url(router.status()?.extensions.text("listen").unwrap_or_default());
    match client::get(&url, path).await {
        Ok(text) => Ok(text),
        Err(_) => ask_router(&router, &url, path).await,
    }
}

async fn ask_router(router: &Router, url: &str, path: &str) -> anyhow::Result<Bytes> {
    writeln!(io::stderr(), "no gateway is running at {url}; this is the configuration only")?;
    let address = router.listen("127.0.0.1:0").context("cannot read the status from the plugin")?;
    let text = client::get(&client::url(&address), path).await?;
    router.shutdown(Duration::ZERO).await?;
    Ok(text)
}

const fn path(format: Format) -> &'static str {
    match format {
        Format::Table => "/account-limits?format=table",
        Format::Json => "/account-limits",
    }
}

fn print(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    if !text.ends_with(b"\n") {
        out.write_all(b"\n")?;
    }
    out.flush()
}
