use std::cmp::Reverse;

use proptest::prelude::*;

use super::*;
use crate::time::UnixMillis;

/// Few instants, so that many reports are of the same.
fn instants() -> impl Strategy<Value = UnixMillis> {
    (0_u64..4).prop_map(UnixMillis)
}

fn extra(form: &str, later: Option<u8>) -> String {
    let Some(later) = later else { return form.to_owned() };
    format!("{},\"later\":{later}}}", form.trim_end_matches('}'))
}

fn facts(kind: Kind) -> BoxedStrategy<Record> {
    let name = prop_oneof![Just("a:x"), Just("a:y")];
    match kind {
        Kind::Account => ((0_u64..3, 0_u64..3), (any::<bool>(), any::<bool>()))
            .prop_map(|(numbers, flags)| Record::Account(AccountRecord::any(numbers, flags)))
            .boxed(),
        Kind::Limit => (instants(), any::<bool>(), instants())
            .prop_map(|(at, known, until)| Record::Limit(Stamped::new(at, StoredLimit { known, until })))
            .boxed(),
        Kind::Cooldown => (instants(), name, instants())
            .prop_map(|(at, reason, until)| {
                Record::Cooldown(Stamped::new(at, Cooldown { until, reason: reason.into() }))
            })
            .boxed(),
        Kind::Reading => (
            instants(),
            proptest::option::of(0_u16..3),
            proptest::option::of((0_u64..3, 0_u64..3)),
            proptest::option::of(instants()),
        )
            .prop_map(|(at, remaining, count, reset)| {
                let fact = SavedReading { remaining: Reverse(remaining), count, reset };
                Record::Reading(Stamped::new(at, fact))
            })
            .boxed(),
        Kind::Learned => (
            instants(),
            0_u32..4,
            proptest::option::of((0_u64..3, 0_u64..3)),
            proptest::option::of((0_u32..3, instants())),
        )
            .prop_map(|(at, capacity, span, used)| {
                Record::Learned(Stamped::new(at, LearnedAllowance { capacity, span, used }))
            })
            .boxed(),
        Kind::Sticky => (instants(), name, proptest::option::of(instants()))
            .prop_map(|(at, account, served)| {
                Record::Sticky(Stamped::new(at, StickyAccount { account: account.into(), served }))
            })
            .boxed(),
        Kind::Owner => (instants(), name)
            .prop_map(|(at, account)| Record::Owner(Stamped::new(at, Owner { account: account.into() })))
            .boxed(),
        Kind::Usage => proptest::collection::btree_map("[ab]", 0_u64..4, 0..3)
            .prop_map(|counts| {
                Record::Usage(Usage(counts.into_iter().map(|(name, count)| (name.into(), count)).collect()))
            })
            .boxed(),
    }
}

/// Records of one kind, some with members of a later version.
fn records(kind: Kind) -> impl Strategy<Value = Record> {
    (facts(kind), proptest::option::of(0_u8..3))
        .prop_map(move |(record, later)| Record::read(kind, &extra(&record.write(), later)).unwrap_or(record))
}

fn of_one_kind<const N: usize>() -> impl Strategy<Value = (Kind, [Record; N])> {
    proptest::sample::select(Kind::ALL.to_vec())
        .prop_flat_map(|kind| (Just(kind), std::array::from_fn(|_| records(kind))))
}

proptest! {
    #[test]
    fn a_join_is_commutative_associative_and_idempotent((_, [a, b, c]) in of_one_kind::<3>()) {
        let join = |one: &Record, other: &Record| one.clone().joined(other.clone());
        prop_assert_eq!(join(&a, &b), join(&b, &a));
        prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
        prop_assert_eq!(join(&a, &a), a);
    }

    #[test]
    fn a_form_reads_as_what_was_written((kind, [record]) in of_one_kind::<1>()) {
        prop_assert_eq!(Record::read(kind, &record.write()), Some(record));
    }

    #[test]
    fn order_and_duplicates_of_reports_do_not_matter(
        (kind, reports) in of_one_kind::<6>(),
        order in proptest::collection::vec(0_usize..6, 0..12),
    ) {
        let key = Key::new(kind, ["k"]);
        let ledger = |order: &mut dyn Iterator<Item = usize>| {
            let mut ledger = Ledger::default();
            for place in order {
                ledger.learn(key.clone(), reports[place].clone());
            }
            ledger.get(&key).cloned()
        };
        prop_assert_eq!(ledger(&mut order.iter().copied().chain(0..6)), ledger(&mut (0..6).rev()));
    }

    #[test]
    fn no_form_panics(text in "\\PC*", kind in proptest::sample::select(Kind::ALL.to_vec())) {
        let _ = Record::read(kind, &text);
    }
}

fn read(kind: Kind, form: &str) -> Record {
    Record::read(kind, form).unwrap_or_else(|| panic!("{form} is readable"))
}

const LATER_LIMIT: &str = r#"{"at":5,"confidence":"high","quality":"reported","until":9}"#;

#[test]
fn an_old_reader_takes_a_new_form_and_keeps_what_it_does_not_know() {
    let record = read(Kind::Limit, LATER_LIMIT);
    let Record::Limit(limit) = &record else { panic!("{record:?}") };
    assert_eq!((limit.at.0, limit.fact.known, limit.fact.until.0), (5, true, 9));
    assert_eq!(record.write(), LATER_LIMIT);
    // A quality that is not known is no promise.
    let Record::Limit(limit) = read(Kind::Limit, r#"{"at":5,"quality":"measured","until":9}"#) else {
        panic!("a limit")
    };
    assert!(!limit.fact.known);
    // A kind or a form that it cannot read is nothing, and no error.
    assert_eq!(Kind::read("forecast"), None);
    assert_eq!(Record::read(Kind::Limit, r#"{"at":5,"end":9}"#), None);
}

#[test]
fn a_new_reader_takes_an_old_form() {
    for (kind, old) in [
        (Kind::Account, "{}"),
        (Kind::Limit, r#"{"at":5,"until":9}"#),
        (Kind::Cooldown, r#"{"at":5,"until":9}"#),
        (Kind::Reading, r#"{"at":5}"#),
        (Kind::Learned, r#"{"at":5,"capacity":3}"#),
        (Kind::Sticky, r#"{"at":5,"account":"a:x"}"#),
        (Kind::Owner, r#"{"at":5,"account":"a:x"}"#),
        (Kind::Usage, "{}"),
    ] {
        let record = read(kind, old);
        assert_eq!(record.clone().joined(record.clone()), record);
    }
    assert!(!matches!(read(Kind::Account, "{}"), Record::Account(account) if account.is_removed()));
}

#[test]
fn an_old_writer_loses_nothing_of_a_new_record() {
    let stored = read(Kind::Limit, LATER_LIMIT);
    // An observation of the same or an earlier instant leaves the later version's members alone.
    for own in [r#"{"at":5,"quality":"estimated","until":30}"#, r#"{"at":4,"quality":"reported","until":30}"#]
    {
        let joined = read(Kind::Limit, own).joined(stored.clone());
        assert_eq!(joined.write(), LATER_LIMIT);
    }
    // Counters of a later version are kept beside its own.
    let usage = read(Kind::Usage, r#"{"audio":3,"requests":5}"#);
    let own = read(Kind::Usage, r#"{"limited":1,"requests":6}"#);
    assert_eq!(own.joined(usage).write(), r#"{"audio":3,"limited":1,"requests":6}"#);
    let account = read(Kind::Account, r#"{"disabled":true,"note":"x","ordered":5}"#);
    let mut own = AccountRecord::default();
    own.remove();
    assert!(Record::Account(own).joined(account).write().contains(r#""note":"x""#));
}

#[test]
fn a_removed_account_never_comes_back_by_a_merge() {
    let mut removed = AccountRecord::default();
    removed.remove();
    let mut busy = AccountRecord::default();
    busy.set_disabled(false, UnixMillis(900));
    let joined = removed.clone().joined(busy.clone()).joined(AccountRecord::default());
    assert!(joined.is_removed());
    // Only adding the account anew brings it back, and an old removal does not end the new one.
    let mut added = joined;
    added.add();
    assert!(!added.joined(removed).is_removed());
}

#[test]
fn the_last_order_holds_though_the_clock_was_set_back() {
    let mut account = AccountRecord::default();
    account.set_disabled(true, UnixMillis(900));
    let before = account.clone();
    account.set_disabled(false, UnixMillis(100));
    assert!(!account.joined(before).is_disabled());
}

#[test]
fn an_ended_limit_stays_ended_and_a_report_beats_an_estimate_of_its_millisecond() {
    let limit = |at, known, until| {
        Record::Limit(Stamped::new(UnixMillis(at), StoredLimit { known, until: UnixMillis(until) }))
    };
    assert_eq!(limit(1, true, 900).joined(limit(2, true, 2)), limit(2, true, 2));
    assert_eq!(limit(1, false, 900).joined(limit(1, true, 1)), limit(1, true, 1));
}

#[test]
fn a_ledger_finds_the_records_of_one_account_by_name() {
    let mut ledger = Ledger::default();
    let limit =
        || Record::Limit(Stamped::new(UnixMillis(1), StoredLimit { known: true, until: UnixMillis(9) }));
    for names in [&["a:x", "p"][..], &["a:x", "p", "m"], &["a:xx", "p"], &["a:w", "p"]] {
        assert!(ledger.learn(Key::new(Kind::Limit, names.iter().copied()), limit()));
    }
    assert_eq!(ledger.of_account(Kind::Limit, "a:x").count(), 2);
    assert_eq!((ledger.of_kind(Kind::Limit).count(), ledger.of_kind(Kind::Usage).count()), (4, 0));
    let key = Key::new(Kind::Limit, ["a:x", "", "m"]);
    assert_eq!((Key::read(Kind::Limit, &key.text()), key.name(1)), (key.clone(), None));
    assert_eq!(Key::numbered(Kind::Sticky, 77).number(), Some(77));
}

#[test]
fn what_could_not_be_saved_waits_and_what_is_old_is_forgotten() {
    let mut ledger = Ledger::default();
    let limit = |until| Record::Limit(Stamped::new(UnixMillis(1), StoredLimit { known: true, until }));
    let key = Key::new(Kind::Limit, ["a:x", "p"]);
    assert!(ledger.learn(key.clone(), limit(UnixMillis(9))));
    assert!(!ledger.learn(key.clone(), limit(UnixMillis(9))), "a duplicate is no news");
    assert_eq!(ledger.take_unsaved(9).len(), 1);
    assert!(!ledger.has_unsaved());
    ledger.put_back([key.clone()]);
    assert!(ledger.has_unsaved());
    assert!(ledger.forget_stale(UnixMillis(80_000_000)).is_empty(), "it ended less than a day ago");
    assert_eq!(ledger.forget_stale(UnixMillis(90_000_000)), [key]);
    assert!(!ledger.has_unsaved());
}
