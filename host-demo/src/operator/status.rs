//! `pointsman status`: the state of every account and pool.
//!
//! Only a running gateway knows the upstreams' answers. Without a gateway, the configuration is shown,
//! without secrets.

use std::io::{self, Write};
use std::path::Path;

use anyhow::bail;

use crate::cli::{Format, Status};
use crate::gateway::client;
use crate::plugin;

use super::look::Look;

/// Prints a gateway's knowledge, or the configuration.
pub(crate) async fn run(library: Option<&Path>, arguments: &Status) -> anyhow::Result<()> {
    let path = path(arguments.format);
    let text = match &arguments.url {
        Some(url) => client::get(url, path).await?,
        None => {
            let look = Look::at(&plugin::open(library)?, arguments.config.as_deref())?;
            match look.gateway().await? {
                Some(url) => client::get(&url, path).await?,
                None => configured(&look, arguments.format)?.as_bytes().to_vec().into(),
            }
        }
    };
    print(&text)?;
    Ok(())
}

/// Returns the configuration, without a running gateway.
fn configured(look: &Look, format: Format) -> anyhow::Result<&str> {
    if let Some(problem) = look.problem() {
        bail!(pointsman_api::Error::new(pointsman_api::ErrorCode::CONFIG, problem));
    }
    let url = look.url();
    writeln!(io::stderr(), "no gateway is running, also not at {url}.\nThis is the configuration only.")?;
    Ok(look.text(match format {
        Format::Table => "table",
        Format::Json => "json",
    }))
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
