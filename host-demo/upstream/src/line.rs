//! The TCP connection below HTTP, for the harm that HTTP cannot do: a reset, and bytes that are not HTTP.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What is sent in place of HTTP.
const GARBAGE: &[u8] = b"\x16\x03\x01\x00\xff not http \x00\xfe\xff\r\n\r\n";

/// What a connection has come to; requests set it, the connection obeys.
#[derive(Debug, Default)]
pub(crate) struct Fate(AtomicU8);

const SOUND: u8 = 0;
const RESET: u8 = 1;
const GARBLED: u8 = 2;

impl Fate {
    /// Closing will reset the connection.
    pub(crate) fn reset(&self) {
        self.0.store(RESET, Ordering::Relaxed);
    }

    /// Garbage will be sent in place of all that follows.
    pub(crate) fn garble(&self) {
        self.0.store(GARBLED, Ordering::Relaxed);
    }

    fn is(&self, state: u8) -> bool {
        self.0.load(Ordering::Relaxed) == state
    }
}

#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    fate: Arc<Fate>,
    garbage: &'static [u8],
}

impl Line {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, fate: Arc::new(Fate(AtomicU8::new(SOUND))), garbage: GARBAGE }
    }

    pub(crate) fn fate(&self) -> Arc<Fate> {
        self.fate.clone()
    }

    /// Swallows what HTTP writes; the garbage goes out once.
    fn poll_garbage(&mut self, cx: &mut Context<'_>, swallowed: usize) -> Poll<io::Result<usize>> {
        while !self.garbage.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, self.garbage))?;
            self.garbage = &self.garbage[sent..];
        }
        Poll::Ready(Ok(swallowed))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.fate.is(RESET) {
            // Where it fails, the connection is closed in the ordinary way, in the middle of a body too.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.fate.is(GARBLED) {
            return self.poll_garbage(cx, buf.len());
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.fate.is(GARBLED) {
            return self.poll_garbage(cx, bufs.iter().map(|buf| buf.len()).sum());
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.fate.is(RESET) {
            return Poll::Ready(Ok(())); // an orderly end would come before the reset
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
