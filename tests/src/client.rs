//! A plain HTTP client for the gateway: one connection, nothing clever.

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::ask::Ask;
use crate::heard::Heard;
use crate::within;

/// A client with a connection of its own. Dropping it closes the connection at once.
#[derive(Debug)]
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
}

impl Client {
    /// Connects to `address`, which is as `listen` returned it: `HOST:PORT` or `unix:PATH`.
    ///
    /// # Panics
    /// Where nobody listens there.
    pub async fn connect(address: &str) -> Self {
        match address.strip_prefix("unix:") {
            #[cfg(unix)]
            Some(path) => Self::over(tokio::net::UnixStream::connect(path).await.expect("a socket")).await,
            #[cfg(not(unix))]
            Some(path) => panic!("no unix sockets for {path}"),
            None => Self::over(TcpStream::connect(address).await.expect("a gateway")).await,
        }
    }

    async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
        let connection = tokio::spawn(async {
            // How a connection ends is seen in its answers.
            let _ = connection.await;
        });
        Self { sender, connection }
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// Where the gateway closes the connection without one.
    pub async fn open(&mut self, ask: &Ask) -> hyper::Result<Response<Incoming>> {
        within(async {
            self.sender.ready().await?;
            self.sender.send_request(ask.http()).await
        })
        .await
    }

    /// Sends a request and reads its answer to the end, good or bad.
    ///
    /// # Panics
    /// Where there is no answer.
    pub async fn send(&mut self, ask: &Ask) -> Heard {
        let response = self.open(ask).await.expect("the gateway answers");
        within(all(response)).await
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Reads an answer to its end.
pub async fn all(response: Response<Incoming>) -> Heard {
    let (head, mut incoming) = response.into_parts();
    let headers = head.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let (mut body, mut broken) = (Vec::new(), None);
    while let Some(frame) = incoming.frame().await {
        match frame {
            Ok(frame) => body.extend_from_slice(frame.data_ref().map_or(&[], |bytes| bytes)),
            Err(error) => {
                broken = Some(error.to_string());
                break;
            }
        }
    }
    Heard { status: head.status.as_u16(), headers: headers.collect(), body, broken }
}
