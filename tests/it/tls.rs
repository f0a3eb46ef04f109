//! Upstreams that are spoken to by TLS, through the program as a person starts it, who names the authority
//! that signed their certificates in `SSL_CERT_FILE`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use pointsman_tests::program::pointsman;
use pointsman_tests::raw::{events, json};
use pointsman_tests::tls::{End, Tls, file};
use pointsman_tests::{Ask, Client, Heard, plugin, within};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A gateway in a process of its own, which ends with this.
struct Gateway {
    _child: Child,
    _folder: tempfile::TempDir,
    address: String,
}

impl Gateway {
    async fn start(base: &str, authorities: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("pointsman.yaml");
        let text = format!(
            "max_wait: 0s\nstore: memory\nproviders:\n  anthropic: {{base_url: '{base}'}}\n\
             accounts:\n  - {{id: 'anthropic:a', api_key: k}}\n"
        );
        std::fs::write(&config, text).expect("a file");
        let mut command = Command::new(pointsman());
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&config);
        command.env("POINTSMAN_PLUGIN", plugin::path()).env("SSL_CERT_FILE", authorities);
        command.env_remove("SSL_CERT_DIR").env("NO_PROXY", "*").stdout(Stdio::piped());
        command.stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().expect("the gateway starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let banner = within(lines.next_line()).await.expect("it can be read").expect("a line");
        let (_, after) = banner.split_once("http://").expect("an address");
        let (address, _) = after.split_once(';').expect("its end");
        Self { _child: child, _folder: folder, address: address.to_owned() }
    }

    async fn client(&self) -> Client {
        Client::connect(&self.address).await
    }
}

/// Asks once, through a gateway that trusts the authority of the tests.
async fn asked(upstream: &Tls, host: &str, ask: &Ask) -> Heard {
    let gateway = Gateway::start(&upstream.base_url(host), &file("authority.pem")).await;
    gateway.client().await.send(ask).await
}

async fn check_refused(certificate: &str, host: &str, words: &str) {
    let upstream = Tls::start(certificate, vec![json("{}")], End::Kept);
    let answer = asked(&upstream, host, &Ask::messages()).await.refused(502);
    let text = answer.json()["error"]["message"].as_str().expect("a message").to_owned();
    let begin = format!("the upstream cannot be reached: the certificate of {host} is not accepted: ");
    let place = format!("Pointsman: anthropic at {host}:");
    assert!(text.starts_with(&place) && text.contains(&begin) && text.contains(words), "{text}");
    assert_eq!(upstream.connections(), 0, "nothing is sent to it, the key least of all");
}

#[tokio::test]
async fn an_authority_that_is_named_is_trusted_and_its_connections_are_kept() {
    let upstream = Tls::start("good", vec![json(r#"{"type":"message","content":[]}"#)], End::Kept);
    for host in ["localhost", "127.0.0.1"] {
        let gateway = Gateway::start(&upstream.base_url(host), &file("authority.pem")).await;
        let before = upstream.connections();
        let mut client = gateway.client().await;
        for _ in 0..3 {
            client.send(&Ask::messages()).await.good();
        }
        assert_eq!(upstream.connections() - before, 1, "{host}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    check_refused("elsewhere", "localhost", "it is for elsewhere.example. Correct the host in `base_url`")
        .await;
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_refused() {
    check_refused("expired", "localhost", "it has expired. Its owner has to renew it").await;
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    check_refused("unknown", "127.0.0.1", "nobody whom this machine trusts has signed it").await;
    check_refused("unknown", "localhost", "(PEM) in SSL_CERT_FILE").await;
}

#[tokio::test]
async fn what_does_not_speak_tls_is_told_from_what_is_not_there() {
    let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let base = format!("https://{}", plain.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            // As servers do that take it for a broken request.
            let _ =
                stream.read(&mut [0; 4_096]).and_then(|_| stream.write(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let gateway = Gateway::start(&base, &file("authority.pem")).await;
    let answer = gateway.client().await.send(&Ask::messages()).await.refused(502);
    assert!(
        answer.text().contains("does not speak TLS; is `https` right in its `base_url`?"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_machine_without_authorities_says_so() {
    let upstream = Tls::start("good", vec![json("{}")], End::Kept);
    let nothing = tempfile::NamedTempFile::new().expect("a file");
    let gateway = Gateway::start(&upstream.base_url("localhost"), nothing.path()).await;
    let answer = gateway.client().await.send(&Ask::messages()).await.refused(502);
    assert!(answer.text().contains("this machine knows no certificate authority"), "{}", answer.text());
}

const EVENTS: [&[u8]; 3] = [
    b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n",
    b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n",
    b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
];

#[tokio::test]
async fn a_stream_passes_byte_for_byte() {
    let upstream = Tls::start("good", events(&EVENTS), End::Kept);
    let answer = asked(&upstream, "localhost", &Ask::messages().streaming()).await.good();
    assert_eq!(answer.body, EVENTS.concat());
}

/// An end that nobody told may be the work of somebody on the way, however whole the answer looks.
#[tokio::test]
async fn a_connection_that_is_cut_is_a_cut_for_the_caller() {
    let mut cut = events(&EVENTS);
    cut.truncate(3);
    let upstream = Tls::start("good", cut, End::Cut);
    let answer = asked(&upstream, "localhost", &Ask::messages().streaming()).await;
    assert!(answer.status == 200 && answer.broken.is_some(), "{answer:?}");

    let to_the_end = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
    let pieces: Vec<_> = [to_the_end].into_iter().chain(EVENTS.map(<[u8]>::to_vec)).collect();
    for (end, is_whole) in [(End::Told, true), (End::Cut, false)] {
        let upstream = Tls::start("good", pieces.clone(), end);
        let answer = asked(&upstream, "localhost", &Ask::messages().streaming()).await;
        assert_eq!((answer.status, answer.broken.is_none()), (200, is_whole), "{end:?} {answer:?}");
        assert_eq!(answer.body, EVENTS.concat(), "{end:?}");
    }
}
