//! Keys: the kind of a record, and the names of its subject.

use crate::ids::AccountId;

/// The separator of names in a key's text: ASCII's unit separator, which no id contains.
const SEPARATOR: char = '\u{1f}';

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Orders on an account: removed, enabled, reset.
    Account,
    /// A limit of a pool, or of some of its models.
    Limit,
    /// A closed circuit breaker of an account.
    Cooldown,
    /// A window as reported by the upstream.
    Reading,
    /// What a pool's limits have taught.
    Learned,
    /// The sticky account of a session.
    Sticky,
    /// The account that made a resource.
    Owner,
    /// Counters of an hour.
    Usage,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Account,
        Self::Limit,
        Self::Cooldown,
        Self::Reading,
        Self::Learned,
        Self::Sticky,
        Self::Owner,
        Self::Usage,
    ];

    /// Returns the word in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Limit => "limit",
            Self::Cooldown => "cooldown",
            Self::Reading => "reading",
            Self::Learned => "learned",
            Self::Sticky => "sticky",
            Self::Owner => "owner",
            Self::Usage => "usage",
        }
    }

    /// Returns the kind of a word, or `None` for a kind of a later version.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The key of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub kind: Kind,
    /// Names, the account's first where the record is of an account.
    pub names: Box<[Box<str>]>,
}

impl Key {
    /// Makes a key.
    pub fn new<'a>(kind: Kind, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { kind, names: names.into_iter().map(Into::into).collect() }
    }

    /// Makes the key of a record about an account.
    pub fn of(kind: Kind, account: &AccountId, names: &[&str]) -> Self {
        Self::new(kind, std::iter::once(account.as_str()).chain(names.iter().copied()))
    }

    /// Makes the key of a record found by a number.
    pub fn numbered(kind: Kind, number: u64) -> Self {
        Self::new(kind, [format!("{number:016x}").as_str()])
    }

    /// Returns the number of a key made by [`Key::numbered`].
    pub fn number(&self) -> Option<u64> {
        u64::from_str_radix(self.name(0)?, 16).ok()
    }

    /// Returns a name; an absent or empty name is `None`.
    pub fn name(&self, place: usize) -> Option<&str> {
        self.names.get(place).map(|name| &**name).filter(|name| !name.is_empty())
    }

    /// Returns the names as one text.
    pub fn text(&self) -> String {
        self.names.join(&*SEPARATOR.to_string())
    }

    /// Reads the names of [`Key::text`].
    pub fn read(kind: Kind, text: &str) -> Self {
        Self::new(kind, text.split(SEPARATOR))
    }
}
