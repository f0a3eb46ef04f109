//! A small HTTP client for the plugin's HTTP face: a GET over the loopback or a Unix socket.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A gateway on the same machine answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns the URL for an address of the plugin: `HOST:PORT` or `unix:PATH`. A wildcard address becomes the
/// loopback.
pub(crate) fn url(address: &str) -> String {
    let here = [("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")];
    let port = |(all, own): (&str, &str)| Some(format!("{own}{}", address.strip_prefix(all)?));
    if let Some(address) = here.into_iter().find_map(port) {
        return url(&address);
    }
    let complete = address.contains("://") || address.starts_with("unix:");
    if complete { address.to_owned() } else { format!("http://{address}") }
}

/// Gets `path` from the gateway at `url`.
///
/// # Errors
/// No answer in time, or a status other than 200.
pub(crate) async fn get(url: &str, path: &str) -> anyhow::Result<Bytes> {
    let (status, body) = ask(url, path).await?;
    if status != StatusCode::OK {
        bail!("{} answered {path} with {status}", url.strip_prefix("http://").unwrap_or(url));
    }
    Ok(body)
}

/// Gets `path` from the gateway at `url`, with any status.
///
/// # Errors
/// No answer in time.
pub(crate) async fn ask(url: &str, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let answer = tokio::time::timeout(PATIENCE, reach(url, path)).await;
    answer.with_context(|| format!("no answer from {url} within {} s", PATIENCE.as_secs()))?
}

async fn reach(url: &str, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    if let Some(socket) = url.strip_prefix("unix:") {
        return ask_socket(socket, path).await;
    }
    let Some(rest) = url.strip_prefix("http://") else { bail!("{url} is not like http://HOST:PORT") };
    let authority = rest.split('/').next().unwrap_or(rest);
    let address = if has_port(authority) { authority.to_owned() } else { format!("{authority}:80") };
    let stream = TcpStream::connect(&address).await.with_context(|| format!("cannot reach {url}"))?;
    exchange(stream, authority, path).await
}

fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

#[cfg(unix)]
async fn ask_socket(socket: &str, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let stream = tokio::net::UnixStream::connect(socket).await;
    exchange(stream.with_context(|| format!("cannot reach unix:{socket}"))?, "localhost", path).await
}

#[cfg(not(unix))]
async fn ask_socket(socket: &str, _: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    bail!("unix:{socket} needs a system with Unix sockets")
}

async fn exchange<S>(stream: S, host: &str, path: &str) -> anyhow::Result<(StatusCode, Bytes)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = http::Request::get(path).header(http::header::HOST, host).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    driver.abort();
    Ok((status, body))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one connection with `answer` and returns the first line of what was asked.
    async fn once(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = url(&listener.local_addr().expect("its address").to_string());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut head = vec![0; 4096];
            let size = stream.read(&mut head).await.expect("a request");
            stream.write_all(answer.as_bytes()).await.expect("an answer");
            let head = String::from_utf8_lossy(&head[..size]);
            head.lines().next().unwrap_or_default().to_owned()
        });
        (url, asked)
    }

    #[tokio::test]
    async fn a_body_is_fetched() {
        let (url, asked) = once("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
        assert_eq!(get(&url, "/health").await.expect("an answer"), "hi");
        assert_eq!(asked.await.expect("a task"), "GET /health HTTP/1.1");
    }

    #[tokio::test]
    async fn another_status_is_an_error() {
        let (url, _) = once("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
        let error = get(&url, "/health").await.expect_err("not found").to_string();
        assert!(error.ends_with("answered /health with 404 Not Found"), "{error}");
    }

    #[tokio::test]
    async fn who_asks_for_it_gets_the_body_of_another_status_too() {
        let (url, _) = once("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno").await;
        let (status, body) = ask(&url, "/explain/x").await.expect("an answer");
        assert_eq!((status.as_u16(), &body[..]), (404, &b"no"[..]));
    }

    #[tokio::test]
    async fn what_is_not_http_is_refused() {
        let error = get("https://example.com", "/").await.expect_err("no TLS here").to_string();
        assert_eq!(error, "https://example.com is not like http://HOST:PORT");
    }

    #[test]
    fn an_address_becomes_a_url() {
        assert_eq!(url("127.0.0.1:1"), "http://127.0.0.1:1");
        assert_eq!(url("http://127.0.0.1:1"), "http://127.0.0.1:1");
        assert_eq!(url("unix:/run/p.sock"), "unix:/run/p.sock");
        assert_eq!(url("0.0.0.0:8787"), "http://127.0.0.1:8787");
        assert_eq!(url("[::]:8787"), "http://[::1]:8787");
    }
}
