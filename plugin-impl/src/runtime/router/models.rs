//! `GET /v1/models` over several providers of the caller's wire format: a single merged list.
//!
//! Each provider gets a request of its own, with accounts, limits and retries, as if named by the caller.
//! For a provider without a list, or late, the configured models stand in. A provider without any model is
//! left out, and a header of the answer says so. If a single provider answers in time, the bytes pass
//! through.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use pointsman_core::formats::WireFormat;
use pointsman_core::ids::ProviderId;
use pointsman_core::reporting::refusal;
use pointsman_core::request::catalog::Provider;
use pointsman_core::request::intent::{Intent, ModelPlace};
use pointsman_core::request::route::Providers;
use pointsman_core::response::models::{ListPart, Page, PageError, addressed, has_list, is_paging, named};
use serde_json::Value;

use crate::edges::upstream::whole;
use crate::runtime::answer::{Answer, AnswerBody};
use crate::runtime::call::{Call, PIN_ACCOUNT, PIN_POOL};
use crate::runtime::claim::Claim;
use crate::runtime::driver::{self, ATTEMPTS, PROVIDER, REQUEST_ID};
use crate::runtime::generation::Generation;

use super::Router;

/// The time limit of a list. The caller shows a menu, and a gap is better than a delay. Claude Code waits
/// for 3 s.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// The most pages of a provider's list.
const MOST_PARTS: usize = 10;
/// The longest answer to read, in bytes.
const MOST_BYTES: usize = 8 << 20;

/// The header for providers missing in the list, with the reasons.
const LEFT_OUT: HeaderName = HeaderName::from_static("x-pointsman-left-out");

/// Returns the providers of a merged list, or `None` if a single provider is asked.
pub(super) fn listed(claim: &Claim, call: &Call, generation: &Generation) -> Option<Vec<Arc<Provider>>> {
    let is_pinned = || [PIN_ACCOUNT, PIN_POOL].iter().any(|pin| call.headers.contains_key(pin));
    if claim.provider.is_some() || !is_list(claim, call) || is_pinned() {
        return None;
    }
    let mut providers = serving(claim.intent.format, generation);
    providers.sort_by_key(|provider| !is_own(provider));
    (providers.len() > 1 || !providers.iter().all(|provider| has_list(provider))).then_some(providers)
}

/// Returns whether the request asks for the list of models.
pub(super) fn is_list(claim: &Claim, call: &Call) -> bool {
    call.method == Method::GET
        && claim.intent.resource() == ("models", None)
        && claim.intent.model == ModelPlace::Nowhere
}

/// Asks the only provider, or the provider named in the request. An answer in time passes through.
pub(super) async fn list_of_one(
    router: &Router,
    generation: &Arc<Generation>,
    claim: Claim,
    call: Call,
) -> Answer {
    let format = claim.intent.format;
    // A query the list does not know is for the provider to judge.
    let Ok(page) = page_of(format, &pairs(&call)) else {
        return router.resolved(generation, claim, call).await;
    };
    let mut serving = serving(format, generation).into_iter();
    let provider = serving.find(|provider| claim.provider.as_ref().is_none_or(|id| provider.id == *id));
    let asked = async {
        let Answer { status, headers, body } = router.resolved(generation, claim, call).await;
        let body = AnswerBody::Full(read(body).await?);
        Some(Answer { status, headers, body })
    };
    let late = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Some(answer)) => return answer,
        Ok(None) => NoList::Unreadable,
        Err(_) => NoList::Late,
    };
    let mut whole = WholeList::default();
    if let Some(provider) = provider {
        whole.add(&provider, configured(&provider).map_err(|_| late), format, generation);
    }
    whole.answer(&page, format)
}

/// Splits the provider off `/v1/models/acme/big-model`: the model `big-model` at acme.
pub(super) fn of_its_provider(claim: Claim, generation: &Generation) -> Claim {
    let intent = &claim.intent;
    if intent.model != ModelPlace::Nowhere || claim.provider.is_some() {
        return claim;
    }
    let Some((before, asked)) = intent.path.split_once("/models/") else { return claim };
    // Libraries escape what stands for one segment.
    let Some((name, model)) = ["/", "%2F", "%2f"]
        .iter()
        .filter_map(|slash| asked.split_once(slash))
        .min_by_key(|(name, _)| name.len())
    else {
        return claim;
    };
    let serving = serving(intent.format, generation);
    let Some(provider) = serving.iter().find(|provider| provider.id.as_str() == name) else { return claim };
    let path = format!("{before}/models/{model}");
    Claim { provider: Some(provider.id.clone()), intent: Intent { path, ..claim.intent }, ..claim }
}

fn serving(format: WireFormat, generation: &Generation) -> Vec<Arc<Provider>> {
    let serves = |provider: &&Arc<Provider>| provider.format == format && generation.has_accounts(provider);
    generation.all().iter().filter(serves).cloned().collect()
}

fn is_own(provider: &Provider) -> bool {
    provider.id.as_str() == provider.format.name()
}

/// Asks every provider at once and answers with the caller's page of the merged list.
pub(super) async fn list(
    router: &Router,
    generation: &Arc<Generation>,
    claim: Claim,
    call: Call,
    providers: Vec<Arc<Provider>>,
) -> Answer {
    let Claim { intent, asked_at, .. } = claim;
    let query = pairs(&call);
    let page = match page_of(intent.format, &query) {
        Ok(page) => page,
        Err(error) => return refused(intent.format, &error.to_string()),
    };
    let headers = asked(call.headers);
    let asking = Asking { router, generation, intent: &intent, asked_at, query: &query, headers };
    // All providers at once: the list takes as long as the slowest, up to the time limit.
    let lists = join_all(providers.iter().map(|provider| asking.within_patience(provider))).await;
    let mut whole = WholeList::default();
    for (provider, list) in providers.iter().zip(lists) {
        whole.add(provider, list, intent.format, generation);
    }
    whole.answer(&page, intent.format)
}

fn pairs(call: &Call) -> Vec<(String, String)> {
    form_urlencoded::parse(call.query.as_deref().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn page_of(format: WireFormat, query: &[(String, String)]) -> Result<Page, PageError> {
    Page::read(format, query.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Removes conditional headers and ranges: both refer to the caller's merged list, unknown to any provider.
fn asked(mut headers: HeaderMap) -> HeaderMap {
    for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, RANGE] {
        headers.remove(name);
    }
    headers
}

/// The request to every provider.
struct Asking<'a> {
    router: &'a Router,
    generation: &'a Arc<Generation>,
    intent: &'a Intent,
    /// See [`Claim::asked_at`].
    asked_at: Option<ProviderId>,
    query: &'a [(String, String)],
    headers: HeaderMap,
}

/// The list of a provider.
struct List {
    models: Vec<Value>,
    /// The headers of the first answer.
    headers: HeaderMap,
    attempts: u64,
    /// There is more, which was not asked for.
    is_cut: bool,
}

/// The reason for a provider's missing list.
enum NoList {
    /// The upstream refused. The answer is kept for delivery.
    Refused(Box<Answer>),
    Unreadable,
    Late,
}

impl Asking<'_> {
    async fn within_patience(&self, provider: &Provider) -> Result<List, NoList> {
        if !has_list(provider) {
            return configured(provider);
        }
        let asked = tokio::time::timeout(PATIENCE, self.all_of(&provider.id)).await;
        asked.unwrap_or_else(|_| configured(provider).map_err(|_| NoList::Late))
    }

    async fn all_of(&self, provider: &ProviderId) -> Result<List, NoList> {
        let mut list = List { models: Vec::new(), headers: HeaderMap::new(), attempts: 0, is_cut: false };
        let mut from = None;
        for _ in 0..MOST_PARTS {
            let (headers, part) = self.part_of(provider, from).await?;
            list.attempts += number(&headers, &ATTEMPTS);
            list.models.extend(part.models);
            if list.headers.is_empty() {
                list.headers = headers;
            }
            from = part.next;
            if from.is_none() {
                break;
            }
        }
        list.is_cut = from.is_some();
        Ok(list)
    }

    async fn part_of(
        &self,
        provider: &ProviderId,
        from: Option<(&str, String)>,
    ) -> Result<(HeaderMap, ListPart), NoList> {
        let query = self.query_from(from);
        let call = Call { method: Method::GET, query, headers: self.headers.clone(), body: Bytes::new() };
        let (provider, asked_at) = (Some(provider.clone()), self.asked_at.clone());
        let claim = Claim { intent: self.intent.clone(), provider, asked_at };
        let answer = self.router.resolved(self.generation, claim, call).await;
        if answer.status != StatusCode::OK {
            return Err(NoList::Refused(Box::new(answer)));
        }
        let body = read(answer.body).await.ok_or(NoList::Unreadable)?;
        let part = ListPart::read(self.intent.format, &body).ok_or(NoList::Unreadable)?;
        Ok((answer.headers, part))
    }

    /// Returns the caller's query for another page, of the greatest length, from the end of the last page.
    fn query_from(&self, from: Option<(&str, String)>) -> Option<String> {
        let format = self.intent.format;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.query.iter().filter(|(name, _)| !is_paging(format, name)));
        if let Some(name) = format.main().list.longest() {
            query.append_pair(name, &pointsman_core::response::models::LONGEST.to_string());
        }
        query.extend_pairs(from);
        Some(query.finish()).filter(|query| !query.is_empty())
    }
}

fn configured(provider: &Provider) -> Result<List, NoList> {
    let models = named(provider);
    let list = List { models, headers: HeaderMap::new(), attempts: 0, is_cut: false };
    if list.models.is_empty() { Err(NoList::Unreadable) } else { Ok(list) }
}

async fn read(body: AnswerBody) -> Option<Bytes> {
    match body {
        AnswerBody::Full(bytes) => Some(bytes),
        AnswerBody::Relay(relay) => whole(relay, MOST_BYTES).await.map(Bytes::from),
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> u64 {
    headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_default()
}

/// The merged list.
#[derive(Default)]
struct WholeList {
    models: Vec<Value>,
    /// The providers in the list.
    from: Vec<String>,
    left_out: Vec<String>,
    attempts: u64,
    id: Option<HeaderValue>,
    /// The first refusal, delivered if no provider gave a list.
    refusal: Option<Box<Answer>>,
}

impl WholeList {
    fn add(
        &mut self,
        provider: &Provider,
        list: Result<List, NoList>,
        format: WireFormat,
        generation: &Generation,
    ) {
        let why = match list {
            Ok(list) => {
                self.attempts += list.attempts;
                if list.is_cut {
                    self.leave_out(provider, &format!("all after its first {} models", list.models.len()));
                }
                self.id = self.id.take().or_else(|| list.headers.get(REQUEST_ID).cloned());
                self.models.extend(addressed(list.models, provider.id.as_str(), format, generation));
                return self.from.push(provider.id.to_string());
            }
            Err(NoList::Refused(answer)) => {
                self.attempts += number(&answer.headers, &ATTEMPTS);
                let status = answer.status.as_u16().to_string();
                self.refusal.get_or_insert(answer);
                status
            }
            Err(NoList::Unreadable) => "no list".to_owned(),
            Err(NoList::Late) => format!("nothing in {} s", PATIENCE.as_secs_f32()),
        };
        self.leave_out(provider, &why);
    }

    fn leave_out(&mut self, provider: &Provider, why: &str) {
        tracing::info!(provider = %provider.id, why, "a provider is not in the list of models, or not wholly");
        self.left_out.push(format!("{} ({why})", provider.id));
    }

    fn answer(self, page: &Page, format: WireFormat) -> Answer {
        if self.from.is_empty() {
            return self.nobody(format);
        }
        let body = match page.cut(self.models) {
            Ok(page) => page.to_string(),
            Err(error) => return refused(format, &error.to_string()),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, body.len().into());
        headers.insert(ATTEMPTS, self.attempts.into());
        headers.extend(self.id.map(|id| (REQUEST_ID, id)));
        for (name, list) in [(PROVIDER, self.from), (LEFT_OUT, self.left_out)] {
            if !list.is_empty()
                && let Ok(value) = HeaderValue::from_str(&list.join(", "))
            {
                headers.insert(name, value);
            }
        }
        Answer { status: StatusCode::OK, headers, body: AnswerBody::Full(body.into()) }
    }

    fn nobody(self, format: WireFormat) -> Answer {
        if let Some(answer) = self.refusal {
            return *answer;
        }
        let text = format!("no provider said which models it has: {}", self.left_out.join(", "));
        driver::own(refusal::fault(format, StatusCode::BAD_GATEWAY, &text))
    }
}

fn refused(format: WireFormat, text: &str) -> Answer {
    driver::own(refusal::fault(format, StatusCode::BAD_REQUEST, text))
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use pointsman_core::reporting::notice::Notice;

    use super::*;
    use crate::edges::config::{Process, from_text};
    use crate::edges::notices::{MetBy, NoticeSink, Notices};
    use crate::edges::store::Store;

    struct Nobody;

    impl NoticeSink for Nobody {
        fn notice(&self, _: &Notice, _: MetBy) {}
    }

    /// Asks silent providers for a list. Returns the answer and the milliseconds of paused time. A paused
    /// clock jumps to the next timer as soon as the runtime is idle, so the test does not really wait.
    async fn list_of_silence(config: impl Fn(&str) -> String, path: &str) -> (StatusCode, String, u128) {
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let base = format!("http://{}", silent.local_addr().expect("it is bound"));
        let text = format!("timeouts: {{connect: 60s}}\n{}", config(&base));
        let config = from_text(&text, "pointsman.yaml", &Process).expect("valid");
        let router =
            Router::new(config, Arc::new(Store::memory()), Notices::new(Box::new(Nobody)), Arc::new(Process));
        let call = super::super::call(Method::GET, None, HeaderMap::new(), Bytes::new());
        let begun = tokio::time::Instant::now();
        let answer = router.serve(path, call).await.expect("it is ours");
        let AnswerBody::Full(body) = answer.body else { panic!("it is whole") };
        (answer.status, String::from_utf8_lossy(&body).into_owned(), begun.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn providers_that_say_nothing_do_not_hold_a_list_up() {
        let config = |base: &str| {
            format!(
                "providers:\n  openai: {{base_url: '{base}'}}\n  acme: {{kind: openai, base_url: '{base}'}}\n\
                 accounts:\n  - {{id: 'openai:a', api_key: k}}\n  - {{id: 'acme:a', api_key: k}}\n"
            )
        };
        let (status, body, millis) = list_of_silence(config, "/v1/models").await;
        assert_eq!((status, millis), (StatusCode::BAD_GATEWAY, 2_500));
        assert!(body.contains("openai (nothing in 2.5 s), acme (nothing in 2.5 s)"), "{body}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_provider_that_says_nothing_does_not_hold_its_list_up() {
        let config = |base: &str| {
            format!(
                "providers:\n  openai: {{base_url: '{base}'}}\naccounts:\n  - {{id: 'openai:a', api_key: k}}\n"
            )
        };
        let (status, body, millis) = list_of_silence(config, "/v1/models").await;
        assert_eq!((status, millis), (StatusCode::BAD_GATEWAY, 2_500));
        assert!(body.contains("openai (nothing in 2.5 s)"), "{body}");
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_provider_that_says_nothing_the_configured_models_are_listed() {
        let config = |base: &str| {
            format!(
                "providers:\n  openai: {{base_url: '{base}', models: {{mine: gpt-5}}}}\n\
                 accounts:\n  - {{id: 'openai:a', api_key: k}}\n"
            )
        };
        let (status, body, millis) = list_of_silence(config, "/v1/models").await;
        assert_eq!((status, millis), (StatusCode::OK, 2_500));
        assert!(body.contains("\"mine\""), "{body}");
    }
}
