//! Live reload: a valid change of the configuration is taken over; a broken file is reported and left
//! alone.

mod change;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pointsman_core::reporting::notice::{Notice, NoticeEvent};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::edges::config::{self, Config, ConfigErrors, Environment, ListenAddress, Located};
use crate::edges::notices::MetBy;
use crate::runtime::router::Router;

use self::change::{Act, Looks, Sight, is_blank};
use super::secret_files::SecretFiles;

/// The interval of the checks. A change counts at the second check that finds the change. A `stat` is cheaper than a
/// folder watch, and sees an editor's replacement of a file.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The source for loading the configuration again.
#[derive(Clone, Debug)]
pub(super) enum ConfigOrigin {
    Located(Located),
    Text(String),
}

impl ConfigOrigin {
    /// Loads the configuration.
    pub(super) fn load(&self, environment: &dyn Environment) -> Result<Config, ConfigErrors> {
        match self {
            Self::Located(located) => config::load(located, environment),
            Self::Text(text) => config::from_text(text, "(text)", environment),
        }
    }

    /// Loads the configuration, or returns `None` for a file that configures nothing any more.
    fn load_again(&self, environment: &dyn Environment) -> Result<Option<Config>, ConfigErrors> {
        let Some(path) = self.file() else { return self.load(environment).map(Some) };
        if is_blank(&config::read(path, environment)?) {
            return Ok(None);
        }
        self.load(environment).map(Some)
    }

    fn file(&self) -> Option<&Path> {
        match self {
            Self::Located(located) => located.file(),
            Self::Text(_) => None,
        }
    }
}

/// A configuration's source, with the looks at the file, the first of them before the last load.
#[derive(Debug)]
pub(super) struct Watched {
    origin: ConfigOrigin,
    looks: Option<Looks>,
}

impl Watched {
    /// Notes the file's version. Must come before the load, so that no edit is missed in between.
    pub(super) fn look(origin: ConfigOrigin) -> Self {
        let looks = origin.file().map(|path| Looks::new(Sight::of(path)));
        Self { origin, looks }
    }

    /// Looks again; `of_secrets` says that a file of a secret has changed. Returns what is to be done.
    fn look_again(&mut self, of_secrets: bool) -> Option<Act> {
        let (Some(path), Some(looks)) = (self.origin.file(), &mut self.looks) else {
            return of_secrets.then_some(Act::Read);
        };
        if of_secrets {
            looks.unsettle();
        }
        looks.look(Sight::of(path))
    }

    /// Says whether the file is another than that of the last look. If so it will be read again.
    fn has_moved_on(&mut self) -> bool {
        let (Some(path), Some(looks)) = (self.origin.file(), &mut self.looks) else { return false };
        let has_moved_on = !looks.last_was(&Sight::of(path));
        if has_moved_on {
            looks.unsettle();
        }
        has_moved_on
    }

    /// Names the file to a person.
    fn name(&self) -> String {
        self.origin.file().map(|path| path.display().to_string()).unwrap_or_default()
    }
}

/// Watches the configuration and the files of secrets until the instance closes.
pub(super) async fn watch(
    router: Arc<Router>,
    mut watched: Watched,
    environment: Arc<dyn Environment>,
    closing: CancellationToken,
) {
    let mut secrets = SecretFiles::default();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = closing.cancelled() => return,
        }
        // Both checks run on each tick, since each notes the versions it has seen.
        let of_secrets = secrets.have_changed(&router.generation().config.secret_files);
        match watched.look_again(of_secrets) {
            Some(Act::Read) => take_over(&router, &mut watched, environment.clone()).await,
            Some(Act::Tell(what)) => refuse(&router, format!("{} {what}", watched.name())),
            None => {}
        }
    }
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

/// Reads the file and takes it over, unless it changed meanwhile.
async fn take_over(router: &Router, watched: &mut Watched, environment: Arc<dyn Environment>) {
    let origin = watched.origin.clone();
    // A secret can be a command's output, which may take a while.
    let loaded = tokio::task::spawn_blocking(move || origin.load_again(&*environment)).await;
    if watched.has_moved_on() {
        return;
    }
    match loaded {
        Ok(Ok(Some(config))) => {
            super::report(&config);
            tell_of_listen(&router.generation().config.listen, &config.listen);
            router.reconfigure(config);
            tell(router, NoticeEvent::ConfigTaken);
        }
        Ok(Ok(None)) => {
            refuse(router, format!("{} is empty; write `{{}}` to configure nothing", watched.name()))
        }
        Ok(Err(errors)) => refuse(router, errors.to_string()),
        Err(_) => {}
    }
}

/// Tells why the configuration in force stays.
fn refuse(router: &Router, why: String) {
    tell(router, NoticeEvent::ConfigRefused { why });
}

fn tell(router: &Router, event: NoticeEvent) {
    let shared = router.shared();
    let now = shared.clock.now().wall;
    shared.notices.tell(&Notice { event, until: None }, MetBy::Router, &shared.counters, now);
}
