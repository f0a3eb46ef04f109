//! Pages for operators.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::operator::status::Status;
use crate::runtime::journal::Explanation;
use crate::runtime::journal::explanation::{list_json, list_text, unknown};
use crate::runtime::router::Router;

use super::body::FaceBody;
use super::gateway::plain;

const PAGES: [&str; 5] = ["/", "/health", "/account-limits", "/metrics", "/explain"];

/// The text format of Prometheus, version 0.0.4.
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Returns a page, or nothing for other paths.
pub(super) fn page<B>(router: &Router, request: &Request<B>) -> Option<Response<FaceBody>> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/" if reads => Some(plain(StatusCode::OK, welcome())),
        "/health" if reads => Some(health(&Status::of(router))),
        "/account-limits" if reads => Some(limits(&Status::of(router), request.uri().query())),
        "/metrics" if reads => Some(metrics(&Status::of(router))),
        "/explain" if reads => Some(recent(router, request.uri().query())),
        path if is_explanation(path) && reads => Some(explanation(router, path, request.uri().query())),
        path if is_explanation(path) || PAGES.contains(&path) => {
            Some(plain(StatusCode::METHOD_NOT_ALLOWED, "this page is read with GET\n".to_owned()))
        }
        _ => None,
    }
}

fn welcome() -> String {
    format!(
        "Pointsman {} routes requests among your accounts. See /account-limits?format=table.\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn health(status: &Status) -> Response<FaceBody> {
    let (total, ready) = (status.accounts.len(), status.ready());
    let (code, word) = match (total, ready) {
        (0, _) => (StatusCode::SERVICE_UNAVAILABLE, "no accounts"),
        (_, 0) => (StatusCode::OK, "no account is ready"),
        _ => (StatusCode::OK, "ok"),
    };
    let accounts = json!({"total": total, "ready": ready});
    let mut page =
        page_of(&json!({"status": word, "version": env!("CARGO_PKG_VERSION"), "accounts": accounts}));
    *page.status_mut() = code;
    page
}

fn limits(status: &Status, query: Option<&str>) -> Response<FaceBody> {
    if wants(query, "table") { plain(StatusCode::OK, status.to_table()) } else { page_of(&status.to_json()) }
}

fn metrics(status: &Status) -> Response<FaceBody> {
    let mut page = plain(StatusCode::OK, status.to_metrics());
    page.headers_mut().insert(CONTENT_TYPE, METRICS);
    page
}

const EXPLAIN: &str = "/explain/";

fn is_explanation(path: &str) -> bool {
    path.starts_with(EXPLAIN)
}

/// Lists the last requests, newest first.
fn recent(router: &Router, query: Option<&str>) -> Response<FaceBody> {
    let (journal, now) = (&router.shared().journal, router.shared().clock.now());
    let recent: Vec<_> = journal.recent().into_iter().map(|record| Explanation::new(record, now)).collect();
    if wants(query, "text") {
        plain(StatusCode::OK, list_text(&recent))
    } else {
        page_of(&list_json(&recent))
    }
}

/// Explains a request.
fn explanation(router: &Router, path: &str, query: Option<&str>) -> Response<FaceBody> {
    let asked = path.strip_prefix(EXPLAIN).unwrap_or_default();
    let (journal, now) = (&router.shared().journal, router.shared().clock.now());
    let found = match asked {
        "last" => journal.recent().into_iter().next(),
        id => id.parse().ok().and_then(|id| journal.find(id)),
    };
    let Some(record) = found else {
        return plain(StatusCode::NOT_FOUND, unknown(asked, journal.recent().len()) + "\n");
    };
    let explanation = Explanation::new(record, now);
    if wants(query, "text") {
        plain(StatusCode::OK, explanation.to_text())
    } else {
        page_of(&explanation.to_json())
    }
}

fn wants(query: Option<&str>, format: &str) -> bool {
    let named = query.unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("format="));
    named.into_iter().any(|named| named == format)
}

fn page_of(value: &Value) -> Response<FaceBody> {
    let mut response = Response::new(value.to_string().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
