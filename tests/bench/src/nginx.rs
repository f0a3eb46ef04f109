//! nginx as a yardstick: a reverse proxy with keep-alive and nothing else to do.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::process::Process;
use crate::servers::Server;

/// How often its port is tried until it listens.
const TRIES: u32 = 200;

/// Starts nginx in front of an upstream.
///
/// # Errors
/// Where it is not installed, or does not listen within two seconds.
pub fn start(scratch: &Path, upstream: &str, processor: Option<usize>) -> io::Result<Server> {
    let port = free_port()?;
    let file = scratch.join("nginx.conf");
    fs::write(&file, config(scratch, upstream, port))?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(scratch).arg("-c").arg(&file).args(["-e", "error.log"]);
    let process = Process::start(&command, processor)?;
    let address = format!("127.0.0.1:{port}");
    for _ in 0..TRIES {
        if TcpStream::connect(&address).is_ok() {
            return Ok(Server { process, address });
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Another process could take the port before nginx does; then it does not start, and that is told.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Buffering is off, as it has to be for streams of events; a body of 256 KB stays in memory.
fn config(scratch: &Path, upstream: &str, port: u16) -> String {
    let folder = scratch.display();
    format!(
        "daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_max_body_size 64m; client_body_buffer_size 512k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream behind {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off;
    }}
  }}
}}
"
    )
}
