//! The dashboard: a page for operators, with events while the page is open.
//!
//! The page is built ahead from the sources in the folder `dashboard` and is part of the library, so a
//! browser loads nothing from elsewhere. A strict content security policy keeps everything else out.

mod events;

use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::body::FaceBody;
use super::gateway::{Face, plain};

pub(super) use self::events::EventStream;
pub use self::events::Pages;

/// The headers of every answer to the page.
static SAFETY: [(HeaderName, HeaderValue); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    // Another version of the gateway may answer at the same address tomorrow.
    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];

/// A file of the page.
struct Asset {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const INDEX: Asset = Asset {
    path: "/",
    kind: "text/html; charset=utf-8",
    bytes: include_bytes!("../../dashboard/dist/index.html"),
};

static ASSETS: [Asset; 3] = [
    Asset {
        path: "/dashboard/dashboard.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../dashboard/dist/dashboard.js"),
    },
    Asset {
        path: "/dashboard/dashboard.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../../dashboard/dist/dashboard.css"),
    },
    Asset {
        path: "/dashboard/licenses.txt",
        kind: "text/plain; charset=utf-8",
        bytes: include_bytes!("../../dashboard/dist/licenses.txt"),
    },
];

/// Returns an answer for the dashboard, or nothing for other requests.
pub(super) fn page<B>(face: Face<'_>, request: &Request<B>) -> Option<Response<FaceBody>> {
    let path = request.uri().path();
    let asset = match path {
        "/" if wants_a_page(request) => Some(&INDEX),
        _ => ASSETS.iter().find(|asset| asset.path == path),
    };
    if asset.is_none() && path != "/events" {
        return None;
    }
    if !face.is_local {
        return Some(plain(StatusCode::FORBIDDEN, NOT_LOCAL.to_owned()));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some(plain(StatusCode::METHOD_NOT_ALLOWED, "the dashboard is read with GET\n".to_owned()));
    }
    Some(asset.map_or_else(|| events(face, request.method()), served))
}

const NOT_LOCAL: &str = "the dashboard is served on 127.0.0.1 and unix sockets only; this listener can be \
                         reached from other machines. See /account-limits?format=table\n";

/// Returns whether a browser asks for a page. Programs get a line of text at the same path.
fn wants_a_page<B>(request: &Request<B>) -> bool {
    let accepted = request.headers().get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

fn served(asset: &'static Asset) -> Response<FaceBody> {
    safe(Response::new(asset.bytes.into()), asset.kind)
}

fn events(face: Face<'_>, method: &Method) -> Response<FaceBody> {
    if method == Method::HEAD {
        return safe(Response::new(String::new().into()), EVENTS);
    }
    let Some(events) = face.pages.open(face.router) else {
        let text = format!("{} pages are open already; close one\n", events::MOST_PAGES);
        return plain(StatusCode::SERVICE_UNAVAILABLE, text);
    };
    safe(Response::new(FaceBody::Events(Box::new(events))), EVENTS)
}

const EVENTS: &str = "text/event-stream";

fn safe(mut response: Response<FaceBody>, kind: &'static str) -> Response<FaceBody> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.extend(SAFETY.iter().cloned());
    response
}
