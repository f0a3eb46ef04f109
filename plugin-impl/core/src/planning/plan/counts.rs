//! Counts of closed accounts, by cause.

use crate::admission::blame::Reason;
use crate::planning::snapshot::Why;
use crate::response::outcome::LimitKind;

/// Counts of closed accounts; an account counts once, under its earliest cause to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub busy: u32,
    /// By the user's own wish; see [`protection`](crate::quota::protection).
    pub protected: u32,
    pub limited: u32,
    /// The accounts among `limited` whose quota is used up.
    pub exhausted: u32,
    pub cooling: Cooling,
    pub needs_sign_in: u32,
    pub disabled: u32,
    /// Kept from the model by the user's own `models`.
    pub excluded: u32,
}

/// Counts of accounts in cooldown, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cooling([u32; Reason::ALL.len()]);

impl Counts {
    /// Returns the total.
    pub fn total(self) -> u32 {
        let owners = self.needs_sign_in + self.disabled + self.excluded;
        self.busy + self.protected + self.limited + self.cooling.total() + owners
    }

    /// Returns the number of accounts that time alone may open.
    pub fn passing(self) -> u32 {
        self.busy + self.protected + self.limited + self.cooling.passing()
    }

    /// Returns the causes with their numbers, for people: `2 limited, 1 busy`.
    pub fn causes(self) -> String {
        let cooling = Reason::ALL.map(|reason| (self.cooling.of(reason), reason.state()));
        let first = [(self.limited, "limited"), (self.protected, "kept back by quota_protection")];
        let last = [
            (self.busy, "busy"),
            (self.needs_sign_in, "in need of sign-in"),
            (self.disabled, "disabled"),
            (self.excluded, "kept from the model by `models`"),
        ];
        let told = first.iter().chain(&cooling).chain(&last).filter(|(count, _)| *count > 0);
        told.map(|(count, cause)| format!("{count} {cause}")).collect::<Vec<_>>().join(", ")
    }

    /// Returns the kind of the limits, if all limited accounts have one kind. Nobody tells rates from numbers at
    /// once here.
    pub const fn kind(self) -> LimitKind {
        if self.exhausted == 0 {
            LimitKind::Rate
        } else if self.exhausted == self.limited {
            LimitKind::Quota
        } else {
            LimitKind::Unknown
        }
    }

    /// Adds the accounts of another provider.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            busy: self.busy + other.busy,
            protected: self.protected + other.protected,
            limited: self.limited + other.limited,
            exhausted: self.exhausted + other.exhausted,
            cooling: self.cooling.and(other.cooling),
            needs_sign_in: self.needs_sign_in + other.needs_sign_in,
            disabled: self.disabled + other.disabled,
            excluded: self.excluded + other.excluded,
        }
    }

    pub(super) fn count(&mut self, why: Why) {
        self.exhausted += u32::from(why == Why::Exhausted);
        let field = match why {
            Why::Busy | Why::Probing => &mut self.busy,
            Why::Protected => &mut self.protected,
            Why::Limited | Why::Exhausted => &mut self.limited,
            Why::Cooling(reason) => &mut self.cooling.0[reason as usize],
            Why::NeedsSignIn => &mut self.needs_sign_in,
            Why::Disabled => &mut self.disabled,
            Why::Excluded => &mut self.excluded,
        };
        *field += 1;
    }
}

impl Cooling {
    /// Counts accounts in cooldown for one reason.
    pub fn by(reason: Reason, count: u32) -> Self {
        let mut counts = Self::default();
        counts.0[reason as usize] = count;
        counts
    }

    /// Returns the number in cooldown for a reason.
    pub const fn of(self, reason: Reason) -> u32 {
        self.0[reason as usize]
    }

    /// Returns the number in cooldown.
    pub fn total(self) -> u32 {
        self.0.iter().sum()
    }

    /// Returns the number in cooldown for a temporary reason.
    pub fn passing(self) -> u32 {
        Reason::ALL.into_iter().filter(|reason| !reason.is_owners()).map(|reason| self.of(reason)).sum()
    }

    fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_by_itself_and_told_in_its_own_words() {
        let mut counts = Counts::default();
        for reason in Reason::ALL {
            counts.count(Why::Cooling(reason));
        }
        assert!(Reason::ALL.iter().all(|reason| counts.cooling.of(*reason) == 1));
        assert_eq!(counts.total() as usize, Reason::ALL.len());
        let causes = counts.causes();
        assert!(Reason::ALL.iter().all(|reason| causes.contains(reason.state())), "{causes}");
    }

    #[test]
    fn an_exhausted_quota_is_a_limit_of_its_own_kind() {
        let counted = |whys: &[Why]| {
            let mut counts = Counts::default();
            whys.iter().for_each(|why| counts.count(*why));
            (counts.limited, counts.total(), counts.kind(), counts.causes())
        };
        let two = "2 limited".to_owned();
        assert_eq!(counted(&[Why::Exhausted; 2]), (2, 2, LimitKind::Quota, two.clone()));
        assert_eq!(counted(&[Why::Exhausted, Why::Limited]), (2, 2, LimitKind::Unknown, two.clone()));
        assert_eq!(counted(&[Why::Limited; 2]), (2, 2, LimitKind::Rate, two));
    }

    #[test]
    fn what_only_the_owner_can_mend_does_not_pass() {
        let rejected =
            Counts { cooling: Cooling::by(Reason::Auth, 2), needs_sign_in: 1, ..Counts::default() };
        assert_eq!((rejected.passing(), rejected.total()), (0, 3));
        assert_eq!(rejected.causes(), "2 rejected, 1 in need of sign-in");
        let unreachable = Counts { cooling: Cooling::by(Reason::Network, 1), ..rejected };
        assert_eq!(unreachable.passing(), 1);
        assert_eq!(rejected.and(unreachable).passing(), 1);
    }
}
