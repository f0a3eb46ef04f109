//! The log: records of the plugin go to the host, because the host's own subscriber cannot receive them.
//!
//! Fields are chosen at the call: accounts by ordinal, never a token, a body or a URL. Secrets have a type
//! with a redacted print.

use std::fmt::{self, Write};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// The receiver of log lines.
pub trait LogSink: Send + Sync + 'static {
    /// Takes a line.
    fn log(&self, level: Level, target: &str, text: &str);
}

/// Sends a thread's log to `sink`; levels below `INFO` only with `verbose`.
pub fn dispatch_to(sink: Arc<dyn LogSink>, verbose: bool) -> Dispatch {
    let most = if verbose { Level::TRACE } else { Level::INFO };
    Dispatch::new(Registry::default().with(ToSink { sink, most }))
}

struct ToSink {
    sink: Arc<dyn LogSink>,
    most: Level,
}

impl<S: Subscriber> Layer<S> for ToSink {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        // What the libraries below log can hold URLs and headers, so only our own words go out.
        *metadata.level() <= self.most && metadata.target().starts_with("pointsman")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = LogLine::default();
        event.record(&mut line);
        self.sink.log(*event.metadata().level(), event.metadata().target(), &line.text());
    }
}

#[derive(Default)]
struct LogLine {
    message: String,
    fields: String,
}

impl LogLine {
    fn text(self) -> String {
        self.message + &self.fields
    }
}

impl Visit for LogLine {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::sync::{Mutex, unpoisoned};

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl LogSink for Lines {
        fn log(&self, level: Level, _: &str, text: &str) {
            unpoisoned(self.0.lock()).push(format!("{level} {text}"));
        }
    }

    fn logged(verbose: bool, say: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Lines::default());
        tracing::dispatcher::with_default(&dispatch_to(lines.clone(), verbose), say);
        unpoisoned(lines.0.lock()).clone()
    }

    #[test]
    fn a_line_is_the_message_and_its_fields() {
        let lines = logged(false, || tracing::info!(account = 3, "cooling down"));
        assert_eq!(lines, ["INFO cooling down account=3"]);
    }

    #[test]
    fn a_secret_is_redacted() {
        let secret = Secret::new("tell-nobody".into());
        let lines = logged(false, || tracing::warn!(?secret, "refused"));
        assert_eq!(lines, ["WARN refused secret=<redacted>"]);
    }

    #[test]
    fn others_are_not_heard_and_details_only_on_demand() {
        let say = || {
            tracing::warn!(target: "hyper", "authorization: Bearer x");
            tracing::debug!("a detail");
        };
        assert_eq!(logged(false, say), Vec::<String>::new());
        assert_eq!(logged(true, say), ["DEBUG a detail"]);
    }
}
