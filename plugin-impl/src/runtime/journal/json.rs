//! An explanation as JSON. Instants are milliseconds of the Unix epoch.

use std::time::Duration;

use pointsman_core::admission::blame::Reason;
use pointsman_core::admission::probe::{Early, Probe};
use pointsman_core::planning::plan::{Candidate, Cooling, Counts, Refusal};
use pointsman_core::planning::snapshot::Why;
use pointsman_core::reporting::explain::{Line, Part, PartValue, Place};
use pointsman_core::request::session::SessionKey;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::time::Millis;
use serde_json::{Map, Value, json};

use super::explanation::{
    Explanation, denied, extent, ground, judged, outcome, outcome_name, settlement, why,
};
use super::record::{Attempt, How, RequestTrace, Step, ViewQuery, What};

/// The most characters shown of a program's name.
const LONGEST_PROGRAM: usize = 32;

/// Returns the explanation as JSON.
pub(super) fn of(explanation: &Explanation) -> Value {
    let record = &explanation.record;
    let hops =
        record.hops.iter().map(|hop| json!({"provider": hop.provider.id.as_str(), "model": hop.model}));
    json!({
        "id": record.id.to_string(),
        "began_unix_ms": record.began_wall.0,
        "family": record.family,
        "legs": hops.collect::<Vec<_>>(),
        "strategy": record.settings.strategy.name(),
        "bound": record.bound.as_ref().map(|bound| {
            let account = bound.account.as_ref().map(|account| account.to_string());
            json!({"account": account, "by": bound.by, "left_out": bound.left_out})
        }),
        "state": explanation.state(),
        "end": end(explanation),
        "steps": explanation.trace.steps.iter().map(|step| step_of(explanation, step)).collect::<Vec<_>>(),
        "steps_left_out": explanation.trace.omitted,
    })
}

/// Returns the entry of a request in a list. Agents are named by a hash of their ids.
pub(super) fn summary(explanation: &Explanation) -> Value {
    let (record, primary) = (&explanation.record, explanation.hop(0));
    let (trace, sender) = (&explanation.trace, &record.sender);
    json!({
        "id": record.id.to_string(),
        "began_unix_ms": record.began_wall.0,
        "ended_unix_ms": trace.end.as_ref().map(|end| instant(explanation, end.at)),
        "provider": primary.provider.id.as_str(),
        "model": primary.model,
        "state": explanation.state(),
        "status": status(trace),
        "account": explanation.served_by(),
        "attempts": explanation.attempts(),
        "waited_ms": millis(trace.waited(explanation.now.mono)),
        "until_unix_ms": trace.awaited().map(|until| instant(explanation, until)),
        "agent": sender.session.map(|session| key(session.agent)),
        "parent": sender.session.and_then(|session| session.parent).map(key),
        "root": sender.session.and_then(|session| session.root).map(key),
        "program": sender.product().map(|name| name.chars().take(LONGEST_PROGRAM).collect::<String>()),
        "subagent": sender.is_subagent,
    })
}

/// Returns the status of an upstream's answer, if an upstream answered.
fn status(trace: &RequestTrace) -> Option<u16> {
    match trace.end.as_ref()?.how {
        How::Answered { status, .. } => Some(status),
        How::Refused(_) | How::Failed(_) | How::Cancelled => None,
    }
}

fn key(key: SessionKey) -> String {
    format!("{:016x}", key.0)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn end(explanation: &Explanation) -> Value {
    let Some(end) = &explanation.trace.end else { return Value::Null };
    let mut value = match &end.how {
        How::Answered { status, route_reason, account, pool } => json!({
            "status": status,
            "reason": route_reason.as_str(),
            "meaning": route_reason.meaning(),
            "account": account.as_str(),
            "pool": pool.as_str(),
        }),
        How::Refused(refusal) => json!({"refusal": refused(explanation, refusal)}),
        How::Failed(why) => json!({"failure": why}),
        How::Cancelled => json!({"cancelled": true}),
    };
    value["at_unix_ms"] = instant(explanation, end.at);
    value["attempts"] = end.attempts.into();
    value
}

fn step_of(explanation: &Explanation, step: &Step) -> Value {
    let mut value = match &step.what {
        What::Planned(view_query) => planned(explanation, step, view_query),
        What::Denied { candidate, deny } => json!({
            "step": "denied",
            "account": explanation.account(step.hop, candidate.account),
            "pool": explanation.pool(step.hop, candidate.pool),
            "why": denied(*deny, step.at),
        }),
        What::Attempt(attempt) => attempt_of(explanation, step, attempt),
        What::Judged { account, settlement } => json!({
            "step": "judged",
            "account": explanation.account(step.hop, *account),
            "text": judged(settlement, step.at),
        }),
        What::Waited { until, refusal, over } => json!({
            "step": "wait",
            "until_unix_ms": instant(explanation, *until),
            "refusal": refusal.as_ref().map(|refusal| refused(explanation, refusal)),
            "over_unix_ms": over.map(|over| instant(explanation, over)),
        }),
    };
    value["at_unix_ms"] = instant(explanation, step.at);
    value["leg"] = step.hop.into();
    value
}

fn planned(explanation: &Explanation, step: &Step, view_query: &ViewQuery) -> Value {
    let lines = explanation.lines(view_query);
    let kept = view_query.kept().unwrap_or_default();
    json!({
        "step": "plan",
        "accounts": view_query.accounts,
        "accounts_left_out": view_query.accounts - kept,
        "home": view_query.context.sticky.map(|sticky| explanation.account(step.hop, sticky)),
        "candidates": lines.iter().map(|line| candidate(explanation, step, line)).collect::<Vec<_>>(),
    })
}

fn candidate(explanation: &Explanation, step: &Step, line: &Line) -> Value {
    let mut value = json!({
        "account": explanation.account(step.hop, line.way.account),
        "pool": explanation.pool(step.hop, line.way.pool),
        "endpoint": line.way.endpoint,
        "probe": probe(line.way),
    });
    match &line.place {
        Place::First => value["rank"] = 1.into(),
        Place::Behind { rank, by } => {
            value["rank"] = (*rank).into();
            value["passed_over_by"] = (*by).into();
        }
        Place::Closed(closed) => {
            value["closed"] = why(closed.why).into();
            if let Why::Cooling(reason) = closed.why {
                value["reason"] = reason.as_str().into();
            }
            value["until_unix_ms"] = closed.until.map(|until| instant(explanation, until)).into();
        }
    }
    if !line.parts.is_empty() {
        value["goes_by"] = line.parts.iter().map(part).collect::<Map<_, _>>().into();
    }
    value
}

fn probe(way: Candidate) -> Option<&'static str> {
    Some(match way.probe? {
        Probe::AfterReset => "after-reset",
        Probe::OverCapacity => "over-capacity",
        Probe::Early(Early::LastResort) => "last-resort",
        Probe::Early(Early::Recheck) => "recheck",
    })
}

fn part(part: &Part) -> (String, Value) {
    let value = match part.value {
        PartValue::Number(number) => number.into(),
        PartValue::Flag(flag) => flag.into(),
    };
    (part.name.to_owned(), value)
}

fn attempt_of(explanation: &Explanation, step: &Step, attempt: &Attempt) -> Value {
    let end = attempt.end.as_ref().map(|end| {
        json!({
            "at_unix_ms": instant(explanation, end.at),
            "outcome": outcome_name(&end.evidence.outcome),
            "text": outcome(&end.evidence, end.at),
            "evidence": evidence(explanation, &end.evidence),
            "changed": end.settlement.as_ref().map(|what| settlement(what, end.at)),
        })
    });
    json!({
        "step": "attempt",
        "account": explanation.account(step.hop, attempt.candidate.account),
        "pool": explanation.pool(step.hop, attempt.candidate.pool),
        "endpoint": attempt.candidate.endpoint,
        "probe": attempt.is_probe,
        "calls": attempt.calls,
        "end": end,
    })
}

/// Returns the evidence of an answer, with the ground.
fn evidence(explanation: &Explanation, evidence: &Evidence) -> Value {
    let end = evidence.end(None);
    json!({
        "accused": evidence.accused.as_str(),
        "extent": extent(&evidence.extent),
        "until_unix_ms": end.instant.map(|until| instant(explanation, until)),
        "certainty": evidence.certainty.as_str(),
        "read_by": ground(evidence.ground),
        "status": evidence.status,
    })
}

fn refused(explanation: &Explanation, refusal: &Refusal) -> Value {
    let Counts { busy, protected, limited, exhausted, cooling, needs_sign_in, disabled, excluded } =
        refusal.counts;
    json!({
        "until_unix_ms": refusal.until.map(|until| instant(explanation, until)),
        "busy": busy,
        "protected": protected,
        "limited": limited,
        "out_of_quota": exhausted,
        "cooling": cooling.total(),
        "reasons": reasons(cooling),
        "needs_sign_in": needs_sign_in,
        "excluded": excluded,
        "disabled": disabled,
    })
}

/// Returns the number of accounts in cooldown for each reason.
fn reasons(cooling: Cooling) -> Value {
    let counts = Reason::ALL.map(|reason| (reason.as_str().to_owned(), Value::from(cooling.of(reason))));
    counts.into_iter().filter(|(_, count)| *count != 0).collect::<Map<_, _>>().into()
}

fn instant(explanation: &Explanation, instant: Millis) -> Value {
    explanation.now.wall_of(instant).0.into()
}
