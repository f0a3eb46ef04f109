//! `pointsman serve`: the router as a local gateway.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use pointsman_loader::Router;

use crate::cli::Serve;
use crate::console::Console;
use crate::signals::Signals;
use crate::{client, plugin};

/// How long a stream may go on after the first signal.
const GRACE: Duration = Duration::from_secs(30);

/// Serves until a signal comes.
pub(crate) async fn run(library: Option<&Path>, arguments: &Serve) -> anyhow::Result<()> {
    let library = plugin::open(library)?;
    let options = plugin::configured_by(arguments.config.as_deref());
    let router = library.start(options, Console::new(arguments.quiet))?;
    // From here on a signal is for us, so that none can fall between listening and waiting.
    let mut signals = Signals::take()?;
    let address = router.listen(arguments.listen.as_deref().unwrap_or(""))?;
    writeln!(io::stdout(), "{}", banner(&address, arguments.listen.is_some()))?;
    signals.next().await;
    stop(&router, &mut signals).await
}

/// Lets requests finish; a second signal cuts them.
async fn stop(router: &Router, signals: &mut Signals) -> anyhow::Result<()> {
    let grace = GRACE.as_secs();
    writeln!(io::stderr(), "stopping: requests have {grace} s to finish; interrupt again to cut them")?;
    tokio::select! {
        stopped = router.shutdown(GRACE) => stopped?,
        () = signals.next() => {}
    }
    Ok(())
}

/// An address that is not the configured one has to be named to the command that asks it.
fn banner(address: &str, is_named: bool) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let url = client::url(address);
    let option = if is_named { format!(" --url {url}") } else { String::new() };
    format!("pointsman {version} listens on {url}; ask it: pointsman status{option}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_is_one_line_that_can_be_copied_from() {
        let version = env!("CARGO_PKG_VERSION");
        let start = format!("pointsman {version} listens on http://127.0.0.1:8787; ask it: pointsman status");
        assert!(start.len() <= 80);
        assert_eq!(banner("127.0.0.1:8787", false), start);
        assert_eq!(banner("127.0.0.1:8787", true), format!("{start} --url http://127.0.0.1:8787"));
    }
}
