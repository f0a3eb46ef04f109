//! The way out through a proxy, by reqwest: tunnels, proxy authentication, and SOCKS.

use std::time::Duration;

use reqwest::Client;

use crate::edges::config::ProxyUrl;
use crate::sync::DashMap;

use super::body::Source;
use super::direct::{IDLE_CONNECTION, install_tls_provider};
use super::{Outgoing, Replay, Response, SendError, fault};

/// The client of the way through a proxy.
#[derive(Debug, Default)]
pub(super) struct Proxied {
    /// A connection pool per way out.
    clients: DashMap<WayOut, Client>,
}

/// The properties that separate connections to a host.
#[derive(Clone, PartialEq, Eq, Hash)]
struct WayOut {
    /// The proxy, or `None` for the machine's own settings.
    proxy: Option<String>,
    connect: Duration,
    replay: Replay,
}

impl std::fmt::Debug for WayOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WayOut").field("named", &self.proxy.is_some()).finish_non_exhaustive()
    }
}

impl Proxied {
    pub(super) async fn send(
        &self,
        outgoing: Outgoing,
        proxy: Option<&ProxyUrl>,
        connect: Duration,
    ) -> Result<Response, SendError> {
        let client = self.client(proxy, connect, outgoing.replay)?;
        let request = client
            .request(outgoing.method, &outgoing.url)
            .headers(outgoing.headers)
            .body(outgoing.body)
            .build()
            .map_err(|error| fault::of_proxied(&error))?;
        let response = client.execute(request).await.map_err(|error| fault::of_proxied(&error))?;
        Ok(http::Response::from(response).map(Source::Proxied))
    }

    fn client(
        &self,
        proxy: Option<&ProxyUrl>,
        connect: Duration,
        replay: Replay,
    ) -> Result<Client, SendError> {
        let way_out = WayOut { proxy: proxy.map(|proxy| proxy.expose().to_owned()), connect, replay };
        if let Some(client) = self.clients.get(&way_out) {
            return Ok(client.clone());
        }
        let client = make(&way_out).map_err(|error| fault::of_proxied(&error))?;
        Ok(self.clients.entry(way_out).or_insert(client).clone())
    }
}

fn make(way_out: &WayOut) -> reqwest::Result<Client> {
    install_tls_provider();
    let builder = Client::builder()
        .connect_timeout(way_out.connect)
        .pool_idle_timeout(IDLE_CONNECTION)
        .tcp_nodelay(true)
        // A redirect is the caller's business: it has to see what it would have seen.
        .redirect(reqwest::redirect::Policy::none());
    let builder = match &way_out.proxy {
        Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy)?),
        None => builder,
    };
    // Nothing is kept of what must not be sent again, so no kept connection can fail it.
    let builder = match way_out.replay {
        Replay::Never => builder.pool_max_idle_per_host(0),
        Replay::IfUnread => builder,
    };
    builder.build()
}
