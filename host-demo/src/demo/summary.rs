//! The end of the demo: totals, and a line per proof.

use std::io::{self, Write};

use anyhow::ensure;

use crate::paint::{Paint, Tone};

use super::evidence::{Ending, Evidence};
use super::proof::{Proof, Verdict};

/// Writes the summary.
pub(crate) fn write(
    out: &mut impl Write,
    paint: Paint,
    evidence: &Evidence,
    proofs: &[Proof],
    seconds: f64,
) -> io::Result<()> {
    writeln!(out, "\n{}", paint.text(Tone::Strong, headline(evidence, seconds)))?;
    writeln!(out)?;
    for proof in proofs {
        write_proof(out, paint, proof)?;
    }
    write_failures(out, paint, evidence)
}

/// Reports that all proofs hold, or fails. A shortened run may leave claims open.
pub(crate) fn judge(out: &mut impl Write, proofs: &[Proof], was_whole: bool) -> anyhow::Result<()> {
    let count = |verdict| proofs.iter().filter(|proof| proof.verdict == verdict).count();
    let (all, failed, open) = (proofs.len(), count(Verdict::Fails), count(Verdict::Unseen));
    ensure!(failed == 0, "{failed} of {all} proofs failed");
    ensure!(open == 0 || !was_whole, "{open} of {all} claims were not put to the test");
    if open > 0 {
        writeln!(out, "\nEnded early: {open} of {all} claims were not put to the test.")?;
    } else {
        writeln!(out, "\nAll {all} proofs hold.")?;
    }
    Ok(())
}

fn headline(evidence: &Evidence, seconds: f64) -> String {
    let (made, upstream) = (evidence.made, evidence.visits.len());
    format!("{made} requests in {seconds:.1} s, {upstream} attempts upstream; what they prove:")
}

fn write_proof(out: &mut impl Write, paint: Paint, proof: &Proof) -> io::Result<()> {
    let (mark, tone) = match proof.verdict {
        Verdict::Holds => ("✓", Tone::Good),
        Verdict::Fails => ("✗", Tone::Bad),
        Verdict::Unseen => ("–", Tone::Warn),
    };
    let mark = paint.text(tone, mark);
    writeln!(out, "  {mark} {:<35} {}", proof.claim, paint.text(Tone::Faint, &proof.numbers))
}

/// The number of failed requests to show.
const SHOWN: usize = 5;

fn write_failures(out: &mut impl Write, paint: Paint, evidence: &Evidence) -> io::Result<()> {
    let failed = evidence.calls.iter().filter(|call| call.ending != Ending::Answered);
    for call in failed.take(SHOWN) {
        let ending = match &call.ending {
            Ending::Answered => continue,
            Ending::Refused(status) => format!("answered with {status}"),
            Ending::Broken(reason) => reason.clone(),
        };
        let line = format!("    request {} ({}): {ending}", call.number, call.ask.asked_model());
        writeln!(out, "{}", paint.text(Tone::Bad, line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(claim: &'static str, verdict: Verdict) -> Proof {
        Proof { claim, verdict, numbers: "38 given upstream, 0 seen".to_owned() }
    }

    fn summary(proofs: &[Proof]) -> String {
        let mut out = Vec::new();
        write(&mut out, Paint::off(), &Evidence { made: 3, ..Evidence::default() }, proofs, 20.04)
            .expect("a buffer takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn each_proof_is_a_line_with_its_numbers() {
        let text = summary(&[proof("no caller saw a 429", Verdict::Holds)]);
        assert!(text.contains("3 requests in 20.0 s, 0 attempts upstream"), "{text}");
        assert!(text.contains("✓ no caller saw a 429                 38 given upstream, 0 seen"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    /// The last line, or the error.
    fn judged(verdicts: &[Verdict], was_whole: bool) -> String {
        let proofs: Vec<Proof> = verdicts.iter().map(|verdict| proof("a", *verdict)).collect();
        let mut out = Vec::new();
        match judge(&mut out, &proofs, was_whole) {
            Ok(()) => String::from_utf8(out).expect("text").trim().to_owned(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn a_failed_proof_fails_the_demo() {
        let failed = "error: 1 of 2 proofs failed";
        assert_eq!(judged(&[Verdict::Holds, Verdict::Fails], true), failed);
        assert_eq!(judged(&[Verdict::Holds, Verdict::Fails], false), failed);
        assert_eq!(judged(&[Verdict::Holds; 2], true), "All 2 proofs hold.");
    }

    #[test]
    fn an_open_claim_is_excused_by_an_early_end_only() {
        let open = [Verdict::Holds, Verdict::Unseen];
        assert_eq!(judged(&open, true), "error: 1 of 2 claims were not put to the test");
        assert_eq!(judged(&open, false), "Ended early: 1 of 2 claims were not put to the test.");
    }
}
