//! `pointsman accounts`: orders on accounts, by way of the store that running gateways share.

use std::io::{self, Write};
use std::path::Path;

use pointsman_api::StartOptions;
use pointsman_loader::Silent;

use crate::cli::{Accounts, AccountsCommand, OnAccount};
use crate::plugin;

/// Gives the order, and prints the accounts as they are then.
///
/// # Errors
/// An unknown account and a broken configuration are errors of usage (exit code 2); a store that cannot be
/// used is a failure (exit code 1).
pub(crate) fn run(library: Option<&Path>, arguments: &Accounts) -> anyhow::Result<()> {
    let router = plugin::open(library)?.start(options(arguments), Silent)?;
    let status = router.status()?;
    let page = if arguments.json { "json" } else { "table" };
    let text = status.extensions.text(page).unwrap_or_default();
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end())?;
    Ok(())
}

fn options(arguments: &Accounts) -> StartOptions {
    let mut options = plugin::configured_by(arguments.config.as_deref());
    options.extensions.set("purpose", "accounts");
    let (order, account, model) = match &arguments.command {
        AccountsCommand::List => ("list", None, None),
        AccountsCommand::Reset { id, model } => ("reset", id.as_deref(), model.as_deref()),
        AccountsCommand::Enable(OnAccount { id }) => ("enable", Some(id.as_str()), None),
        AccountsCommand::Disable(OnAccount { id }) => ("disable", Some(id.as_str()), None),
    };
    options.extensions.set("order", order);
    for (name, value) in [("account", account), ("model", model)] {
        if let Some(value) = value {
            options.extensions.set(name, value);
        }
    }
    options
}
