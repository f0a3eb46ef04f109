//! Families: the accounts of a root session's agents, and the best start for a new agent.
//!
//! Subagents work at the same time, so they spread: each agent of the root session on an account counts as
//! load, with or without a request in flight. Among accounts with relatives, siblings of one type sit
//! together, because tools and system prompt of a type start each of their prompts, and an account caches
//! this prefix once. A fork starts with its parent's whole conversation and may start beside the parent.
//! Both attractions end at `SLACK` agents above the emptiest account.
//!
//! All this is advice for an agent's first request. Afterwards the agent has a sticky account.

use smallvec::SmallVec;

use crate::planning::snapshot::Snapshot;
use crate::request::session::Prefix;

/// The largest lead over the emptiest account, in agents, for an attractive account.
const SLACK: u16 = 1;

/// Remembered agents of a root session. The oldest are dropped first.
const MOST: usize = 64;

/// An agent of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sibling {
    pub agent: u64,
    pub prefix: Prefix,
}

/// The agents of one root session.
#[derive(Clone, Debug, Default)]
pub struct SessionFamily {
    members: SmallVec<[Sibling; 4]>,
}

/// A relative: another agent of the family, with its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative {
    /// The account's place in its roster.
    pub account: u32,
    pub prefix: Prefix,
    /// The relative started the new agent.
    pub is_parent: bool,
}

impl SessionFamily {
    /// Adds or replaces an agent.
    pub fn join(&mut self, member: Sibling) {
        self.members.retain(|known| known.agent != member.agent);
        if self.members.len() == MOST {
            self.members.remove(0);
        }
        self.members.push(member);
    }

    /// Returns all agents but one.
    pub fn others(&self, agent: u64) -> impl Iterator<Item = &Sibling> {
        self.members.iter().filter(move |member| member.agent != agent)
    }
}

/// Counts the relatives at each account of a snapshot, and marks the accounts that attract a new agent with
/// `prefix`.
pub fn seat(snapshot: &mut Snapshot, relatives: &[Relative], prefix: Prefix) {
    if relatives.is_empty() {
        return;
    }
    for account in &mut snapshot.accounts {
        let here = relatives.iter().filter(|relative| relative.account == account.index);
        account.agents = here.count().min(usize::from(u16::MAX)) as u16;
    }
    // Closed accounts must not set the standard: an empty closed account cannot take anybody.
    let open = snapshot.accounts.iter().filter(|account| account.is_plainly_open());
    let fewest = open.map(|account| account.agents).min().unwrap_or(0);
    for account in &mut snapshot.accounts {
        let mut here = relatives.iter().filter(|relative| relative.account == account.index);
        let attracts = |relative: &Relative| relative.attracts(prefix, fewest);
        account.attracts = account.agents <= fewest + SLACK && here.any(attracts);
    }
}

impl Relative {
    /// Returns whether the relative attracts an agent with `prefix`. As long as an account has no
    /// relatives, only a fork of this relative is attracted.
    fn attracts(&self, prefix: Prefix, fewest: u16) -> bool {
        let own = self.prefix;
        let is_fork = self.is_parent && own.opening.is_some() && own.opening == prefix.opening;
        is_fork || fewest > 0 && own.kind.is_some() && own.kind == prefix.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planning::plan::testing::account;
    use crate::time::Millis;

    fn prefix(kind: u64, opening: u64) -> Prefix {
        Prefix { kind: Some(kind), opening: Some(opening) }
    }

    /// Seats agents one after the other, each at an attractive account or else at the emptiest, and returns
    /// the number of agents of each account.
    fn seated(accounts: u32, agents: impl IntoIterator<Item = Prefix>) -> Vec<u16> {
        let mut relatives = Vec::new();
        for prefix in agents {
            let accounts = (0..accounts).map(|index| account(index, 0)).collect();
            let mut snapshot = Snapshot { now: Millis(0), accounts };
            seat(&mut snapshot, &relatives, prefix);
            let best = snapshot.accounts.iter().min_by_key(|account| (!account.attracts, account.agents));
            let is_parent = relatives.is_empty();
            relatives.push(Relative { account: best.expect("accounts").index, prefix, is_parent });
        }
        let count = |index| relatives.iter().filter(|relative| relative.account == index).count() as u16;
        (0..accounts).map(count).collect()
    }

    #[test]
    fn with_as_many_agents_as_accounts_all_but_one_account_are_used() {
        for accounts in 2..9 {
            for agents in u64::from(accounts)..12 {
                for kinds in 1..4 {
                    let main = prefix(99, 99);
                    let subagents = (0..agents).map(|agent| prefix(agent % kinds, agent));
                    let used = |counts: Vec<u16>| counts.iter().filter(|count| **count > 0).count() as u32;
                    let spread = seated(accounts, std::iter::once(main).chain(subagents));
                    assert!(used(spread) >= accounts - 1, "{agents} of {kinds} kinds on {accounts}");
                    let forks = seated(accounts, (0..=agents).map(|_| main));
                    assert!(used(forks) >= accounts - 1, "{agents} forks on {accounts}");
                }
            }
        }
    }

    #[test]
    fn no_account_has_two_agents_more_than_it_need_have() {
        for kinds in 1..4 {
            for agents in 1..20 {
                let counts = seated(3, (0..agents).map(|agent| prefix(agent % kinds, agent)));
                let (least, most) = (counts.iter().min(), counts.iter().max());
                assert!(most.zip(least).is_some_and(|(most, least)| most - least <= SLACK + 1), "{counts:?}");
            }
        }
    }

    /// Three accounts, each with one agent of its own kind.
    fn attracting(prefix_of_new: Prefix) -> Vec<bool> {
        let mut snapshot =
            Snapshot { now: Millis(0), accounts: (0..3).map(|index| account(index, 0)).collect() };
        let relative = |account| Relative {
            account,
            prefix: prefix(account.into(), account.into()),
            is_parent: account == 2,
        };
        let relatives: Vec<_> = (0..3).map(relative).collect();
        seat(&mut snapshot, &relatives, prefix_of_new);
        snapshot.accounts.iter().map(|account| account.attracts).collect()
    }

    #[test]
    fn siblings_of_one_type_sit_together_once_all_accounts_are_used() {
        assert_eq!(attracting(prefix(1, 77)), [false, true, false]);
        assert_eq!(attracting(prefix(7, 2)), [false, false, true], "a fork of its parent");
        assert_eq!(attracting(prefix(7, 1)), [false; 3], "somebody else's conversation");
        assert_eq!(attracting(Prefix::default()), [false; 3]);
    }

    #[test]
    fn a_family_is_bounded_and_an_agent_is_in_it_once() {
        let mut family = SessionFamily::default();
        for agent in 0..3 * MOST as u64 {
            family.join(Sibling { agent, prefix: prefix(1, agent) });
            family.join(Sibling { agent, prefix: prefix(2, agent) });
        }
        assert_eq!(family.others(u64::MAX).count(), MOST);
        assert!(family.others(u64::MAX).all(|member| member.prefix.kind == Some(2)));
    }
}
