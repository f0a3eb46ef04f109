//! Exit codes: 0 done, 1 failed, 2 usage or configuration. `run` passes the agent's own code on.

use std::io::{self, Write};
use std::process::ExitCode;

use pointsman_api::{Error, ErrorCode};

use crate::run::child::NotStarted;

/// Prints an error, and returns its exit code.
pub(crate) fn code(result: anyhow::Result<u8>) -> ExitCode {
    let error = match result {
        Ok(code) => return ExitCode::from(code),
        Err(error) => error,
    };
    if !is_closed_pipe(&error) {
        // Where standard error is gone as well, the code alone has to tell.
        let _ = writeln!(io::stderr(), "pointsman: {error:#}");
    }
    ExitCode::from(number(&error))
}

fn number(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<NotStarted>() {
        return error.code();
    }
    match error.downcast_ref::<Error>() {
        Some(error) if error.code == ErrorCode::CONFIG => 2,
        _ => 1,
    }
}

/// A closed pipe (`pointsman status | head`) is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_configuration_error_is_2_whatever_context_it_got() {
        let config = || Error::new(ErrorCode::CONFIG, "pointsman.yaml:3: unknown key \"stratgy\"");
        assert_eq!(number(&anyhow::Error::new(config())), 2);
        assert_eq!(number(&Err::<(), _>(config()).context("cannot start").expect_err("an error")), 2);
    }

    #[test]
    fn everything_else_is_1() {
        assert_eq!(number(&anyhow::Error::new(Error::new(ErrorCode::LISTEN, "taken"))), 1);
        assert_eq!(number(&anyhow::anyhow!("other")), 1);
    }
}
