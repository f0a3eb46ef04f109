//! An upstream of raw bytes, for what no server that speaks HTTP would send.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crate::PATIENCE;

/// Answers every request with the same pieces of bytes, and shows what was asked.
///
/// It serves until the process ends.
#[derive(Debug)]
pub struct Raw {
    base: String,
    asked: Receiver<Asked>,
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Close,
    Keep,
    /// It is kept, and closed when the next request has come.
    CloseInPlaceOfAnAnswer,
}

/// A request as it was on the wire.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which connection it came by, the first being 0.
    pub connection: usize,
    /// The request line and the headers, one line each.
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

impl Asked {
    /// Returns the values of a header in their order.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let headers = self.head.iter().filter_map(|line| line.split_once(": "));
        headers.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

impl Raw {
    /// Starts on the loopback. Each piece is written and flushed by itself; then the connection is closed.
    ///
    /// # Panics
    /// Where no port can be had.
    pub fn start(pieces: Vec<Vec<u8>>) -> Self {
        Self::serve(pieces, Then::Close)
    }

    /// Starts, and keeps connections open.
    pub fn keeping(pieces: Vec<Vec<u8>>) -> Self {
        Self::serve(pieces, Then::Keep)
    }

    /// Starts, and answers the first request of each connection only: at the second it closes it.
    pub fn fickle(pieces: Vec<Vec<u8>>) -> Self {
        Self::serve(pieces, Then::CloseInPlaceOfAnAnswer)
    }

    /// Starts, and gives each request the next of these answers; the last one again and again.
    ///
    /// # Panics
    /// Where no port can be had.
    pub fn in_turn(answers: Vec<Vec<u8>>) -> Self {
        let last = answers.len() - 1;
        Self::each(move |number| (vec![answers[number.min(last)].clone()], Then::Close))
    }

    fn serve(pieces: Vec<Vec<u8>>, then: Then) -> Self {
        Self::each(move |_| (pieces.clone(), then))
    }

    /// Serves each connection as it is told for its number.
    fn each(told: impl Fn(usize) -> (Vec<Vec<u8>>, Then) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (tell, asked) = mpsc::channel();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let ((pieces, then), tell) = (told(number), tell.clone());
                // A client that goes away early is part of some tests.
                thread::spawn(move || drop(converse(stream, number, &pieces, then, &tell)));
            }
        });
        Self { base, asked }
    }

    /// Starts with one whole JSON answer.
    pub fn json(body: &str) -> Self {
        Self::start(vec![json(body)])
    }

    /// Starts with a stream of server-sent events, in chunks of exactly these bytes.
    pub fn events(chunks: &[&[u8]]) -> Self {
        Self::start(events(chunks))
    }

    /// Returns the base URL.
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// Waits for the next request.
    ///
    /// # Panics
    /// Where none comes.
    pub fn next(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).expect("a request comes")
    }

    /// Returns the next of the requests that have come.
    pub fn next_if_any(&self) -> Option<Asked> {
        self.asked.try_recv().ok()
    }
}

/// Returns a whole JSON answer.
pub fn json(body: &str) -> Vec<u8> {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Returns a stream of server-sent events: its head, a piece for each chunk, and its end.
pub fn events(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks =
        chunks.iter().map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    std::iter::once(head.to_vec()).chain(chunks).chain([b"0\r\n\r\n".to_vec()]).collect()
}

fn converse(
    mut stream: TcpStream,
    connection: usize,
    pieces: &[Vec<u8>],
    then: Then,
    tell: &Sender<Asked>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    for request in 0.. {
        let asked = read(&mut reader, connection)?;
        // Nobody may be looking.
        let _ = tell.send(asked);
        if request > 0 && then == Then::CloseInPlaceOfAnAnswer {
            return Ok(());
        }
        for piece in pieces {
            stream.write_all(piece)?;
            stream.flush()?;
        }
        if then == Then::Close {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads a request.
pub(crate) fn read(reader: &mut impl BufRead, connection: usize) -> io::Result<Asked> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let asked = Asked { connection, head, body: Vec::new() };
    let length = asked.values("content-length").first().and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Asked { body, ..asked })
}
