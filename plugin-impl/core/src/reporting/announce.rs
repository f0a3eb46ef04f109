//! Announcements: maps a trip and the request's next step to a notice, and a closed fleet to a notice.

use crate::ids::{AccountId, ModelId, ProviderId};
use crate::planning::plan::Counts;
use crate::reporting::notice::{Next, NoticeEvent, Pool, Trouble};

/// A trip made known by this request alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trip {
    Pool { account: AccountId, pool: Pool },
    Account { account: AccountId, trouble: Trouble },
    Endpoint { provider: ProviderId, model: Option<ModelId>, trouble: Trouble },
    SignIn { account: AccountId, url: Option<String> },
}

/// The next step of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Onward {
    Way {
        account: AccountId,
        pool: Pool,
    },
    /// The next hop of the failover chain.
    Hop,
    Wait,
    GiveUp,
}

/// The request's reach; it decides the words for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteScope {
    pub pinned: bool,
    /// The number of an account's pools within the request's reach, before the next account.
    pub pools: usize,
}

/// Returns the notice for a trip, if there is one.
///
/// A limit that leads to another provider has none: the notice of the fallback covers it.
pub fn announce(trip: Trip, onward: &Onward, scope: RouteScope) -> Option<NoticeEvent> {
    Some(match trip {
        Trip::Pool { .. } if *onward == Onward::Hop => return None,
        Trip::Pool { account, pool } => pool_limited(account, pool, onward, scope),
        Trip::Account { account, trouble } => NoticeEvent::Cooldown { account, trouble, next: next(onward) },
        Trip::Endpoint { provider, model, trouble } => NoticeEvent::EndpointDown { provider, model, trouble },
        Trip::SignIn { account, url } => NoticeEvent::SignIn { account, url },
    })
}

/// Returns the notice for a request that waits some seconds, or is refused.
///
/// A refusal has a notice only for quota protection; limits and cooldowns have had theirs at their trip.
pub fn standstill(family: &str, counts: Counts, seconds: Option<u64>) -> Option<NoticeEvent> {
    let family = family.to_owned();
    // What only the owner can mend has been told, and nobody waits for it.
    let (limited, cooling) = (counts.limited, counts.cooling.passing());
    if counts.protected > 0 {
        return Some(NoticeEvent::Protected { family, counts, seconds });
    }
    match seconds? {
        _ if limited + cooling == 0 => None,
        seconds if limited >= cooling => {
            Some(NoticeEvent::AllLimited { family, accounts: limited + counts.busy, seconds })
        }
        seconds => Some(NoticeEvent::AllCooling { family, counts, seconds }),
    }
}

fn pool_limited(account: AccountId, pool: Pool, onward: &Onward, scope: RouteScope) -> NoticeEvent {
    match onward {
        Onward::Way { account: other, pool: to } if *other == account && *to != pool => {
            NoticeEvent::PoolFallback { account, from: pool, to: to.clone() }
        }
        Onward::Way { .. } if scope.pools > 1 => {
            NoticeEvent::AccountExhausted { account, pools: scope.pools }
        }
        Onward::Way { .. } | Onward::Hop | Onward::Wait | Onward::GiveUp => {
            NoticeEvent::PoolExhausted { account, pool, pinned: scope.pinned, next: next(onward) }
        }
    }
}

fn next(onward: &Onward) -> Next {
    match onward {
        Onward::Way { .. } => Next::Account,
        Onward::Hop => Next::Provider,
        Onward::Wait => Next::Wait,
        Onward::GiveUp => Next::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::blame::Reason;
    use crate::ids::PoolId;
    use crate::planning::plan::Cooling;

    fn pool(name: &str) -> Pool {
        Pool { name: PoolId::new(name), title: name.into() }
    }

    fn told(onward: &Onward, scope: RouteScope) -> String {
        let trip = Trip::Pool { account: AccountId::new("a:work"), pool: pool("Gemini CLI") };
        told_of(trip, onward, scope).expect("words")
    }

    fn told_of(trip: Trip, onward: &Onward, scope: RouteScope) -> Option<String> {
        Some(crate::reporting::notice::Notice { event: announce(trip, onward, scope)?, until: None }.text())
    }

    fn way(account: &str, name: &str) -> Onward {
        Onward::Way { account: AccountId::new(account), pool: pool(name) }
    }

    const FREE: RouteScope = RouteScope { pinned: false, pools: 2 };
    const PINNED: RouteScope = RouteScope { pinned: true, pools: 1 };

    #[test]
    fn where_the_request_goes_decides_the_words() {
        assert_eq!(
            told(&way("a:work", "Antigravity"), FREE),
            "Gemini CLI quota exhausted, using Antigravity quota"
        );
        assert_eq!(
            told(&way("a:home", "Gemini CLI"), FREE),
            "Both quotas exhausted for work, switching to next account"
        );
        assert_eq!(
            told(&way("a:home", "Gemini CLI"), PINNED),
            "Gemini CLI quota exhausted, switching to next account"
        );
        assert_eq!(told(&Onward::Wait, PINNED), "Gemini CLI quota exhausted for work");
        assert_eq!(told(&Onward::GiveUp, FREE), "Gemini CLI quota exhausted for work");
    }

    #[test]
    fn what_closes_all_accounts_decides_the_words() {
        let (family, seconds) = ("gemini".to_owned(), 12);
        let check = |counts: Counts, waiting: Option<NoticeEvent>, refused: Option<NoticeEvent>| {
            assert_eq!(standstill(&family, counts, Some(seconds)), waiting);
            assert_eq!(standstill(&family, counts, None), refused);
        };
        let limited =
            Counts { limited: 2, cooling: Cooling::by(Reason::Server, 1), busy: 1, ..Counts::default() };
        let all_limited = NoticeEvent::AllLimited { family: family.clone(), accounts: 3, seconds };
        check(limited, Some(all_limited), None);
        let cooling = Counts { cooling: Cooling::by(Reason::Server, 2), limited: 1, ..Counts::default() };
        check(
            cooling,
            Some(NoticeEvent::AllCooling { family: family.clone(), counts: cooling, seconds }),
            None,
        );
        for counts in [Counts { protected: 1, ..limited }, Counts { protected: 1, ..Counts::default() }] {
            let protected =
                |seconds| Some(NoticeEvent::Protected { family: family.clone(), counts, seconds });
            check(counts, protected(Some(seconds)), protected(None));
        }
        check(Counts { busy: 1, disabled: 1, ..Counts::default() }, None, None);
    }

    #[test]
    fn a_limit_that_leads_to_another_provider_is_told_by_that_alone() {
        let account = AccountId::new("a:work");
        let limit = Trip::Pool { account: account.clone(), pool: pool("Gemini CLI") };
        assert_eq!(told_of(limit, &Onward::Hop, FREE), None);
        let trouble = Trouble { reason: Reason::Auth, status: Some(401), place: "h:443".into() };
        let cooldown = Trip::Account { account, trouble };
        let text = "a rejected the credential of work (401): give it a valid one";
        assert_eq!(told_of(cooldown, &Onward::Hop, FREE).as_deref(), Some(text));
    }
}
