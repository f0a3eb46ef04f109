//! Content codings of answers: an answer that comes compressed is read and handed on plain.
//!
//! A hop may compress although it was asked not to, and the caller may ask for it. Either way the router has to
//! read errors, limits and the first event, so the body is taken out of its codings piece by piece as it arrives.
//! A coding that is not known here stays as it is.

use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};

/// An answer of more layers is left as it is.
const MAX_LAYERS: usize = 2;
/// So much of a piece is decoded at once, in bytes.
const SLICE: usize = 4 * 1024;
/// So much may come out of one slice, in bytes: far more than text gives, far less than a bomb.
const MAX_OF_SLICE: usize = 16 * 1024 * 1024;
/// The window of the brotli decoder's output, in bytes.
const BUFFER: usize = 16 * 1024;

/// A way to compress (RFC 9110 section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnswerCoding {
    Gzip,
    Deflate,
    Brotli,
}

impl AnswerCoding {
    fn named(name: &str) -> Option<Self> {
        match name {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            _ => None,
        }
    }
}

/// Asks the upstream for no coding, or for those that the caller takes and that can be undone here. Without a word
/// each hop on the way may compress.
pub fn ask_for(headers: &mut HeaderMap) {
    let of_the_caller = wanted(headers).join(", ");
    let value = HeaderValue::try_from(of_the_caller).ok().filter(|value| !value.is_empty());
    headers.insert(ACCEPT_ENCODING, value.unwrap_or(HeaderValue::from_static("identity")));
}

/// Returns the codings that the caller takes, with their weights.
fn wanted(headers: &HeaderMap) -> Vec<String> {
    let is_known =
        |item: &String| AnswerCoding::named(item.split(';').next().unwrap_or_default().trim()).is_some();
    tokens(headers, &ACCEPT_ENCODING).filter(is_known).collect()
}

fn tokens(headers: &HeaderMap, name: &http::HeaderName) -> impl Iterator<Item = String> {
    let lines = headers.get_all(name).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    lines
        .map(|token| String::from_utf8_lossy(token.trim_ascii()).to_ascii_lowercase())
        .filter(|token| !token.is_empty())
}

/// Undoes the codings of one body as its pieces arrive.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The last coding that was applied is the first one here.
    layers: Vec<Layer>,
    is_ended: bool,
}

impl Decoder {
    /// Returns the decoder of an answer that is coded, and takes the headers away that tell of the coding.
    pub(super) fn of(headers: &mut HeaderMap) -> Option<Self> {
        let names = tokens(headers, &CONTENT_ENCODING).filter(|name| name != "identity");
        let codings: Option<Vec<AnswerCoding>> = names.map(|name| AnswerCoding::named(&name)).collect();
        let codings = codings.filter(|codings| codings.len() <= MAX_LAYERS)?;
        headers.remove(CONTENT_ENCODING);
        if codings.is_empty() {
            return None;
        }
        headers.remove(CONTENT_LENGTH);
        let layers = codings.into_iter().rev().map(Layer::new).collect();
        Some(Self { layers, is_ended: false })
    }

    /// Decodes a piece. Nothing may come of it yet.
    pub(super) fn decode(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let mut plain = Vec::new();
        for slice in piece.chunks(SLICE) {
            plain.extend_from_slice(&through(&mut self.layers, slice)?);
        }
        Ok(plain.into())
    }

    /// Takes the end of the body. Returns what is left.
    ///
    /// # Errors
    /// Where the body ends inside of a coding: it was cut.
    pub(super) fn end(&mut self) -> io::Result<Bytes> {
        let mut plain = Vec::new();
        if std::mem::replace(&mut self.is_ended, true) {
            return Ok(plain.into());
        }
        for at in 0..self.layers.len() {
            let (ended, behind) = self.layers[at..].split_first_mut().ok_or(io::ErrorKind::InvalidData)?;
            plain.extend_from_slice(&through(behind, &ended.end()?)?);
        }
        Ok(plain.into())
    }
}

/// Sends bytes through decoders, one after the other.
fn through(layers: &mut [Layer], bytes: &[u8]) -> io::Result<Vec<u8>> {
    layers.iter_mut().try_fold(bytes.to_vec(), |bytes, layer| layer.decode(&bytes))
}

/// The decoder of one coding.
struct Layer {
    coding: AnswerCoding,
    /// Made by the first byte, which tells the two kinds of `deflate` apart.
    state: Option<State>,
}

enum State {
    Gzip(MultiGzDecoder<Sink>),
    Zlib(ZlibDecoder<Sink>),
    Deflate(DeflateDecoder<Sink>),
    Brotli(Box<DecompressorWriter<Sink>>),
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layer").field("coding", &self.coding).finish_non_exhaustive()
    }
}

impl Layer {
    const fn new(coding: AnswerCoding) -> Self {
        Self { coding, state: None }
    }

    fn decode(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let Some(&first) = bytes.first() else { return Ok(Vec::new()) };
        let coding = self.coding;
        let state = self.state.get_or_insert_with(|| State::new(coding, first));
        state.writer().write_all(bytes)?;
        state.writer().flush()?;
        Ok(state.taken())
    }

    /// A body without a byte has no coding that could be cut.
    fn end(&mut self) -> io::Result<Vec<u8>> {
        let Some(state) = &mut self.state else { return Ok(Vec::new()) };
        state.finish()?;
        Ok(state.taken())
    }
}

impl State {
    fn new(coding: AnswerCoding, first: u8) -> Self {
        match coding {
            AnswerCoding::Gzip => Self::Gzip(MultiGzDecoder::new(Sink::default())),
            // The method of zlib is 8 (RFC 1950 section 2.2); some send bare deflate under the same name.
            AnswerCoding::Deflate if first & 0x0f == 8 => Self::Zlib(ZlibDecoder::new(Sink::default())),
            AnswerCoding::Deflate => Self::Deflate(DeflateDecoder::new(Sink::default())),
            AnswerCoding::Brotli => Self::Brotli(Box::new(DecompressorWriter::new(Sink::default(), BUFFER))),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Gzip(decoder) => decoder,
            Self::Zlib(decoder) => decoder,
            Self::Deflate(decoder) => decoder,
            Self::Brotli(decoder) => decoder,
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zlib(decoder) => decoder.try_finish(),
            Self::Deflate(decoder) => decoder.try_finish(),
            Self::Brotli(decoder) => decoder.close(),
        }
    }

    fn taken(&mut self) -> Vec<u8> {
        let sink = match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
            Self::Brotli(decoder) => decoder.get_mut(),
        };
        std::mem::take(&mut sink.0)
    }
}

/// What came out of a decoder, up to a bound.
#[derive(Default)]
struct Sink(Vec<u8>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OF_SLICE {
            return Err(io::Error::other("the answer unpacks to more than any answer is long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::Compression;
    use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const PLAIN: &[u8] =
        b"event: ping\ndata: {\"type\":\"ping\"}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n";
    /// "data: {}" and two line feeds, as brotli's own encoder writes them.
    const BROTLI: &[u8] = b"\x8b\x04\x80data: {}\n\n\x03";
    /// 64 MiB of blanks, as brotli's own encoder writes them.
    const BOMB: &str = "cbffff3ff82540e2b14020f7fe8fffff7ff04b00c4611180eefd1fffffffe0970088c30200ddfb3ffeffffc12f01\
                        10870500baf77ffcffff835f02200e0b0074effff8ffff07bf04401c1600e8defff1ffff0f7e0980382c00d0bdff\
                        cbffff3ffc1200715800a07bff07";

    fn headers(encoding: &'static str) -> HeaderMap {
        let length = (CONTENT_LENGTH, HeaderValue::from_static("40"));
        [(CONTENT_ENCODING, HeaderValue::from_static(encoding)), length].into_iter().collect()
    }

    fn packed(mut encoder: impl Read) -> Vec<u8> {
        let mut packed = Vec::new();
        encoder.read_to_end(&mut packed).expect("reading from memory");
        packed
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        packed(GzEncoder::new(plain, Compression::default()))
    }

    /// Decodes a body that comes in pieces of `size` bytes.
    fn decoded(encoding: &'static str, body: &[u8], size: usize) -> io::Result<Vec<u8>> {
        let mut headers = headers(encoding);
        let mut decoder = Decoder::of(&mut headers).expect("it is coded");
        assert!(headers.is_empty(), "{headers:?}");
        let mut plain = Vec::new();
        for piece in body.chunks(size) {
            plain.extend_from_slice(&decoder.decode(piece)?);
        }
        plain.extend_from_slice(&decoder.end()?);
        assert!(decoder.end().is_ok_and(|rest| rest.is_empty()), "an end repeats");
        Ok(plain)
    }

    fn rows() -> [(&'static str, Vec<u8>, &'static [u8]); 7] {
        [
            ("gzip", gzip(PLAIN), PLAIN),
            ("X-GZIP", [gzip(&PLAIN[..9]), gzip(&PLAIN[9..])].concat(), PLAIN),
            ("deflate", packed(ZlibEncoder::new(PLAIN, Compression::best())), PLAIN),
            ("deflate", packed(DeflateEncoder::new(PLAIN, Compression::fast())), PLAIN),
            ("br", BROTLI.to_vec(), b"data: {}\n\n"),
            ("gzip, identity , gzip", gzip(&gzip(PLAIN)), PLAIN),
            ("gzip", Vec::new(), b""),
        ]
    }

    #[test]
    fn each_coding_is_undone_however_it_is_cut_into_pieces() {
        for (encoding, body, plain) in rows() {
            for size in [1, 7, 10_000] {
                let decoded = decoded(encoding, &body, size).expect(encoding);
                assert_eq!(String::from_utf8_lossy(&decoded), String::from_utf8_lossy(plain), "{encoding}");
            }
        }
    }

    #[test]
    fn a_body_that_ends_inside_of_its_coding_is_cut() {
        for (encoding, body, _) in rows().into_iter().filter(|(_, body, _)| !body.is_empty()) {
            assert!(decoded(encoding, &body[..body.len() - 3], 7).is_err(), "{encoding}");
        }
    }

    #[test]
    fn an_event_comes_out_as_soon_as_the_upstream_has_flushed_it() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(PLAIN).and_then(|()| encoder.flush()).expect("writing to memory");
        let mut decoder = Decoder::of(&mut headers("gzip")).expect("it is coded");
        assert_eq!(decoder.decode(encoder.get_ref()).expect("it is gzip"), PLAIN);
    }

    #[test]
    fn a_bomb_is_no_answer() {
        let pair = |at| u8::from_str_radix(&BOMB[at..at + 2], 16).expect("hexadecimal");
        let bomb: Vec<u8> = (0..BOMB.len()).step_by(2).map(pair).collect();
        assert!(decoded("br", &bomb, 10_000).is_err());
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        for encoding in ["compress", "zstd", "gzip, compress", "br, br, br"] {
            let mut headers = headers(encoding);
            assert!(Decoder::of(&mut headers).is_none());
            assert_eq!(headers.len(), 2, "{encoding}");
        }
    }

    #[test]
    fn the_upstream_is_asked_for_what_the_caller_takes_and_can_be_undone() {
        let rows = [
            (None, "identity"),
            (Some("zstd, *"), "identity"),
            (Some("br;q=1.0, GZIP;q=0.5, deflate, zstd"), "br;q=1.0, gzip;q=0.5, deflate"),
        ];
        for (of_the_caller, asked) in rows {
            let value = of_the_caller.map(|value| (ACCEPT_ENCODING, HeaderValue::from_static(value)));
            let mut headers: HeaderMap = value.into_iter().collect();
            ask_for(&mut headers);
            assert_eq!(headers[ACCEPT_ENCODING], asked);
        }
    }
}
