//! Events for the host, as JSON in queues.

use pointsman_core::reporting::notice::{Notice, NoticeEvent};
use serde_json::{Value, json};
use tracing::Level;

use crate::edges::notices::MetBy;
use crate::instance::Host;

use super::event_queue::{EventQueue, Taken};

/// The queues of a polling host.
#[derive(Debug, Default)]
pub(super) struct EventJson {
    pub(super) notices: EventQueue<Value>,
    pub(super) log: EventQueue<Value>,
}

impl Host for EventJson {
    fn notice(&self, notice: &Notice, met_by: MetBy) {
        self.notices.put(of_notice(notice, met_by));
    }

    fn log(&self, level: Level, target: &str, text: &str) {
        let level = level.as_str().to_ascii_lowercase();
        self.log.put(json!({"level": level, "target": target, "text": text}));
    }
}

impl EventJson {
    pub(super) fn close(&self) {
        self.notices.close();
        self.log.close();
    }
}

impl Taken<Value> {
    /// Returns the text for the host.
    pub(super) fn into_text(self) -> String {
        let Self { mut piece, missed } = self;
        piece["missed"] = missed.into();
        piece.to_string()
    }
}

fn of_notice(notice: &Notice, met_by: MetBy) -> Value {
    let kind = notice.event.kind();
    let mut value = json!({
        "kind": kind.name,
        "severity": kind.severity.as_str(),
        "text": notice.text(),
        "account": notice.account().map(ToString::to_string),
        "pool": notice.pool().map(|pool| pool.name.to_string()),
        "until_unix_ms": notice.until.map(|until| until.0),
        "met_by": met_by.as_str(),
    });
    if let NoticeEvent::SignIn { url: Some(url), .. } = &notice.event {
        value["url"] = url.as_str().into();
    }
    value
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pointsman_core::ids::AccountId;
    use pointsman_core::time::UnixMillis;

    use super::*;

    #[test]
    fn a_notice_and_a_line_are_json() {
        let event_json = EventJson::default();
        let event =
            NoticeEvent::SignIn { account: AccountId::new("a:work"), url: Some("https://u.example".into()) };
        event_json.notice(&Notice { event, until: Some(UnixMillis(5)) }, MetBy::Subagent);
        event_json.log(Level::WARN, "pointsman", "a \"line\"");
        let read = |event_queue: &EventQueue<Value>| {
            let text = event_queue.take(Duration::ZERO).unwrap().into_text();
            serde_json::from_str::<Value>(&text).unwrap()
        };
        assert_eq!(
            read(&event_json.notices),
            json!({
                "kind": "sign-in", "severity": "error", "text": "Account work needs to sign in again",
                "account": "a:work", "pool": null, "until_unix_ms": 5, "met_by": "subagent", "url": "https://u.example", "missed": 0,
            })
        );
        let line = json!({"level": "warn", "target": "pointsman", "text": "a \"line\"", "missed": 0});
        assert_eq!(read(&event_json.log), line);
    }
}
