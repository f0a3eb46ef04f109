//! Live reload: a valid change of the configuration is taken over; a broken file is reported and left
//! alone.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pointsman_core::reporting::notice::{Event, Notice};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::edges::config::{self, Config, ConfigErrors, Environment, ListenAddress, Located};
use crate::edges::notices::MetBy;
use crate::runtime::router::Router;

use super::secret_files::SecretFiles;

/// The interval of the checks. A `stat` is cheaper than a folder watch, and sees an editor's replacement of
/// a file.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The source for loading the configuration again.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Located(Located),
    Text(String),
}

impl Origin {
    /// Loads the configuration.
    pub(super) fn load(&self, environment: &dyn Environment) -> Result<Config, ConfigErrors> {
        match self {
            Self::Located(located) => config::load(located, environment),
            Self::Text(text) => config::from_text(text, "(text)", environment),
        }
    }

    fn file(&self) -> Option<&Path> {
        match self {
            Self::Located(located) => located.file(),
            Self::Text(_) => None,
        }
    }
}

/// A configuration's source, with the version of the file before the last load.
#[derive(Debug)]
pub(super) struct Watched {
    origin: Origin,
    seen: Option<Stamp>,
}

impl Watched {
    /// Notes the file's version. Must come before the load, so that no edit is missed in between.
    pub(super) fn look(origin: Origin) -> Self {
        let seen = origin.file().and_then(stamp);
        Self { origin, seen }
    }

    fn has_changed(&mut self) -> bool {
        let current = self.origin.file().and_then(stamp);
        let has_changed = current.is_some() && current != self.seen;
        if has_changed {
            self.seen = current;
        }
        has_changed
    }
}

/// A version of a file: the time of change and the length.
type Stamp = (SystemTime, u64);

/// Watches the configuration and the files of secrets until the instance closes.
pub(super) async fn watch(
    router: Arc<Router>,
    mut watched: Watched,
    environment: Arc<dyn Environment>,
    closing: CancellationToken,
) {
    let mut secrets = SecretFiles::default();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = closing.cancelled() => return,
        }
        // Both checks run on each tick, since each notes the versions it has seen.
        let of_secrets = secrets.have_changed(&router.generation().config.secret_files);
        if watched.has_changed() || of_secrets {
            take_over(&router, watched.origin.clone(), environment.clone()).await;
        }
    }
}

/// Returns the version of the file, or `None` while the file is being replaced.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Warns of a changed `listen`. A running gateway keeps the address, because agents know the gateway by the
/// address.
fn tell_of_listen(before: &ListenAddress, after: &ListenAddress) {
    if before != after {
        tracing::warn!(
            "`listen` is {after} now, not {before}: a gateway that runs stays where it is until it is started again"
        );
    }
}

async fn take_over(router: &Router, origin: Origin, environment: Arc<dyn Environment>) {
    // A secret can be a command's output, which may take a while.
    let loaded = tokio::task::spawn_blocking(move || origin.load(&*environment)).await;
    let event = match loaded {
        Ok(Ok(config)) => {
            super::report(&config);
            tell_of_listen(&router.generation().config.listen, &config.listen);
            router.reconfigure(config);
            Event::ConfigTaken
        }
        Ok(Err(errors)) => Event::ConfigRefused { why: errors.to_string() },
        Err(_) => return,
    };
    let shared = router.shared();
    shared.notices.tell(&Notice { event, until: None }, MetBy::Router, &shared.counters);
}
