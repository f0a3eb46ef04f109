//! Decoding of compressed request bodies.
//!
//! Codex compresses requests with zstd, and clients may use any coding of HTTP. A body is decoded once and
//! sent plain: the router reads the body, a pool may rename the model inside, and upstreams differ in
//! accepted codings.

use std::io::{self, Write};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::edges::config::BodyLimits;
use crate::runtime::body_memory::{BodyMemory, Room};

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
/// [`CallError::Encoded`], [`CallError::Garbled`], [`CallError::TooLong`] for a body longer than the limit
/// after decoding, and [`CallError::NoRoom`] for a decoded body that does not fit beside the others.
pub(super) async fn plain(
    mut call: Call,
    limits: BodyLimits,
    memory: &BodyMemory,
) -> Result<Call, CallError> {
    let codings = codings(&call.headers)?;
    if codings.is_empty() {
        call.headers.remove(CONTENT_ENCODING);
        return Ok(call);
    }
    let (body, memory) = (call.body, memory.clone());
    // It can take a tenth of a second, in which this thread would serve nobody else.
    let unpacked = tokio::task::spawn_blocking(move || unpacked(body, &codings, limits, &memory)).await;
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

fn unpacked(
    body: Bytes,
    codings: &[Coding],
    limits: BodyLimits,
    memory: &BodyMemory,
) -> Result<Bytes, CallError> {
    codings.iter().rev().try_fold(body, |body, coding| {
        let mut plain = Plain { bytes: Vec::new(), room: memory.room(), limits, refused: None };
        let read = coding.unpack(&body, &mut plain);
        match plain.refused {
            Some(refused) => Err(refused),
            None => read.map(|_| plain.room.keep(plain.bytes)).map_err(|_| CallError::Garbled(coding.name())),
        }
    })
}

/// The bytes of a layer as they are unpacked, within the bounds of one body and of all bodies.
struct Plain {
    bytes: Vec<u8>,
    room: Room,
    limits: BodyLimits,
    /// The reason why no more bytes are taken.
    refused: Option<CallError>,
}

impl Plain {
    fn check(&mut self, more: usize) -> Result<(), CallError> {
        let more = more as u64;
        if self.bytes.len() as u64 + more > self.limits.longest {
            return Err(CallError::TooLong { limit: self.limits.longest });
        }
        Ok(self.room.grow(more, self.limits.together)?)
    }
}

impl Write for Plain {
    /// A piece that does not fit ends the unpacking, so a bomb is never unpacked.
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if let Err(refused) = self.check(piece.len()) {
            self.refused = Some(refused);
            return Err(io::Error::other("no more is taken"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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

    /// Decodes `body` into `plain`, and returns the number of decoded bytes.
    fn unpack(self, body: &[u8], plain: &mut Plain) -> io::Result<u64> {
        match self {
            Self::Gzip => io::copy(&mut flate2::read::MultiGzDecoder::new(body), plain),
            Self::Deflate if is_zlib(body) => io::copy(&mut flate2::read::ZlibDecoder::new(body), plain),
            // Not what the standard means by `deflate`, but what some clients do.
            Self::Deflate => io::copy(&mut flate2::read::DeflateDecoder::new(body), plain),
            Self::Brotli => io::copy(&mut brotli_decompressor::Decompressor::new(body, BUFFER), plain),
            Self::Zstd => unpack_frames(body, plain),
        }
    }
}

const BUFFER: usize = 16 * 1024;

/// Returns whether the body starts with a zlib header: a multiple of 31, with 8 in the lower half of the
/// first byte (RFC 1950 section 2.2).
fn is_zlib(body: &[u8]) -> bool {
    let [first, second, ..] = *body else { return false };
    first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// Decodes a body of at least a frame (RFC 8878 section 3.1).
fn unpack_frames(mut body: &[u8], plain: &mut Plain) -> io::Result<u64> {
    let mut length = 0;
    loop {
        let mut frame = ruzstd::decoding::StreamingDecoder::new(&mut body).map_err(io::Error::other)?;
        length += io::copy(&mut frame, plain)?;
        if body.is_empty() {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Duration;

    use flate2::Compression;
    use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::{HeaderValue, Method};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use crate::runtime::body_memory::NoRoom;

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
        taken_beside(encoding, body, limit, &BodyMemory::default()).await
    }

    /// Takes a body beside others, which leave 150,000 bytes for all of them.
    async fn taken_beside(
        encoding: &'static str,
        body: Vec<u8>,
        longest: u64,
        memory: &BodyMemory,
    ) -> Result<Call, CallError> {
        let headers = [(CONTENT_ENCODING, HeaderValue::from_static(encoding))].into_iter().collect();
        let limits = BodyLimits { longest, time: Duration::ZERO, together: 150_000 };
        plain(Call { method: Method::POST, query: None, headers, body: body.into() }, limits, memory).await
    }

    #[tokio::test]
    async fn unpacked_bodies_together_have_a_bound_and_give_their_memory_back() {
        let memory = BodyMemory::default();
        let long = vec![b' '; 80_000];
        for (encoding, packed) in
            [("gzip", gzip(&long)), ("zstd", zstd(&long)), ("gzip, zstd", zstd(&gzip(&long)))]
        {
            let first =
                taken_beside(encoding, packed.clone(), 100_000, &memory).await.expect("there is room");
            assert_eq!(memory.taken(), 80_000, "{encoding}");
            let refused = taken_beside(encoding, packed.clone(), 100_000, &memory).await;
            assert!(matches!(refused, Err(CallError::NoRoom(NoRoom { most: 150_000 }))), "{encoding}");
            assert_eq!(memory.taken(), 80_000, "{encoding}: what was refused takes nothing");
            drop(first);
            assert_eq!(memory.taken(), 0, "{encoding}");
        }
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
