//! An open loop: requests start at a fixed rate whether or not the ones before have been answered.
//!
//! A latency counts from the instant at which the request was meant to start, so that a stall of the
//! server is charged to every request that it delays.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::histogram::Histogram;
use crate::wire::Answer;

/// Who sends: each has one connection, and takes every n-th start.
const SENDERS: u32 = 16;

/// Sends `request` at `rate` per second for `span`.
///
/// # Errors
/// Where an answer is not a good one or a connection breaks.
pub fn run(address: &str, request: &[u8], rate: u32, span: Duration) -> io::Result<Histogram> {
    let start = Instant::now() + Duration::from_millis(20);
    let starts = (span.as_secs_f64() * f64::from(rate)) as u32;
    let mut all = Histogram::default();
    thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|first| {
                let plan = (first..starts).step_by(SENDERS as usize);
                let plan = plan
                    .map(move |number| start + Duration::from_secs_f64(f64::from(number) / f64::from(rate)));
                scope.spawn(move || sender(address, request, plan))
            })
            .collect();
        for sender in senders {
            let own = sender.join().map_err(|_| io::Error::other("a sender panicked"))??;
            all.merge(&own);
        }
        Ok(all)
    })
}

fn sender(address: &str, request: &[u8], plan: impl Iterator<Item = Instant>) -> io::Result<Histogram> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut latencies = Histogram::default();
    for meant in plan {
        thread::sleep(meant.saturating_duration_since(Instant::now()));
        stream.write_all(request)?;
        let mut answer = Answer::default();
        while !read(&mut stream, &mut buffer, &mut answer)? {}
        latencies.record(meant.elapsed());
    }
    Ok(latencies)
}

fn read(stream: &mut TcpStream, buffer: &mut [u8], answer: &mut Answer) -> io::Result<bool> {
    let length = stream.read(buffer)?;
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    answer.feed(&buffer[..length]).map_err(|bad| io::Error::other(bad.0))
}
