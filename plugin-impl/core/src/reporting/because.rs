//! Why a request was served as it was: the words of the header `x-pointsman-reason`.

use crate::admission::knock::Knock;
use crate::planning::plan::{Candidate, Trial};

/// Why a request went where it went. The order is that of precedence: what made the choice special goes
/// before what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Because {
    /// Nobody could serve it in time.
    Refused,
    /// As many requests wait in line as may.
    Crowded,
    /// The failure is delivered as it is: the budget has no retry left.
    RetryBudget,
    /// No account of its own provider could serve it, and one of its chain could.
    FallbackProvider,
    /// All that closed the accounts was guessed, and it tried whether one is open already.
    LastResort,
    /// It tried whether a limit or a cooldown is over.
    Probe,
    /// It waited for this place.
    Waited,
    /// The preferred pool of the account was closed.
    FallbackPool,
    /// The account that it was sent to first did not serve it.
    NextAccount,
    /// It is the account that uses the caller's own credential.
    Own,
    /// Its session lives on this account.
    Sticky,
    /// It was the first choice of the strategy.
    Preferred,
}

/// What a choice was made under.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    pub candidate: Candidate,
    /// It is served by another provider than its own.
    pub left_origin: bool,
    pub is_probe: bool,
    pub has_waited: bool,
    /// It was sent to another account before.
    pub has_switched: bool,
    /// The account that its session lives on.
    pub home: Option<u32>,
    /// The account that uses the caller's own credential.
    pub own: Option<u32>,
}

impl Because {
    /// All of them, in their order.
    pub const ALL: [Self; 12] = [
        Self::Refused,
        Self::Crowded,
        Self::RetryBudget,
        Self::FallbackProvider,
        Self::LastResort,
        Self::Probe,
        Self::Waited,
        Self::FallbackPool,
        Self::NextAccount,
        Self::Own,
        Self::Sticky,
        Self::Preferred,
    ];

    /// Finds the word for a choice.
    pub fn of(choice: &Circumstances) -> Self {
        if choice.left_origin {
            Self::FallbackProvider
        } else if choice.candidate.trial == Some(Trial::Knock(Knock::LastResort)) {
            Self::LastResort
        } else if choice.is_probe {
            Self::Probe
        } else if choice.has_waited {
            Self::Waited
        } else if choice.candidate.preference > 0 {
            Self::FallbackPool
        } else if choice.has_switched {
            Self::NextAccount
        } else if choice.own == Some(choice.candidate.account) {
            Self::Own
        } else if choice.home == Some(choice.candidate.account) {
            Self::Sticky
        } else {
            Self::Preferred
        }
    }

    /// Returns the word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Crowded => "crowded",
            Self::RetryBudget => "retry-budget",
            Self::FallbackProvider => "fallback-provider",
            Self::LastResort => "last-resort",
            Self::Probe => "probe",
            Self::Waited => "waited",
            Self::FallbackPool => "fallback-pool",
            Self::NextAccount => "next-account",
            Self::Own => "own-credential",
            Self::Sticky => "sticky",
            Self::Preferred => "preferred",
        }
    }

    /// Returns what it means, as a sentence without its subject.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Refused => "nobody could serve it in time",
            Self::Crowded => "as many requests wait in line as may",
            Self::RetryBudget => "it failed, and the retry budget had no retry left",
            Self::FallbackProvider => {
                "no account of its own provider could serve it, and one of its chain could"
            }
            Self::LastResort => {
                "all that closed the accounts was guessed, and it tried whether one is open already"
            }
            Self::Probe => "it tried whether a limit or a cooldown is over",
            Self::Waited => "it waited for this place",
            Self::FallbackPool => "the preferred pool of the account was closed",
            Self::NextAccount => "the account that it was sent to first did not serve it",
            Self::Own => "it is the account that uses the caller's own credential",
            Self::Sticky => "its session lives on this account",
            Self::Preferred => "it was the first choice of the strategy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Circumstances = Circumstances {
        candidate: Candidate { account: 1, pool: 0, endpoint: 0, preference: 0, trial: None, spared: false },
        left_origin: false,
        is_probe: false,
        has_waited: false,
        has_switched: false,
        home: None,
        own: None,
    };

    #[test]
    fn what_is_special_goes_before_what_is_usual() {
        let other_pool = Candidate { preference: 1, ..PLAIN.candidate };
        let mut choice = PLAIN;
        assert_eq!(Because::of(&choice), Because::Preferred);
        choice.home = Some(1);
        assert_eq!(Because::of(&choice), Because::Sticky);
        choice.own = Some(1);
        assert_eq!(Because::of(&choice), Because::Own);
        choice.has_switched = true;
        assert_eq!(Because::of(&choice), Because::NextAccount);
        choice.candidate = other_pool;
        assert_eq!(Because::of(&choice), Because::FallbackPool);
        choice.has_waited = true;
        assert_eq!(Because::of(&choice), Because::Waited);
        choice.is_probe = true;
        assert_eq!(Because::of(&choice), Because::Probe);
        choice.candidate.trial = Some(Trial::Knock(Knock::Recheck));
        assert_eq!(Because::of(&choice), Because::Probe);
        choice.candidate.trial = Some(Trial::Knock(Knock::LastResort));
        assert_eq!(Because::of(&choice), Because::LastResort);
        choice.left_origin = true;
        assert_eq!(Because::of(&choice), Because::FallbackProvider);
    }

    #[test]
    fn the_home_of_a_session_is_one_account() {
        assert_eq!(Because::of(&Circumstances { home: Some(0), ..PLAIN }), Because::Preferred);
    }

    #[test]
    fn the_readme_lists_every_word() {
        let readme = include_str!("../../../../README.md");
        let row = readme.lines().find(|line| line.contains("`x-pointsman-reason`")).expect("a row");
        for because in Because::ALL {
            assert!(row.contains(&format!("`{}`", because.as_str())), "{}", because.as_str());
        }
        assert!(Because::ALL.is_sorted());
    }
}
