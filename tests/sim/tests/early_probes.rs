//! Quota that is back earlier than was guessed is found, and hardly anybody asks in vain.

use std::time::Duration;

use pointsman_core::time::Millis;
use pointsman_sim::engine::Engine;
use pointsman_sim::latency::Latency;
use pointsman_sim::ours::{Ours, Setup, Strategy};
use pointsman_sim::rng::Rng;
use pointsman_sim::router::RequestId;
use pointsman_sim::traffic::closed_loop::ClosedLoop;
use pointsman_sim::upstream::hint::HintStyle;
use pointsman_sim::upstream::window::{Anchor, Window};
use pointsman_sim::upstream::{Meter, Quota, Upstream, Verdict};
use pointsman_sim::watch::{Happening, Violation, Watch, What};

/// What happened at each account after its first limit.
#[derive(Debug)]
struct AfterTheFirst(Vec<Account>);

#[derive(Clone, Debug, Default)]
struct Account {
    limited: Option<Millis>,
    sent: Vec<(RequestId, Millis)>,
    refused: u64,
    /// When the first was sent that was let in again.
    served: Option<Millis>,
}

impl Account {
    fn answered(&mut self, request: RequestId, is_good: bool, now: Millis) {
        let knew = self.sent.iter().find(|(sent, _)| *sent == request);
        match knew {
            Some((_, sent)) if is_good => {
                self.served.get_or_insert(*sent);
            }
            Some(_) if self.served.is_none() => self.refused += 1,
            Some(_) | None => {}
        }
        if !is_good {
            self.limited.get_or_insert(now);
        }
    }
}

impl Watch<Ours> for AfterTheFirst {
    fn note(&mut self, happening: &Happening, _: &Ours) -> Result<(), Violation> {
        let (now, request) = (happening.now, happening.request);
        if let What::Sent { cell, .. } = happening.what {
            let account = &mut self.0[usize::from(cell.account)];
            if account.limited.is_some() {
                account.sent.push((request, now));
            }
        } else if let What::Answered { cell, answer } = happening.what {
            self.0[usize::from(cell.account)].answered(request, answer.verdict == Verdict::Good, now);
        }
        Ok(())
    }

    fn rest(&mut self, _: &Ours, _: Millis) -> Result<(), Violation> {
        Ok(())
    }
}

/// Forty subagents want more of some accounts than there is. Their quota is back so long after the first
/// request. Returns how long each account let nobody in after its first limit, in milliseconds, and how many
/// asked meanwhile.
fn pauses(accounts: u16, back_after: Duration, hints: HintStyle) -> Vec<(u64, u64)> {
    let setup = Setup::plain(accounts, Strategy::Hybrid, Duration::from_secs(600));
    let quotas = vec![Quota::Window(Window::new(8, back_after, Anchor::FirstRequest))];
    let meter = Meter { quotas, hints, tells: false, others: None };
    let upstream = Upstream::new(1, vec![meter; accounts.into()], Vec::new());
    let traffic = ClosedLoop::new(vec![1; 40], Duration::from_secs(120), Rng::new(5));
    let watch = AfterTheFirst(vec![Account::default(); accounts.into()]);
    let mut engine = Engine::new(Ours::new(setup), traffic, upstream, Latency::default(), watch);
    engine.run().unwrap_or_else(|violation| panic!("{violation:?}"));
    let pause = |account: &Account| {
        let pause = account.served.expect("somebody is served").since(account.limited.expect("a limit"));
        (pause.as_millis() as u64, account.refused)
    };
    engine.watch.0.iter().map(pause).collect()
}

#[test]
fn quota_that_is_back_before_the_guess_ends_is_found() {
    for accounts in [1, 4] {
        let pauses = pauses(accounts, Duration::from_secs(9), HintStyle::Silent);
        let first = pauses.iter().map(|(pause, _)| *pause).min().expect("an account");
        assert!((7_000..15_000).contains(&first), "the guess is half a minute: {first} ms");
        for (_, refused) in pauses {
            assert!(refused <= 2, "{refused} asked in vain");
        }
    }
}

#[test]
fn a_told_end_is_waited_for() {
    for (pause, refused) in pauses(4, Duration::from_secs(9), HintStyle::Exact) {
        assert!((7_000..11_000).contains(&pause), "{pause} ms");
        assert_eq!(refused, 0, "nobody asks in vain");
    }
}
