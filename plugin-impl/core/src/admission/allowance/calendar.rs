//! The calendar: predicts ends of windows by the simplest rule that explains past resets.
//!
//! No upstream tells whether a window ends a fixed length after its first request, or at instants of the
//! wall clock. Both rules agree on dense requests and differ after a gap. The calendar therefore remembers
//! a few resets, each as a span of possible instants, and fits both rules. If both fit, the earlier end
//! counts: a refusal would disprove an early end, and nothing disproves a late end.

use crate::time::{Millis, Span};

/// The number of remembered resets.
const KEPT: usize = 4;

/// Usual lengths of windows: 1 min, 5 min, 1 h, 5 h, 1 d, 7 d.
const USUAL: [Span; 6] = [
    Span::from_secs(60),
    Span::from_secs(300),
    Span::from_secs(3_600),
    Span::from_secs(5 * 3_600),
    Span::from_secs(86_400),
    Span::from_secs(7 * 86_400),
];

/// A length is precise with an error below 1/100 of it…
const PRECISE: u64 = 100;
/// … or below 1.5 s for long windows (upstreams report waits in whole seconds), or a larger part of short
/// windows.
const SECONDS: Span = Span(1_500);
const PRECISE_OF_SHORT: u64 = 20;

/// A wall rule needs ends with an error below 1/4 of its length; otherwise any rule would fit.
const NARROW: u64 = 4;
/// A rule with an error below 1/16 of its length is preferred to another fitting rule.
const EXACT: u64 = 16;

/// The largest excess of a window's apparent length, from travel times, is 1/500 of the length.
const ON_THE_WAY: u64 = 500;

/// An observed reset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reset {
    /// The first request of the ended window, if known.
    pub(super) start: Option<Millis>,
    /// The first refusal in that window.
    pub(super) trip: Millis,
    /// The span of the reset.
    pub(super) came: Between<Millis>,
}

/// A range of possible instants or lengths, exclusive of `over`, inclusive of `most`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Between<T> {
    pub(super) over: T,
    pub(super) most: T,
}

/// The knowledge about ends of windows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Calendar {
    /// Observed resets, newest first.
    seen: [Option<Reset>; KEPT],
    rule: Option<ResetRule>,
    /// The kind of the last rule that alone explained all resets.
    proven: Option<CalendarKind>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ResetRule {
    /// A length after the window's first request.
    First(Between<Span>),
    /// An instant, and all multiples of the length from there.
    Wall { length: Span, at: Between<Millis> },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum CalendarKind {
    First,
    Wall,
}

impl<T: Copy + Ord> Between<T> {
    fn meet(self, other: Self) -> Option<Self> {
        let both = Self { over: self.over.max(other.over), most: self.most.min(other.most) };
        (both.over < both.most).then_some(both)
    }
}

impl Between<Millis> {
    fn later(self, by: Span) -> Self {
        Self { over: self.over + by, most: self.most + by }
    }

    fn width(self) -> Span {
        self.most - self.over
    }

    /// Returns the range as lengths since `start`.
    pub(super) fn since(self, start: Millis) -> Between<Span> {
        Between { over: self.over - start, most: self.most - start }
    }

    /// Returns whether the range is precise enough for a window of `length`.
    pub(super) fn is_precise(self, length: Span) -> bool {
        is_precise(self.width(), length)
    }
}

impl Between<Span> {
    fn width(self) -> Span {
        Span(self.most.0.saturating_sub(self.over.0))
    }

    /// Returns the range of instants at these lengths after `start`.
    fn after(self, start: Millis) -> Between<Millis> {
        Between { over: start + self.over, most: start + self.most }
    }

    fn is_precise(self, length: Span) -> bool {
        is_precise(self.width(), length)
    }
}

fn is_precise(width: Span, length: Span) -> bool {
    width <= (length / PRECISE).max(SECONDS.min(length / PRECISE_OF_SHORT))
}

impl ResetRule {
    /// Returns whether the span is too exact for a chance fit.
    fn is_exact(&self) -> bool {
        match *self {
            Self::First(length) => length.is_precise(length.most),
            Self::Wall { length, at } => at.width() <= length / EXACT,
        }
    }
}

impl Calendar {
    /// Returns the end of a window with its first request at `start`.
    pub(super) fn end(&self, start: Millis) -> Option<Between<Millis>> {
        Some(match self.rule? {
            ResetRule::First(length) => length.after(start),
            ResetRule::Wall { length, at } => at.later(length * multiples_until(start, at.most, length)),
        })
    }

    /// Returns the largest length of a window.
    pub(super) fn length(&self) -> Option<Span> {
        Some(match self.rule? {
            ResetRule::First(length) => length.most,
            ResetRule::Wall { length, .. } => length,
        })
    }

    /// Adds a reset.
    pub(super) fn note(&mut self, reset: Reset) {
        self.seen.rotate_right(1);
        self.seen[0] = Some(reset);
        let fitted = self.fit();
        self.rule = self.narrowed(fitted, reset).or(fitted).or(self.rule);
    }

    /// Returns the present rule, narrowed by a reset, if the rule still fits.
    fn narrowed(&self, fitted: Option<ResetRule>, reset: Reset) -> Option<ResetRule> {
        match (self.rule?, fitted?) {
            (ResetRule::First(known), ResetRule::First(_)) => {
                let length = reset.start.map_or(Some(known), |start| known.meet(reset.came.since(start)));
                length.map(ResetRule::First)
            }
            (ResetRule::Wall { length, at }, ResetRule::Wall { length: same, .. }) if length == same => {
                met(at, reset.came, length).map(|at| ResetRule::Wall { length, at })
            }
            _ => None,
        }
    }

    /// Returns a rule for all resets, or for as many of the newest as possible.
    fn fit(&mut self) -> Option<ResetRule> {
        let resets: [Reset; KEPT] = {
            let newest = self.seen[0]?;
            self.seen.map(|reset| reset.unwrap_or(newest))
        };
        let count = self.seen.iter().flatten().count();
        (1..=count).rev().find_map(|count| self.fit_to(&resets[..count]))
    }

    fn fit_to(&mut self, resets: &[Reset]) -> Option<ResetRule> {
        let (first, wall) = (first(resets), wall(resets));
        let dated = resets.iter().filter(|reset| reset.start.is_some()).count();
        match (first, wall) {
            (Some(_), Some(_)) => {}
            (Some(_), None) if dated > 1 => self.proven = Some(CalendarKind::First),
            (None, Some(_)) if dated > 1 => self.proven = Some(CalendarKind::Wall),
            _ => {}
        }
        let believed =
            if self.proven == Some(CalendarKind::First) { None } else { wall.filter(ResetRule::is_exact) };
        believed.or(first).or(wall)
    }
}

/// Returns the length after the first request that explains these resets.
fn first(resets: &[Reset]) -> Option<ResetRule> {
    let mut spans = resets.iter().filter_map(|reset| Some(reset.came.since(reset.start?)));
    let newest = spans.next()?;
    let length = spans.try_fold(newest, Between::meet)?;
    Some(ResetRule::First(usual_in(length).unwrap_or(length)))
}

/// Returns the wall rule that explains these resets.
fn wall(resets: &[Reset]) -> Option<ResetRule> {
    let (newest, others) = resets.split_first()?;
    let least = resets.iter().map(|reset| reset.came.over - reset.trip).max()?;
    let apart = newest.came.most - others.first()?.came.most;
    // What lies between two resets explains those two, whatever they are.
    let other = (others.len() > 1).then_some(apart);
    USUAL.into_iter().chain(other).filter(|length| *length > least).find_map(|length| {
        let at = others.iter().try_fold(newest.came, |at, reset| met(at, reset.came, length))?;
        (at.width() <= length / NARROW).then_some(ResetRule::Wall { length, at })
    })
}

/// Narrows an instant by another, a multiple of the length away. Without a unique multiple, the other
/// instant proves nothing.
fn met(at: Between<Millis>, other: Between<Millis>, length: Span) -> Option<Between<Millis>> {
    let (later, earlier) = if at.most >= other.most { (at, other) } else { (other, at) };
    let fewest = (later.over - earlier.most).0 / length.0 + 1;
    let fewest = if later.over < earlier.most { 0 } else { fewest };
    let most = (later.most - earlier.over).0.div_ceil(length.0).saturating_sub(1);
    match most.checked_sub(fewest)? {
        0 => later.meet(earlier.later(length * fewest)),
        _ => Some(later),
    }
}

/// Returns the number of lengths from an instant to the next instant after `start`.
fn multiples_until(start: Millis, at: Millis, length: Span) -> u64 {
    if start < at { 0 } else { (start - at).0 / length.0 + 1 }
}

/// Returns the only possible usual length, exactly. The measured length exceeds the upstream's a little,
/// because of travel times.
fn usual_in(span: Between<Span>) -> Option<Between<Span>> {
    let length = USUAL
        .into_iter()
        .find(|length| span.over < *length + *length / ON_THE_WAY && *length <= span.most)?;
    let most = length.max(span.over + Span(1));
    let rest = Between { over: most, most: span.most };
    let is_it = rest.is_precise(length) || span.width() <= length / NARROW;
    is_it.then(|| Between { over: Span(most.0 - 1), most })
}

/// Returns the shortest possible usual length.
pub(super) fn next_usual(range: Between<Span>) -> Option<Span> {
    USUAL.into_iter().find(|length| range.over < *length && *length <= range.most)
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
            let came = Between { over: Millis(at(*over)), most: Millis(at(*most)) };
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
        let in_seconds = seen.map(|end| ((end.over.0 + 1 - T) / 1_000, (end.most.0 - T) / 1_000));
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
