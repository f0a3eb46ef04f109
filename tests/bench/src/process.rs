//! Processes under measurement: started on one processor, their time and memory read from `/proc`.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that ends with its owner.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts a program, on one processor where that is possible.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub fn start(command: &Command, processor: Option<usize>) -> io::Result<Self> {
        let child = pinned(command, processor).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child })
    }

    /// Reads the first line that it writes: where it listens.
    ///
    /// # Errors
    /// Where it ends without one.
    pub fn first_line(&mut self) -> io::Result<String> {
        let stdout = self.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line.trim().to_owned()) }
    }

    /// Returns its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the processor time of it and of its children.
    pub fn cpu(&self) -> Duration {
        children(self.id()).into_iter().map(cpu).fold(cpu(self.id()), |sum, more| sum + more)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for child in children(self.id()) {
            // It may be gone already.
            let _ = Command::new("kill").arg(child.to_string()).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Moves this process to one processor. Returns whether that was possible.
pub fn pin_self(processor: usize) -> bool {
    let arguments = ["-a", "-c", "-p", &processor.to_string(), &std::process::id().to_string()];
    let taskset = Command::new("taskset").args(arguments).stdout(Stdio::null()).status();
    taskset.is_ok_and(|status| status.success())
}

/// Returns the processor time of a process: the sum over its threads, in nanoseconds from the scheduler.
pub fn cpu(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    threads.map(|thread| on_processor(&thread.path())).sum()
}

/// Returns a size from the status of a process, such as `VmRSS` or `VmHWM`, in KiB.
pub fn memory(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

fn on_processor(thread: &Path) -> Duration {
    let text = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

fn children(process: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

fn pinned(command: &Command, processor: Option<usize>) -> Command {
    let has_taskset = Path::new("/usr/bin/taskset").exists();
    let Some(processor) = processor.filter(|_| has_taskset) else {
        return copy(command, command.get_program().as_ref());
    };
    let mut pinned = Command::new("taskset");
    pinned.arg("-c").arg(processor.to_string()).arg(command.get_program());
    pinned.args(command.get_args());
    with_variables(pinned, command)
}

fn copy(command: &Command, program: &Path) -> Command {
    let mut copy = Command::new(program);
    copy.args(command.get_args());
    with_variables(copy, command)
}

fn with_variables(mut copy: Command, command: &Command) -> Command {
    copy.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    copy
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_some_time_and_memory() {
        let own = std::process::id();
        assert!(memory(own, "VmRSS") > 0);
        let before = cpu(own);
        let mut sum = 0_u64;
        while cpu(own) == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }

    #[test]
    fn a_process_ends_with_its_owner() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; exec sleep 1000"]);
        let mut process = Process::start(&command, None).expect("a shell");
        assert_eq!(process.first_line().expect("a line"), "ready");
        let id = process.id();
        drop(process);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }
}
