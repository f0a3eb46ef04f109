//! `pointsman serve`: the router as a local gateway.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pointsman_api::Status;
use pointsman_loader::Router;
use tokio::sync::Notify;

use crate::cli::Serve;
use crate::console::Console;
use crate::gateway::client;
use crate::gateway::discovery::{Announced, Gateway, Kind};
use crate::gateway::find::name_of;
use crate::lines::Lines;
use crate::operator::summary;
use crate::plugin;
use crate::signals::Signals;

/// How long a stream may go on after the first signal.
const GRACE: Duration = Duration::from_secs(30);

/// Serves until a signal comes.
pub(crate) async fn run(library: Option<&Path>, arguments: &Serve) -> anyhow::Result<()> {
    let lines = Lines::to_stderr()?;
    let served = serve(library, arguments, &lines).await;
    lines.flush();
    served
}

async fn serve(library: Option<&Path>, arguments: &Serve, lines: &Lines) -> anyhow::Result<()> {
    let library = plugin::open(library)?;
    let options = plugin::configured_by(arguments.config.as_deref());
    let changed = Arc::new(Notify::new());
    let router = library.start(options, Console::telling(arguments.quiet, changed.clone(), lines.clone()))?;
    // From here on a signal is for us, so that none can fall between listening and waiting.
    let mut signals = Signals::take()?;
    let address = router.listen(arguments.listen.as_deref().unwrap_or(""))?;
    let status = router.status()?;
    greet(&address, &status, arguments, lines);
    let announced = announce(Kind::Serve, &address, &status);
    tokio::select! {
        () = signals.next() => {}
        () = follow(announced, &router, &changed) => {}
    }
    stop(&router, &mut signals, lines).await
}

/// Says where the gateway is, by which configuration and for whom. A quiet one says only that there is nobody.
/// Whoever closed standard output does not want to know, and is served all the same.
fn greet(address: &str, status: &Status, arguments: &Serve, lines: &Lines) {
    if !arguments.quiet {
        let start = banner(address, arguments.listen.is_some());
        let lines = [start].into_iter().chain(summary::lines(status)).chain(dashboard(address));
        let _ = writeln!(io::stdout(), "{}", lines.collect::<Vec<_>>().join("\n"));
    }
    if status.accounts.is_empty() {
        lines.say(format!("pointsman: {}", summary::NO_ACCOUNT));
    }
}

/// Lets other commands find a gateway. That it cannot be found is no reason not to serve.
pub(crate) fn announce(kind: Kind, address: &str, status: &Status) -> Option<Announced> {
    let text = |name: &str| status.extensions.text(name).unwrap_or_default();
    let announced = Announced::new(Gateway {
        kind,
        url: client::url(address),
        config: name_of(text("config")),
        fingerprint: text("fingerprint").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    });
    let told = |error: anyhow::Error| {
        let _ = writeln!(io::stderr(), "pointsman: other commands cannot find this gateway: {error:#}");
    };
    announced.map_err(told).ok()
}

/// Keeps what is known of the gateway true while its configuration changes.
async fn follow(mut announced: Option<Announced>, router: &Router, changed: &Notify) {
    loop {
        changed.notified().await;
        let Ok(status) = router.status() else { continue };
        if let (Some(announced), Some(fingerprint)) = (&mut announced, status.extensions.text("fingerprint"))
        {
            // Where it cannot be written, the old one stays, and nobody shares the gateway.
            let _ = announced.set_fingerprint(fingerprint);
        }
    }
}

/// Lets requests finish; a second signal cuts them.
async fn stop(router: &Router, signals: &mut Signals, lines: &Lines) -> anyhow::Result<()> {
    let grace = GRACE.as_secs();
    lines.say(format!("stopping: requests have {grace} s to finish; interrupt again to cut them"));
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

/// Says where the dashboard is; a browser reaches no unix socket, and other listeners serve none.
fn dashboard(address: &str) -> Option<String> {
    let is_loopback = address.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
    is_loopback.then(|| format!("dashboard:     {}/", client::url(address)))
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

    #[test]
    fn the_dashboard_is_named_where_a_browser_reaches_it() {
        assert_eq!(dashboard("[::1]:80").as_deref(), Some("dashboard:     http://[::1]:80/"));
        assert_eq!((dashboard("unix:/run/p.sock"), dashboard("0.0.0.0:80")), (None, None));
    }
}
