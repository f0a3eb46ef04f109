//! What an agent asks, in each of the wire formats.

use std::sync::atomic::{AtomicU64, Ordering};

use pointsman_loader::api::Request;
use serde_json::{Value, json};

/// A request that is being put together.
///
/// Each is the first turn of a conversation of its own, so that no two belong to one session unless
/// [`Ask::session`] says so.
#[derive(Clone, Debug)]
pub struct Ask {
    format: Format,
    model: String,
    stream: bool,
    headers: Vec<(String, String)>,
    prompt: String,
    body: Option<Vec<u8>>,
    url: Option<String>,
    method: &'static str,
}

/// The wire formats, by the calls that agents make in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Messages,
    Chat,
    Responses,
    Gemini,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Messages, Self::Chat, Self::Responses, Self::Gemini];

    const fn host(self) -> &'static str {
        match self {
            Self::Messages => "https://api.anthropic.com",
            Self::Chat | Self::Responses => "https://api.openai.com",
            Self::Gemini => "https://generativelanguage.googleapis.com",
        }
    }

    const fn usual_model(self) -> &'static str {
        match self {
            Self::Messages => "claude-sonnet-4-6",
            Self::Chat | Self::Responses => "gpt-5",
            Self::Gemini => "gemini-3-flash",
        }
    }
}

impl Ask {
    /// Asks in `format`, for its usual model.
    pub fn of(format: Format) -> Self {
        static ASKED: AtomicU64 = AtomicU64::new(0);
        Self {
            format,
            model: format.usual_model().to_owned(),
            stream: false,
            headers: Vec::new(),
            prompt: format!("question {}", ASKED.fetch_add(1, Ordering::Relaxed)),
            body: None,
            url: None,
            method: "POST",
        }
    }

    /// Asks as `POST /v1/messages`.
    pub fn messages() -> Self {
        Self::of(Format::Messages)
    }

    /// Asks as `POST /v1/chat/completions`.
    pub fn chat() -> Self {
        Self::of(Format::Chat)
    }

    /// Asks as `POST /v1/responses`.
    pub fn responses() -> Self {
        Self::of(Format::Responses)
    }

    /// Asks as `POST /v1beta/models/MODEL:generateContent`.
    pub fn gemini() -> Self {
        Self::of(Format::Gemini)
    }

    /// Asks for a stream.
    #[must_use]
    pub fn streaming(mut self) -> Self {
        self.stream = true;
        self
    }

    /// Asks another model.
    #[must_use]
    pub fn model(mut self, model: &str) -> Self {
        model.clone_into(&mut self.model);
        self
    }

    /// Asks in a session.
    #[must_use]
    pub fn session(self, id: &str) -> Self {
        self.header("x-session-id", id)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends this body, whatever it is.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it to this URL, or at a gateway to this path.
    #[must_use]
    pub fn to(mut self, url: &str) -> Self {
        self.url = Some(url.to_owned());
        self
    }

    /// Asks with `GET`, without a body.
    #[must_use]
    pub fn get(self) -> Self {
        self.method("GET")
    }

    /// Asks with another method than `POST`, without a body.
    #[must_use]
    pub fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self.body(Vec::new())
    }

    /// Returns the body.
    pub fn bytes(&self) -> Vec<u8> {
        self.body.clone().unwrap_or_else(|| self.json().to_string().into_bytes())
    }

    /// Returns the request as a host hands it to the plugin.
    pub fn request(&self) -> Request {
        let url = self.url.clone().unwrap_or_else(|| format!("{}{}", self.format.host(), self.path()));
        let request = Request { method: self.method.into(), ..Request::post(&url, self.bytes()) };
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// Returns the request as a client sends it to a gateway.
    ///
    /// # Panics
    /// Where a header is not one.
    pub fn http(&self) -> http::Request<http_body_util::Full<bytes::Bytes>> {
        let path = self.url.clone().unwrap_or_else(|| self.path());
        let request = http::Request::builder().method(self.method).uri(path).header("host", "localhost");
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        request.body(self.bytes().into()).expect("the test asks in HTTP")
    }

    fn path(&self) -> String {
        match (self.format, self.stream) {
            (Format::Messages, _) => "/v1/messages".to_owned(),
            (Format::Chat, _) => "/v1/chat/completions".to_owned(),
            (Format::Responses, _) => "/v1/responses".to_owned(),
            (Format::Gemini, false) => format!("/v1beta/models/{}:generateContent", self.model),
            (Format::Gemini, true) => {
                format!("/v1beta/models/{}:streamGenerateContent?alt=sse", self.model)
            }
        }
    }

    fn json(&self) -> Value {
        let Self { model, stream, prompt, .. } = self;
        let turn = json!([{"role": "user", "content": prompt}]);
        match self.format {
            Format::Messages => json!({"model": model, "max_tokens": 64, "stream": stream, "messages": turn}),
            Format::Chat => json!({"model": model, "stream": stream, "messages": turn}),
            Format::Responses => json!({"model": model, "stream": stream, "input": prompt}),
            Format::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]}),
        }
    }
}
