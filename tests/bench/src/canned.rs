//! An upstream that costs next to nothing: it has one answer, as bytes, and writes it.
//!
//! A saturated stream is only as fast as its source. This one makes nothing while it sends, so that what
//! is measured is the reader. Or it writes the time into each event, some while apart, so that a reader
//! on the same machine can tell how long an event was on its way.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::process::Process;
use crate::servers::Server;

/// The variable that makes a benchmark's program be this upstream: how many events, and how many
/// microseconds apart.
const VARIABLE: &str = "POINTSMAN_BENCH_CANNED";
/// Bytes of one event, and of one chunk.
pub const CHUNK: usize = 120;
/// The largest time that fits into an event, five hexadecimal digits; after it the clock begins again.
const STAMPS: u64 = 0xf_ffff;
const BEFORE: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"";
const AFTER: &str = "\"}}\n\n";
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const LAST: &str = "0\r\n\r\n";

/// What the upstream answers.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub events: usize,
    /// Zero for all at once.
    pub gap: Duration,
}

/// Serves, and does not return, where this process was started to do that.
///
/// # Errors
/// Where there is no port to listen on.
pub fn serve_if_told() -> io::Result<()> {
    let told = std::env::var(VARIABLE).ok();
    told.and_then(|told| read(&told)).map_or(Ok(()), serve)
}

/// Starts this program again as an upstream.
///
/// # Errors
/// Whatever keeps it from starting.
pub fn start(answer: Answer, processor: Option<usize>) -> io::Result<Server> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(VARIABLE, format!("{} {}", answer.events, answer.gap.as_micros()));
    let mut process = Process::start(&command, processor)?;
    let address = process.first_line()?;
    Ok(Server { process, address })
}

/// Returns how long ago the events in `bytes` were written, where they tell.
pub fn ages(bytes: &[u8]) -> impl Iterator<Item = Duration> {
    let now = stamp();
    let events = bytes.chunks_exact(CHUNK).map(|event| &event[BEFORE.len()..CHUNK - AFTER.len()]);
    let stamps = events.filter_map(|stamp| u64::from_str_radix(str::from_utf8(stamp).ok()?, 16).ok());
    stamps.map(move |then| Duration::from_micros(now.wrapping_sub(then) & STAMPS))
}

fn read(told: &str) -> Option<Answer> {
    let (events, gap) = told.split_once(' ')?;
    Some(Answer { events: events.parse().ok()?, gap: Duration::from_micros(gap.parse().ok()?) })
}

/// Reads the clock that all processes share, in microseconds, as far as it fits into an event.
fn stamp() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time.as_micros() as u64 & STAMPS
}

fn serve(answer: Answer) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let burst: Arc<[u8]> = burst(if answer.gap.is_zero() { answer.events } else { 0 }).into();
    for stream in listener.incoming() {
        let (mut stream, burst) = (stream?, burst.clone());
        // A client that goes away ends its connection and nothing else.
        thread::spawn(move || converse(&mut stream, &burst, answer));
    }
    Ok(())
}

fn converse(stream: &mut TcpStream, burst: &[u8], answer: Answer) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..length]);
        // All requests of the benchmarks are JSON objects of an object in a list.
        if request.ends_with(b"}]}") {
            request.clear();
            if answer.gap.is_zero() { stream.write_all(burst)? } else { pace(stream, answer)? }
        }
    }
}

fn burst(events: usize) -> Vec<u8> {
    [HEAD, &event(0).repeat(events), LAST].concat().into_bytes()
}

fn pace(stream: &mut TcpStream, answer: Answer) -> io::Result<()> {
    stream.write_all(HEAD.as_bytes())?;
    for _ in 0..answer.events {
        thread::sleep(answer.gap);
        stream.write_all(event(stamp()).as_bytes())?;
    }
    stream.write_all(LAST.as_bytes())
}

fn event(stamp: u64) -> String {
    let width = CHUNK - BEFORE.len() - AFTER.len();
    format!("{CHUNK:x}\r\n{BEFORE}{stamp:0width$x}{AFTER}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn its_answer_is_one_answer() {
        let mut reader = wire::Answer::default();
        assert!(reader.feed(&burst(1_000)).expect("a good answer"));
        assert_eq!(burst(2).len() - burst(1).len(), CHUNK + 6);
    }

    #[test]
    fn an_event_tells_its_age() {
        let event = event(stamp().wrapping_sub(5_000) & STAMPS);
        let body = &event.as_bytes()[4..4 + CHUNK];
        let ages: Vec<_> = ages(body).collect();
        assert!(ages.len() == 1 && ages[0] >= Duration::from_millis(5), "{ages:?}");
    }
}
