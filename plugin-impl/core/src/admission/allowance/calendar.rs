//! A calendar: when windows end, as the simplest rule that explains the resets that were seen.
//!
//! Nobody tells whether a window ends a length after its first request or with the clock on the wall. While
//! requests follow each other closely both come to the same; the difference shows once there is a gap. So a
//! few resets are remembered, each as the span of time in which it must have been, and both rules are held
//! against them. Where both fit, the earlier end is believed: a refusal would show that it is wrong, while
//! nothing ever shows that a wait was too long.

use crate::time::Millis;

/// So many resets are remembered.
const KEPT: usize = 4;

/// Lengths that windows have where people set them, in milliseconds.
const USUAL: [u64; 6] = [60_000, 300_000, 3_600_000, 18_000_000, 86_400_000, 604_800_000];

/// What is this part of a length is exact enough for all that is done with it…
const PRECISE: u64 = 100;
/// … and so are, of longer ones, the whole seconds in which upstreams tell waits; of short ones a larger part.
const SECONDS: u64 = 1_500;
const PRECISE_OF_SHORT: u64 = 20;

/// A rule of the wall needs ends that are known to this part of its length, or any would fit.
const NARROW: u64 = 4;
/// It is preferred to another that fits as well from this part on.
const EXACT: u64 = 16;

/// A window may seem longer by this part of its length.
const ON_THE_WAY: u64 = 500;

/// A reset that was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reset {
    /// The first request of the window that ended with it, where that is known.
    pub(super) start: Option<Millis>,
    /// The first refusal in that window.
    pub(super) trip: Millis,
    /// When it came.
    pub(super) came: Between,
}

/// Later than `over`, at most at `most`; in milliseconds, of an instant or a length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Between {
    pub(super) over: u64,
    pub(super) most: u64,
}

/// What is known of when windows end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Calendar {
    /// The newest first.
    seen: [Option<Reset>; KEPT],
    rule: Option<Rule>,
    /// The kind of rule that was the only one to explain what was seen, the last time that there was one.
    proven: Option<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// So long after the window's first request.
    First(Between),
    /// At an instant, and at all that are a multiple of the length from there.
    Wall { length: u64, at: Between },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    First,
    Wall,
}

impl Between {
    fn width(self) -> u64 {
        self.most.saturating_sub(self.over)
    }

    fn meet(self, other: Self) -> Option<Self> {
        let both = Self { over: self.over.max(other.over), most: self.most.min(other.most) };
        (both.over < both.most).then_some(both)
    }

    fn later(self, by: u64) -> Self {
        Self { over: self.over.saturating_add(by), most: self.most.saturating_add(by) }
    }

    fn since(self, start: Millis) -> Self {
        Self { over: self.over.saturating_sub(start.0), most: self.most.saturating_sub(start.0) }
    }

    /// Says whether it is known as well as there is need to, of a window of a length.
    pub(super) fn is_precise(self, length: u64) -> bool {
        self.width() <= (length / PRECISE).max(SECONDS.min(length / PRECISE_OF_SHORT))
    }
}

impl Rule {
    /// Says whether it is known so well that it does not fit by chance.
    fn is_exact(&self) -> bool {
        match *self {
            Self::First(length) => length.is_precise(length.most),
            Self::Wall { length, at } => at.width() <= length / EXACT,
        }
    }
}

impl Calendar {
    /// Returns when a window ends whose first request was sent at `start`.
    pub(super) fn end(&self, start: Millis) -> Option<Between> {
        Some(match self.rule? {
            Rule::First(length) => length.later(start.0),
            Rule::Wall { length, at } => at.later(multiples_until(start, at.most, length) * length),
        })
    }

    /// Returns the length of a window, at most.
    pub(super) fn length(&self) -> Option<u64> {
        Some(match self.rule? {
            Rule::First(length) => length.most,
            Rule::Wall { length, .. } => length,
        })
    }

    /// Takes note of a reset.
    pub(super) fn note(&mut self, reset: Reset) {
        self.seen.rotate_right(1);
        self.seen[0] = Some(reset);
        let fitted = self.fit();
        self.rule = self.narrowed(fitted, reset).or(fitted).or(self.rule);
    }

    /// Returns what is believed, made more exact by a reset, if it still is what fits.
    fn narrowed(&self, fitted: Option<Rule>, reset: Reset) -> Option<Rule> {
        match (self.rule?, fitted?) {
            (Rule::First(known), Rule::First(_)) => {
                let length = reset.start.map_or(Some(known), |start| known.meet(reset.came.since(start)));
                length.map(Rule::First)
            }
            (Rule::Wall { length, at }, Rule::Wall { length: same, .. }) if length == same => {
                met(at, reset.came, length).map(|at| Rule::Wall { length, at })
            }
            _ => None,
        }
    }

    /// Returns a rule that explains all resets, or else the newest of them, as many as may be.
    fn fit(&mut self) -> Option<Rule> {
        let resets: [Reset; KEPT] = {
            let newest = self.seen[0]?;
            self.seen.map(|reset| reset.unwrap_or(newest))
        };
        let count = self.seen.iter().flatten().count();
        (1..=count).rev().find_map(|count| self.fit_to(&resets[..count]))
    }

    fn fit_to(&mut self, resets: &[Reset]) -> Option<Rule> {
        let (first, wall) = (first(resets), wall(resets));
        let dated = resets.iter().filter(|reset| reset.start.is_some()).count();
        match (first, wall) {
            (Some(_), Some(_)) => {}
            (Some(_), None) if dated > 1 => self.proven = Some(Kind::First),
            (None, Some(_)) if dated > 1 => self.proven = Some(Kind::Wall),
            _ => {}
        }
        let believed = if self.proven == Some(Kind::First) { None } else { wall.filter(Rule::is_exact) };
        believed.or(first).or(wall)
    }
}

/// Returns the length from the first request on that explains these resets.
fn first(resets: &[Reset]) -> Option<Rule> {
    let mut spans = resets.iter().filter_map(|reset| Some(reset.came.since(reset.start?)));
    let newest = spans.next()?;
    let length = spans.try_fold(newest, Between::meet)?;
    Some(Rule::First(usual_in(length).unwrap_or(length)))
}

/// Returns the length and the instants of the wall that explain these resets.
fn wall(resets: &[Reset]) -> Option<Rule> {
    let (newest, others) = resets.split_first()?;
    let least = resets.iter().map(|reset| reset.came.over.saturating_sub(reset.trip.0)).max()?;
    let apart = newest.came.most.saturating_sub(others.first()?.came.most);
    // What lies between two resets explains those two, whatever they are.
    let other = (others.len() > 1).then_some(apart);
    USUAL.into_iter().chain(other).filter(|length| *length > least).find_map(|length| {
        let at = others.iter().try_fold(newest.came, |at, reset| met(at, reset.came, length))?;
        (at.width() <= length / NARROW).then_some(Rule::Wall { length, at })
    })
}

/// Returns where an instant and another one meet, a multiple of the length from it. Where several multiples
/// could be meant the other one says nothing.
fn met(at: Between, other: Between, length: u64) -> Option<Between> {
    let (later, earlier) = if at.most >= other.most { (at, other) } else { (other, at) };
    let fewest = later.over.saturating_sub(earlier.most) / length + 1;
    let fewest = if later.over < earlier.most { 0 } else { fewest };
    let most = (later.most - earlier.over).div_ceil(length).saturating_sub(1);
    match most.checked_sub(fewest)? {
        0 => later.meet(earlier.later(fewest * length)),
        _ => Some(later),
    }
}

/// Returns how many lengths after an instant the next one is that lies after `start`.
fn multiples_until(start: Millis, at: u64, length: u64) -> u64 {
    if start.0 < at { 0 } else { (start.0 - at) / length + 1 }
}

/// Returns the usual length that it must be, exactly. What is measured is a little longer than what the upstream
/// counts, because requests are under way to it.
fn usual_in(span: Between) -> Option<Between> {
    let length =
        USUAL.into_iter().find(|length| span.over < length + length / ON_THE_WAY && *length <= span.most)?;
    let most = length.max(span.over + 1);
    let rest = Between { over: most, most: span.most };
    let is_it = rest.is_precise(length) || span.width() <= length / NARROW;
    is_it.then(|| Between { over: most - 1, most })
}

/// Returns the shortest usual length that it can be.
pub(super) fn next_usual(span: Between) -> Option<u64> {
    USUAL.into_iter().find(|length| (span.over + 1..=span.most).contains(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_000_000;

    /// Resets in seconds: the first request, the first refusal, and between which instants it came.
    fn calendar(resets: &[(Option<u64>, u64, u64, u64)]) -> Calendar {
        let mut calendar = Calendar::default();
        for (start, trip, over, most) in resets {
            let at = |second: u64| T + second * 1_000;
            let came = Between { over: at(*over), most: at(*most) };
            calendar.note(Reset {
                start: start.map(|start| Millis(at(start))),
                trip: Millis(at(*trip)),
                came,
            });
        }
        calendar
    }

    /// Checks between which seconds a window ends that has begun at a second.
    fn check(resets: &[(Option<u64>, u64, u64, u64)], start: u64, end: Option<(u64, u64)>) {
        let seen = calendar(resets).end(Millis(T + start * 1_000));
        let in_seconds = seen.map(|end| ((end.over + 1 - T) / 1_000, (end.most - T) / 1_000));
        assert_eq!(in_seconds, end, "{resets:?}");
    }

    #[test]
    fn nothing_is_known_before_a_reset_was_seen() {
        check(&[], 0, None);
        check(&[(None, 20, 59, 60)], 70, None);
    }

    #[test]
    fn a_length_from_the_first_request_on_is_kept_while_it_explains_what_is_seen() {
        check(&[(Some(0), 20, 44, 45)], 50, Some((94, 95)));
        check(&[(Some(0), 20, 44, 45), (Some(63), 80, 107, 108)], 300, Some((344, 345)));
    }

    #[test]
    fn a_usual_length_is_exact() {
        check(&[(Some(0), 20, 50, 61)], 100, Some((160, 160)));
        check(&[(Some(0), 20, 20, 60)], 100, Some((160, 160)));
    }

    #[test]
    fn resets_a_multiple_apart_are_of_the_wall() {
        check(&[(None, 20, 59, 60), (None, 170, 179, 180)], 200, Some((239, 240)));
        // The first request came late in its window, twice.
        check(&[(Some(35), 50, 59, 60), (Some(150), 170, 179, 180)], 181, Some((239, 240)));
    }

    #[test]
    fn a_refusal_that_outlasts_a_length_shows_that_it_is_longer() {
        check(&[(None, 20, 299, 300), (None, 400, 599, 600)], 601, Some((899, 900)));
    }

    #[test]
    fn where_both_rules_fit_the_wall_is_believed_until_it_is_refuted() {
        let dense = [(Some(0), 20, 58, 60), (Some(60), 80, 118, 120)];
        check(&dense, 150, Some((178, 180)));
        let gap = [dense[0], dense[1], (Some(150), 170, 209, 210)];
        check(&gap, 250, Some((310, 310)));
        let dense_again = [gap[2], (Some(210), 230, 268, 270), (Some(270), 290, 328, 330)];
        check(&[&gap[..], &dense_again[1..]].concat(), 350, Some((410, 410)));
    }

    #[test]
    fn spans_of_several_resets_meet_in_a_narrower_one() {
        check(&[(None, 20, 58, 60), (None, 80, 119, 121)], 130, Some((179, 180)));
    }

    #[test]
    fn another_length_is_learned_from_the_newest_resets() {
        let minute = [(Some(0), 20, 59, 60), (Some(70), 80, 129, 130), (Some(150), 160, 209, 210)];
        let longer = [(Some(230), 250, 529, 530), (Some(540), 560, 839, 840)];
        check(&[&minute[..], &longer].concat(), 900, Some((1_200, 1_200)));
    }
}
