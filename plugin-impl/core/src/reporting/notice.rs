//! Notices: messages for a person, with their text.
//!
//! Each event makes a single notice. Only the request whose compare-and-swap began a limit announces it;
//! the many requests that meet the limit stay silent.

pub mod kind;

use crate::admission::blame::Reason;
use crate::ids::{AccountId, ModelId, PoolId, ProviderId};
use crate::planning::plan::Counts;
use crate::response::outcome::LimitKind;
use crate::time::{Millis, UnixMillis};

/// An event to announce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub event: NoticeEvent,
    /// The expected end.
    pub until: Option<UnixMillis>,
}

/// The kind of event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeEvent {
    /// Work goes on in another pool of the account.
    PoolFallback { account: AccountId, from: Pool, to: Pool, kind: LimitKind },
    /// Every pool allowed for the request on the account is limited.
    AccountExhausted { account: AccountId, pools: usize, kind: LimitKind },
    /// The only pool allowed for the request on the account is limited.
    PoolExhausted { account: AccountId, pool: Pool, kind: LimitKind, pinned: bool, next: Next },
    /// The account is avoided for a reason other than quota.
    Cooldown { account: AccountId, trouble: Trouble, next: Next },
    /// The endpoint fails for every account.
    EndpointDown { provider: ProviderId, model: Option<ModelId>, trouble: Trouble },
    /// No account of a provider can serve, for the reasons counted in `left`, and work goes on at another
    /// provider.
    ProviderFallback { from: String, to: String, left: Counts },
    /// Every account is limited, and the request waits.
    AllLimited { family: String, accounts: u32, kind: LimitKind, seconds: u64 },
    /// Most accounts are closed for reasons other than limits, and the request waits.
    AllCooling { family: String, counts: Counts, seconds: u64 },
    /// Nobody can serve, and the user's own [protection](crate::quota::protection) reserves some accounts.
    /// The request waits for `seconds`, or is refused.
    Protected { family: String, counts: Counts, seconds: Option<u64> },
    /// The request is bound to the account by resources that no other account can use. Either the account cannot
    /// serve it now, or the resources were left out and the request goes on elsewhere.
    Bound { account: Option<AccountId>, by: String, left_out: bool },
    /// The account needs its owner.
    SignIn { account: AccountId, url: Option<String> },
    /// The account has no credential, so it is disabled.
    Disabled { account: AccountId, why: String },
    /// A limit is over.
    LimitOver { account: AccountId, pool: Pool, kind: LimitKind },
    /// A change of the configuration is in force.
    ConfigTaken,
    /// A change of the configuration was refused; the old one stays in force.
    ConfigRefused { why: String },
    /// The file of the store is damaged, or cannot be used.
    StoreTrouble { why: String },
}

/// A pool, by its name and its display name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    pub name: PoolId,
    pub title: String,
}

/// The reason to avoid an account or an endpoint without a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub reason: Reason,
    /// The status of the upstream's answer, if an answer came.
    pub status: Option<u16>,
    /// Host and port of the endpoint.
    pub place: String,
}

impl Trouble {
    /// Returns the reason, with the place unless another service is meant.
    fn met(&self) -> String {
        let (reason, place) = (self.reason.as_str(), &self.place);
        match self.reason {
            Reason::Token => reason.to_owned(),
            Reason::Auth
            | Reason::Project
            | Reason::Network
            | Reason::Server
            | Reason::Capacity
            | Reason::Payment
            | Reason::Model
            | Reason::Refused => {
                format!("{reason} at {place}")
            }
        }
    }

    /// Returns the sentence on an account.
    fn of(&self, account: &AccountId, next: Next) -> String {
        let (provider, label) = (account.provider(), account.label());
        let status = self.status.map(|status| format!(" ({status})")).unwrap_or_default();
        let (what, remedy) = match self.reason {
            Reason::Auth => {
                (format!("{provider} rejected the credential of {label}{status}"), ": give it a valid one")
            }
            Reason::Project => (
                format!("{provider} does not allow it to the project or plan of {label}{status}"),
                ": see its console",
            ),
            Reason::Payment => (
                format!("{provider} says that {label} has no balance or credit{status}"),
                ": see its billing page",
            ),
            Reason::Model => {
                (format!("{provider} does not open the model to {label}{status}"), ": see its console")
            }
            Reason::Token | Reason::Network | Reason::Server | Reason::Capacity | Reason::Refused => {
                (format!("Account {label} temporarily unavailable ({})", self.met()), "")
            }
        };
        if next == Next::Account { what + ", trying next account" } else { what + remedy }
    }
}

fn bound(account: Option<&AccountId>, by: &str, left_out: bool) -> String {
    let of = account.map(|account| format!(" of {}", account.label())).unwrap_or_default();
    if left_out {
        format!("Left out {by}{of} to go on at another account")
    } else {
        format!("Waiting for the account that can use {by}{of}: no other account can")
    }
}

/// The further course of the request that met the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Account,
    Provider,
    Wait,
    GiveUp,
}

impl Notice {
    /// Returns the sentence to show.
    pub fn text(&self) -> String {
        match &self.event {
            NoticeEvent::PoolFallback { from, to, kind, .. } => {
                let using = if *kind == LimitKind::Quota { " quota" } else { "" };
                format!("{} {}, using {}{using}", from.title, limited(*kind), to.title)
            }
            NoticeEvent::AccountExhausted { account, pools, kind } => {
                let all = if *pools == 2 { "Both" } else { "All" };
                let closed = match kind {
                    LimitKind::Quota => "quotas exhausted".to_owned(),
                    LimitKind::Rate | LimitKind::Concurrency | LimitKind::Unknown => {
                        format!("pools {}", limited(*kind))
                    }
                };
                format!("{all} {closed} for {}, switching to next account", account.label())
            }
            NoticeEvent::PoolExhausted { account, pool, kind, next, .. } => match next {
                Next::Account => format!("{} {}, switching to next account", pool.title, limited(*kind)),
                Next::Provider | Next::Wait | Next::GiveUp => {
                    format!("{} {} for {}", pool.title, limited(*kind), account.label())
                }
            },
            NoticeEvent::Cooldown { account, trouble, next } => trouble.of(account, *next),
            NoticeEvent::EndpointDown { provider, model, trouble } => match model {
                Some(model) => format!("{provider} temporarily unavailable for {model} ({})", trouble.met()),
                None => format!("{provider} temporarily unavailable ({})", trouble.met()),
            },
            NoticeEvent::ProviderFallback { from, to, left } => {
                format!("{}, using {to}", why_left(from, *left))
            }
            NoticeEvent::AllLimited { family, accounts, kind, seconds } => {
                let closed = match kind {
                    LimitKind::Quota => "out of quota",
                    LimitKind::Rate | LimitKind::Concurrency => "rate-limited",
                    LimitKind::Unknown => "limited",
                };
                format!("{} {closed} for {family}. Waiting {seconds}s...", all(*accounts))
            }
            NoticeEvent::AllCooling { family, counts, seconds } => {
                let causes = counts.causes();
                format!("No account can serve {family} now: {causes}. Waiting {seconds}s...")
            }
            NoticeEvent::Protected { family, counts, seconds } => {
                let what = if counts.protected == counts.total() {
                    format!("{} kept back by quota_protection for {family}", all(counts.protected))
                } else {
                    format!("No account can serve {family} now: {}", counts.causes())
                };
                seconds.map_or_else(|| what.clone(), |seconds| format!("{what}. Waiting {seconds}s..."))
            }
            NoticeEvent::Bound { account, by, left_out } => bound(account.as_ref(), by, *left_out),
            NoticeEvent::SignIn { account, .. } => {
                format!("Account {} needs to sign in again", account.label())
            }
            NoticeEvent::Disabled { account, why } => {
                format!("Account {} is disabled: {why}", account.label())
            }
            NoticeEvent::LimitOver { account, pool, kind } => {
                let over = if *kind == LimitKind::Quota { "quota is back" } else { "limit is over" };
                format!("{} {over} for {}", pool.title, account.label())
            }
            NoticeEvent::ConfigTaken => "Configuration reloaded".to_owned(),
            NoticeEvent::ConfigRefused { why } => format!("Configuration not reloaded: {why}"),
            NoticeEvent::StoreTrouble { why } => format!("State is not kept as usual: {why}"),
        }
    }

    /// Returns the account of the notice.
    pub fn account(&self) -> Option<&AccountId> {
        match &self.event {
            NoticeEvent::Bound { account, .. } => account.as_ref(),
            NoticeEvent::PoolFallback { account, .. }
            | NoticeEvent::AccountExhausted { account, .. }
            | NoticeEvent::PoolExhausted { account, .. }
            | NoticeEvent::Cooldown { account, .. }
            | NoticeEvent::SignIn { account, .. }
            | NoticeEvent::Disabled { account, .. }
            | NoticeEvent::LimitOver { account, .. } => Some(account),
            NoticeEvent::EndpointDown { .. }
            | NoticeEvent::ProviderFallback { .. }
            | NoticeEvent::AllLimited { .. }
            | NoticeEvent::AllCooling { .. }
            | NoticeEvent::Protected { .. }
            | NoticeEvent::ConfigTaken
            | NoticeEvent::ConfigRefused { .. }
            | NoticeEvent::StoreTrouble { .. } => None,
        }
    }

    /// Returns the pool of the notice.
    pub fn pool(&self) -> Option<&Pool> {
        match &self.event {
            NoticeEvent::PoolFallback { from, .. } => Some(from),
            NoticeEvent::PoolExhausted { pool, .. } | NoticeEvent::LimitOver { pool, .. } => Some(pool),
            NoticeEvent::AccountExhausted { .. }
            | NoticeEvent::Cooldown { .. }
            | NoticeEvent::EndpointDown { .. }
            | NoticeEvent::ProviderFallback { .. }
            | NoticeEvent::AllLimited { .. }
            | NoticeEvent::AllCooling { .. }
            | NoticeEvent::Protected { .. }
            | NoticeEvent::Bound { .. }
            | NoticeEvent::SignIn { .. }
            | NoticeEvent::Disabled { .. }
            | NoticeEvent::ConfigTaken
            | NoticeEvent::ConfigRefused { .. }
            | NoticeEvent::StoreTrouble { .. } => None,
        }
    }
}

/// Returns the reason for leaving a provider, from the counts of its closed accounts.
fn why_left(from: &str, left: Counts) -> String {
    match left.protected {
        0 if left.limited > 0 && left.limited >= left.cooling.total() => match left.kind() {
            LimitKind::Quota => format!("All {from} quota exhausted"),
            kind @ (LimitKind::Rate | LimitKind::Concurrency | LimitKind::Unknown) => {
                format!("All {from} accounts {}", limited(kind))
            }
        },
        all if all == left.total() => {
            format!("All {from} quota that is left is kept back by quota_protection")
        }
        _ => format!("No {from} account is available ({})", left.causes()),
    }
}

/// Returns the words for a closure by a limit, to follow the name of a pool or of accounts.
const fn limited(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Quota => "quota exhausted",
        LimitKind::Rate => "rate-limited",
        LimitKind::Concurrency => "at the limit of requests at once",
        LimitKind::Unknown => "limited",
    }
}

fn all(accounts: u32) -> String {
    match accounts {
        1 => "The only account is".to_owned(),
        n => format!("All {n} accounts"),
    }
}

/// Returns the whole seconds until an instant, at least 1, as shown in notices.
pub fn seconds_until(until: Millis, now: Millis) -> u64 {
    until.0.saturating_sub(now.0).div_ceil(1_000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planning::plan::Cooling;

    fn pool(title: &str) -> Pool {
        Pool { name: PoolId::new(title), title: title.into() }
    }

    fn trouble(reason: Reason) -> Trouble {
        let status = (reason == Reason::Auth).then_some(401);
        Trouble { reason, status, place: "api.acme.example:443".into() }
    }

    #[test]
    fn trouble_is_told_with_its_place_and_what_to_do() {
        let told = |reason, next| trouble(reason).of(&AccountId::new("acme:work"), next);
        let rejected = "acme rejected the credential of work (401)";
        assert_eq!(told(Reason::Auth, Next::Account), format!("{rejected}, trying next account"));
        assert_eq!(told(Reason::Auth, Next::GiveUp), format!("{rejected}: give it a valid one"));
        let text = "Account work temporarily unavailable (server error at api.acme.example:443)";
        assert_eq!(told(Reason::Server, Next::Wait), text);
        let event = NoticeEvent::EndpointDown {
            provider: ProviderId::new("acme"),
            model: None,
            trouble: trouble(Reason::Network),
        };
        check(event, "acme temporarily unavailable (network error at api.acme.example:443)");
    }

    fn check(event: NoticeEvent, text: &str) {
        assert_eq!(Notice { event, until: None }.text(), text);
    }

    #[test]
    fn the_texts_are_those_of_the_design() {
        let account = AccountId::new("antigravity:work");
        let (cli, antigravity) = (pool("Gemini CLI"), pool("Antigravity"));
        check(
            NoticeEvent::PoolFallback {
                account: account.clone(),
                from: cli,
                to: antigravity.clone(),
                kind: LimitKind::Quota,
            },
            "Gemini CLI quota exhausted, using Antigravity quota",
        );
        check(
            NoticeEvent::AccountExhausted { account: account.clone(), pools: 2, kind: LimitKind::Quota },
            "Both quotas exhausted for work, switching to next account",
        );
        check(
            NoticeEvent::AccountExhausted { account: account.clone(), pools: 3, kind: LimitKind::Quota },
            "All quotas exhausted for work, switching to next account",
        );
        check(
            NoticeEvent::PoolExhausted {
                account: account.clone(),
                pool: antigravity.clone(),
                kind: LimitKind::Quota,
                pinned: true,
                next: Next::Account,
            },
            "Antigravity quota exhausted, switching to next account",
        );
        check(
            NoticeEvent::Cooldown {
                account: account.clone(),
                trouble: trouble(Reason::Auth),
                next: Next::Account,
            },
            "antigravity rejected the credential of work (401), trying next account",
        );
        let fall = |limited, protected, cooling| NoticeEvent::ProviderFallback {
            from: "Anthropic".into(),
            to: "acme/big-model".into(),
            left: Counts {
                limited,
                exhausted: limited,
                protected,
                cooling: Cooling::by(Reason::Server, cooling),
                ..Counts::default()
            },
        };
        check(fall(1, 0, 1), "All Anthropic quota exhausted, using acme/big-model");
        let rates = NoticeEvent::ProviderFallback {
            from: "Anthropic".into(),
            to: "acme/big-model".into(),
            left: Counts { limited: 2, ..Counts::default() },
        };
        check(rates, "All Anthropic accounts rate-limited, using acme/big-model");
        check(
            fall(1, 0, 2),
            "No Anthropic account is available (1 limited, 2 in cooldown after a server error), using acme/big-model",
        );
        check(
            fall(0, 2, 0),
            "All Anthropic quota that is left is kept back by quota_protection, using acme/big-model",
        );
        check(
            fall(1, 1, 0),
            "No Anthropic account is available (1 limited, 1 kept back by quota_protection), using acme/big-model",
        );
        let all = |kind| NoticeEvent::AllLimited { family: "gemini".into(), accounts: 3, kind, seconds: 12 };
        check(all(LimitKind::Rate), "All 3 accounts rate-limited for gemini. Waiting 12s...");
        check(all(LimitKind::Quota), "All 3 accounts out of quota for gemini. Waiting 12s...");
        check(all(LimitKind::Unknown), "All 3 accounts limited for gemini. Waiting 12s...");
        check(
            NoticeEvent::AllCooling {
                family: "gemini".into(),
                counts: Counts { cooling: Cooling::by(Reason::Auth, 2), ..Counts::default() },
                seconds: 12,
            },
            "No account can serve gemini now: 2 rejected. Waiting 12s...",
        );
        check(
            NoticeEvent::SignIn { account: account.clone(), url: None },
            "Account work needs to sign in again",
        );
        let why = "the environment variable `K` is not set (pointsman.yaml:3:38)".to_owned();
        check(
            NoticeEvent::Disabled { account: account.clone(), why },
            "Account work is disabled: the environment variable `K` is not set (pointsman.yaml:3:38)",
        );
        let over =
            |kind| NoticeEvent::LimitOver { account: account.clone(), pool: antigravity.clone(), kind };
        check(over(LimitKind::Quota), "Antigravity quota is back for work");
        check(over(LimitKind::Rate), "Antigravity limit is over for work");
    }

    #[test]
    fn what_the_user_keeps_back_is_told_with_the_setting_that_does() {
        let told = |counts, seconds| NoticeEvent::Protected { family: "gemini".into(), counts, seconds };
        let kept = |protected| Counts { protected, ..Counts::default() };
        check(told(kept(2), None), "All 2 accounts kept back by quota_protection for gemini");
        check(
            told(kept(1), Some(12)),
            "The only account is kept back by quota_protection for gemini. Waiting 12s...",
        );
        check(
            told(Counts { limited: 1, disabled: 1, ..kept(1) }, None),
            "No account can serve gemini now: 1 limited, 1 kept back by quota_protection, 1 disabled",
        );
    }

    #[test]
    fn what_is_no_limit_is_never_called_one() {
        let account = AccountId::new("antigravity:work");
        for reason in Reason::ALL {
            for next in [Next::Account, Next::Wait, Next::GiveUp] {
                let event =
                    NoticeEvent::Cooldown { account: account.clone(), trouble: trouble(reason), next };
                let text = Notice { event, until: None }.text();
                assert!(!text.contains("rate") && !text.contains("quota"), "{text}");
            }
        }
    }
}
