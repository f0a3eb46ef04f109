//! The least that a gateway on hyper costs: it reads a request as a whole, as one has to that may send it
//! again, hands it on, and decides nothing. `beside_nginx.py --bare` puts it beside nginx and the gateway.
//!
//!     bare_proxy HOST:PORT
//!
//! It prints the address that it listens at.

use std::cell::RefCell;
use std::error::Error;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

type Failure = Box<dyn Error + Send + Sync>;

/// The upstream, and connections to it that nobody uses.
struct Proxy {
    upstream: String,
    kept: RefCell<Vec<SendRequest<Full<Bytes>>>>,
}

impl Proxy {
    async fn pass(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Failure> {
        let (mut head, body) = request.into_parts();
        head.headers.insert(header::HOST, HeaderValue::from_str(&self.upstream)?);
        let body = Full::new(body.collect().await?.to_bytes());
        let mut connection = self.connection().await?;
        let answer = connection.send_request(Request::from_parts(head, body)).await?;
        let (head, body) = answer.into_parts();
        let body = Full::new(body.collect().await?.to_bytes());
        self.kept.borrow_mut().push(connection);
        Ok(Response::from_parts(head, body))
    }

    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let kept = self.kept.borrow_mut().pop();
        if let Some(mut kept) = kept
            && kept.ready().await.is_ok()
        {
            return Ok(kept);
        }
        let stream = TcpStream::connect(&self.upstream).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        spawn_local(driver);
        Ok(connection)
    }
}

#[expect(clippy::print_stdout, reason = "whoever starts it reads the address")]
async fn serve(upstream: String) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let proxy = Rc::new(Proxy { upstream, kept: RefCell::default() });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let proxy = proxy.clone();
        let service = service_fn(move |request| {
            let proxy = proxy.clone();
            async move { proxy.pass(request).await }
        });
        spawn_local(Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn main() -> Result<(), Failure> {
    let upstream = std::env::args().nth(1).ok_or("which upstream? bare_proxy HOST:PORT")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, serve(upstream))
}
