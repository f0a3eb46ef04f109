//! Calls: an agent's request, parsed once for every attempt.

mod bound;
mod coding;
mod credential;
mod unbinding;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method, StatusCode};
use pointsman_core::admission::fair_queue::Class;
use pointsman_core::formats::body::{self, Wanted};
use pointsman_core::ids::{AccountId, ProviderId};
use pointsman_core::request::intent::{Intent, ModelPlace};
use pointsman_core::request::resource;
use pointsman_core::request::route::{Ask, Route, RouteError};
use pointsman_core::request::safety::Unsafe;
use pointsman_core::request::session::{self, Prefix, Session, SessionKey};
use pointsman_core::time::Millis;
use thiserror::Error;

use crate::edges::config::BodyLimits;
use crate::fleet::callers::Own;
use crate::fleet::resource_owners::{Binding, Bound, ResourceOwners};
use crate::runtime::body_memory::{BodyMemory, NoRoom};
use crate::runtime::claim::Claim;
use crate::runtime::failover::Hop;
use crate::runtime::generation::Generation;
use crate::runtime::hold::Hold;

pub use self::bound::ResourceError;
pub use self::unbinding::LeftOut;

/// The header for pinning an account.
pub const PIN_ACCOUNT: HeaderName = HeaderName::from_static("x-pointsman-account");
/// The header for pinning a pool.
pub const PIN_POOL: HeaderName = HeaderName::from_static("x-pointsman-pool");

/// A request as received.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    /// The query, without the question mark.
    pub query: Option<String>,
    pub headers: HeaderMap,
    /// The whole body, because an attempt at another account sends the body again.
    pub body: Bytes,
}

impl Call {
    /// Returns the range of the model's name in the body of a form.
    pub fn model_in_form(&self) -> Option<std::ops::Range<usize>> {
        body::model_in_form(&self.body, self.headers.get(CONTENT_TYPE)?.to_str().ok()?)
    }
}

/// A routed call, ready to send to any account of the route.
#[derive(Debug)]
pub struct Resolved {
    pub call: Call,
    pub intent: Intent,
    /// The primary hop: the provider addressed by the request.
    pub primary: Hop,
    /// The failover chain, in order.
    pub others: Arc<[Hop]>,
    /// The model as written in the body, pin included.
    pub written_model: Option<String>,
    /// The session: by headers, and by the body if the strategy keeps sessions.
    pub session: Option<Session>,
    /// Whether the strategy keeps sessions.
    keeps: bool,
    /// The start of the agent's prompt, computed only for an agent without a sticky account.
    prefix: OnceLock<Prefix>,
    /// The account of the first request of the turn, if known.
    pub began_turn: Option<AccountId>,
    /// The way to keep the connection alive during a wait in the queue, if any.
    pub hold: Option<Hold>,
    /// The account at the primary provider of the caller's own credential.
    own: Option<Own>,
    refers: OnceLock<bool>,
    /// The account that the request is bound to by its references.
    pub binding: Option<Binding>,
    /// The state left out of the body to unbind the request.
    pub left_out: Option<LeftOut>,
    /// The provider of the URL, and the provider of the caller's address; see [`Claim`].
    addressed: (Option<ProviderId>, Option<ProviderId>),
}

/// The error of a call without a route.
#[derive(Debug, Error)]
pub enum CallError {
    #[error("the body cannot be routed: {0}; send JSON with a `model`")]
    NotJson(#[from] body::NotJson),
    #[error("the body names no `model`, so it cannot be routed")]
    NoModel,
    #[error("the body names `model` twice; name one")]
    TwoModels,
    #[error("the header `{0}` is there twice; send it once")]
    Twice(HeaderName),
    #[error(
        "the body is encoded as `{0}`, which is not known here; send it plain, or as gzip, deflate, br or zstd"
    )]
    Encoded(String),
    #[error("the body is not the {0} that its content-encoding says")]
    Garbled(&'static str),
    #[error("the body is longer than {limit} bytes; raise `max_body` in pointsman.yaml")]
    TooLong { limit: u64 },
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    #[error("the header `{0}` is not text")]
    Header(HeaderName),
    #[error(transparent)]
    Route(#[from] RouteError),
    #[error(transparent)]
    Resource(#[from] ResourceError),
    #[error(
        "account `{0}` uses the caller's own credential (`credential: caller`), and this request has none: \
         give the agent a key, or sign in with it"
    )]
    NoCredential(AccountId),
}

impl CallError {
    /// Says whether the same request may succeed soon, without a change of the request or the configuration.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::NoRoom(_))
    }

    /// Returns the HTTP status of the error.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Encoded(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoRoom(_) | Self::Route(RouteError::NoAccounts { .. } | RouteError::NoProvider { .. }) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Resource(_) => ResourceError::STATUS,
            Self::NoCredential(_) => StatusCode::UNAUTHORIZED,
            Self::Unsafe(Unsafe::Method(..)) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson(_)
            | Self::NoModel
            | Self::TwoModels
            | Self::Twice(_)
            | Self::Garbled(_)
            | Self::Header(_)
            | Self::Unsafe(Unsafe::DotSegment | Unsafe::Control | Unsafe::Encoding | Unsafe::Character(_))
            | Self::Route(_) => StatusCode::BAD_REQUEST,
        }
    }
}

impl Resolved {
    /// Parses and routes a call.
    ///
    /// # Errors
    /// [`CallError`]
    pub fn new(
        call: Call,
        claim: Claim,
        generation: &Generation,
        resource_owners: &ResourceOwners,
        now: Millis,
    ) -> Result<Self, CallError> {
        let spare = generation.config.unbind.then(|| (call.clone(), claim.clone()));
        let read = |call, claim| Self::read(call, claim, generation, resource_owners, now);
        match (read(call, claim), spare) {
            (Err(CallError::Resource(error)), Some((call, claim))) => {
                unbinding::read_anyway((call, claim), resource_owners, now, read).unwrap_or(Err(error.into()))
            }
            (resolved, _) => resolved,
        }
    }

    fn read(
        call: Call,
        claim: Claim,
        generation: &Generation,
        resource_owners: &ResourceOwners,
        now: Millis,
    ) -> Result<Self, CallError> {
        let Claim { intent, provider, asked_at } = claim;
        let written_model = written_model(&call, &intent)?;
        let asked = match &intent.model {
            ModelPlace::Path { model, .. } => model.as_str(),
            ModelPlace::Body | ModelPlace::Optional | ModelPlace::Requests | ModelPlace::Nowhere => {
                written_model.as_deref().unwrap_or_default()
            }
        };
        // A resource in the body decides the account; a pin to a different account is an error.
        let pinned = pin(&call.headers, PIN_ACCOUNT)?;
        let binding = bound::owner(bound(&call, &intent, resource_owners, now), pinned, generation)?;
        let owner = binding.as_ref().map(|binding| &binding.owner);
        let ask = Ask {
            format: intent.format,
            provider: provider.as_ref().map(ProviderId::as_str),
            model: asked,
            pool: pin(&call.headers, PIN_POOL)?,
            account: owner.map(AccountId::as_str).or(pinned),
        };
        // The primary hop and the failover chain, in the wire format of the request.
        let (primary, others) = hops(&ask, &intent, binding.as_ref(), generation)?;
        let hold = Hold::of(&call, &intent, generation.config.hold);
        let own = credential::own(&call, asked_at.as_ref(), &primary, generation, now);
        credential::check(own.as_ref(), &primary, &others, generation)?;
        // The body can cost a look through all of it, so it is asked only where somebody goes by the answer.
        let keeps = generation.config.settings.strategy.keeps_sessions();
        let session = if keeps {
            session::session(&call.headers, &call.body, intent.format)
        } else {
            session::named(&call.headers)
        };
        let began_turn = resource::turn(&call.headers).and_then(|turn| resource_owners.owner(turn, now));
        Ok(Self {
            call,
            intent,
            primary,
            others,
            written_model,
            session,
            keeps,
            prefix: OnceLock::new(),
            began_turn,
            own,
            hold,
            refers: OnceLock::new(),
            binding,
            left_out: None,
            addressed: (provider, asked_at),
        })
    }

    /// Returns the model family for messages, or the provider for a request without a model.
    pub fn subject(&self) -> &str {
        &self.primary.route.family
    }

    /// Returns the session for the wait queue. The body is parsed only once a queue exists, under any
    /// strategy.
    pub fn in_line(&self) -> Option<Session> {
        if self.keeps || self.session.is_some() {
            return self.session;
        }
        session::session(&self.call.headers, &self.call.body, self.intent.format)
    }

    /// Returns whether a person waits for the answer.
    pub fn class(&self) -> Class {
        session::class(&self.call.headers)
    }

    /// Returns whether a subagent sent the request.
    pub fn is_subagents(&self) -> bool {
        session::is_subagents(&self.call.headers, &self.call.body, self.intent.format)
    }

    /// Returns the start of the agent's prompt.
    pub fn prefix(&self) -> Prefix {
        let look = || session::prefix(&self.call.headers, &self.call.body, self.intent.format);
        *self.prefix.get_or_init(look)
    }

    /// Returns a hop by index: 0 is the primary.
    pub fn hop(&self, hop: usize) -> &Hop {
        hop.checked_sub(1).map_or(&self.primary, |other| &self.others[other])
    }

    /// Returns the account of the caller's own credential on a hop. The credential goes to no provider but
    /// the primary.
    pub fn own_at(&self, hop: usize) -> Option<&Own> {
        if self.hop(hop).provider == self.primary.provider { self.own.as_ref() } else { None }
    }

    /// Returns the number of hops after the primary.
    ///
    /// A request with a reference to a resource of an account stays with the provider, even if the owner is
    /// unknown. Few requests ever fail over, so the body is scanned for references only here.
    pub fn others(&self) -> usize {
        let refers = || !resource::resource_owners(&self.call.body, &self.intent).is_empty();
        if self.others.is_empty() || *self.refers.get_or_init(refers) { 0 } else { self.others.len() }
    }

    /// Returns the key of the agent at the hop's provider, if the strategy keeps sessions.
    pub fn agent_at(&self, hop: &Hop) -> Option<u64> {
        if !self.keeps {
            return None;
        }
        self.session.map(|session| known_at(session.agent, hop))
    }

    /// Returns the key of the parent agent at the hop's provider.
    pub fn parent_at(&self, hop: &Hop) -> Option<u64> {
        self.session.and_then(|session| session.parent).map(|parent| known_at(parent, hop))
    }

    /// Returns the queue key: requests with equal keys may use equal hops; see [`Route::wait_queue`].
    pub fn wait_queue(&self) -> u64 {
        self.others.iter().fold(self.primary.route.wait_queue(), |wait_queue, hop| {
            wait_queue.rotate_left(7) ^ hop.route.wait_queue()
        })
    }
}

/// Takes a call in, with the body unpacked. A body without a model, such as a file, keeps its content coding.
///
/// # Errors
/// [`CallError`], for a body that cannot be unpacked, or that is too long beside the limits.
pub async fn taken(
    call: Call,
    intent: &Intent,
    limits: BodyLimits,
    memory: &BodyMemory,
) -> Result<Call, CallError> {
    if call.body.len() as u64 > limits.longest {
        return Err(CallError::TooLong { limit: limits.longest });
    }
    if intent.model == ModelPlace::Nowhere || !call.headers.contains_key(CONTENT_ENCODING) {
        return Ok(call);
    }
    coding::plain(call, limits, memory).await
}

/// Returns a session key scoped to the hop's provider: an agent has a separate sticky account at each
/// provider.
pub fn known_at(key: SessionKey, hop: &Hop) -> u64 {
    // By name: in another process the provider may have another place.
    let name = hop.route.provider.id.as_str().bytes();
    name.fold(key.0.rotate_left(8), |key, byte| (key ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Returns the owner of the resources in the body. Without any known resource, the body is not scanned.
fn bound(call: &Call, intent: &Intent, resource_owners: &ResourceOwners, now: Millis) -> Bound {
    if resource_owners.is_empty() {
        Bound::Free
    } else {
        resource_owners.of(&resource::resource_owners(&call.body, intent), now)
    }
}

/// Returns the primary hop and the failover chain.
fn hops(
    ask: &Ask<'_>,
    intent: &Intent,
    binding: Option<&Binding>,
    generation: &Generation,
) -> Result<(Hop, Arc<[Hop]>), CallError> {
    if let Some(hop) = binding.and_then(|binding| bound::hop_of(&binding.owner, ask, intent, generation)) {
        return Ok((hop, Arc::default()));
    }
    let route = Route::parse(ask, generation, generation.config.settings.quota_fallback);
    let route = route.map_err(|error| {
        match binding.and_then(|binding| ResourceError::of_route(binding, &error)) {
            Some(resource) => CallError::from(resource),
            None => error.into(),
        }
    })?;
    let others = generation.failover_chains.of(&route, intent);
    Ok((Hop::new(route, &generation.config.providers), others))
}

fn written_model(call: &Call, intent: &Intent) -> Result<Option<String>, CallError> {
    if matches!(intent.model, ModelPlace::Body | ModelPlace::Optional) && body::names_model_twice(&call.body)
    {
        return Err(CallError::TwoModels);
    }
    let model = match &intent.model {
        ModelPlace::Path { .. } | ModelPlace::Nowhere => return Ok(None),
        ModelPlace::Optional => return Ok(optional_model(call)),
        ModelPlace::Requests => body::model_of_requests(&call.body)?,
        ModelPlace::Body => body::peek(&call.body, Wanted::MODEL)?.model,
    };
    Ok(Some(model.ok_or(CallError::NoModel)?.into_owned()))
}

/// Returns the model of an optional field. A body without a model, or neither JSON nor a form, goes to the
/// usual account, and the upstream reports any error.
fn optional_model(call: &Call) -> Option<String> {
    match call.model_in_form() {
        Some(range) => std::str::from_utf8(&call.body[range]).ok().map(str::to_owned),
        None => body::model(&call.body).ok().flatten().map(std::borrow::Cow::into_owned),
    }
}

fn pin(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, CallError> {
    let mut values = headers.get_all(&name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(CallError::Twice(name));
    }
    value.to_str().map(Some).map_err(|_| CallError::Header(name))
}
