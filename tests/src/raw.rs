//! An upstream of raw bytes, for what no server that speaks HTTP would send.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crate::PATIENCE;

/// Answers every connection with the same pieces of bytes, and shows what was asked.
///
/// It serves until the process ends.
#[derive(Debug)]
pub struct Raw {
    base: String,
    asked: Receiver<Asked>,
}

/// A request as it was on the wire.
#[derive(Clone, Debug)]
pub struct Asked {
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
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (tell, asked) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (pieces, tell) = (pieces.clone(), tell.clone());
                // A client that goes away early is part of some tests.
                thread::spawn(move || drop(answer(stream, &pieces, &tell)));
            }
        });
        Self { base, asked }
    }

    /// Starts with one whole JSON answer.
    pub fn json(body: &str) -> Self {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        Self::start(vec![head.into_bytes()])
    }

    /// Starts with a stream of server-sent events, in chunks of exactly these bytes.
    pub fn events(chunks: &[&[u8]]) -> Self {
        let head =
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunks =
            chunks.iter().map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        Self::start(std::iter::once(head.to_vec()).chain(chunks).chain([b"0\r\n\r\n".to_vec()]).collect())
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
}

fn answer(stream: TcpStream, pieces: &[Vec<u8>], tell: &Sender<Asked>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let asked = read(&mut reader)?;
    // Nobody may be looking.
    let _ = tell.send(asked);
    let mut stream = stream;
    for piece in pieces {
        stream.write_all(piece)?;
        stream.flush()?;
    }
    Ok(())
}

fn read(reader: &mut impl BufRead) -> io::Result<Asked> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let asked = Asked { head, body: Vec::new() };
    let length = asked.values("content-length").first().and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Asked { body, ..asked })
}
