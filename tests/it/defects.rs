//! Defects that measuring found in other gateways. Each is shown to be absent by what can be counted, since
//! times vary with the machine.

use std::io::Read;

use http_body_util::BodyExt;
use pointsman_tests::raw::{self, Raw};
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Client, Setup, Stage, within};
use pointsman_upstream::{Fault, Harm, Moment};

/// Nagle's algorithm holds the second write of a stream back until the first is acknowledged: 40 ms.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_socket_waits_for_acknowledgements() {
    let stalls = Fault::new(Harm::Stall { at: Moment::Content(1) });
    let stage = Setup::new().anthropic("a", free()).fault(stalls).start();
    let gateway = stage.gateway();
    let mut client = Client::connect(&gateway).await;
    let _under_way = client.open(&Ask::messages().streaming()).await.expect("a head");
    let upstream = stage.upstream.base_url();
    let sockets = sockets();
    let of_the_gateway = sockets.iter().filter(|socket| socket.local == gateway);
    let to_the_upstream = sockets.iter().filter(|socket| upstream.ends_with(&format!("//{}", socket.peer)));
    let found: Vec<_> = of_the_gateway.map(|socket| (&socket.peer, socket.nodelay)).collect();
    assert!(!found.is_empty() && found.iter().all(|(_, nodelay)| *nodelay), "callers' side: {found:?}");
    let found: Vec<_> = to_the_upstream.map(|socket| (&socket.local, socket.nodelay)).collect();
    assert!(!found.is_empty() && found.iter().all(|(_, nodelay)| *nodelay), "upstream's side: {found:?}");
}

#[cfg(target_os = "linux")]
struct Socket {
    local: String,
    peer: String,
    nodelay: bool,
}

/// The connections of this process, of which the plugin is a part.
#[cfg(target_os = "linux")]
fn sockets() -> Vec<Socket> {
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("Linux tells").flatten();
    let numbers = descriptors.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(socket).collect()
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the plugin's descriptors are known by their numbers only")]
fn socket(number: i32) -> Option<Socket> {
    // SAFETY: it is asked for its options and not closed. Another thread may close it meanwhile; then the
    // number is nobody's or another socket's, and either can be asked as well.
    let descriptor = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
    let socket = socket2::SockRef::from(&descriptor);
    let address = |address: socket2::SockAddr| address.as_socket().map(|address| address.to_string());
    let (local, peer) = (address(socket.local_addr().ok()?)?, address(socket.peer_addr().ok()?)?);
    Some(Socket { local, peer, nodelay: socket.tcp_nodelay().ok()? })
}

fn before(raw: &Raw) -> Stage {
    Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start()
}

/// Agents' clients accept compressed answers. To compress for a reader on the same machine costs four times
/// what passing on does.
#[tokio::test]
async fn nothing_is_compressed_on_its_way() {
    let body =
        format!(r#"{{"type":"message","content":[{{"type":"text","text":"{}"}}]}}"#, "pong ".repeat(4_000));
    let raw = Raw::json(&body);
    let ask = Ask::messages().header("accept-encoding", "br, gzip, deflate, zstd");
    let answer = before(&raw).client().await.send(&ask).await.good();
    assert_eq!((answer.header("content-encoding"), answer.text()), (None, body));
    assert_eq!(raw.next().values("accept-encoding"), ["br, gzip, deflate"], "what the router can undo");
}

/// Each hop may compress where nothing is said, and may do so all the same: errors are read, and nobody who asked
/// for no coding is sent one.
#[tokio::test]
async fn a_coding_that_nobody_asked_for_is_undone() {
    let body = r#"{"type":"message","content":[{"type":"text","text":"pong"}]}"#;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n";
    let packed = gzip(body.as_bytes());
    let head = format!("{head}Content-Length: {}\r\n\r\n", packed.len());
    let raw = Raw::start(vec![[head.into_bytes(), packed].concat()]);
    let answer = before(&raw).client().await.send(&Ask::messages()).await.good();
    assert_eq!((answer.header("content-encoding"), answer.text()), (None, body.to_owned()));
    assert_eq!(raw.next().values("accept-encoding"), ["identity"]);
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(plain, flate2::Compression::default());
    encoder.read_to_end(&mut packed).expect("reading from memory");
    packed
}

/// What comes in one piece goes on in one, and not event by event: each would be a write here, and a
/// wake-up there.
#[tokio::test]
async fn a_burst_goes_on_as_it_came() {
    let delta = b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"pong\"}}\n\n";
    let burst = raw::events(&[&delta[..]; 52]).concat();
    let stage = before(&Raw::start(vec![burst]));
    let mut client = stage.client().await;
    let mut answer = client.open(&Ask::messages().streaming()).await.expect("a head");
    let (mut pieces, mut length) = (0, 0);
    while let Some(frame) = within(answer.frame()).await {
        pieces += 1;
        length += frame.expect("no break").into_data().expect("no trailers").len();
    }
    assert_eq!(length, delta.len() * 52);
    assert!(pieces <= 3, "{pieces} pieces");
}
