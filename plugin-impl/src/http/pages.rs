//! Pages for operators.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::router::Router;
use crate::status::Status;

use super::body::FaceBody;
use super::gateway::plain;

/// Returns a page, or nothing where the path is of none.
pub(super) fn page<B>(router: &Router, request: &Request<B>) -> Option<Response<FaceBody>> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/" if reads => Some(plain(StatusCode::OK, welcome())),
        "/health" if reads => Some(health(&Status::of(router))),
        "/account-limits" if reads => Some(limits(&Status::of(router), request.uri().query())),
        "/" | "/health" | "/account-limits" => {
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
    let accounts = json!({"total": status.accounts.len(), "ready": status.ready()});
    page_of(&json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "accounts": accounts}))
}

fn limits(status: &Status, query: Option<&str>) -> Response<FaceBody> {
    let table = query.unwrap_or_default().split('&').any(|pair| pair == "format=table");
    if table { plain(StatusCode::OK, status.to_table()) } else { page_of(&status.to_json()) }
}

fn page_of(value: &Value) -> Response<FaceBody> {
    let mut response = Response::new(value.to_string().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
