//! A relay between an agent and its gateway, which sees when the agent lets go of a stream.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};

/// Starts an agent with the relay's address in place of the gateway's, which it writes down first.
const THROUGH: &str = r#"
base=$(printf %s "$GOOGLE_GEMINI_BASE_URL$OPENCODE_CONFIG_CONTENT" | grep -o 'http://127\.0\.0\.1:[0-9]*' | head -n 1)
printf %s "${base#http://}" > "$0"
relay=$1; shift
if [ -n "$GOOGLE_GEMINI_BASE_URL" ]; then export GOOGLE_GEMINI_BASE_URL="$relay"; fi
if [ -n "$OPENCODE_CONFIG_CONTENT" ]; then
    OPENCODE_CONFIG_CONTENT=$(printf %s "$OPENCODE_CONFIG_CONTENT" | sed "s#$base#$relay#g")
    export OPENCODE_CONFIG_CONTENT
fi
exec "$@"
"#;

/// Passes bytes on, both ways.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    /// The file that says where the gateway is, once the agent was started.
    gateway: PathBuf,
    let_go: Arc<Mutex<Vec<Instant>>>,
}

impl Relay {
    /// Starts on the loopback.
    pub(crate) async fn start(gateway: PathBuf) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let relay = Self { address, gateway, let_go: Arc::default() };
        let (gateway, let_go) = (relay.gateway.clone(), relay.let_go.clone());
        tokio::spawn(async move {
            while let Ok((agent, _)) = listener.accept().await {
                // Whoever went away is seen by the other side.
                tokio::spawn(pass(agent, gateway.clone(), let_go.clone()));
            }
        });
        relay
    }

    /// Returns the command that runs an agent through this.
    pub(crate) fn through(&self, agent: &[String]) -> Vec<String> {
        let gateway = self.gateway.to_str().expect("a path of text").to_owned();
        let own = ["sh".to_owned(), "-c".to_owned(), THROUGH.to_owned(), gateway];
        own.into_iter().chain([format!("http://{}", self.address)]).chain(agent.iter().cloned()).collect()
    }

    /// Returns when the agent closed connections on which a stream was under way.
    pub(crate) fn let_go(&self) -> Vec<Instant> {
        self.let_go.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass(agent: TcpStream, gateway: PathBuf, let_go: Arc<Mutex<Vec<Instant>>>) -> io::Result<()> {
    let gateway = TcpStream::connect(fs::read_to_string(gateway)?).await?;
    let ((from_agent, mut to_agent), (mut from_gateway, to_gateway)) =
        (agent.into_split(), gateway.into_split());
    let mut asking = tokio::spawn(until_closed(from_agent, to_gateway));
    let (mut piece, mut is_stream) = (vec![0; 65_536], false);
    loop {
        tokio::select! {
            closed = &mut asking => {
                if is_stream && let Ok(closed) = closed {
                    let_go.lock().unwrap_or_else(PoisonError::into_inner).push(closed);
                }
                return Ok(());
            }
            length = from_gateway.read(&mut piece) => {
                let length = length?;
                if length == 0 {
                    return to_agent.shutdown().await;
                }
                is_stream |= String::from_utf8_lossy(&piece[..length]).contains("text/event-stream");
                to_agent.write_all(&piece[..length]).await?;
            }
        }
    }
}

/// Passes on what an agent asks, and returns when it closed the connection.
async fn until_closed(mut agent: OwnedReadHalf, mut gateway: tokio::net::tcp::OwnedWriteHalf) -> Instant {
    let mut piece = vec![0; 65_536];
    while let Ok(length @ 1..) = agent.read(&mut piece).await {
        if gateway.write_all(&piece[..length]).await.is_err() {
            break;
        }
    }
    Instant::now()
}
