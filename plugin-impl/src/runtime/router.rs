//! The router: the hook `fetch`, and queries for the operator.

mod models;

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use pointsman_core::formats::WireFormat;
use pointsman_core::formats::body;
use pointsman_core::reporting::notice::{Notice, NoticeEvent};
use pointsman_core::reporting::refusal;
use pointsman_core::request::safety;
use thiserror::Error;

use crate::edges::config::{Config, Environment};
use crate::edges::notices::{MetBy, Notices};
use crate::edges::store::Store;
use crate::edges::upstream::{Outgoing, Replay, SendError};
use crate::runtime::answer::{Answer, AnswerBody, Relay};
use crate::runtime::call::{self, Call, CallError, Resolved};
use crate::runtime::claim::{self, Claim};
use crate::runtime::driver::{self, REQUEST_ID};
use crate::runtime::generation::Generation;
use crate::runtime::headers;
use crate::runtime::hold;
use crate::runtime::shared::Shared;
use crate::secret::redact;

/// A router of requests over the accounts of a configuration.
#[derive(Debug)]
pub struct Router {
    shared: Arc<Shared>,
    generation: ArcSwap<Generation>,
}

/// The error of a request passed through untouched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The URL is invalid. The variant holds the URL with secrets redacted.
    #[error("`{0}` is not an absolute http or https URL")]
    Url(String),
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Router {
    /// Makes a router. The router's futures need a tokio runtime.
    pub fn new(
        config: Config,
        store: Arc<Store>,
        notices: Notices,
        environment: Arc<dyn Environment>,
    ) -> Self {
        let shared = Arc::new(Shared::new(store, notices, environment));
        shared.notices.set_quiet(config.quiet_mode);
        let generation = Generation::new(config, &shared.fleet, &shared.store, None, shared.clock.now());
        let router = Self { shared, generation: ArcSwap::from_pointee(generation) };
        router.tell_disabled(None);
        router
    }

    /// Puts a configuration into force. Requests in flight keep the old configuration to the end.
    pub fn reconfigure(&self, config: Config) {
        let Shared { fleet, store, clock, notices, .. } = &*self.shared;
        notices.set_quiet(config.quiet_mode);
        let before = self.generation.load_full();
        self.generation.store(Arc::new(Generation::new(config, fleet, store, Some(&before), clock.now())));
        fleet.notify_all();
        self.tell_disabled(Some(&before));
    }

    /// Sends a notice for each account without a credential, if the account is new or had a credential
    /// before.
    fn tell_disabled(&self, before: Option<&Generation>) {
        let known = before.map(Generation::without_credential).unwrap_or_default();
        for (account, why) in self.generation().without_credential() {
            if known.get(&account) != Some(&why) {
                let event = NoticeEvent::Disabled { account, why: why.to_string() };
                let Shared { notices, counters, clock, .. } = &*self.shared;
                notices.tell(&Notice { event, until: None }, MetBy::Router, counters, clock.now().wall);
            }
        }
    }

    /// Returns the generation in force.
    pub fn generation(&self) -> Arc<Generation> {
        self.generation.load_full()
    }

    /// Returns the state shared by every request.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Routes a request on the way from an agent to `uri`. A request unclaimed by any provider passes
    /// through untouched.
    ///
    /// # Errors
    /// [`FetchError`], only for a request passed through.
    pub async fn fetch(&self, uri: &Uri, call: Call) -> Result<Answer, FetchError> {
        let generation = self.generation();
        match claim::on_its_way(&call.method, uri, &call.headers, &generation) {
            Some(claim) if is_known(&claim, &call) => Ok(self.route(&generation, claim, call).await),
            Some(_) | None => self.pass_through(uri, call, &generation).await,
        }
    }

    /// Routes a request at the gateway, or returns the call if the path belongs to no wire format.
    pub async fn serve(&self, path: &str, call: Call) -> Result<Answer, Call> {
        let Some(claim) = claim::at_gateway(&call.method, path, &call.headers) else { return Err(call) };
        Ok(self.route(&self.generation(), claim, call).await)
    }

    async fn route(&self, generation: &Arc<Generation>, claim: Claim, call: Call) -> Answer {
        if let Err(refused) = safety::check(&call.method, &claim.intent) {
            return self.not_routable(claim.intent.format, &refused.into());
        }
        if let Some(providers) = models::listed(&claim, &call, generation) {
            return models::list(self, generation, claim, call, providers).await;
        }
        if models::is_list(&claim, &call) {
            return models::list_of_one(self, generation, claim, call).await;
        }
        self.resolved(generation, models::of_its_provider(claim, generation), call).await
    }

    async fn resolved(&self, generation: &Arc<Generation>, claim: Claim, call: Call) -> Answer {
        self.shared.counters.requests.count();
        let id = self.shared.next_request_id();
        let format = claim.intent.format;
        let mut answer = match self.read(generation, claim, call).await {
            Ok(resolved) => match resolved.hold.clone() {
                Some(hold) => hold::serve(&self.shared, generation, resolved, hold, id).await,
                None => driver::serve(&self.shared, generation, &resolved, id).await,
            },
            Err(error) => self.not_routable(format, &error),
        };
        if let Some(id) = id.to_header() {
            answer.headers.insert(REQUEST_ID, id);
        }
        answer
    }

    async fn read(&self, generation: &Generation, claim: Claim, call: Call) -> Result<Resolved, CallError> {
        let Shared { body_memory, fleet, clock, .. } = &*self.shared;
        let call = call::taken(call, &claim.intent, generation.config.bodies, body_memory).await?;
        Resolved::new(call, claim, generation, &fleet.resource_owners, clock.mono())
    }

    fn not_routable(&self, format: WireFormat, error: &CallError) -> Answer {
        self.shared.counters.failed.count();
        let fault = refusal::fault(format, error.status(), &error.to_string());
        // However often it is asked, the request or the configuration has to change first.
        let is_final = !error.passes();
        let retry_after = error.passes().then_some(1);
        driver::own(refusal::Answer { is_final, retry_after, ..fault })
    }

    async fn pass_through(
        &self,
        uri: &Uri,
        call: Call,
        generation: &Generation,
    ) -> Result<Answer, FetchError> {
        self.shared.counters.passed_through.count();
        if uri.scheme().is_none() || uri.authority().is_none() {
            return Err(FetchError::Url(redact(&uri.to_string())));
        }
        let Call { method, headers, body, .. } = call;
        let headers = headers::callers(headers);
        let outgoing = Outgoing { method, url: uri.to_string(), headers, body, replay: Replay::IfUnread };
        let incoming =
            self.shared.upstream.send(|| outgoing.clone(), None, generation.config.timeouts).await?;
        // The answer streams through as it comes.
        let relay = Relay::new([].into(), Some(incoming.body), self.shared.counters.clone());
        let headers = headers::upstreams(incoming.headers);
        Ok(Answer { status: incoming.status, headers, body: AnswerBody::Relay(Box::new(relay)) })
    }
}

/// Says whether a request goes out with an account's credential: its path is listed, or it asks a model for
/// something, as by `/v1/rerank`. Others are of the host's other pages (`/v1/organizations`, `/api/oauth`).
fn is_known(claim: &Claim, call: &Call) -> bool {
    let asks_model = || call.method == Method::POST && matches!(body::model(&call.body), Ok(Some(_)));
    claim.intent.is_listed() || asks_model()
}

/// Makes a call from the parts.
pub fn call(method: Method, query: Option<&str>, headers: HeaderMap, body: Bytes) -> Call {
    Call { method, query: query.map(str::to_owned), headers, body }
}
