//! Doubts: answers without proof of fault, until a verdict.

use pointsman_core::admission::blame::suspected;
use pointsman_core::dispatch::Verdict;
use pointsman_core::ids::ModelId;
use pointsman_core::planning::plan::Candidate;
use pointsman_core::planning::snapshot::{Snapshot, WayView};
use pointsman_core::response::classify::Asked;
use pointsman_core::response::evidence::{Certainty, Evidence};

use crate::fleet::Suspect;
use crate::fleet::lease::Target;

use super::RequestDriver;
use super::look::Seen;
use super::reply::Served;

/// An answer in doubt.
pub(super) struct Doubted {
    /// The hop of the answer.
    hop: usize,
    /// The account's index in the roster.
    account: u32,
    /// The suspect; `None` for a request too large for the account.
    suspect: Option<Suspect>,
    evidence: Evidence,
    seen: Option<Seen>,
    served: Option<Served>,
}

impl RequestDriver<'_> {
    /// Returns the question behind the current attempt, for reading the answer.
    pub(super) fn asked<'a>(&'a self, target: &'a Target, named: &'a ModelId) -> Asked<'a> {
        let intent = &self.resolved.intent;
        Asked {
            format: intent.format,
            operation: self.context.operation,
            model: target.model.as_str(),
            named: named.as_str(),
            generates: intent.generates(),
            rules: &self.generation.config.providers[self.hop().provider].errors,
        }
    }

    /// Keeps an answer in doubt.
    pub(super) fn doubt(&mut self, candidate: Candidate, suspect: Option<Suspect>, evidence: Evidence) {
        let (hop, account) = (self.dispatch.hop(), candidate.account);
        let (seen, served) = (self.heard.seen.take(), self.heard.served.clone());
        self.heard.doubts.push(Doubted { hop, account, suspect, evidence, seen, served });
    }

    /// Closes accounts with an answer in doubt to a plan, while the request seeks a witness.
    pub(super) fn leave_out_suspects(&self, snapshot: &mut Snapshot) {
        if !self.dispatch.seeks_a_witness() {
            return;
        }
        let provider = self.hop().provider;
        let here = |doubted: &&Doubted| self.resolved.hop(doubted.hop).provider == provider;
        // Two accounts of the provider answered alike: only another provider can serve the request.
        let all = self.dispatch.verdict() == Some(Verdict::Alike);
        for doubted in self.heard.doubts.iter().filter(here) {
            let closed = Some(suspected(&doubted.evidence));
            let is_left_out = |index: u32| all || index == doubted.account;
            let accounts = snapshot.accounts.iter_mut().filter(|account| is_left_out(account.index));
            for way in accounts.flat_map(|account| &mut account.ways) {
                *way = WayView { closed, over_capacity: false, guess: None, recheck: false, ..*way };
            }
        }
    }

    /// Convicts the first suspect, if a different account has served the request. The doubts about further
    /// accounts are dropped.
    pub(super) fn convict(&mut self) {
        if self.heard.doubts.is_empty() {
            return;
        }
        let server = self.attempt.as_ref().map(|attempt| (self.dispatch.hop(), attempt.candidate.account));
        let first = self.heard.doubts.remove(0);
        self.heard.doubts.clear();
        let is_other = server != Some((first.hop, first.account));
        let (true, Some(suspect)) = (is_other, first.suspect) else {
            return;
        };
        // What another provider serves proves nothing of what is only refused here.
        if first.hop != self.dispatch.hop() && first.evidence.certainty == Certainty::Status {
            return;
        }
        let target = suspect.target().clone();
        let settlement = suspect.convict(&first.evidence, self.now);
        self.record.judged(first.account, settlement.clone(), first.hop, self.now);
        self.learned(settlement, &target, first.evidence.status);
        if let Some(attempt) = &self.attempt {
            let onward = self.onward(&attempt.lease);
            self.tell_news(&onward);
        }
    }

    /// Resolves the doubts of a request not served, or about to wait. The first answer becomes the answer
    /// to deliver.
    pub(super) fn resolve_doubts(&mut self) {
        let alike = match self.dispatch.verdict() {
            None => false,
            Some(Verdict::Settled) => return self.heard.doubts.clear(),
            Some(Verdict::Alike) => true,
            Some(Verdict::Open) => false,
        };
        for (at, doubted) in std::mem::take(&mut self.heard.doubts).into_iter().enumerate() {
            // The first answer stands for the request; later ones only testified.
            if at == 0 {
                self.heard.seen = doubted.seen;
                self.heard.served = doubted.served;
            }
            let Some(suspect) = doubted.suspect else { continue };
            let target = suspect.target().clone();
            // Like answers of two accounts: the request or the network is at fault, not an account.
            let settlement = if alike {
                suspect.acquit(&doubted.evidence, self.now)
            } else {
                suspect.leave(&doubted.evidence, self.now)
            };
            self.record.judged(doubted.account, settlement.clone(), doubted.hop, self.now);
            self.learned(settlement, &target, doubted.evidence.status);
        }
    }
}
