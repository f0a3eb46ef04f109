//! Tests of the store: memory, file, several stores on one file, trouble.

#[cfg(unix)]
mod killed;

use std::fs;
use std::path::Path;
use std::time::Instant;

use pointsman_core::admission::cell::{CellState, Limit};
use pointsman_core::time::Millis;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::secret::Secret;

use super::*;

/// What happens takes far less; a loaded machine may take its time.
const BOUND: Duration = Duration::from_secs(20);
const FAR: u64 = 9_000_000_000_000;

/// A process beside a store, that writes down what it is told.
#[derive(Debug, Default)]
struct Witness {
    told: Mutex<Vec<Trouble>>,
    changed: Mutex<Vec<Key>>,
}

impl Resident for Witness {
    fn collect(&self) -> bool {
        false
    }

    fn changed(&self, changes: &[(Key, Record)]) {
        unpoisoned(self.changed.lock()).extend(changes.iter().map(|(key, _)| key.clone()));
    }

    fn tell(&self, trouble: &Trouble) {
        unpoisoned(self.told.lock()).push(trouble.clone());
    }
}

impl Witness {
    fn of(store: &Store) -> Arc<Self> {
        let witness = Arc::new(Self::default());
        let resident: Weak<dyn Resident> = Arc::downgrade(&witness) as _;
        store.introduce(resident);
        witness
    }

    fn told(&self) -> Vec<Trouble> {
        unpoisoned(self.told.lock()).clone()
    }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state").join("state.db");
    (folder, path)
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < BOUND, "{what} does not happen");
        std::thread::yield_now();
    }
}

fn block<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

fn flush(store: &Store) {
    block(store.flush(BOUND));
}

fn account() -> AccountId {
    AccountId::new("acme:work")
}

fn learn(store: &Store, model: Option<&str>, limit: SavedLimit) {
    store.learn_limit((&account(), &PoolId::new("p")), model.map(ModelSet::read).as_ref(), limit);
}

fn heard(heard: u64, until: u64) -> SavedLimit {
    SavedLimit { heard: UnixMillis(heard), until: UnixMillis(until), known: true }
}

/// The limits of the account, if there are as many as expected.
fn limits(store: &Store) -> Vec<SavedLimit> {
    store.account(&account()).limits.into_values().collect()
}

fn key() -> TokenKey {
    TokenKey::new(&account(), Fingerprint::of(&Secret::new("configured".into())))
}

fn token(serial: u64, fence: u64, name: &str) -> SavedToken {
    let secret = |kind: &str| Secret::new(format!("{kind}-{name}"));
    SavedToken {
        version: TokenVersion { serial, fence },
        refresh: Some(secret("refresh")),
        access: Some((secret("access"), UnixMillis(FAR))),
    }
}

fn access(token: Option<SavedToken>) -> Option<String> {
    Some(token?.access?.0.expose().to_owned())
}

/// Runs statements as another program would.
fn sql(path: &Path, statements: &str) {
    let connection = Connection::open(path).expect("the file opens");
    connection.busy_timeout(BOUND).expect("a timeout");
    connection.execute_batch(statements).expect("the statements run");
}

#[test]
fn what_was_heard_last_wins_in_either_order() {
    for order in [[heard(1, 900), heard(2, 30)], [heard(2, 30), heard(1, 900)]] {
        let store = Store::memory();
        order.iter().for_each(|limit| learn(&store, Some("m"), *limit));
        assert_eq!(limits(&store), [heard(2, 30)]);
    }
}

#[test]
fn a_reading_ends_a_guess_of_the_same_millisecond() {
    let guess = SavedLimit { known: false, ..heard(1, 900) };
    let store = Store::memory();
    learn(&store, None, guess);
    learn(&store, None, heard(1, 1));
    assert_eq!(limits(&store), [heard(1, 1)]);
}

#[test]
fn who_knows_of_no_limit_says_nothing_on_those_of_others() {
    let store = Store::memory();
    learn(&store, None, heard(5, 5));
    assert_eq!(limits(&store), []);
}

#[test]
fn a_limit_comes_back_as_what_it_was() {
    let now = Now { mono: Millis(5_000), wall: UnixMillis(1_000_000) };
    let later = Now { mono: Millis(100), wall: UnixMillis(1_002_000) };
    let until = Millis(9_000);
    for (limit, expected) in [
        (Limit::Reported { until }, Limit::Reported { until: Millis(2_100) }),
        (Limit::Predicted { until }, Limit::Predicted { until: Millis(2_100) }),
    ] {
        let (state, _) = CellState::default().recall(limit, now.mono);
        let saved = SavedLimit { until: now.wall_of(until), ..SavedLimit::of(state.limit(now.mono), now) };
        assert_eq!(saved.limit(later), expected);
    }
    assert_eq!(SavedLimit::of(None, now), heard(1_000_000, 1_000_000));
}

#[test]
fn a_limit_and_a_token_outlive_the_process() {
    let (_folder, path) = folder();
    let store = Store::open(path.clone());
    let guess = SavedLimit { known: false, ..heard(1, FAR) };
    learn(&store, Some("m"), heard(2, FAR));
    learn(&store, None, guess);
    block(store.land(&key(), token(1, 1, "one")));
    flush(&store);
    drop(store);

    let store = Store::open(path);
    assert_eq!(limits(&store), [guess, heard(2, FAR)]);
    let saved = store.token(&key()).expect("a token");
    assert_eq!(saved.refresh.map(|token| token.expose().to_owned()).as_deref(), Some("refresh-one"));
    assert_eq!(saved.version, TokenVersion { serial: 1, fence: 1 });
}

#[test]
fn a_token_is_in_the_file_when_it_is_first_used() {
    let (_folder, path) = folder();
    let store = Store::open(path.clone());
    block(store.land(&key(), token(1, 1, "one")));
    // No flush, no end of the process: another reader sees it.
    let found: String = Connection::open(&path)
        .and_then(|file| file.query_row("SELECT refresh FROM token", [], |row| row.get(0)))
        .expect("a token");
    assert_eq!(found, "refresh-one");
}

#[cfg(unix)]
#[test]
fn the_file_is_the_users_alone_from_the_beginning() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = folder();
    let store = Store::open(path.clone());
    flush(&store);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    for entry in fs::read_dir(path.parent().expect("a folder")).expect("it can be read") {
        let file = entry.expect("a file").path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    drop(store);
    // A file that was open to others is taken from them.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let store = Store::open(path.clone());
    flush(&store);
    assert_eq!(mode(&path), 0o600);
    drop((store, folder));
}

#[test]
fn a_limit_that_one_process_learns_reaches_the_other_within_a_second() {
    let (_folder, path) = folder();
    let (one, other) = (Store::open(path.clone()), Store::open(path));
    let witness = Witness::of(&other);
    one.note_request();
    other.note_request();
    let begun = Instant::now();
    learn(&one, None, heard(1, FAR));
    wait_for("the limit reaches the other", || !unpoisoned(witness.changed.lock()).is_empty());
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    assert_eq!(limits(&other), [heard(1, FAR)]);
    // And back: the other learns that it is over.
    learn(&other, None, heard(2, 2));
    wait_for("the end reaches the first", || limits(&one) == [heard(2, 2)]);
}

#[test]
fn one_process_exchanges_a_token_and_the_other_uses_the_result() {
    let (_folder, path) = folder();
    let (one, other) = (Store::open(path.clone()), Store::open(path));
    let Departed::Exchange { fence: 1, saved: None } = block(one.depart(&key(), None)) else {
        panic!("it is the first")
    };
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| block(other.depart(&key(), None)));
        block(one.land(&key(), token(1, 1, "one")));
        waiting.join().expect("no panic")
    });
    let Departed::Use(used) = waiting else { panic!("{waiting:?}") };
    assert_eq!(access(Some(used)).as_deref(), Some("access-one"));
    // Who needs another than that exchanges the token of the last exchange.
    let next = block(other.depart(&key(), Some(TokenVersion { serial: 1, fence: 1 })));
    let Departed::Exchange { fence: 2, saved } = next else { panic!("{next:?}") };
    assert_eq!(access(saved).as_deref(), Some("access-one"));
}

#[test]
fn a_lease_without_a_landing_is_given_back_and_one_that_is_over_blocks_nobody() {
    let (_folder, path) = folder();
    let (one, other) = (Store::open(path.clone()), Store::open(path.clone()));
    let is_exchange =
        |departed: &Departed| matches!(departed, Departed::Exchange { fence, .. } if *fence > 0);
    assert!(is_exchange(&block(one.depart(&key(), None))));
    one.release_lease(&key(), 1);
    assert!(is_exchange(&block(other.depart(&key(), None))));
    // The process was killed, and its lease has ended.
    sql(&path, "UPDATE lease SET until = 5");
    assert!(is_exchange(&block(one.depart(&key(), None))));
}

#[test]
fn a_late_landing_never_replaces_a_newer_token() {
    let (_folder, path) = folder();
    let (one, other) = (Store::open(path.clone()), Store::open(path.clone()));
    block(one.land(&key(), token(2, 3, "new")));
    block(other.land(&key(), token(2, 2, "late")));
    drop((one, other));
    assert_eq!(access(Store::open(path).token(&key())).as_deref(), Some("access-new"));
}

#[test]
fn records_and_columns_of_a_later_version_survive() {
    let (_folder, path) = folder();
    drop(Store::open(path.clone()));
    wait_for("the tables are there", || {
        Connection::open(&path).is_ok_and(|file| file.prepare("SELECT * FROM token").is_ok())
    });
    let separator = '\u{1f}';
    sql(
        &path,
        &format!(
            "PRAGMA user_version = 2; ALTER TABLE token ADD COLUMN scope TEXT; \
             UPDATE sequence SET number = 1; \
             INSERT INTO record VALUES ('forecast', 'x', '{{}}', 1); \
             INSERT INTO record VALUES ('limit', 'acme:work{separator}p{separator}', '{{\"at\":7,\"until\":{FAR},\"trust\":4}}', 1); \
             INSERT INTO record VALUES ('limit', 'acme:work{separator}q{separator}', '{{\"begin\":7}}', 1);"
        ),
    );
    let store = Store::open(path.clone());
    block(store.land(&key(), token(1, 1, "one")));
    sql(&path, "UPDATE token SET scope = 'all'");
    block(store.land(&key(), token(2, 2, "two")));
    learn(&store, None, heard(3, FAR));
    store.learn_limit((&account(), &PoolId::new("q")), None, heard(3, FAR));
    flush(&store);
    let file = Connection::open(&path).expect("it opens");
    let one = |query: &str| file.query_row(query, [], |row| row.get::<_, String>(0)).expect("a row");
    assert_eq!(one("SELECT scope || access FROM token"), "allaccess-two");
    assert_eq!(one("SELECT form FROM record WHERE kind = 'forecast'"), "{}");
    // A later observation of its own version stays, and a form that cannot be read is not written over.
    assert_eq!(
        one("SELECT form FROM record WHERE name LIKE '%p_'"),
        format!(r#"{{"at":7,"until":{FAR},"trust":4}}"#)
    );
    assert_eq!(one("SELECT form FROM record WHERE name LIKE '%q_'"), r#"{"begin":7}"#);
}

#[test]
fn a_file_that_only_later_versions_understand_is_left_alone() {
    let (_folder, path) = folder();
    let store = Store::open(path.clone());
    flush(&store);
    drop(store);
    sql(&path, "PRAGMA user_version = 9; UPDATE compatibility SET oldest = 9");
    let store = Store::open(path.clone());
    let witness = Witness::of(&store);
    learn(&store, None, heard(1, FAR));
    wait_for("the trouble is told", || !witness.told().is_empty());
    assert!(witness.told()[0].to_string().contains("a later version"), "{:?}", witness.told());
    let file = Connection::open(&path).expect("it opens");
    assert_eq!(file.query_row("SELECT count(*) FROM record", [], |row| row.get(0)), Ok(0));
}

#[test]
fn a_damaged_file_is_set_aside_and_a_new_one_begun() {
    let (folder, path) = folder();
    fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
    fs::write(&path, "this is no database, and it is longer than a header of SQLite: ".repeat(99))
        .expect("written");
    let store = Store::open(path.clone());
    let witness = Witness::of(&store);
    wait_for("it is told", || !witness.told().is_empty());
    let [Trouble::SetAside { aside, .. }] = &witness.told()[..] else { panic!("{:?}", witness.told()) };
    assert!(fs::read_to_string(aside).expect("it is kept").starts_with("this is no database"));
    learn(&store, None, heard(1, FAR));
    flush(&store);
    drop(store);
    assert_eq!(limits(&Store::open(path)), [heard(1, FAR)]);
    drop(folder);
}

#[test]
fn a_file_that_is_damaged_in_use_takes_nothing_along() {
    let (_folder, path) = folder();
    let store = Store::open(path.clone());
    let witness = Witness::of(&store);
    block(store.land(&key(), token(1, 1, "one")));
    learn(&store, None, heard(1, FAR));
    flush(&store);
    // Somebody writes over the pages of the tables and over the journal.
    sql(&path, "PRAGMA wal_checkpoint(TRUNCATE)");
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[100..].fill(0xa5);
    fs::write(&path, bytes).expect("written");
    learn(&store, Some("m"), heard(2, FAR));
    wait_for("it is set aside", || {
        flush(&store);
        witness.told().iter().any(|told| matches!(told, Trouble::SetAside { .. }))
    });
    flush(&store);
    drop(store);
    let again = Store::open(path);
    assert_eq!(limits(&again).len(), 2);
    assert_eq!(access(again.token(&key())).as_deref(), Some("access-one"));
}

#[test]
fn a_locked_file_is_told_once_and_nothing_is_lost() {
    let (_folder, path) = folder();
    let store = Store::open(path.clone());
    let witness = Witness::of(&store);
    let locking = Connection::open(&path).expect("it opens");
    locking.busy_timeout(BOUND).expect("a timeout");
    locking.execute_batch("BEGIN IMMEDIATE").expect("the lock is free");
    learn(&store, None, heard(1, FAR));
    // A token is used all the same, after a while: requests go on.
    block(store.land(&key(), token(1, 1, "one")));
    assert!(matches!(block(store.depart(&key(), None)), Departed::Exchange { fence: 0, saved: Some(_) }));
    wait_for("it is told", || {
        flush(&store);
        !witness.told().is_empty()
    });
    assert!(witness.told()[0].to_string().contains("keeps it locked"), "{:?}", witness.told());
    locking.execute_batch("ROLLBACK").expect("it ends");
    let saved = || -> rusqlite::Result<(i64, i64)> {
        let count =
            |table: &str| locking.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
        Ok((count("record")?, count("token")?))
    };
    wait_for("it is saved", || saved() == Ok((1, 1)));
    assert_eq!(witness.told().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_told_and_state_stays_in_memory() {
    let (folder, path) = folder();
    fs::write(path.parent().expect("a folder"), "a file in its place").expect("written");
    let store = Store::open(path);
    let witness = Witness::of(&store);
    wait_for("it is told", || !witness.told().is_empty());
    assert!(matches!(witness.told()[0], Trouble::Unusable { .. }));
    learn(&store, None, heard(1, FAR));
    assert_eq!(limits(&store), [heard(1, FAR)]);
    drop(folder);
}

#[test]
fn a_file_that_was_deleted_is_made_again_with_everything() {
    let (_folder, path) = folder();
    let store = Store::open(path.clone());
    learn(&store, None, heard(1, FAR));
    block(store.land(&key(), token(1, 1, "one")));
    flush(&store);
    fs::remove_file(&path).expect("it is there");
    flush(&store);
    drop(store);
    let again = Store::open(path);
    assert_eq!(limits(&again), [heard(1, FAR)]);
    assert!(again.token(&key()).is_some());
}

#[test]
fn a_reset_forgets_what_was_heard_before() {
    let store = Store::memory();
    learn(&store, None, heard(5, FAR));
    let mut orders = AccountRecord::default();
    orders.order_reset(UnixMillis(6));
    store.learn(Key::of(Kind::Account, &account(), &[]), Record::Account(orders));
    assert_eq!(limits(&store), []);
    learn(&store, None, heard(7, FAR));
    assert_eq!(limits(&store), [heard(7, FAR)]);
}

#[test]
fn what_is_past_its_use_is_forgotten_in_the_file_too() {
    let (_folder, path) = folder();
    let store = Store::open(path.clone());
    learn(&store, None, heard(1, 900));
    learn(&store, Some("m"), heard(1, FAR));
    flush(&store);
    let count = || {
        let file = Connection::open(&path)?;
        file.query_row("SELECT count(*) FROM record", [], |row| row.get::<_, i64>(0))
    };
    wait_for("the old limit is forgotten", || count() == Ok(1));
    assert_eq!(limits(&store), [heard(1, FAR)]);
}
