//! The requests of the demo's subagents, as data.

use pointsman_api::Request;

use super::evidence::Cell;

/// Models that share quota rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Claude,
    Gemini,
}

impl Family {
    /// Returns the family of a model by its name.
    pub(crate) fn of(model: &str) -> Self {
        if model.contains("claude") { Self::Claude } else { Self::Gemini }
    }

    /// Returns the pools of the family.
    pub(crate) const fn pools(self) -> &'static [&'static str] {
        match self {
            Self::Claude => &["claude", "default"],
            Self::Gemini => &["antigravity", "gemini-cli"],
        }
    }
}

/// A subagent's request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) model: &'static str,
    pub(crate) wire: Wire,
    pub(crate) pin: Option<Pin>,
    pub(crate) stream: bool,
}

/// The wire format, with its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Anthropic,
    /// Gemini's format; the provider `antigravity` serves both families in it.
    Google,
}

/// The pin of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// A pool, by a prefix of the model's name.
    Prefix(&'static str),
    /// A pool, by the header `x-pointsman-pool`.
    Pool(&'static str),
    /// An account of `antigravity`, by the header `x-pointsman-account`.
    Account(&'static str),
}

impl Pin {
    /// Returns whether the pin allows `cell`.
    pub(crate) fn allows(self, cell: &Cell) -> bool {
        match self {
            Self::Prefix(pool) | Self::Pool(pool) => cell.pool == pool,
            Self::Account(label) => cell.account == label,
        }
    }

    fn header(self) -> Option<(&'static str, String)> {
        match self {
            Self::Prefix(_) => None,
            Self::Pool(pool) => Some(("x-pointsman-pool", pool.to_owned())),
            Self::Account(label) => Some(("x-pointsman-account", format!("antigravity:{label}"))),
        }
    }
}

/// A subagent: its name, its requests in turn, and the number of parallel requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subagent {
    pub(crate) name: &'static str,
    pub(crate) asks: &'static [Ask],
    pub(crate) width: usize,
}

/// A subagent with one request at a time.
const fn one(name: &'static str, asks: &'static [Ask]) -> Subagent {
    Subagent { name, asks, width: 1 }
}

/// A subagent with several parallel requests: at the end of an allowance they are a burst.
const fn several(name: &'static str, asks: &'static [Ask]) -> Subagent {
    Subagent { name, asks, width: 6 }
}

const CLAUDE: Ask = Ask { model: "claude-sonnet-4-6", wire: Wire::Anthropic, pin: None, stream: true };
const FLASH: Ask = Ask { model: "gemini-3-flash", wire: Wire::Google, pin: None, stream: true };
const GOOGLE_CLAUDE: Ask = Ask { wire: Wire::Google, ..CLAUDE };

/// Two families, two wire formats, streams and whole answers, pins of both kinds. The total demand exceeds
/// each pool, so every pool meets its limit.
pub(crate) const SUBAGENTS: [Subagent; 12] = [
    one("main", &[CLAUDE]),
    one("explore", &[FLASH, FLASH.whole()]),
    one("librarian", &[FLASH.whole(), FLASH.whole().pinned(Pin::Pool("gemini-cli"))]),
    one("oracle", &[GOOGLE_CLAUDE, GOOGLE_CLAUDE.whole()]),
    one("frontend", &[FLASH.pinned(Pin::Prefix("antigravity"))]),
    several("tester", &[FLASH.pinned(Pin::Account("test")), CLAUDE]),
    several("reviewer", &[CLAUDE, GOOGLE_CLAUDE, FLASH]),
    one("planner", &[GOOGLE_CLAUDE, FLASH]),
    one("writer", &[GOOGLE_CLAUDE]),
    one("refactor", &[CLAUDE, GOOGLE_CLAUDE.whole()]),
    one("security", &[GOOGLE_CLAUDE.whole(), CLAUDE.whole()]),
    one("release", &[FLASH, CLAUDE]),
];

impl Ask {
    const fn whole(self) -> Self {
        Self { stream: false, ..self }
    }

    const fn pinned(self, pin: Pin) -> Self {
        Self { pin: Some(pin), ..self }
    }

    /// Returns the model's name in the caller's form.
    pub(crate) fn asked_model(&self) -> String {
        match self.pin {
            Some(Pin::Prefix(pool)) => format!("{pool}-{}", self.model),
            Some(Pin::Pool(_) | Pin::Account(_)) | None => self.model.to_owned(),
        }
    }

    /// Returns an agent's request to the upstream with the base URLs `bases`.
    pub(crate) fn request(&self, bases: &Bases, session: &str, number: u64) -> Request {
        let request = match self.wire {
            Wire::Anthropic => self.anthropic(&bases.anthropic, number),
            Wire::Google => self.google(&bases.google, number),
        };
        let request = request.header("content-type", "application/json").header("x-session-id", session);
        match self.pin.and_then(Pin::header) {
            Some((name, value)) => request.header(name, &value),
            None => request,
        }
    }

    fn anthropic(&self, base: &str, number: u64) -> Request {
        let body = serde_json::json!({
            "model": self.asked_model(),
            "max_tokens": 256,
            "stream": self.stream,
            "messages": [{"role": "user", "content": prompt(number)}],
        });
        Request::post(&format!("{base}/v1/messages"), body.to_string())
            .header("anthropic-version", "2023-06-01")
            .header("x-api-key", "the router has the key")
    }

    fn google(&self, base: &str, number: u64) -> Request {
        let method = if self.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        let body = serde_json::json!({
            "contents": [{"role": "user", "parts": [{"text": prompt(number)}]}],
        });
        let url = format!("{base}/v1beta/models/{}:{method}", self.asked_model());
        Request::post(&url, body.to_string())
    }

    /// Returns whether `body` is a complete answer.
    pub(crate) fn is_whole(&self, body: &[u8]) -> bool {
        let end: &[u8] = match (self.wire, self.stream) {
            (Wire::Anthropic, true) => b"message_stop",
            (Wire::Anthropic, false) => b"stop_reason",
            (Wire::Google, _) => b"finishReason",
        };
        body.windows(end.len()).any(|window| window == end)
    }
}

/// The agents' base URLs.
#[derive(Clone, Debug)]
pub(crate) struct Bases {
    pub(crate) anthropic: String,
    pub(crate) google: String,
}

const MARK: &str = "request #";

fn prompt(number: u64) -> String {
    format!("{MARK}{number}: say something short")
}

/// Reads the number of a request from a body with its prompt.
pub(crate) fn number_in(body: &str) -> Option<u64> {
    let (_, rest) = body.split_once(MARK)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases() -> Bases {
        Bases { anthropic: "http://a".to_owned(), google: "http://g".to_owned() }
    }

    fn request(ask: &Ask) -> Request {
        ask.request(&bases(), "session", 42)
    }

    #[test]
    fn a_prefix_pins_by_the_name_and_a_header_beside_it() {
        let prefix = request(&FLASH.pinned(Pin::Prefix("antigravity")));
        let models = "http://g/v1beta/models";
        assert_eq!(prefix.url, format!("{models}/antigravity-gemini-3-flash:streamGenerateContent?alt=sse"));
        assert_eq!(prefix.headers.text("x-pointsman-pool"), None);
        let header = request(&FLASH.whole().pinned(Pin::Pool("gemini-cli")));
        assert_eq!(header.url, format!("{models}/gemini-3-flash:generateContent"));
        assert_eq!(header.headers.text("x-pointsman-pool"), Some("gemini-cli"));
        let account = request(&FLASH.pinned(Pin::Account("test")));
        assert_eq!(account.headers.text("x-pointsman-account"), Some("antigravity:test"));
    }

    #[test]
    fn the_number_of_a_request_survives_its_body() {
        for ask in SUBAGENTS.iter().flat_map(|subagent| subagent.asks) {
            let body = String::from_utf8(request(ask).body.to_vec()).expect("JSON is UTF-8");
            assert_eq!(number_in(&body), Some(42));
        }
        assert_eq!(number_in("{}"), None);
    }

    #[test]
    fn the_subagents_cover_what_is_to_be_shown() {
        let asks: Vec<&Ask> = SUBAGENTS.iter().flat_map(|subagent| subagent.asks).collect();
        for stream in [true, false] {
            assert!(asks.iter().any(|ask| ask.stream == stream));
        }
        for pin in [Pin::Prefix("antigravity"), Pin::Pool("gemini-cli"), Pin::Account("test")] {
            assert!(asks.iter().any(|ask| ask.pin == Some(pin)));
        }
        for (wire, family) in [
            (Wire::Anthropic, Family::Claude),
            (Wire::Google, Family::Claude),
            (Wire::Google, Family::Gemini),
        ] {
            assert!(asks.iter().any(|ask| ask.wire == wire && Family::of(ask.model) == family));
        }
    }

    #[test]
    fn a_body_without_its_end_is_not_whole() {
        assert!(CLAUDE.is_whole(b"event: message_stop\n\n"));
        assert!(!CLAUDE.is_whole(b"event: content_block_delta\n\n"));
        assert!(!FLASH.is_whole(b""));
    }
}
