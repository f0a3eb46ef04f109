//! A queue of lines in front of standard error, so that whoever does not read it holds up nobody.
//!
//! A pipe that nobody reads is full after 64 KiB, and then a write waits for ever. Only a thread of its own writes
//! here. Lines that find the queue full are left out and counted, and the count is told as soon as there is room.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

/// A burst of the log at debug level is some hundred lines.
const ROOM: usize = 4_096;
/// How long the end of the program waits for lines to be written.
const FLUSH: Duration = Duration::from_secs(1);

/// The near end of the queue.
#[derive(Clone)]
pub(crate) struct Lines {
    queue: SyncSender<Entry>,
    left_out: Arc<AtomicU64>,
}

enum Entry {
    Line(String),
    /// Tells that all lines before it were written.
    Flush(SyncSender<()>),
}

impl Lines {
    /// Begins to write to standard error.
    pub(crate) fn to_stderr() -> io::Result<Self> {
        Self::to(ROOM, io::stderr())
    }

    fn to(room: usize, out: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, entries) = mpsc::sync_channel(room);
        let left_out = Arc::new(AtomicU64::new(0));
        let counter = left_out.clone();
        thread::Builder::new().name("stderr".to_owned()).spawn(move || write_all(&entries, &counter, out))?;
        Ok(Self { queue, left_out })
    }

    /// Puts a line into the queue, or counts it where there is no room. Never waits.
    pub(crate) fn say(&self, line: String) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Entry::Line(line)) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until the lines so far were written, a second at the longest.
    pub(crate) fn flush(&self) {
        let (done, written) = mpsc::sync_channel(1);
        if self.queue.try_send(Entry::Flush(done)).is_ok() {
            // Where nobody reads, the lines are lost with the program.
            let _ = written.recv_timeout(FLUSH);
        }
    }
}

/// Whoever closed standard error does not want to know, so that errors of writing are left alone.
fn write_all(entries: &Receiver<Entry>, left_out: &AtomicU64, mut out: impl Write) {
    for entry in entries {
        match entry {
            Entry::Line(line) => {
                let _ = writeln!(out, "{line}");
            }
            Entry::Flush(done) => {
                let _ = out.flush();
                let _ = done.try_send(());
            }
        }
        let count = left_out.swap(0, Ordering::Relaxed);
        if count > 0 {
            let _ = writeln!(out, "({count} lines were left out: nobody read standard error)");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex, PoisonError};

    use super::*;

    /// A reader that reads nothing until it is told to.
    #[derive(Clone, Default)]
    struct Pipe(Arc<(Mutex<(bool, String)>, Condvar)>);

    impl Pipe {
        fn open(&self) {
            self.0.0.lock().expect("a lock").0 = true;
            self.0.1.notify_all();
        }

        fn text(&self) -> String {
            self.0.0.lock().expect("a lock").1.clone()
        }
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.0.1.wait_while(state, |state| !state.0);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner);
            state.1.push_str(&String::from_utf8_lossy(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_does_not_read_holds_up_nobody_and_is_told_what_was_left_out() {
        let pipe = Pipe::default();
        let lines = Lines::to(4, pipe.clone()).expect("a thread");
        for number in 0..100 {
            lines.say(format!("line {number}"));
        }
        pipe.open();
        while !pipe.text().contains("left out") {
            thread::yield_now();
        }
        let told = pipe.text();
        assert!(told.starts_with("line 0\n"), "{told}");
        assert!(told.contains(" lines were left out: nobody read standard error"), "{told}");
    }

    #[test]
    fn a_flush_waits_for_the_lines_before_it() {
        let pipe = Pipe::default();
        pipe.open();
        let lines = Lines::to(4, pipe.clone()).expect("a thread");
        lines.say("last words".to_owned());
        lines.flush();
        assert_eq!(pipe.text(), "last words\n");
    }

    #[test]
    fn a_broken_pipe_is_no_reason_to_fail() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let lines = Lines::to(4, Broken).expect("a thread");
        lines.say("nobody hears it".to_owned());
        lines.flush();
    }
}
