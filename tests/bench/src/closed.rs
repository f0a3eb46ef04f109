//! A closed loop: so many connections, each with one request under way at all times.
//!
//! It saturates a server; its latencies would be too good to be true, so it takes none.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::wire::Answer;

/// Keep-alive connections to one server, all driven by the calling thread.
#[derive(Debug)]
pub struct Connections {
    runtime: Runtime,
    idle: Vec<TcpStream>,
}

impl Connections {
    /// Opens connections.
    ///
    /// # Errors
    /// Where the server does not accept them.
    pub fn open(address: &str, count: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut idle = Vec::with_capacity(count);
        for _ in 0..count {
            let stream = runtime.block_on(TcpStream::connect(address))?;
            stream.set_nodelay(true)?;
            idle.push(stream);
        }
        Ok(Self { runtime, idle })
    }

    /// Sends the same request `count` times in all, as fast as it is answered.
    ///
    /// # Errors
    /// Where an answer is not a good one or a connection breaks.
    pub fn send(&mut self, request: &[u8], count: usize) -> io::Result<()> {
        let left = Arc::new(AtomicUsize::new(count));
        let request: Arc<[u8]> = request.into();
        let streams = std::mem::take(&mut self.idle);
        self.idle = self.runtime.block_on(async {
            let tasks: Vec<_> = streams
                .into_iter()
                .map(|stream| tokio::spawn(busy(stream, request.clone(), left.clone())))
                .collect();
            let mut idle = Vec::with_capacity(tasks.len());
            for task in tasks {
                idle.push(task.await.map_err(io::Error::other)??);
            }
            io::Result::Ok(idle)
        })?;
        Ok(())
    }
}

async fn busy(mut stream: TcpStream, request: Arc<[u8]>, left: Arc<AtomicUsize>) -> io::Result<TcpStream> {
    let mut buffer = vec![0; 64 * 1024];
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        stream.write_all(&request).await?;
        let mut answer = Answer::default();
        loop {
            let length = stream.read(&mut buffer).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if answer.feed(&buffer[..length]).map_err(|bad| io::Error::other(bad.0))? {
                break;
            }
        }
    }
    Ok(stream)
}
