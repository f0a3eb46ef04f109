//! Events for the host, as JSON in queues.

use pointsman_core::reporting::notice::{Event, Notice};
use serde_json::{Value, json};
use tracing::Level;

use crate::edges::notices::MetBy;
use crate::instance::Host;

use super::mailbox::{Mailbox, Taken};

/// The queues of a polling host.
#[derive(Debug, Default)]
pub(super) struct Letters {
    pub(super) notices: Mailbox<Value>,
    pub(super) log: Mailbox<Value>,
}

impl Host for Letters {
    fn notice(&self, notice: &Notice, met_by: MetBy) {
        self.notices.put(of_notice(notice, met_by));
    }

    fn log(&self, level: Level, target: &str, text: &str) {
        let level = level.as_str().to_ascii_lowercase();
        self.log.put(json!({"level": level, "target": target, "text": text}));
    }
}

impl Letters {
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
    let (kind, severity) = kind(&notice.event);
    let mut value = json!({
        "kind": kind,
        "severity": severity,
        "text": notice.text(),
        "account": notice.account().map(ToString::to_string),
        "pool": notice.pool().map(|pool| pool.name.to_string()),
        "until_unix_ms": notice.until.map(|until| until.0),
        "met_by": met_by.as_str(),
    });
    if let Event::SignIn { url: Some(url), .. } = &notice.event {
        value["url"] = url.as_str().into();
    }
    value
}

const fn kind(event: &Event) -> (&'static str, &'static str) {
    match event {
        Event::PoolFallback { .. } => ("pool-fallback", "info"),
        Event::ProviderFallback { .. } => ("provider-fallback", "warning"),
        Event::AccountExhausted { .. } => ("account-exhausted", "warning"),
        Event::PoolExhausted { pinned: true, .. } => ("pinned-exhausted", "warning"),
        Event::PoolExhausted { pinned: false, .. } => ("pool-exhausted", "warning"),
        Event::Cooldown { .. } => ("cooldown", "warning"),
        Event::EndpointDown { .. } => ("endpoint", "warning"),
        Event::AllLimited { .. } => ("all-limited", "warning"),
        Event::AllCooling { .. } => ("all-cooling", "warning"),
        Event::Protected { .. } => ("protected", "warning"),
        Event::SignIn { .. } => ("sign-in", "error"),
        Event::Disabled { .. } => ("disabled", "warning"),
        Event::LimitOver { .. } => ("limit-over", "info"),
        Event::ConfigTaken => ("config", "info"),
        Event::ConfigRefused { .. } => ("config", "error"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pointsman_core::ids::AccountId;
    use pointsman_core::time::UnixMillis;

    use super::*;

    #[test]
    fn a_notice_and_a_line_are_json() {
        let letters = Letters::default();
        let event =
            Event::SignIn { account: AccountId::new("a:work"), url: Some("https://u.example".into()) };
        letters.notice(&Notice { event, until: Some(UnixMillis(5)) }, MetBy::Subagent);
        letters.log(Level::WARN, "pointsman", "a \"line\"");
        let read = |mailbox: &Mailbox<Value>| {
            let text = mailbox.take(Duration::ZERO).unwrap().into_text();
            serde_json::from_str::<Value>(&text).unwrap()
        };
        assert_eq!(
            read(&letters.notices),
            json!({
                "kind": "sign-in", "severity": "error", "text": "Account work needs to sign in again",
                "account": "a:work", "pool": null, "until_unix_ms": 5, "met_by": "subagent", "url": "https://u.example", "missed": 0,
            })
        );
        let line = json!({"level": "warn", "target": "pointsman", "text": "a \"line\"", "missed": 0});
        assert_eq!(read(&letters.log), line);
    }
}
