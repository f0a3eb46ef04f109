//! `pointsman check`: validates the whole configuration.
//!
//! The configuration is loaded as by `serve`: secrets are read, files opened, commands run. Nothing is
//! sent.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use pointsman_api::{Error, ErrorCode, LogLevel, LogRecord, Notice};
use pointsman_loader::Host;

use crate::cli::Check;
use crate::plugin;

use super::summary;

/// A host that keeps the plugin's warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Host for Warnings {
    /// Notices before the first request concern the configuration.
    fn notice(&self, notice: Notice) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(notice.text.to_string());
    }

    fn log(&self, record: LogRecord) {
        if record.level <= LogLevel::WARN {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record.text.to_string());
        }
    }
}

/// Prints a summary of the configuration.
///
/// # Errors
/// A fault of the configuration, an account without a credential, or no account.
pub(crate) fn run(library: Option<&Path>, arguments: &Check) -> anyhow::Result<()> {
    let library = plugin::open(library)?;
    let warnings = Warnings::default();
    let router = library.start(plugin::configured_by(arguments.config.as_deref()), warnings.clone())?;
    let status = router.status()?;
    let mut out = io::stdout().lock();
    for line in summary::lines(&status) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "address:       {}", status.extensions.text("listen").unwrap_or_default())?;
    let warnings = warnings.0.lock().unwrap_or_else(PoisonError::into_inner);
    for warning in &*warnings {
        writeln!(out, "warning:       {warning}")?;
    }
    let unusable: Vec<_> = status.accounts.iter().filter(|account| !account.reason.is_empty()).collect();
    for account in &unusable {
        writeln!(out, "unusable:      {}: {}", account.id, account.reason)?;
    }
    if !unusable.is_empty() {
        let text = format!("{} of {} accounts cannot be used", unusable.len(), status.accounts.len());
        return Err(Error::new(ErrorCode::CONFIG, text).into());
    }
    if status.accounts.is_empty() {
        return Err(Error::new(ErrorCode::CONFIG, summary::NO_ACCOUNT).into());
    }
    let what =
        if warnings.is_empty() { "The configuration can be used" } else { "It can be used, with warnings" };
    writeln!(out, "{what}. Every secret was read; nothing was sent.")?;
    Ok(())
}
