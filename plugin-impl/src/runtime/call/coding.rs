//! Decoding of compressed request bodies.
//!
//! Codex compresses requests with zstd, and clients may use any coding of HTTP. A body is decoded once and
//! sent plain: the router reads the body, a pool may rename the model inside, and upstreams differ in
//! accepted codings.

use std::io::{self, Read};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::{Call, CallError};

/// The most layers of coding. No honest client sends more.
const MAX_LAYERS: usize = 2;

/// A content coding (RFC 9110 section 8.4.1, RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Returns the call with a decoded body and without the `content-encoding` header.
///
/// # Errors
/// [`CallError::Encoded`], [`CallError::Garbled`], and [`CallError::TooLong`] for a body longer than
/// `limit` after decoding.
pub(super) async fn plain(mut call: Call, limit: u64) -> Result<Call, CallError> {
    let codings = codings(&call.headers)?;
    if codings.is_empty() {
        call.headers.remove(CONTENT_ENCODING);
        return Ok(call);
    }
    let body = call.body;
    // It can take a tenth of a second, in which this thread would serve nobody else.
    let unpacked = tokio::task::spawn_blocking(move || unpacked(body, &codings, limit)).await;
    call.body = unpacked.map_err(|_| CallError::Garbled("compressed"))??;
    call.headers.remove(CONTENT_ENCODING);
    Ok(call)
}

/// Returns the codings of a body, in the order of application.
fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, CallError> {
    let lines = headers.get_all(CONTENT_ENCODING).iter();
    let names: Vec<String> = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .filter(|name| !matches!(name.as_str(), "" | "identity"))
        .collect();
    if names.len() > MAX_LAYERS {
        return Err(CallError::Encoded(names.join(", ")));
    }
    names.into_iter().map(|name| Coding::named(&name).ok_or(CallError::Encoded(name))).collect()
}

fn unpacked(body: Bytes, codings: &[Coding], limit: u64) -> Result<Bytes, CallError> {
    codings.iter().rev().try_fold(body, |body, coding| {
        let mut plain = Vec::new();
        // One byte more than is allowed tells that there is more; a bomb is never unpacked.
        let read = coding.unpack(&body, limit.saturating_add(1), &mut plain);
        if plain.len() as u64 > limit {
            return Err(CallError::TooLong { limit });
        }
        read.map(|()| plain.into()).map_err(|_| CallError::Garbled(coding.name()))
    })
}

impl Coding {
    fn named(name: &str) -> Option<Self> {
        match name {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// Decodes `body` into `plain`, up to `most` bytes.
    fn unpack(self, body: &[u8], most: u64, plain: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Gzip => read(flate2::read::MultiGzDecoder::new(body), most, plain),
            Self::Deflate if is_zlib(body) => read(flate2::read::ZlibDecoder::new(body), most, plain),
            // Not what the standard means by `deflate`, but what some clients do.
            Self::Deflate => read(flate2::read::DeflateDecoder::new(body), most, plain),
            Self::Brotli => read(brotli_decompressor::Decompressor::new(body, BUFFER), most, plain),
            Self::Zstd => unpack_frames(body, most, plain),
        }
    }
}

const BUFFER: usize = 16 * 1024;

fn read(from: impl Read, most: u64, plain: &mut Vec<u8>) -> io::Result<()> {
    from.take(most.saturating_sub(plain.len() as u64)).read_to_end(plain).map(drop)
}

/// Returns whether the body starts with a zlib header: a multiple of 31, with 8 in the lower half of the
/// first byte (RFC 1950 section 2.2).
fn is_zlib(body: &[u8]) -> bool {
    let [first, second, ..] = *body else { return false };
    first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// Decodes a body of at least a frame (RFC 8878 section 3.1).
fn unpack_frames(mut body: &[u8], most: u64, plain: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let frame = ruzstd::decoding::StreamingDecoder::new(&mut body).map_err(io::Error::other)?;
        read(frame, most, plain)?;
        if body.is_empty() || plain.len() as u64 >= most {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::{HeaderValue, Method};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    const PLAIN: &[u8] = br#"{"model":"claude-sonnet-4-6","max_tokens":64,"messages":[{"role":"user","content":"compressed"}]}"#;
    /// The test body, compressed by brotli's own encoder.
    const BROTLI: &str = "1b6000488cc374a33d5f94708d263942a583b82df5f5b7f3560c22faa60a5e41b07558bafa82434e800e2db004\
                          02b2a850f4078482f1873da0f6729b4bac39fd888a11a3bc9cdd01d30858903e7b7507377c13a6c098397c07";
    /// 64 MiB of blanks, compressed by brotli's own encoder.
    const BOMB: &str = "cbffff3ff82540e2b14020f7fe8fffff7ff04b00c4611180eefd1fffffffe0970088c30200ddfb3ffeffffc12f01\
                        10870500baf77ffcffff835f02200e0b0074effff8ffff07bf04401c1600e8defff1ffff0f7e0980382c00d0bdff\
                        cbffff3ffc1200715800a07bff07";

    fn bytes(hex: &str) -> Vec<u8> {
        let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        (0..hex.len()).step_by(2).map(pair).collect()
    }

    fn packed(mut encoder: impl Read) -> Vec<u8> {
        let mut packed = Vec::new();
        encoder.read_to_end(&mut packed).expect("reading from memory");
        packed
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        packed(GzEncoder::new(plain, Compression::default()))
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        compress_to_vec(plain, CompressionLevel::Fastest)
    }

    async fn taken(encoding: &'static str, body: Vec<u8>, limit: u64) -> Result<Call, CallError> {
        let headers = [(CONTENT_ENCODING, HeaderValue::from_static(encoding))].into_iter().collect();
        plain(Call { method: Method::POST, query: None, headers, body: body.into() }, limit).await
    }

    #[tokio::test]
    async fn each_coding_is_undone() {
        let rows = [
            ("gzip", gzip(PLAIN)),
            ("X-GZIP", [gzip(&PLAIN[..9]), gzip(&PLAIN[9..])].concat()),
            ("deflate", packed(ZlibEncoder::new(PLAIN, Compression::best()))),
            ("deflate", packed(DeflateEncoder::new(PLAIN, Compression::fast()))),
            ("br", bytes(BROTLI)),
            ("zstd", zstd(PLAIN)),
            ("zstd", [zstd(&PLAIN[..9]), zstd(&PLAIN[9..])].concat()),
            ("gzip , zstd", zstd(&gzip(PLAIN))),
            ("identity", PLAIN.to_vec()),
        ];
        for (encoding, body) in rows {
            let call = taken(encoding, body, 1_000).await.expect(encoding);
            assert_eq!(call.body, PLAIN, "{encoding}");
            assert!(!call.headers.contains_key(CONTENT_ENCODING), "{encoding}");
        }
    }

    #[tokio::test]
    async fn a_bomb_is_too_long() {
        let long = vec![b' '; 300_000];
        for (encoding, bomb) in [("br", bytes(BOMB)), ("gzip", gzip(&long)), ("zstd", zstd(&long))] {
            let refused = taken(encoding, bomb, 100_000).await;
            assert!(matches!(refused, Err(CallError::TooLong { limit: 100_000 })), "{encoding}");
        }
    }

    #[tokio::test]
    async fn what_is_not_what_it_says_is_garbled() {
        for encoding in ["gzip", "deflate", "br", "zstd"] {
            let refused = taken(encoding, PLAIN.to_vec(), 1_000).await;
            assert!(matches!(refused, Err(CallError::Garbled(coding)) if coding == encoding), "{encoding}");
        }
        let cut = gzip(PLAIN);
        let refused = taken("gzip", cut[..cut.len() / 2].to_vec(), 1_000).await;
        assert!(matches!(refused, Err(CallError::Garbled("gzip"))));
    }

    #[tokio::test]
    async fn a_coding_that_is_not_known_is_named() {
        for (encoding, named) in [("gzip, compress", "compress"), ("br,br,br", "br, br, br")] {
            let refused = taken(encoding, Vec::new(), 1_000).await;
            assert!(matches!(refused, Err(CallError::Encoded(name)) if name == named), "{encoding}");
        }
    }
}
