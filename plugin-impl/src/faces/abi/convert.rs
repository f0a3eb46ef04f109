//! Conversions between our types and those of the boundary.

use std::fmt::Write;

use abi_stable::std_types::{ROption, RString, Tuple2};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use pointsman_api::{self as api, Error, ErrorCode, Extensions, Headers, NoticeKind, Request, Severity};
use pointsman_core::reporting::notice::{Notice, NoticeEvent};
use pointsman_core::time::UnixMillis;

use crate::edges::notices::MetBy;
use crate::operator::status::{AccountState, AccountStatus, PoolState, PoolStatus, Status};
use crate::runtime::answer::Answer;
use crate::runtime::call::Call;
use crate::runtime::router::call as make_call;
use crate::secret::redact;

/// The head of an answer, ready to cross.
pub(super) struct AbiHead {
    pub(super) status: u16,
    pub(super) headers: Headers,
}

/// Reads a request. Its body is not copied.
pub(super) fn call(request: Request) -> Result<(Uri, Call), Error> {
    let bad = |what: &str, text: &str| {
        Error::new(ErrorCode::BAD_REQUEST, format!("the {what} `{text}` is not HTTP"))
    };
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| bad("method", &request.method))?;
    let uri: Uri = request.url.parse().map_err(|_| bad("URL", &redact(&request.url)))?;
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for header in &request.headers {
        let name =
            HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| bad("header name", &header.name))?;
        let value =
            HeaderValue::from_bytes(&header.value).map_err(|_| bad("value of header", &header.name))?;
        headers.append(name, value);
    }
    let body = Bytes::from_owner(request.body);
    let query = uri.query().map(str::to_owned);
    Ok((uri, make_call(method, query.as_deref(), headers, body)))
}

/// Makes the head of a response.
pub(super) fn head(answer: &Answer) -> AbiHead {
    let pairs = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    AbiHead { status: answer.status.as_u16(), headers: pairs.collect() }
}

/// Makes the view of a notice.
pub(super) fn notice(notice: &Notice, met_by: MetBy) -> api::Notice {
    let kind = notice.event.kind();
    let account = notice.account().map(ToString::to_string).unwrap_or_default();
    let pool = notice.pool().map(|pool| pool.name.to_string()).unwrap_or_default();
    let mut dedupe_key = format!("{}:{account}:{pool}", kind.number);
    if let Some(until) = notice.until {
        // Writing to a String cannot fail.
        let _ = write!(dedupe_key, ":{}", until.0);
    }
    api::Notice {
        kind: NoticeKind(kind.number),
        severity: Severity(kind.severity as u8),
        account: account.into(),
        pool: pool.into(),
        until_unix_ms: instant(notice.until),
        text: notice.text().into(),
        dedupe_key: dedupe_key.into(),
        extensions: extensions(&notice.event, met_by),
    }
}

fn extensions(event: &NoticeEvent, met_by: MetBy) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.set("met-by", met_by.as_str());
    if let NoticeEvent::SignIn { url: Some(url), .. } = event {
        extensions.set("url", url);
    }
    extensions
}

/// Makes the view of the fleet.
pub(super) fn status(status: Status) -> api::Status {
    let mut extensions = Extensions::new();
    extensions.set("listen", &status.listen);
    extensions.set("config", &status.config);
    extensions.set("fingerprint", &format!("{:016x}", status.fingerprint));
    let counters = status.counters.into_iter().map(|(name, count)| Tuple2(RString::from(name), count));
    api::Status {
        version: env!("CARGO_PKG_VERSION").into(),
        now_unix_ms: status.now.0,
        accounts: status.accounts.into_iter().map(account).collect(),
        counters: counters.collect(),
        extensions,
    }
}

fn account(account: AccountStatus) -> api::AccountView {
    let mut extensions = Extensions::new();
    extensions.set("format", account.format);
    if account.callers.is_some() {
        extensions.set("credential", "caller");
    }
    api::AccountView {
        id: account.id.into(),
        provider: account.provider.into(),
        label: account.label.into(),
        state: match account.state {
            AccountState::Ready => api::AccountState::READY,
            AccountState::Cooling => api::AccountState::COOLING,
            AccountState::NeedsSignIn => api::AccountState::NEEDS_SIGN_IN,
            AccountState::Disabled => api::AccountState::DISABLED,
        },
        reason: account.reason.into(),
        until_unix_ms: instant(account.until),
        pools: account.pools.into_iter().map(pool).collect(),
        extensions,
    }
}

fn pool(pool: PoolStatus) -> api::PoolView {
    let mut extensions = Extensions::new();
    if let Some(remaining) = pool.remaining {
        extensions.set("remaining", &remaining.to_string());
    }
    if let Some(reset) = pool.reset {
        extensions.set("remaining_until_unix_ms", &reset.0.to_string());
    }
    api::PoolView {
        name: pool.name.into(),
        state: match pool.state {
            PoolState::Open => api::PoolState::OPEN,
            PoolState::Limited => api::PoolState::LIMITED,
            // What is learned is a guess, if a good one.
            PoolState::Estimated | PoolState::Predicted => api::PoolState::ESTIMATED,
            PoolState::Probing => api::PoolState::PROBING,
            PoolState::Protected => api::PoolState::PROTECTED,
        },
        until_unix_ms: instant(pool.until),
        in_flight: pool.under_way.in_flight,
        consecutive_trips: pool.consecutive_trips,
        trips: pool.trips,
        served: pool.served,
        limited: pool.limited,
        extensions,
    }
}

fn instant(instant: Option<UnixMillis>) -> ROption<u64> {
    instant.map(|instant| instant.0).into()
}
