//! Blanking: a credential that an upstream repeats in its answer does not reach a caller.
//!
//! Error pages, debugging proxies and misled servers repeat headers and URLs. Each byte of the credential
//! becomes a `*`, so no length changes.
//!
//! The cost: one search with `memmem` for the first bytes of the credential in each piece of an answer, and a
//! look at the last byte. A piece is copied only where something is found. Headers that are shorter than the
//! credential are not searched.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::{memchr, memchr_iter, memmem};
use smallvec::SmallVec;

use crate::edges::config::holds_credential;
use crate::secret::Secret;

/// So much of a credential is searched for; the rest is compared. A token may have kilobytes.
const SEARCHED: usize = 32;
/// An answer that ends in so much of a credential had the rest of it cut off.
const TELLING: usize = 8;
/// The value of a header that held a short credential; its length is no secret's.
const STAR: HeaderValue = HeaderValue::from_static("***");

/// Takes the credentials of a request out of its answer, in whatever pieces the answer comes.
#[derive(Clone, Debug)]
pub struct Blanker {
    /// Each credential as it was sent, and as it is written in URLs and in JSON where that differs.
    forms: SmallVec<[Secret; 1]>,
    /// Credentials that may stand in any text: only a header that holds nothing else is blanked.
    short: Vec<Secret>,
    /// The end of what has come, which may be the beginning of a credential.
    held: Vec<u8>,
}

impl Blanker {
    /// Makes a blanker for one answer, or none without a credential.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Option<Self> {
        let (searched, short): (Vec<_>, Vec<_>) = secrets.into_iter().partition(Secret::is_searchable);
        let forms: SmallVec<_> = searched.iter().flat_map(forms).collect();
        let has_none = forms.is_empty() && short.is_empty();
        (!has_none).then(|| Self { forms, short, held: Vec::new() })
    }

    /// Takes the credentials out of the values of headers, and headers named by a credential out of the answer.
    pub fn blank_headers(&self, headers: &mut HeaderMap) {
        self.remove_named(headers);
        for (name, value) in headers.iter_mut() {
            if self.is_alone(name, value.as_bytes()) {
                *value = STAR;
                continue;
            }
            let found = self.forms.iter().any(|form| find(value.as_bytes(), form).is_some());
            if !found {
                continue;
            }
            let mut bytes = value.as_bytes().to_vec();
            self.blank(&mut bytes);
            *value = HeaderValue::from_bytes(&bytes).unwrap_or(HeaderValue::from_static(""));
        }
    }

    /// Removes headers whose name has a credential in it. Names are in lower case.
    fn remove_named(&self, headers: &mut HeaderMap) {
        let is_named = |name: &&HeaderName| {
            self.forms.iter().any(|form| {
                name.as_str().len() >= form.expose().len()
                    && name.as_str().contains(&form.expose().to_ascii_lowercase())
            })
        };
        let named: Vec<HeaderName> = headers.keys().filter(is_named).cloned().collect();
        for name in named {
            headers.remove(name);
        }
    }

    /// Says whether a header holds a short credential and nothing else, as a header that the upstream sends back
    /// does: `Bearer x`, or the value of a header whose name is a credential's.
    fn is_alone(&self, name: &HeaderName, value: &[u8]) -> bool {
        self.short.iter().any(|short| {
            let rest = value.strip_suffix(short.expose().as_bytes());
            rest.is_some_and(|rest| match rest {
                [] => holds_credential(name.as_str()),
                [scheme @ .., b' '] => !scheme.is_empty() && scheme.iter().all(u8::is_ascii_alphabetic),
                _ => false,
            })
        })
    }

    /// Returns a piece without the credential, and without an end that may be its beginning: that comes with
    /// the next piece.
    pub(super) fn pass(&mut self, piece: Bytes) -> Bytes {
        if self.held.is_empty() && self.is_clean(&piece) {
            return piece;
        }
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(&piece);
        self.blank(&mut whole);
        self.held = whole.split_off(whole.len() - self.open_end(&whole));
        whole.into()
    }

    /// Says whether something waits for the next piece.
    pub(super) fn holds_back(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns what was held back, as nothing more comes.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        let mut held = std::mem::take(&mut self.held);
        if held.len() >= TELLING {
            held.fill(b'*');
        }
        (!held.is_empty()).then(|| held.into())
    }

    fn is_clean(&self, piece: &[u8]) -> bool {
        self.open_end(piece) == 0 && self.forms.iter().all(|form| find(piece, form).is_none())
    }

    fn blank(&self, bytes: &mut [u8]) {
        for form in &self.forms {
            let mut rest = &mut *bytes;
            while let Some(at) = find(rest, form) {
                let (found, after) = rest[at..].split_at_mut(form.expose().len());
                found.fill(b'*');
                rest = after;
            }
        }
    }

    /// Returns the length of the longest end that a form begins with.
    fn open_end(&self, bytes: &[u8]) -> usize {
        self.forms.iter().map(|form| open_end(bytes, form.expose().as_bytes())).max().unwrap_or(0)
    }
}

/// Events and JSON end in bytes that no credential has, so the first look nearly always suffices.
fn open_end(bytes: &[u8], form: &[u8]) -> usize {
    let Some(last) = bytes.last() else { return 0 };
    if memchr(*last, form).is_none() {
        return 0;
    }
    let end = &bytes[bytes.len().saturating_sub(form.len() - 1)..];
    let mut beginnings = memchr_iter(form[0], end).map(|at| &end[at..]);
    beginnings.find(|rest| form.starts_with(rest)).map_or(0, <[u8]>::len)
}

fn find(bytes: &[u8], form: &Secret) -> Option<usize> {
    let form = form.expose().as_bytes();
    if bytes.len() < form.len() {
        return None;
    }
    let first = memmem::Finder::new(&form[..form.len().min(SEARCHED)]);
    let mut from = 0;
    while let Some(at) = first.find(&bytes[from..]) {
        from += at;
        if bytes[from..].starts_with(form) {
            return Some(from);
        }
        // Of a credential that repeats itself, the first bytes may overlap.
        from += 1;
    }
    None
}

fn forms(secret: &Secret) -> SmallVec<[Secret; 1]> {
    let text = secret.expose();
    let mut forms = SmallVec::from_elem(secret.clone(), 1);
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return forms;
    }
    let in_query: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let in_json = text.replace('\\', "\\\\").replace('"', "\\\"");
    let with_slashes = in_json.replace('/', "\\/");
    for form in [in_query.replace('+', "%20"), in_query, in_json, with_slashes] {
        if forms.iter().all(|known| known.expose() != form) {
            forms.push(Secret::new(form));
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "sk-test-0123456789-abcdef";

    fn blanker(text: &str) -> Blanker {
        Blanker::new([Secret::new(text.to_owned())]).expect("it is looked for")
    }

    /// Passes pieces, and returns all that came out.
    fn passed(key: &str, pieces: &[&[u8]]) -> String {
        let mut blanker = blanker(key);
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&blanker.pass(Bytes::copy_from_slice(piece)));
        }
        out.extend(blanker.finish().into_iter().flatten());
        String::from_utf8(out).expect("text in, text out")
    }

    #[test]
    fn a_credential_is_blanked_wherever_it_stands() {
        let stars = "*".repeat(KEY.len());
        let text = format!("{KEY} a {KEY}{KEY} b");
        assert_eq!(passed(KEY, &[text.as_bytes()]), text.replace(KEY, &stars));
        let url = "https://g/?key=a%2Fb%2B0123456789&a\\/b+0123456789";
        assert!(!passed("a/b+0123456789", &[url.as_bytes()]).contains("0123456789"));
    }

    #[test]
    fn a_credential_that_repeats_itself_or_has_stars_is_blanked() {
        let repeating = "a".repeat(SEARCHED) + "b";
        assert_eq!(passed(&repeating, &[format!("a{repeating}").as_bytes()]), format!("a{}", "*".repeat(33)));
        let stars = "**********";
        assert_eq!(passed(stars, &[b"a ********** b"]), "a ********** b");
    }

    /// A megabyte of nothing but the credential is gone through once.
    #[test]
    fn many_repetitions_are_blanked() {
        let many = KEY.repeat(40_000);
        assert_eq!(passed(KEY, &[many.as_bytes()]), "*".repeat(many.len()));
    }

    #[test]
    fn what_has_no_credential_passes_uncopied_and_at_once() {
        let mut blanker = blanker(KEY);
        let piece = Bytes::from_static(b"data: {\"text\":\"sk-test-0123 is no key\"}\n\n");
        let out = blanker.pass(piece.clone());
        assert_eq!((out.as_ptr(), out.len()), (piece.as_ptr(), piece.len()));
        assert!(!blanker.holds_back());
    }

    #[test]
    fn an_end_that_may_be_the_beginning_waits_and_is_told_if_it_was_none() {
        assert_eq!(passed(KEY, &[b"a sk-te", b"ll me"]), "a sk-tell me");
        assert_eq!(passed(KEY, &[b"a sk-te"]), "a sk-te");
        assert_eq!(passed(KEY, &[b"a sk-test-0123456789-abc"]), format!("a {}", "*".repeat(22)));
    }

    #[test]
    fn a_word_is_not_looked_for() {
        for text in ["k", "ollama", "1234567", "anything", "not-needed"] {
            let said = format!("use {text} as the key");
            assert_eq!(passed(text, &[said.as_bytes()]), said);
        }
        assert!(Blanker::new([]).is_none());
    }

    #[test]
    fn a_header_with_nothing_but_a_short_credential_is_blanked() {
        for (name, value, is_blanked) in [
            ("authorization", "Bearer 1000", true),
            ("x-echo", "Bearer 1000", true),
            ("x-api-key", "1000", true),
            ("api-key", "1000", true),
            ("x-ratelimit-remaining-tokens", "1000", false),
            ("x-ratelimit-reset", "1000", false),
            ("content-length", "1000", false),
            ("x-echo", "is 1000", true),
            ("x-echo", "21000", false),
            ("x-echo", "max-age=60, 1000", false),
        ] {
            let name: HeaderName = name.parse().expect("a name");
            let mut headers: HeaderMap =
                [(name.clone(), HeaderValue::from_static(value))].into_iter().collect();
            blanker("1000").blank_headers(&mut headers);
            assert_eq!(headers[&name] != value, is_blanked, "{name:?}: {value}");
        }
    }

    #[test]
    fn all_credentials_of_a_request_are_blanked() {
        let secrets = [KEY, "an-other-credential-1"].map(|text| Secret::new(text.to_owned()));
        let mut blanker = Blanker::new(secrets).expect("they are looked for");
        let mut out = blanker.pass(Bytes::from_static(b"sk-test-0123456789-abcdef, an-other-cred")).to_vec();
        out.extend_from_slice(&blanker.pass(Bytes::from_static(b"ential-1.")));
        let stars = |text: &str| "*".repeat(text.len());
        let expected = format!("{}, {}.", stars(KEY), stars("an-other-credential-1"));
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn headers_are_blanked_too() {
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_static("Bearer sk-test-0123456789-abcdef!"));
        headers.insert("x-other", HeaderValue::from_static("sk-test-0123456789"));
        headers.insert("x-sk-test-0123456789-abcdef", HeaderValue::from_static("named by the key"));
        blanker("sk-TEST-0123456789-abcdef").blank_headers(&mut headers);
        assert_eq!(headers.len(), 2, "a name is in lower case");
        blanker(KEY).blank_headers(&mut headers);
        assert_eq!(headers["x-echo"], format!("Bearer {}!", "*".repeat(KEY.len())));
        assert_eq!(headers["x-other"], "sk-test-0123456789");
    }

    proptest! {
        #[test]
        fn any_split_comes_to_the_same(
            parts in prop::collection::vec(prop_oneof![Just(KEY), Just("sk-"), Just("sk-test-0123456789-abcde"), Just("\n"), Just("s")], 0..8),
            cuts in prop::collection::vec(1..7usize, 0..60),
        ) {
            let text = parts.concat();
            let mut rest = text.as_bytes();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            let out = passed(KEY, &pieces);
            prop_assert_eq!(out.len(), text.len());
            prop_assert!(!out.contains(KEY));
            prop_assert_eq!(out, passed(KEY, &[text.as_bytes()]));
        }
    }
}
