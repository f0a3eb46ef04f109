//! Live reload: a changed configuration is taken over, a broken one is told and left alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pointsman_core::reporting::notice::{Event, Notice};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::edges::config::{self, Environment, Located};
use crate::edges::notices::MetBy;
use crate::runtime::router::Router;

/// How often the file is looked at. One `stat` is cheaper than what it takes to watch a folder, and it
/// sees what editors do when they replace a file.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file, and the version of it that was looked at before it was read.
#[derive(Debug)]
pub(super) struct Watched {
    path: PathBuf,
    seen: Option<Stamp>,
}

impl Watched {
    /// Looks at the file. Comes before it is read, so that no edit falls between.
    pub(super) fn look(path: PathBuf) -> Self {
        let seen = stamp(&path);
        Self { path, seen }
    }
}

/// What tells one version of a file from another.
type Stamp = (SystemTime, u64);

/// Watches the file until the instance closes.
pub(super) async fn watch(
    router: Arc<Router>,
    watched: Watched,
    environment: Arc<dyn Environment>,
    closing: CancellationToken,
) {
    let Watched { path, mut seen } = watched;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = closing.cancelled() => return,
        }
        let current = stamp(&path);
        if current.is_some() && current != seen {
            seen = current;
            take_over(&router, &path, environment.clone()).await;
        }
    }
}

/// Looks at the file. None while it is being replaced.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

async fn take_over(router: &Router, path: &Path, environment: Arc<dyn Environment>) {
    let located = Located::File(path.to_owned());
    // A secret can be a command's output, which may take a while.
    let loaded = tokio::task::spawn_blocking(move || config::load(&located, &*environment)).await;
    let event = match loaded {
        Ok(Ok(config)) => {
            super::report(&config);
            router.reconfigure(config);
            Event::ConfigTaken
        }
        Ok(Err(errors)) => Event::ConfigRefused { why: errors.to_string() },
        Err(_) => return,
    };
    let shared = router.shared();
    shared.notices.tell(&Notice { event, until: None }, MetBy::Router, &shared.counters);
}
