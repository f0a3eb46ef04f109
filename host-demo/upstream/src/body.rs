//! The request body: read whole, and looked into as far as the upstream needs it.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::Deserialize;

/// A context of a million tokens is a few megabytes, pictures some more.
const MAX_BODY: usize = 128 * 1024 * 1024;

/// Why there is no request body.
#[derive(Debug)]
pub(crate) enum Unread {
    TooLong,
    /// The client is gone.
    Gone,
}

pub(crate) async fn read(body: Incoming) -> Result<Bytes, Unread> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLong),
        Err(_) => Err(Unread::Gone),
    }
}

/// What a request body says of the answer it wants.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Facts<'a> {
    #[serde(borrow)]
    pub(crate) model: Option<Cow<'a, str>>,
    pub(crate) stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    #[serde(borrow)]
    pub(crate) project: Option<Cow<'a, str>>,
    /// The inner request of a Code Assist envelope.
    #[serde(borrow)]
    pub(crate) request: Option<Inner<'a>>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Inner<'a> {
    #[serde(borrow)]
    pub(crate) model: Option<Cow<'a, str>>,
}

impl<'a> Facts<'a> {
    /// Reads the facts; nothing where the body is not such an object.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    pub(crate) fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_among_everything_else() {
        let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,
            "stream_options":{"include_usage":true}}"#;
        let facts = Facts::read(body).unwrap();
        assert_eq!(facts.model.as_deref(), Some("m"));
        assert!(facts.stream == Some(true) && facts.wants_usage() && facts.request.is_none());
    }

    #[test]
    fn an_envelope_has_an_inner_request() {
        let facts = Facts::read(br#"{"project":"p","request":{"model":"models/m","contents":[]}}"#).unwrap();
        assert_eq!(facts.request.unwrap().model.as_deref(), Some("models/m"));
    }

    #[test]
    fn what_is_no_request_has_no_facts() {
        for body in ["", "hello", r#"{"model":3}"#, r#"{"model":"m""#] {
            assert!(Facts::read(body.as_bytes()).is_none(), "{body}");
        }
    }
}
