//! The embedded catalog of providers, with the user's configuration merged in.
//!
//! Both are trees of one form, so a user can write everything that the catalog has.

use std::sync::Arc;

use crate::edges::config::documents::{self, Node, Value, YamlMember};
use crate::edges::config::reading::report::Report;
use crate::edges::config::settings::HOSTS;

const TEXT: &str = include_str!("catalog.yaml");

/// A provider before reading: the user's tree merged over the catalog's.
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) node: Node,
    pub(crate) in_catalog: bool,
}

/// Returns the tree of the catalog.
pub(crate) fn tree() -> Node {
    let tree = documents::parse(TEXT, &Arc::from("catalog.yaml"), &Report::default());
    tree.expect("the catalog is part of the build, and a test reads it")
}

/// Returns all providers: the catalog's in its order, then the user's own in theirs.
pub(crate) fn declared(user: &[YamlMember]) -> Vec<Declared> {
    let catalog = tree();
    let written = |name: &str| user.iter().find(|member| member.key == name);
    let known = catalog.members().iter().map(|known| Declared {
        name: known.key.clone(),
        node: written(&known.key)
            .map_or_else(|| known.node.clone(), |over| laid_over(&known.node, &over.node)),
        in_catalog: true,
    });
    let own = user.iter().filter(|own| catalog.member(&own.key).is_none());
    known.chain(own.map(own_provider)).collect()
}

fn own_provider(member: &YamlMember) -> Declared {
    Declared { name: member.key.clone(), node: member.node.clone(), in_catalog: false }
}

/// Merges `over` into `base`: maps key by key, hosts as a union, everything else by replacement.
fn laid_over(base: &Node, over: &Node) -> Node {
    let (Value::Map(known), Value::Map(written)) = (&base.value, &over.value) else {
        return if over.is_null() { base.clone() } else { over.clone() };
    };
    let changed = known.iter().map(|known| match over.member(&known.key) {
        Some(written) => {
            YamlMember { node: joined(&known.key, &known.node, &written.node), ..written.clone() }
        }
        None => known.clone(),
    });
    let added = written.iter().filter(|written| base.member(&written.key).is_none());
    Node::new(over.place.clone(), Value::Map(changed.chain(added.cloned()).collect()))
}

fn joined(key: &str, base: &Node, over: &Node) -> Node {
    match (&base.value, &over.value) {
        (Value::List(known), Value::List(written)) if key == HOSTS.name => {
            let all = written.iter().chain(known).cloned().collect();
            Node::new(over.place.clone(), Value::List(all))
        }
        _ => laid_over(base, over),
    }
}
