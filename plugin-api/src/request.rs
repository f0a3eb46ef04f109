//! A call of an agent.

use abi_stable::StableAbi;
use abi_stable::std_types::{RString, RVec};

use crate::headers::{Extensions, Headers};

/// An HTTP request of an agent to a provider.
///
/// The body is complete, because an attempt at another account sends the body again.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Request {
    /// The method, such as `POST`.
    pub method: RString,
    /// The absolute URL, such as `https://api.anthropic.com/v1/messages`. A URL of an unknown provider
    /// passes through untouched.
    pub url: RString,
    pub headers: Headers,
    pub body: RVec<u8>,
    pub extensions: Extensions,
}

impl Request {
    /// Makes a `POST` of `body` without headers.
    pub fn post(url: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST".into(),
            url: url.into(),
            headers: Headers::new(),
            body: RVec::from(body.into()),
            extensions: Extensions::new(),
        }
    }

    /// Appends a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name, value.as_bytes());
        self
    }
}
