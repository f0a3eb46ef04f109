//! Announcements: maps a trip and the request's next step to a notice, and a closed fleet to a notice.

use crate::ids::{AccountId, ModelId, ProviderId};
use crate::planning::plan::Counts;
use crate::reporting::notice::{Next, NoticeEvent, Pool, Trouble};
use crate::response::outcome::LimitKind;

/// A trip made known by this request alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trip {
    Pool { account: AccountId, pool: Pool, limit: Kinds },
    Account { account: AccountId, trouble: Trouble },
    Endpoint { provider: ProviderId, model: Option<ModelId>, trouble: Trouble },
    SignIn { account: AccountId, url: Option<String> },
}

/// The kinds of a limit that a pool's trip has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    pub pool: LimitKind,
    /// The common kind of the limits of all the account's pools within reach, or [`LimitKind::Unknown`].
    pub account: LimitKind,
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
        Trip::Pool { account, pool, limit } => pool_limited(account, pool, limit, (onward, scope)),
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
            let accounts = limited + counts.busy;
            Some(NoticeEvent::AllLimited { family, accounts, kind: counts.kind(), seconds })
        }
        seconds => Some(NoticeEvent::AllCooling { family, counts, seconds }),
    }
}

fn pool_limited(
    account: AccountId,
    pool: Pool,
    limit: Kinds,
    (onward, scope): (&Onward, RouteScope),
) -> NoticeEvent {
    match onward {
        Onward::Way { account: other, pool: to } if *other == account && *to != pool => {
            NoticeEvent::PoolFallback { account, from: pool, to: to.clone(), kind: limit.pool }
        }
        Onward::Way { .. } if scope.pools > 1 => {
            NoticeEvent::AccountExhausted { account, pools: scope.pools, kind: limit.account }
        }
        Onward::Way { .. } | Onward::Hop | Onward::Wait | Onward::GiveUp => {
            let (kind, pinned, next) = (limit.pool, scope.pinned, next(onward));
            NoticeEvent::PoolExhausted { account, pool, kind, pinned, next }
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

    fn limited(pool_kind: LimitKind, account: LimitKind) -> Trip {
        let limit = Kinds { pool: pool_kind, account };
        Trip::Pool { account: AccountId::new("a:work"), pool: pool("Gemini CLI"), limit }
    }

    fn told(onward: &Onward, scope: RouteScope) -> String {
        told_of(limited(LimitKind::Quota, LimitKind::Quota), onward, scope).expect("words")
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
    fn only_a_quota_is_called_one() {
        let elsewhere = [way("a:work", "Antigravity"), way("a:home", "Gemini CLI"), Onward::Wait];
        for kind in [LimitKind::Rate, LimitKind::Concurrency, LimitKind::Unknown] {
            for onward in &elsewhere {
                for (trip, scope) in [
                    (limited(kind, kind), FREE),
                    (limited(kind, LimitKind::Unknown), FREE),
                    (limited(kind, kind), PINNED),
                    (limited(LimitKind::Quota, LimitKind::Unknown), FREE),
                ] {
                    let text = told_of(trip.clone(), onward, scope).expect("words");
                    let is_quota =
                        matches!(&trip, Trip::Pool { limit, .. } if limit.pool == LimitKind::Quota);
                    let by_pool = !text.starts_with("Both");
                    assert_eq!(text.contains("quota"), is_quota && by_pool, "{text}");
                    assert!(text.contains("limit") || is_quota, "{text}");
                }
            }
        }
        let rate = |onward, scope| told_of(limited(LimitKind::Rate, LimitKind::Rate), onward, scope);
        let told = [rate(&elsewhere[0], FREE), rate(&elsewhere[1], FREE), rate(&elsewhere[1], PINNED)];
        let words = [
            "Gemini CLI rate-limited, using Antigravity",
            "Both pools rate-limited for work, switching to next account",
            "Gemini CLI rate-limited, switching to next account",
        ];
        assert_eq!(told, words.map(|words| Some(words.to_owned())));
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
        let kind = LimitKind::Rate;
        let all_limited = NoticeEvent::AllLimited { family: family.clone(), accounts: 3, kind, seconds };
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
        let limit = limited(LimitKind::Quota, LimitKind::Quota);
        assert_eq!(told_of(limit, &Onward::Hop, FREE), None);
        let trouble = Trouble { reason: Reason::Auth, status: Some(401), place: "h:443".into() };
        let cooldown = Trip::Account { account, trouble };
        let text = "a rejected the credential of work (401): give it a valid one";
        assert_eq!(told_of(cooldown, &Onward::Hop, FREE).as_deref(), Some(text));
    }
}
