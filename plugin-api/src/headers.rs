//! Header lists and extension lists.

use abi_stable::StableAbi;
use abi_stable::std_types::{RString, RVec, Tuple2};

/// An HTTP header: a name in any case, and a value of any bytes.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub name: RString,
    pub value: RVec<u8>,
}

impl Header {
    /// Makes a header from a name and the bytes of a value.
    pub fn new(name: &str, value: &[u8]) -> Self {
        Self { name: name.into(), value: RVec::from(value) }
    }
}

/// HTTP headers in the order of the wire; a name may come more than once.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    list: RVec<Header>,
}

impl Headers {
    /// Makes an empty list.
    pub const fn new() -> Self {
        Self { list: RVec::new() }
    }

    /// Appends a header.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        self.list.push(Header::new(name, value));
    }

    /// Returns the first value of the header `name`, in any case, when it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        let header = self.list.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(&header.value).ok()
    }

    /// Iterates in the order of the wire.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.list.iter()
    }

    /// Returns the number of headers.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = std::slice::Iter<'a, Header>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(pairs: I) -> Self {
        Self { list: pairs.into_iter().map(|(name, value)| Header::new(name, value)).collect() }
    }
}

/// Named texts, for growth of a plain struct within a major version.
///
/// A reader ignores unknown names.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    list: RVec<Tuple2<RString, RString>>,
}

impl Extensions {
    /// Makes an empty list.
    pub const fn new() -> Self {
        Self { list: RVec::new() }
    }

    /// Sets `name` to `value`, in place of an earlier value.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.list.iter_mut().find(|pair| pair.0 == name) {
            Some(pair) => pair.1 = value.into(),
            None => self.list.push(Tuple2(name.into(), value.into())),
        }
    }

    /// Returns the value of `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str())
    }

    /// Iterates over names and values in the order of insertion.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|pair| (pair.0.as_str(), pair.1.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_whatever_its_case() {
        let headers: Headers = [("Retry-After", &b"7"[..])].into_iter().collect();
        assert_eq!(headers.text("retry-after"), Some("7"));
        assert_eq!(headers.text("retry"), None);
    }

    #[test]
    fn setting_an_extension_again_replaces_it() {
        let mut extensions = Extensions::new();
        extensions.set("trace", "a");
        extensions.set("trace", "b");
        assert_eq!(extensions.iter().collect::<Vec<_>>(), [("trace", "b")]);
    }
}
