//! The OAuth token endpoint: a refresh token for an access token (RFC 6749 section 6).

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::refusal::Refusal;
use crate::roster::{AccountIndex, Roster};
use crate::shape::invalid_grant;
use crate::span;
use crate::template::{Quoted, fill};

const GRANTED: &str = r#"{"access_token":$access,"expires_in":$expires_in,"scope":"https://www.googleapis.com/auth/cloud-platform","token_type":"Bearer"$refresh}"#;
const ERROR: &str = r#"{"error":"$error","error_description":"$description"}"#;

/// How the token endpoint behaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TokenScript {
    /// Checked where set.
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    /// How long an issued access token is valid, by the upstream's clock.
    #[serde(deserialize_with = "span::deserialize")]
    pub expires_in: Duration,
    /// A refresh gives a new refresh token and ends the old one.
    pub rotate: bool,
    /// A refresh ends all older access tokens of the account.
    pub revoke_older: bool,
    /// Before each answer.
    #[serde(deserialize_with = "span::deserialize")]
    pub delay: Duration,
    pub mode: TokenMode,
    /// In place of the usual answer. `$access`, `$expires_in` and `$refresh` are filled in.
    pub answer: Option<String>,
}

impl Default for TokenScript {
    fn default() -> Self {
        Self {
            client_id: None,
            client_secret: None,
            expires_in: Duration::from_secs(3_599),
            rotate: false,
            revoke_older: false,
            delay: Duration::ZERO,
            mode: TokenMode::Ok,
            answer: None,
        }
    }
}

/// What the token endpoint answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenMode {
    #[default]
    Ok,
    /// The refresh token is expired or revoked.
    InvalidGrant,
    ServerError,
    /// No answer, for as long as the client waits.
    Hang,
    /// A web page in place of JSON, with 200.
    Html,
}

/// The parameters of a token request.
#[derive(Debug)]
pub(crate) struct TokenRequest<'a>(HashMap<Cow<'a, str>, Cow<'a, str>>);

impl<'a> TokenRequest<'a> {
    /// Reads a form, or a JSON object: providers differ in what they take.
    pub(crate) fn read(body: &'a [u8]) -> Self {
        match serde_json::from_slice::<HashMap<String, Value>>(body) {
            Ok(object) => Self(object.into_iter().filter_map(text_pair).collect()),
            Err(_) => Self(form_urlencoded::parse(body).collect()),
        }
    }

    pub(crate) fn refresh_token(&self) -> &str {
        self.value("refresh_token")
    }

    fn value(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value)
    }

    fn wrong(&self, script: &TokenScript) -> Option<Refusal> {
        let differs =
            |wanted: &Option<String>, name| wanted.as_deref().is_some_and(|w| w != self.value(name));
        if differs(&script.client_id, "client_id") {
            return Some(refused(401, "invalid_client", "The OAuth client was not found."));
        }
        if differs(&script.client_secret, "client_secret") {
            return Some(refused(401, "invalid_client", "The provided client secret is invalid."));
        }
        match self.value("grant_type") {
            "refresh_token" => None,
            "" => Some(refused(400, "invalid_request", "Required parameter is missing: grant_type")),
            _ => Some(refused(400, "unsupported_grant_type", "Only refresh_token is supported.")),
        }
    }
}

fn text_pair<'a>((name, value): (String, Value)) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    Some((name.into(), value.as_str()?.to_owned().into()))
}

fn refused(code: u16, error: &str, description: &str) -> Refusal {
    Refusal::new(code, fill(ERROR, &[("error", &error), ("description", &description)]))
}

/// What the endpoint does with one request.
#[derive(Debug)]
pub(crate) enum Grant {
    Give(String),
    Refuse(Refusal),
    Html,
    Hang,
}

/// The token endpoint's state.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) script: TokenScript,
    /// In place of the script's mode.
    modes: HashMap<AccountIndex, TokenMode>,
    calls: u64,
    calls_of: HashMap<AccountIndex, u64>,
    seed: u64,
}

impl Tokens {
    pub(crate) fn new(script: TokenScript, seed: u64) -> Self {
        Self { script, modes: HashMap::new(), calls: 0, calls_of: HashMap::new(), seed }
    }

    /// Sets the mode for one account, or for all.
    pub(crate) fn set_mode(&mut self, account: Option<AccountIndex>, mode: TokenMode) {
        match account {
            Some(account) => {
                self.modes.insert(account, mode);
            }
            None => {
                self.modes.clear();
                self.script.mode = mode;
            }
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    pub(crate) fn calls_of(&self, account: AccountIndex) -> u64 {
        self.calls_of.get(&account).copied().unwrap_or(0)
    }

    /// Answers one request; tokens that it gives are valid from then on.
    pub(crate) fn grant(&mut self, request: &TokenRequest<'_>, roster: &mut Roster, now: Duration) -> Grant {
        let account = roster.of_refresh_token(request.refresh_token());
        self.count(account);
        match self.mode(account) {
            TokenMode::Ok => self.granted(request, account, roster, now),
            TokenMode::InvalidGrant => Grant::Refuse(invalid_grant()),
            TokenMode::ServerError => {
                Grant::Refuse(refused(500, "internal_failure", "Internal server error."))
            }
            TokenMode::Hang => Grant::Hang,
            TokenMode::Html => Grant::Html,
        }
    }

    fn count(&mut self, account: Option<AccountIndex>) {
        self.calls += 1;
        if let Some(account) = account {
            *self.calls_of.entry(account).or_default() += 1;
        }
    }

    fn mode(&self, account: Option<AccountIndex>) -> TokenMode {
        account.and_then(|account| self.modes.get(&account)).copied().unwrap_or(self.script.mode)
    }

    fn granted(
        &self,
        request: &TokenRequest<'_>,
        account: Option<AccountIndex>,
        roster: &mut Roster,
        now: Duration,
    ) -> Grant {
        if let Some(refusal) = request.wrong(&self.script) {
            return Grant::Refuse(refusal);
        }
        let Some(account) = account else { return Grant::Refuse(invalid_grant()) };
        if self.script.revoke_older {
            roster.revoke_tokens(account);
        }
        let access = format!("ya29.local-{:x}-{}-{}", self.seed, account.0, self.calls);
        roster.issue(account, access.clone(), Some(now.saturating_add(self.script.expires_in)));
        let refresh = self.rotated(request, account, roster);
        Grant::Give(fill(
            self.script.answer.as_deref().unwrap_or(GRANTED),
            &[
                ("access", &Quoted(&access)),
                ("expires_in", &self.script.expires_in.as_secs()),
                ("refresh", &refresh),
            ],
        ))
    }

    /// The part of the answer with the new refresh token, where there is one.
    fn rotated(&self, request: &TokenRequest<'_>, account: AccountIndex, roster: &mut Roster) -> String {
        if !self.script.rotate {
            return String::new();
        }
        let refresh = format!("1//local-{:x}-{}-{}", self.seed, account.0, self.calls);
        let field = format!(r#","refresh_token":{}"#, Quoted(&refresh));
        roster.rotate(account, request.refresh_token(), refresh);
        field
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use crate::script::Account;

    use super::*;

    const FORM: &str = "grant_type=refresh_token&refresh_token=1%2F%2Fhome&client_id=c&client_secret=s";

    struct Endpoint {
        tokens: Tokens,
        roster: Roster,
    }

    impl Endpoint {
        fn new(script: TokenScript) -> Self {
            let home = Account::new("home").refresh_token("1//home").access_token("first");
            Self { tokens: Tokens::new(script, 7), roster: Roster::new(&[home], None) }
        }

        fn ask(&mut self, body: &str) -> Grant {
            self.tokens.grant(&TokenRequest::read(body.as_bytes()), &mut self.roster, Duration::ZERO)
        }

        fn given(&mut self, body: &str) -> Value {
            let grant = self.ask(body);
            let Grant::Give(json) = grant else { panic!("{grant:?}") };
            serde_json::from_str(&json).unwrap()
        }

        fn accepts(&self, token: &str, second: u64) -> bool {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
            self.roster.caller(&headers, "", Duration::from_secs(second)).is_some()
        }
    }

    fn refusal(grant: Grant) -> (u16, String) {
        let Grant::Refuse(refusal) = grant else { panic!("{grant:?}") };
        (refusal.code, refusal.body)
    }

    #[test]
    fn an_issued_token_is_valid_until_it_expires() {
        let mut endpoint = Endpoint::new(TokenScript::default());
        let given = endpoint.given(FORM);
        let token = given["access_token"].as_str().unwrap();
        assert_eq!((given["expires_in"].as_u64(), given.get("refresh_token")), (Some(3_599), None));
        assert!(endpoint.accepts(token, 3_598) && !endpoint.accepts(token, 3_599));
        assert!(endpoint.accepts("first", 9_999));
    }

    #[test]
    fn json_is_taken_too() {
        let mut endpoint = Endpoint::new(TokenScript::default());
        endpoint.given(r#"{"grant_type":"refresh_token","refresh_token":"1//home"}"#);
    }

    #[test]
    fn two_refreshes_give_two_tokens() {
        let mut endpoint = Endpoint::new(TokenScript::default());
        assert_ne!(endpoint.given(FORM)["access_token"], endpoint.given(FORM)["access_token"]);
        assert_eq!((endpoint.tokens.calls(), endpoint.tokens.calls_of(AccountIndex(0))), (2, 2));
    }

    #[test]
    fn older_tokens_can_end_with_a_refresh() {
        let mut endpoint = Endpoint::new(TokenScript { revoke_older: true, ..TokenScript::default() });
        let token = endpoint.given(FORM)["access_token"].as_str().unwrap().to_owned();
        assert!(endpoint.accepts(&token, 1) && !endpoint.accepts("first", 1));
    }

    #[test]
    fn a_rotated_token_refuses_the_old_one() {
        let mut endpoint = Endpoint::new(TokenScript { rotate: true, ..TokenScript::default() });
        assert!(endpoint.given(FORM)["refresh_token"].is_string());
        let (code, body) = refusal(endpoint.ask(FORM));
        assert_eq!(code, 400);
        assert!(body.contains("invalid_grant"), "{body}");
    }

    #[test]
    fn the_client_is_checked_where_the_script_says_so() {
        let client = |id: &str, secret: &str| TokenScript {
            client_id: Some(id.to_owned()),
            client_secret: Some(secret.to_owned()),
            ..TokenScript::default()
        };
        Endpoint::new(client("c", "s")).given(FORM);
        for (id, secret) in [("x", "s"), ("c", "x")] {
            let (code, body) = refusal(Endpoint::new(client(id, secret)).ask(FORM));
            assert_eq!(code, 401, "{body}");
            assert!(body.contains("invalid_client"), "{body}");
        }
    }

    #[test]
    fn other_grants_are_refused() {
        let mut endpoint = Endpoint::new(TokenScript::default());
        assert!(refusal(endpoint.ask("grant_type=password")).1.contains("unsupported_grant_type"));
        assert!(refusal(endpoint.ask("")).1.contains("invalid_request"));
    }

    #[test]
    fn a_mode_can_be_set_for_one_account() {
        let mut endpoint = Endpoint::new(TokenScript::default());
        endpoint.tokens.set_mode(Some(AccountIndex(0)), TokenMode::InvalidGrant);
        assert_eq!(refusal(endpoint.ask(FORM)).0, 400);
        endpoint.tokens.set_mode(None, TokenMode::ServerError);
        assert_eq!(refusal(endpoint.ask(FORM)).0, 500);
        endpoint.tokens.set_mode(None, TokenMode::Hang);
        assert!(matches!(endpoint.ask(FORM), Grant::Hang));
    }
}
