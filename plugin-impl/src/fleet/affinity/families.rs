//! The agents of each root session.

use pointsman_core::planning::family::{SessionFamily, Sibling};
use pointsman_core::time::Millis;

use crate::sync::DashMap;

/// The agents of each root session. A lost entry costs a subagent a worse start.
#[derive(Debug)]
pub struct Families {
    families: DashMap<u64, LastSeen<SessionFamily>>,
}

/// A value with its last use.
#[derive(Debug, Default)]
pub(super) struct LastSeen<T> {
    pub(super) value: T,
    pub(super) at: Millis,
}

impl Default for Families {
    fn default() -> Self {
        Self { families: DashMap::with_shard_amount(crate::fleet::SHARDS) }
    }
}

impl Families {
    /// Adds an agent to its root session. At most `most` root sessions are kept.
    pub fn join(&self, root: u64, member: Sibling, most: usize, now: Millis) {
        make_room(&self.families, most);
        let mut family = self.families.entry(root).or_default();
        family.value.join(member);
        family.at = now;
    }

    /// Returns the other agents of a root session.
    pub fn others(&self, root: u64, agent: u64) -> Vec<Sibling> {
        let family = self.families.get(&root);
        family.map(|family| family.value.others(agent).copied().collect()).unwrap_or_default()
    }
}

/// Drops the least recently used half at `most` entries, so the search costs little per entry.
pub(super) fn make_room<T>(entries: &DashMap<u64, LastSeen<T>>, most: usize) {
    if entries.len() < most {
        return;
    }
    let mut seen: Vec<Millis> = entries.iter().map(|entry| entry.at).collect();
    let middle = seen.len() / 2;
    if middle == 0 {
        return; // Another thread has just made room.
    }
    let oldest_kept = *seen.select_nth_unstable(middle).1;
    entries.retain(|_, entry| entry.at > oldest_kept);
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    fn member(agent: u64) -> Sibling {
        Sibling { agent, prefix: Default::default() }
    }

    #[test]
    fn a_family_has_all_agents_of_its_root_and_of_no_other() {
        let families = Families::default();
        for (root, agent) in [(1, 10), (1, 11), (2, 20), (1, 10)] {
            families.join(root, member(agent), 100, Millis(0));
        }
        assert_eq!(families.others(1, 10), [member(11)]);
        assert_eq!(families.others(2, 10), [member(20)]);
        assert_eq!(families.others(3, 10), []);
    }

    #[test]
    fn the_families_are_bounded_and_the_latest_are_kept() {
        let families = Families::default();
        for root in 0..1_000 {
            families.join(root, member(1), 100, Millis(root));
        }
        assert!(families.families.len() <= 100);
        assert_eq!(families.others(999, 0).len(), 1);
    }
}
