//! Lists of models: reads each provider's list, joins the lists, cuts out the caller's page.
//!
//! A provider is asked for its whole list, and a caller gets a page of the joined list. A page is therefore
//! independent of the answering accounts, and an id is enough to continue.

use serde_json::{Value, json};
use thiserror::Error;

use crate::formats::format::list::{ListShape, PageFacts, PageParameter};
use crate::formats::{Envelope, WireFormat};
use crate::request::catalog::Provider;
use crate::request::route::{Ask, Providers, Route};

/// The longest page of the services, also the requested page.
pub const LONGEST: usize = 1_000;

/// The content of a provider's answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPart {
    pub models: Vec<Value>,
    /// The parameter for the next page, if there is one.
    pub next: Option<(&'static str, String)>,
}

impl ListPart {
    /// Reads an answer; none for a body without a list.
    pub fn read(format: WireFormat, body: &[u8]) -> Option<Self> {
        let mut list: Value = serde_json::from_slice(body).ok()?;
        let shape = format.main().list;
        let Value::Array(models) = list.get_mut(shape.list)?.take() else { return None };
        let next = (shape.next)(&list);
        Some(Self { models, next })
    }
}

/// Returns whether a provider has a list in its callers' format. Code Assist has none.
pub fn has_list(provider: &Provider) -> bool {
    provider.pools.iter().any(|pool| pool.envelope == Envelope::None)
}

/// Returns the configured models of a provider without a list.
pub fn named(provider: &Provider) -> Vec<Value> {
    let is_served = |name: &&String| {
        let pools = &provider.family(name).pools;
        pools.iter().any(|pool| provider.pools[*pool].models.contains_key(*name))
    };
    let mut names: Vec<&String> =
        provider.pools.iter().flat_map(|pool| pool.models.keys()).filter(is_served).collect();
    names.sort_unstable();
    names.dedup();
    let ListShape { id, prefix, .. } = provider.format.main().list;
    names.into_iter().map(|name| json!({*id: format!("{prefix}{name}")})).collect()
}

/// Renames the models of a provider to addressable ids: a bare name that leads to another provider gets its
/// provider before a slash. Entries without an id are dropped.
pub fn addressed(
    mut models: Vec<Value>,
    provider: &str,
    format: WireFormat,
    providers: &impl Providers,
) -> Vec<Value> {
    let shape = format.main().list;
    models.retain_mut(|model| {
        let Some(id) = shape.id_of(model) else { return false };
        if !leads_to(id, provider, format, providers) {
            model[shape.id] = format!("{}{provider}/{id}", shape.prefix).into();
        }
        true
    });
    models
}

fn leads_to(id: &str, provider: &str, format: WireFormat, providers: &impl Providers) -> bool {
    let ask = Ask { format, provider: None, model: id, pool: None, account: None };
    let route = Route::parse(&ask, providers, false);
    route.is_ok_and(|route| route.provider.id.as_str() == provider && route.model == id)
}

/// The requested part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    format: WireFormat,
    place: ListPlace,
    length: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ListPlace {
    Beginning,
    After(String),
    Before(String),
}

/// A query that is no page of the list.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PageError {
    #[error("`limit` is {0:?}, and has to be a number from 1 to {LONGEST}")]
    Length(String),
    #[error("there is no model {0:?} in the list, so no page begins there")]
    Unknown(String),
}

impl Page {
    /// Reads the decoded parameters of a query. OpenAI's list has no pages.
    ///
    /// # Errors
    /// [`PageError::Length`], as the service itself would refuse.
    pub fn read<'a>(
        format: WireFormat,
        query: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, PageError> {
        let shape = format.main().list;
        let mut page = Self { format, place: ListPlace::Beginning, length: shape.usual_length };
        for (name, value) in query.filter(|(_, value)| !value.is_empty()) {
            match shape.parameter(name) {
                Some(PageParameter::Length) => page.length = length(value)?,
                Some(PageParameter::LengthAtMost) => {
                    let asked: usize = value.parse().unwrap_or(0);
                    page.length = if asked == 0 { shape.usual_length } else { asked.min(LONGEST) };
                }
                Some(PageParameter::Before) => page.place = ListPlace::Before(value.to_owned()),
                Some(PageParameter::After) => page.place = ListPlace::After(value.to_owned()),
                None => {}
            }
        }
        Ok(page)
    }

    /// Cuts the page out of the joined list and writes the format's own form.
    ///
    /// # Errors
    /// [`PageError::Unknown`]
    pub fn cut(&self, models: Vec<Value>) -> Result<Value, PageError> {
        let shape = self.format.main().list;
        let (begin, end) = self.bounds(&models, shape)?;
        let has_more =
            if matches!(self.place, ListPlace::Before(_)) { begin > 0 } else { end < models.len() };
        let models: Vec<Value> = models.into_iter().take(end).skip(begin).collect();
        let id = |model: Option<&Value>| model.and_then(|model| shape.id_of(model)).map(str::to_owned);
        let (first_id, last_id) = (id(models.first()), id(models.last()));
        Ok((shape.write)(PageFacts { models, has_more, first_id, last_id }))
    }

    fn bounds(&self, models: &[Value], shape: &ListShape) -> Result<(usize, usize), PageError> {
        let find = |id: &String| {
            let found = models.iter().position(|model| shape.id_of(model) == Some(id));
            found.ok_or_else(|| PageError::Unknown(id.clone()))
        };
        let (begin, end) = match &self.place {
            ListPlace::Before(id) => {
                let end = find(id)?;
                (end.saturating_sub(self.length), end)
            }
            ListPlace::After(id) => {
                let begin = find(id)? + 1;
                (begin, begin.saturating_add(self.length))
            }
            ListPlace::Beginning => (0, self.length),
        };
        Ok((begin, end.min(models.len())))
    }
}

/// Returns whether a parameter concerns pages. All other parameters go to the providers.
pub fn is_paging(format: WireFormat, name: &str) -> bool {
    format.main().list.parameter(name).is_some()
}

fn length(value: &str) -> Result<usize, PageError> {
    let length = value.parse().ok().filter(|length| (1..=LONGEST).contains(length));
    length.ok_or_else(|| PageError::Length(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fixture, antigravity, provider};

    fn with_ids(format: WireFormat, ids: &[&str]) -> Vec<Value> {
        let ListShape { id, prefix, .. } = format.main().list;
        ids.iter().map(|name| json!({*id: format!("{prefix}{name}")})).collect()
    }

    fn ids(format: WireFormat, models: &Value) -> Vec<String> {
        let ListShape { list, id, .. } = format.main().list;
        let models = models[list].as_array().expect("a list");
        models.iter().map(|model| model[id].as_str().expect("an id").to_owned()).collect()
    }

    fn read(format: WireFormat, query: &[(&str, &str)]) -> Result<Page, PageError> {
        Page::read(format, query.iter().copied())
    }

    fn cut(format: WireFormat, query: &[(&str, &str)]) -> Value {
        let models = with_ids(format, &["a", "b", "acme/c", "acme/d", "acme/e"]);
        read(format, query).expect("a page").cut(models).expect("a place in the list")
    }

    #[test]
    fn each_format_has_a_list_of_its_own() {
        use WireFormat::{Anthropic, Gemini, OpenAi};
        let read = |format, body: &str| ListPart::read(format, body.as_bytes());
        let part = read(OpenAi, r#"{"object":"list","data":[{"id":"a"}],"has_more":true}"#).expect("a list");
        assert_eq!((part.models, part.next), (with_ids(OpenAi, &["a"]), None));
        let part = read(Anthropic, r#"{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}"#).expect("a list");
        assert_eq!(part.next, Some(("after_id", "a".into())));
        let part = read(Anthropic, r#"{"data":[{"id":"a"}],"has_more":false,"last_id":"a"}"#);
        assert_eq!(part.expect("a list").next, None);
        let part = read(Gemini, r#"{"models":[{"name":"models/a"}],"nextPageToken":"t"}"#).expect("a list");
        assert_eq!((part.models, part.next), (with_ids(Gemini, &["a"]), Some(("pageToken", "t".into()))));
        for body in ["", "[]", "{}", r#"{"data":{}}"#, r#"{"models":[]}"#, "<html>"] {
            assert_eq!(read(OpenAi, body), None, "{body}");
        }
    }

    #[test]
    fn an_id_leads_to_the_provider_that_listed_it() {
        let format = WireFormat::OpenAi;
        let providers = Fixture::new([provider("openai", format), provider("acme", format)]);
        let providers = providers.with_accounts(["openai:a", "acme:a"]);
        let listed = |provider: &str| {
            let mut models = with_ids(format, &["m", "vendor/m", "acme/m"]);
            models.push(json!({"object": "model"}));
            let models = addressed(models, provider, format, &providers);
            let named = ids(format, &json!({"data": models}));
            for (id, own) in named.iter().zip(["m", "vendor/m", "acme/m"]) {
                let ask = Ask { format, provider: None, model: id, pool: None, account: None };
                let route = Route::parse(&ask, &providers, false).expect("a route");
                assert_eq!((route.provider.id.as_str(), route.model.as_str()), (provider, own), "{id}");
            }
            named
        };
        // A name that would lead to acme is not the format's own provider's, as it stands.
        assert_eq!(listed("openai"), ["m", "vendor/m", "openai/acme/m"]);
        assert_eq!(listed("acme"), ["acme/m", "acme/vendor/m", "acme/acme/m"]);
    }

    #[test]
    fn where_a_provider_has_no_list_the_configuration_names_what_its_pools_serve() {
        let mut provider = antigravity();
        assert!(has_list(&provider));
        let names: [&[(&str, &str)]; 3] = [
            &[("claude-opus-4-6", "opus")],
            &[("gemini-3-pro-preview", "gemini-3-pro"), ("claude-of-another-pool", "c")],
            &[("gemini-3-pro", "gemini-3-pro-preview"), ("gemini-3-pro-preview", "gemini-3-pro-preview")],
        ];
        for (pool, names) in provider.pools.iter_mut().zip(names) {
            pool.envelope = Envelope::CodeAssist;
            pool.models = names.iter().map(|(own, theirs)| ((*own).into(), (*theirs).into())).collect();
        }
        assert!(!has_list(&provider));
        let expected = ["claude-opus-4-6", "gemini-3-pro", "gemini-3-pro-preview"];
        assert_eq!(named(&provider), with_ids(WireFormat::Gemini, &expected));
    }

    #[test]
    fn a_name_keeps_what_stands_before_it() {
        let format = WireFormat::Gemini;
        let providers = Fixture::new([provider("gemini", format), provider("acme", format)]);
        let providers = providers.with_accounts(["gemini:a", "acme:a"]);
        let models = addressed(with_ids(format, &["g"]), "acme", format, &providers);
        assert_eq!(models, with_ids(format, &["acme/g"]));
    }

    #[test]
    fn pages_follow_each_other_forwards_and_backwards() {
        let format = WireFormat::Anthropic;
        let first = cut(format, &[("limit", "2")]);
        assert_eq!(
            first,
            json!({"data": with_ids(format, &["a", "b"]), "has_more": true, "first_id": "a", "last_id": "b"})
        );
        let second = cut(format, &[("limit", "2"), ("after_id", "b")]);
        assert_eq!(
            (ids(format, &second), &second["has_more"]),
            (vec!["acme/c".into(), "acme/d".into()], &true.into())
        );
        let last = cut(format, &[("after_id", "acme/d")]);
        assert_eq!((ids(format, &last), &last["has_more"]), (vec!["acme/e".into()], &false.into()));
        let before = cut(format, &[("before_id", "acme/c"), ("limit", "1")]);
        assert_eq!((ids(format, &before), &before["has_more"]), (vec!["b".into()], &true.into()));
        let nothing = cut(format, &[("before_id", "a")]);
        assert_eq!(nothing, json!({"data": [], "has_more": false, "first_id": null, "last_id": null}));
    }

    #[test]
    fn a_token_of_gemini_is_the_last_name_before_the_page() {
        let format = WireFormat::Gemini;
        let first = cut(format, &[("pageSize", "3")]);
        assert_eq!(first["nextPageToken"], "acme/c");
        let rest = cut(format, &[("pageToken", "acme/c"), ("pageSize", "9999")]);
        assert_eq!(rest, json!({"models": with_ids(format, &["acme/d", "acme/e"])}));
        assert_eq!(ids(format, &cut(format, &[("pageSize", "0")])).len(), 5);
    }

    #[test]
    fn the_list_of_openai_is_whole() {
        let all = cut(WireFormat::OpenAi, &[("limit", "1"), ("after_id", "z")]);
        assert_eq!((all["object"].as_str(), ids(WireFormat::OpenAi, &all).len()), (Some("list"), 5));
    }

    #[test]
    fn what_is_no_page_is_said_to_be_none() {
        for limit in ["0", "1001", "-1", "many"] {
            let error = read(WireFormat::Anthropic, &[("limit", limit)]).expect_err("no page");
            assert_eq!(error, PageError::Length(limit.into()));
        }
        let page = read(WireFormat::Anthropic, &[("after_id", "z")]).expect("a page");
        assert_eq!(page.cut(Vec::new()), Err(PageError::Unknown("z".into())));
    }
}
