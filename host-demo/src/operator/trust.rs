//! `pointsman trust`: the user agrees to the configuration of a project.

use std::io::{self, Write};
use std::path::Path;

use pointsman_api::{Error, ErrorCode};
use pointsman_loader::Silent;

use crate::cli::Trust;
use crate::plugin;

use super::summary;

/// Keeps the consent, and prints what the configuration comes to.
///
/// # Errors
/// The file is missing or wrong, or the consent cannot be kept.
pub(crate) fn run(library: Option<&Path>, arguments: &Trust) -> anyhow::Result<()> {
    let library = plugin::open(library)?;
    let router = library.start(plugin::trusting(arguments.file.as_deref()), Silent)?;
    let status = router.status()?;
    if let Some(problem) = status.extensions.text("problem") {
        return Err(Error::new(ErrorCode::CONFIG, problem).into());
    }
    let mut out = io::stdout().lock();
    for line in summary::lines(&status) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "You agree to it as it is; another base URL, command, account or key in it asks anew.")?;
    Ok(())
}
