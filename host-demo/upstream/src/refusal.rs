//! An error answer before it becomes HTTP: a code, headers and a body.

use http::{HeaderMap, HeaderName, HeaderValue};

#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Refusal {
    pub(crate) fn new(code: u16, body: String) -> Self {
        Self { code, headers: HeaderMap::new(), body }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        put(&mut self.headers, name, value);
        self
    }
}

/// Sets a header whose name may be built from a script; what cannot be a header is left out.
pub(crate) fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
