//! The upstreams' reports of a pool's windows, for people.

use pointsman_core::quota::outlook::WHOLE;
use pointsman_core::quota::reading::{Reading, Windows};
use pointsman_core::time::{Now, UnixMillis};
use serde_json::{Value, json};

/// A window, as last reported.
#[derive(Clone, Debug)]
pub struct WindowStatus {
    pub name: String,
    /// The pool's name of the only model in the window; `None` for every model.
    pub model: Option<String>,
    /// The remaining quota in thousandths; full after the reset.
    pub remaining: Option<u16>,
    /// The remaining count and the limit, if reported.
    pub count: Option<(u64, u64)>,
    pub reset: Option<UnixMillis>,
    pub observed: UnixMillis,
    /// The reading is too old for decisions.
    pub stale: bool,
}

impl WindowStatus {
    fn of(reading: &Reading, now: Now) -> Self {
        let told = reading.at(now.mono);
        let over = reading.reset.is_some_and(|reset| reset <= now.mono);
        Self {
            name: reading.window.to_string(),
            model: reading.model.as_ref().map(ToString::to_string),
            remaining: if over { Some(WHOLE) } else { reading.remaining },
            count: if over { None } else { reading.count.map(|count| (count.remaining, count.limit)) },
            reset: reading.reset.map(|reset| now.wall_of(reset)),
            observed: now.wall_of(reading.observed),
            stale: told.is_none(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "model": self.model,
            "remaining": self.remaining.map(fraction),
            "remaining_count": self.count.map(|(remaining, _)| remaining),
            "limit": self.count.map(|(_, limit)| limit),
            "reset_unix_ms": self.reset.map(|reset| reset.0),
            "observed_unix_ms": self.observed.0,
            "stale": self.stale,
        })
    }
}

/// Returns the windows.
pub(super) fn all(windows: &Windows, now: Now) -> Vec<WindowStatus> {
    windows.readings().iter().map(|reading| WindowStatus::of(reading, now)).collect()
}

/// Returns the remaining quota of the tightest window, in thousandths, and the reset time.
pub(super) fn tightest(windows: &Windows, now: Now) -> (Option<u16>, Option<UnixMillis>) {
    let live = windows.readings().iter().filter_map(|reading| reading.at(now.mono));
    let tightest = live.reduce(|one, other| one.tighter(other)).unwrap_or_default();
    (tightest.remaining, tightest.reset.map(|reset| now.wall_of(reset)))
}

/// Returns thousandths as a fraction: 0.421.
pub(super) fn fraction(thousandths: u16) -> f64 {
    f64::from(thousandths) / f64::from(WHOLE)
}

#[cfg(test)]
mod tests {
    use pointsman_core::ids::WindowId;
    use pointsman_core::time::Millis;

    use super::*;

    const OBSERVED: Millis = Millis(10_000);

    fn shown(after: u64) -> (Value, Option<u16>) {
        let reading = Reading {
            window: WindowId::new("5h"),
            model: None,
            remaining: Some(421),
            count: None,
            reset: Some(Millis(70_000)),
            observed: OBSERVED,
        };
        let mut windows = Windows::default();
        windows.join(reading);
        let now = Now { mono: Millis(OBSERVED.0 + after), wall: UnixMillis(1_000_000 + after) };
        (all(&windows, now)[0].to_json(), tightest(&windows, now).0)
    }

    #[test]
    fn a_window_is_whole_after_its_reset_and_stale_after_minutes() {
        let (json, tightest) = shown(0);
        assert_eq!((json["remaining"].as_f64(), json["stale"].as_bool()), (Some(0.421), Some(false)));
        assert_eq!((json["reset_unix_ms"].as_u64(), tightest), (Some(1_060_000), Some(421)));
        let (json, tightest) = shown(60_000);
        assert_eq!((json["remaining"].as_f64(), tightest), (Some(1.0), Some(1_000)));
        let (json, tightest) = shown(300_000);
        assert_eq!((json["stale"].as_bool(), tightest), (Some(true), None));
    }
}
