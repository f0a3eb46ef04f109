//! The upstream's own clock.

use http::HeaderMap;
use http::header::DATE;

use super::date;
use crate::time::{Now, UnixMillis};

/// The tolerated difference, from whole seconds and the time on the way, in milliseconds.
const SAME: u64 = 2_000;

/// Returns the time with the upstream's wall clock, if its `date` differs from ours: the upstream's dates
/// follow its own clock, whichever clock is wrong.
pub(crate) fn corrected(now: Now, headers: &HeaderMap) -> Now {
    let told = headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(date::http);
    match told {
        Some(UnixMillis(wall)) if wall.abs_diff(now.wall.0) > SAME => Now { wall: UnixMillis(wall), ..now },
        Some(_) | None => now,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::time::Millis;

    #[test]
    fn a_date_far_from_ours_takes_its_place() {
        let now = Now { mono: Millis(5), wall: UnixMillis(784_111_777_000) };
        let wall = |date: &'static str| {
            let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]);
            corrected(now, &headers).wall.0
        };
        assert_eq!(wall("Sun, 06 Nov 1994 08:49:38 GMT"), now.wall.0);
        assert_eq!(wall("Sun, 06 Nov 1994 09:49:37 GMT"), now.wall.0 + 3_600_000);
        assert_eq!(wall("yesterday"), now.wall.0);
        assert_eq!(corrected(now, &HeaderMap::new()), now);
    }
}
