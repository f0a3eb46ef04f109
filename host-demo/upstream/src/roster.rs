//! Who is asking: credentials and the accounts they belong to, and the tokens issued while running.

use std::collections::HashMap;
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::script::Account;

/// The place of an account in the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountIndex(pub(crate) usize);

#[derive(Debug, Default)]
pub(crate) struct Roster {
    /// API keys and access tokens.
    credentials: HashMap<String, Credential>,
    refresh_tokens: HashMap<String, AccountIndex>,
    /// What answers requests with no known credential.
    stranger: Option<AccountIndex>,
}

#[derive(Clone, Copy, Debug)]
struct Credential {
    account: AccountIndex,
    /// Access tokens can be revoked together; API keys stay.
    is_token: bool,
    expires: Option<Duration>,
}

impl Roster {
    pub(crate) fn new(accounts: &[Account], stranger: Option<&str>) -> Self {
        let mut roster = Self::default();
        for (index, account) in accounts.iter().enumerate() {
            roster.enrol(AccountIndex(index), account);
            if stranger == Some(account.label.as_str()) {
                roster.stranger = Some(AccountIndex(index));
            }
        }
        roster
    }

    fn enrol(&mut self, index: AccountIndex, account: &Account) {
        for key in &account.api_keys {
            self.credentials
                .insert(key.clone(), Credential { account: index, is_token: false, expires: None });
        }
        for token in &account.access_tokens {
            self.issue(index, token.clone(), None);
        }
        for token in &account.refresh_tokens {
            self.refresh_tokens.insert(token.clone(), index);
        }
    }

    /// Makes an access token valid.
    pub(crate) fn issue(&mut self, account: AccountIndex, token: String, expires: Option<Duration>) {
        self.credentials.insert(token, Credential { account, is_token: true, expires });
    }

    /// Makes a refresh token valid in place of another.
    pub(crate) fn rotate(&mut self, account: AccountIndex, old: &str, new: String) {
        self.refresh_tokens.remove(old);
        self.refresh_tokens.insert(new, account);
    }

    /// Makes one credential of any kind invalid.
    pub(crate) fn revoke(&mut self, credential: &str) {
        self.credentials.remove(credential);
        self.refresh_tokens.remove(credential);
    }

    /// Makes every access token of an account invalid.
    pub(crate) fn revoke_tokens(&mut self, account: AccountIndex) {
        self.credentials.retain(|_, credential| credential.account != account || !credential.is_token);
    }

    pub(crate) fn of_refresh_token(&self, token: &str) -> Option<AccountIndex> {
        self.refresh_tokens.get(token).copied()
    }

    /// The account of a request.
    pub(crate) fn caller(&self, headers: &HeaderMap, query: &str, now: Duration) -> Option<AccountIndex> {
        let known = presented(headers).find_map(|credential| self.valid(credential, now));
        known.or_else(|| self.of_query(query, now)).or(self.stranger)
    }

    fn of_query(&self, query: &str, now: Duration) -> Option<AccountIndex> {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let (_, key) = pairs.find(|(name, _)| name == "key")?;
        self.valid(&key, now)
    }

    fn valid(&self, credential: &str, now: Duration) -> Option<AccountIndex> {
        let known = self.credentials.get(credential)?;
        known.expires.is_none_or(|expires| now < expires).then_some(known.account)
    }
}

/// The credentials in the headers.
fn presented(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION.as_str()).and_then(bearer_token);
    [text("x-api-key"), bearer, text("x-goog-api-key")].into_iter().flatten()
}

/// The scheme of RFC 6750 is not case-sensitive (RFC 9110 section 11.1).
fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(10);

    fn roster() -> Roster {
        let home = Account::new("home").api_key("k-home").access_token("t-home").refresh_token("r-home");
        Roster::new(&[home, Account::new("work").api_key("k-work")], None)
    }

    fn caller(roster: &Roster, name: &'static str, value: &str, query: &str) -> Option<usize> {
        let mut headers = HeaderMap::new();
        if !name.is_empty() {
            headers.insert(name, value.parse().unwrap());
        }
        roster.caller(&headers, query, NOW).map(|index| index.0)
    }

    #[test]
    fn a_credential_is_found_where_providers_take_it() {
        let roster = roster();
        assert_eq!(caller(&roster, "x-api-key", "k-work", ""), Some(1));
        assert_eq!(caller(&roster, "authorization", "Bearer t-home", ""), Some(0));
        assert_eq!(caller(&roster, "authorization", "bearer k-work", ""), Some(1));
        assert_eq!(caller(&roster, "x-goog-api-key", "k-home", ""), Some(0));
        assert_eq!(caller(&roster, "", "", "alt=sse&key=k%2Dwork"), Some(1));
    }

    #[test]
    fn what_is_no_valid_credential_is_nobody() {
        let roster = roster();
        assert_eq!(caller(&roster, "", "", ""), None);
        assert_eq!(caller(&roster, "x-api-key", "other", "key=other"), None);
        assert_eq!(caller(&roster, "authorization", "Basic t-home", ""), None);
        assert_eq!(caller(&roster, "authorization", "Bearer r-home", ""), None);
    }

    #[test]
    fn a_stranger_answers_for_nobody() {
        let roster = Roster::new(&[Account::new("open")], Some("open"));
        assert_eq!(caller(&roster, "", "", ""), Some(0));
    }

    #[test]
    fn issued_tokens_expire_and_can_be_revoked_without_the_keys() {
        let mut roster = roster();
        roster.issue(AccountIndex(1), "new".to_owned(), Some(NOW + Duration::from_secs(1)));
        roster.issue(AccountIndex(1), "old".to_owned(), Some(NOW));
        assert_eq!(caller(&roster, "authorization", "Bearer new", ""), Some(1));
        assert_eq!(caller(&roster, "authorization", "Bearer old", ""), None);
        roster.revoke_tokens(AccountIndex(1));
        assert_eq!(caller(&roster, "authorization", "Bearer new", ""), None);
        assert_eq!(caller(&roster, "x-api-key", "k-work", ""), Some(1));
        assert_eq!(caller(&roster, "authorization", "Bearer t-home", ""), Some(0));
    }

    #[test]
    fn a_rotated_refresh_token_is_gone() {
        let mut roster = roster();
        roster.rotate(AccountIndex(0), "r-home", "r-2".to_owned());
        assert_eq!(roster.of_refresh_token("r-home"), None);
        assert_eq!(roster.of_refresh_token("r-2"), Some(AccountIndex(0)));
    }
}
