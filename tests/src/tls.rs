//! An upstream that is spoken to by TLS, with the certificates in `tests/tls`.

use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::raw;
use crate::tree;

/// Answers every request with the same bytes. It serves until the process ends.
#[derive(Debug)]
pub struct Tls {
    port: u16,
    connections: Arc<AtomicUsize>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It stays for the next request.
    Kept,
    /// It is said that nothing more comes (`close_notify`).
    Told,
    /// It is cut, as when a machine on the way gives up.
    Cut,
}

impl Tls {
    /// Starts on the loopback with a certificate, such as `good`. Each piece is sent by itself.
    ///
    /// # Panics
    /// Where no port can be had, or there is no such certificate.
    pub fn start(certificate: &str, pieces: Vec<Vec<u8>>, end: End) -> Self {
        let config = Arc::new(config(certificate));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, pieces, counted) = (config.clone(), pieces.clone(), counted.clone());
                // A client that does not like the certificate goes away at once.
                thread::spawn(move || drop(converse(stream, config, &pieces, end, &counted)));
            }
        });
        Self { port, connections }
    }

    /// Returns the base URL, by a name of this machine.
    pub fn base_url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }

    /// Returns how many connections have come to stand.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Returns the path of a file of `tests/tls`.
pub fn file(name: &str) -> PathBuf {
    tree::root().join("tests/tls").join(name)
}

fn config(certificate: &str) -> ServerConfig {
    let certificate = CertificateDer::from_pem_file(file(&format!("{certificate}.pem")));
    let key = PrivateKeyDer::from_pem_file(file("server.key"));
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions of TLS");
    let chain = vec![certificate.expect("a certificate")];
    builder.with_no_client_auth().with_single_cert(chain, key.expect("a key")).expect("they belong together")
}

fn converse(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    pieces: &[Vec<u8>],
    end: End,
    connections: &AtomicUsize,
) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    for request in 0.. {
        raw::read(&mut reader, 0)?;
        if request == 0 {
            connections.fetch_add(1, Ordering::SeqCst);
        }
        let stream = reader.get_mut();
        for piece in pieces {
            stream.write_all(piece)?;
            stream.flush()?;
        }
        match end {
            End::Kept => {}
            End::Told => {
                stream.conn.send_close_notify();
                return stream.flush();
            }
            End::Cut => return Ok(()),
        }
    }
    Ok(())
}
