//! Blocked accounts by name: accounts in need of their owner, the reason, and unreachable places.

use crate::admission::blame::Reason;
use crate::ids::AccountId;
use crate::planning::snapshot::Why;

/// The number of accounts named in a refusal.
const NAMED: usize = 3;

/// An account that cannot serve a request, with the facts for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    pub account: AccountId,
    pub why: Why,
    /// The status of the upstream's rejection, if known.
    pub status: Option<u16>,
    /// The reason for a missing credential.
    pub without: Option<String>,
    /// Host and port of the endpoint.
    pub place: String,
}

impl Blocked {
    /// Returns the fault, if the account or its endpoint has to be named.
    fn text(&self) -> Option<String> {
        let status = self.status.map(|status| format!(" ({status})")).unwrap_or_default();
        let account = &self.account;
        match self.why {
            Why::Cooling(Reason::Auth) => Some(format!("the credential of {account} was rejected{status}")),
            Why::Cooling(Reason::Project) => {
                Some(format!("the project or plan of {account} does not allow it{status}"))
            }
            Why::Cooling(Reason::Payment) => Some(format!("{account} has no balance or credit{status}")),
            Why::Cooling(Reason::Model) => Some(format!("{account} has no access to the model{status}")),
            Why::Cooling(Reason::Refused) => Some(format!("{} has refused {account}", self.place)),
            Why::Cooling(Reason::Network) => Some(format!("{} cannot be reached", self.place)),
            Why::Cooling(Reason::Server | Reason::Capacity) => Some(format!("{} has trouble", self.place)),
            Why::Cooling(Reason::Token) => Some(format!("no access token could be had for {account}")),
            Why::NeedsSignIn => Some(format!("{account} has to sign in again")),
            Why::Excluded => None,
            Why::Disabled => self.without.as_ref().map(|why| format!("{account} is disabled: {why}")),
            Why::Busy | Why::Probing | Why::Protected | Why::Limited | Why::Exhausted => None,
        }
    }

    /// Returns the owner's remedy.
    const fn remedy(&self) -> Option<&'static str> {
        match self.why {
            Why::Cooling(Reason::Auth) => Some("give it a valid credential in pointsman.yaml"),
            Why::Cooling(Reason::Project | Reason::Model) => Some("see the provider's console"),
            Why::Cooling(Reason::Payment) => Some("see the provider's billing page"),
            Why::NeedsSignIn => Some("give it a new token in pointsman.yaml"),
            Why::Excluded => Some("`models` of the account in pointsman.yaml keeps it from the model"),
            Why::Disabled if self.without.is_some() => Some("give it a credential"),
            Why::Disabled => Some("`enabled: false` in pointsman.yaml keeps it away"),
            Why::Busy | Why::Probing | Why::Protected | Why::Limited | Why::Exhausted | Why::Cooling(_) => {
                None
            }
        }
    }
}

/// Names the accounts in a clause to follow their count; empty if the count says everything.
pub(super) fn named(blocked: &[Blocked]) -> String {
    let texts = each_once(blocked.iter().filter_map(Blocked::text));
    let more = texts.len().saturating_sub(NAMED);
    let mut clause: String = texts.iter().take(NAMED).map(|text| format!("; {text}")).collect();
    if more > 0 {
        clause += &format!("; {more} more");
    }
    clause
}

/// Returns the owner's remedies as a clause; empty if only time helps.
pub(super) fn remedies(blocked: &[Blocked]) -> String {
    each_once(blocked.iter().filter_map(Blocked::remedy)).iter().map(|remedy| format!("; {remedy}")).collect()
}

fn each_once<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut seen, one| {
        if !seen.contains(&one) {
            seen.push(one);
        }
        seen
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked(account: &str, why: Why, status: Option<u16>) -> Blocked {
        Blocked {
            account: AccountId::new(account),
            why,
            status,
            without: None,
            place: "api.acme.example:443".into(),
        }
    }

    #[test]
    fn an_account_without_a_credential_is_named_with_the_reason() {
        let why = Some("the environment variable `K` is not set".to_owned());
        let without = [Blocked { without: why, ..blocked("acme:work", Why::Disabled, None) }];
        assert_eq!(named(&without), "; acme:work is disabled: the environment variable `K` is not set");
        assert_eq!(remedies(&without), "; give it a credential");
        assert_eq!(named(&[blocked("acme:work", Why::Disabled, None)]), "");
    }

    #[test]
    fn a_rejected_account_is_named_with_its_status_and_what_to_do() {
        let rejected = [blocked("acme:work", Why::Cooling(Reason::Auth), Some(401))];
        assert_eq!(named(&rejected), "; the credential of acme:work was rejected (401)");
        assert_eq!(remedies(&rejected), "; give it a valid credential in pointsman.yaml");
    }

    #[test]
    fn what_cannot_be_reached_is_named_once() {
        let down = |account| blocked(account, Why::Cooling(Reason::Network), None);
        assert_eq!(named(&[down("acme:a"), down("acme:b")]), "; api.acme.example:443 cannot be reached");
        assert_eq!(remedies(&[down("acme:a")]), "");
    }

    #[test]
    fn of_many_accounts_the_first_are_named() {
        let many = [1, 2, 3, 4, 5].map(|n| blocked(&format!("acme:{n}"), Why::NeedsSignIn, None));
        let text = named(&many);
        assert!(text.contains("acme:3") && !text.contains("acme:4") && text.ends_with("; 2 more"), "{text}");
    }

    #[test]
    fn a_limit_needs_no_name() {
        for why in [Why::Limited, Why::Exhausted, Why::Busy, Why::Protected] {
            assert_eq!(named(&[blocked("acme:a", why, Some(429))]), "");
        }
    }
}
