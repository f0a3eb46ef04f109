//! From the named meaning of an error to its proof.

use super::hint;
use super::limit;
use super::reply::Reply;
use super::words;
use crate::ids::ModelId;
use crate::quota::model_set::ModelSet;
use crate::response::evidence::{Accused, Certainty, Evidence, Extent, Ground};
use crate::response::outcome::{Hint, HintSource, LimitKind, Outcome, SignIn};
use crate::response::rule::{Means, Rule};

/// Reads an error by the first matching rule of the user.
pub(super) fn by_rules(reply: &Reply<'_>, status: u16) -> Option<Evidence> {
    let rules = reply.asked.rules;
    let at = rules.iter().position(|rule| is_met(rule, reply, status))?;
    let evidence = meant(reply, rules[at].means);
    let until = rules[at]
        .lasts
        .map(|lasts| Hint::Until { until: reply.now.mono.after(lasts), source: HintSource::Rule });
    let ground = Ground::Rule(at.try_into().unwrap_or(u16::MAX));
    Some(Evidence { ground, until: until.unwrap_or(evidence.until), ..evidence })
}

fn is_met(rule: &Rule, reply: &Reply<'_>, status: u16) -> bool {
    rule.status.is_none_or(|wanted| wanted == status)
        && rule.code.as_ref().is_none_or(|code| reply.error.says(code))
        && rule.text.as_ref().is_none_or(|text| reply.error.message.contains(text.as_str()))
}

/// Reads an error by the table of words.
pub(super) fn by_words(reply: &Reply<'_>, status: u16) -> Option<Evidence> {
    let word = words::find(&reply.error, status)?;
    let ground = Ground::Words { service: word.service, source: word.source.page };
    Some(Evidence { ground, ..meant(reply, word.means) })
}

fn meant(reply: &Reply<'_>, means: Means) -> Evidence {
    let named = |outcome| reply.read(outcome, Certainty::Named);
    let limited = |kind| named(Outcome::Limited(kind));
    match means {
        Means::Request => named(Outcome::RequestFault),
        Means::Ignore => Evidence { accused: Accused::Nobody, ..named(Outcome::RequestFault) },
        Means::TooLarge => named(Outcome::TooLarge),
        Means::Credential => named(Outcome::Unauthorized),
        Means::Account => named(Outcome::ProjectRefused),
        Means::Unpaid => named(Outcome::Unpaid),
        Means::Disabled => named(Outcome::NeedsSignIn(SignIn::Disabled)),
        Means::Model => of_model(reply, named(Outcome::ProjectRefused)),
        // The words of a minute may stand beside those of a day.
        Means::Quota => limited(LimitKind::Quota),
        Means::ModelQuota => of_model(reply, limited(LimitKind::Quota)),
        Means::Rate => limited(limit::named_rate(reply)),
        Means::ModelRate => of_model(reply, limited(limit::named_rate(reply))),
        Means::Concurrency => limited(LimitKind::Concurrency),
        Means::Capacity => named(Outcome::Capacity).ending(hint::plausible(reply, &Outcome::Capacity)),
    }
}

/// Narrows a named meaning to the model of the request, or to the set named by the answer.
pub(super) fn of_model(reply: &Reply<'_>, evidence: Evidence) -> Evidence {
    let free = reply.error.message.contains("free-models") && reply.asked.model.contains(":free");
    let set = match evidence.extent {
        Extent::Models(set) => set,
        Extent::Nothing | Extent::Usual | Extent::Pool | Extent::Account if free => {
            ModelSet::Naming(":free".into())
        }
        Extent::Nothing | Extent::Usual | Extent::Pool | Extent::Account => {
            ModelSet::One(ModelId::new(reply.asked.model))
        }
    };
    let accused = Accused::Model;
    Evidence { accused, extent: Extent::Models(set), certainty: Certainty::Named, ..evidence }
}
