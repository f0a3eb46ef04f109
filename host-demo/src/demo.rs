//! `pointsman demo`: the main job on a machine without any account.
//!
//! Twelve subagents work at once through the ABI. The local upstream counts real quotas with windows of
//! seconds, refuses one account and is out of capacity for a while. Afterwards three independent sources
//! have to agree: the callers, the upstream's books, the plugin's counters.
//!
//! * [`scenario`]: the requests; [`mod@script`]: the upstream's behaviour; [`config`]: the plugin's
//!   configuration;
//! * [`subagents`]: the loops of requests; [`board`]: their notes;
//! * [`screen`], [`view`], [`plain`]: the display;
//! * [`ledger`], [`evidence`], [`proof`], [`summary`]: the proofs.

mod board;
mod config;
mod evidence;
mod ledger;
mod plain;
mod proof;
#[cfg(test)]
mod samples;
mod scenario;
mod screen;
mod script;
mod subagents;
mod summary;
mod view;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pointsman_loader::{HostFns, Router};
use pointsman_upstream::{Script, Upstream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::cli::Demo;
use crate::paint::Paint;
use crate::plugin;
use crate::signals::Signals;

use self::board::Board;
use self::evidence::{Cell, Counted, Evidence};
use self::screen::Screen;
use self::subagents::Work;

/// How often the screen is drawn and keys are read.
const TICK: Duration = Duration::from_millis(100);

/// How long requests under way may take after the last one began: what the router may wait, and a stream.
const FINISH: Duration = Duration::from_secs(config::MAX_WAIT.as_secs() + 10);

/// Runs the demo, and fails where a proof does.
pub(crate) async fn run(library: Option<&Path>, arguments: &Demo) -> anyhow::Result<()> {
    let total = Duration::from_secs(arguments.seconds);
    let stage = Stage::set(library, arguments.seed, total).await?;
    let screen = Screen::open(arguments.plain, total)?;
    let was_whole = stage.play(screen, total).await?;
    let evidence = stage.evidence()?;
    let proofs = proof::prove(&evidence);
    let seconds = stage.board.now_ms() as f64 / 1_000.0;
    let mut out = io::stdout().lock();
    summary::write(&mut out, Paint::on(&io::stdout()), &evidence, &proofs, seconds)?;
    summary::judge(&mut out, &proofs, was_whole)
}

/// Whoever watches, and may have enough.
struct Audience {
    screen: Screen,
    signals: Signals,
}

/// All that is set up before the first request.
struct Stage {
    script: Script,
    upstream: Upstream,
    router: Router,
    board: Arc<Board>,
    seed: u64,
}

impl Stage {
    async fn set(library: Option<&Path>, seed: u64, total: Duration) -> anyhow::Result<Self> {
        let library = plugin::open(library)?;
        let script = script::of(seed, total);
        let upstream = Upstream::start(script.clone()).await?;
        let board = Arc::new(Board::new());
        let notes = Arc::clone(&board);
        let host = HostFns::new().on_notice(move |notice| notes.notice(&notice));
        let config = config::text(&script, &upstream.base_url());
        let router = library.start(plugin::configured_as(&config), host)?;
        Ok(Self { script, upstream, router, board, seed })
    }

    /// Lets the subagents work for `total`, and says whether nobody ended it early.
    async fn play(&self, screen: Screen, total: Duration) -> anyhow::Result<bool> {
        let (stop, enough) = watch::channel(false);
        let mut audience = Audience { screen, signals: Signals::take()? };
        let mut tasks = subagents::start(&self.work(enough));
        let was_whole = self.show(&mut audience, &mut tasks, total).await?;
        stop.send_replace(true);
        self.show(&mut audience, &mut tasks, FINISH).await?;
        tasks.shutdown().await;
        Ok(was_whole)
    }

    fn work(&self, enough: watch::Receiver<bool>) -> Work {
        let bases = config::bases(&self.upstream.base_url());
        Work { router: self.router.clone(), board: Arc::clone(&self.board), bases, seed: self.seed, enough }
    }

    /// Draws until `span` is over or every task has ended; somebody who ends it early makes it false.
    async fn show(&self, to: &mut Audience, tasks: &mut JoinSet<()>, span: Duration) -> anyhow::Result<bool> {
        let end = Instant::now() + span;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while Instant::now() < end && !tasks.is_empty() {
            tokio::select! {
                _ = ticks.tick() => {}
                () = to.signals.next() => return Ok(false),
            }
            while tasks.try_join_next().is_some() {}
            if to.screen.draw(&self.board.read(), self.board.now_ms(), &self.router.status()?)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn evidence(&self) -> anyhow::Result<Evidence> {
        let notes = self.board.read();
        let entries = self.upstream.ledger().entries();
        Ok(Evidence {
            made: notes.made,
            calls: notes.calls,
            visits: ledger::visits(&entries, &self.script, self.board.started()),
            counted: self.counted()?,
            notices: notes.notices,
            refused: config::refused(&self.script),
        })
    }

    fn counted(&self) -> anyhow::Result<Counted> {
        let status = self.router.status()?;
        let pools = status.accounts.iter().flat_map(|account| {
            account.pools.iter().map(move |pool| {
                let pool_name = config::upstream_pool(&self.script, &account.label, &pool.name);
                (Cell { account: account.label.to_string(), pool: pool_name }, pool.trips)
            })
        });
        Ok(Counted {
            requests: status.counter("requests"),
            upstream_429: status.counter("upstream_429"),
            trips: status.counter("trips"),
            burst_duplicates: status.counter("burst_duplicates"),
            stale_successes: status.counter("stale_successes"),
            trips_by_cell: pools.collect(),
        })
    }
}
