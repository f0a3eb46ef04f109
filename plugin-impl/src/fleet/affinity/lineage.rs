//! The lineage: the parent of each agent, for finding the root session of an agent known only by a parent.

use pointsman_core::request::session::{Session, SessionKey};
use pointsman_core::time::Millis;

use crate::sync::DashMap;

use super::families::{LastSeen, make_room};

/// The most parents to follow. Agents nest by a few levels; a cycle ends here.
const DEEPEST: usize = 32;

/// The parent of each agent with a known parent and an unknown root. Losing an entry makes an agent a root
/// session of its own.
#[derive(Debug)]
pub struct Lineage {
    parents: DashMap<u64, LastSeen<u64>>,
}

impl Default for Lineage {
    fn default() -> Self {
        Self { parents: DashMap::with_shard_amount(crate::fleet::SHARDS) }
    }
}

impl Lineage {
    /// Remembers the parent of an agent with an unknown root. At most `most` parents are remembered.
    pub fn note(&self, session: &Session, most: usize, now: Millis) {
        let (None, Some(parent)) = (session.root, session.parent) else { return };
        if let Some(mut known) = self.parents.get_mut(&session.agent.0) {
            known.value = parent.0;
            known.at = now;
            return;
        }
        make_room(&self.parents, most);
        self.parents.insert(session.agent.0, LastSeen { value: parent.0, at: now });
    }

    /// Returns the root session of a request.
    pub fn root(&self, session: &Session) -> SessionKey {
        if let Some(root) = session.root {
            return root;
        }
        let mut root = session.parent.unwrap_or(session.agent);
        for _ in 0..DEEPEST {
            let Some(parent) = self.parents.get(&root.0).map(|parent| parent.value) else { break };
            root = SessionKey(parent);
        }
        root
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::formats::format::identity::SessionSource;

    use super::*;

    const MOST: usize = 100;

    fn session(agent: u64, parent: Option<u64>) -> Session {
        let source = SessionSource::Affinity;
        Session { agent: SessionKey(agent), parent: parent.map(SessionKey), root: None, source }
    }

    fn noted(pairs: &[(u64, u64)]) -> Lineage {
        let lineage = Lineage::default();
        pairs
            .iter()
            .for_each(|(agent, parent)| lineage.note(&session(*agent, Some(*parent)), MOST, Millis(0)));
        lineage
    }

    #[test]
    fn the_root_is_the_parent_of_all_parents() {
        let lineage = noted(&[(2, 1), (3, 2), (4, 3)]);
        for session in [session(1, None), session(2, Some(1)), session(4, Some(3)), session(4, None)] {
            assert_eq!(lineage.root(&session), SessionKey(1), "{session:?}");
        }
        assert_eq!(lineage.root(&session(9, Some(8))), SessionKey(8), "a parent that nobody has seen");
    }

    #[test]
    fn a_root_that_is_told_needs_no_lineage() {
        let lineage = noted(&[(2, 1)]);
        let told = Session { root: Some(SessionKey(7)), ..session(2, Some(1)) };
        assert_eq!(lineage.root(&told), SessionKey(7));
        lineage.note(&Session { agent: SessionKey(3), ..told }, MOST, Millis(0));
        assert_eq!(lineage.parents.len(), 1);
    }

    #[test]
    fn a_circle_has_an_end() {
        let lineage = noted(&[(1, 2), (2, 3), (3, 1)]);
        lineage.root(&session(1, Some(2)));
    }

    #[test]
    fn the_map_is_bounded_and_the_latest_are_kept() {
        let lineage = Lineage::default();
        for agent in 1..1_000 {
            lineage.note(&session(agent, Some(0)), MOST, Millis(agent));
        }
        assert!(lineage.parents.len() <= MOST);
        assert_eq!(lineage.root(&session(999, None)), SessionKey(0));
    }
}
