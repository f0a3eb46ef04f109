//! What all connections share: the script as it is being played.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crate::clock::Clock;
use crate::fault::Harm;
use crate::faults::{Faults, Traits};
use crate::ledger::Ledger;
use crate::oauth::Tokens;
use crate::pace::{Jitter, Pace};
use crate::quota::{Level, Meter, Verdict};
use crate::roster::{AccountIndex, Roster};
use crate::route::Mounts;
use crate::script::{Account, Hint, Play, Pool, Script, ScriptError};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) seed: u64,
    pub(crate) models: Vec<String>,
    pub(crate) plays: Vec<Play>,
    pub(crate) accounts: Vec<Identity>,
    pub(crate) mounts: Mounts,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Clock,
    roster: RwLock<Roster>,
    tokens: Mutex<Tokens>,
    faults: Mutex<Faults>,
    pace: Mutex<Pace>,
    sequence: AtomicU64,
}

/// An account as it is being played.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) label: String,
    pub(crate) project: Option<String>,
    pub(crate) refused: bool,
    pub(crate) cells: Vec<Cell>,
    default_cell: usize,
}

/// The state of one (account, pool).
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) pool: String,
    /// Requests of any fate that are under way.
    open: AtomicU32,
    allowance: Mutex<Allowance>,
}

#[derive(Debug)]
struct Allowance {
    pool: Pool,
    meter: Meter,
}

/// A cell's answer to one request, with what the answer's head reports.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) verdict: Verdict,
    pub(crate) hint: Hint,
    pub(crate) levels: Vec<Level>,
    pub(crate) pace: Option<Pace>,
}

impl Shared {
    pub(crate) fn new(script: Script) -> Result<Self, ScriptError> {
        script.check()?;
        let clock = Clock::start();
        let mut faults = Faults::default();
        let now = clock.now();
        for fault in &script.faults {
            faults.inject(fault.clone(), now);
        }
        Ok(Self {
            seed: script.seed,
            mounts: Mounts::new(&script),
            accounts: script.accounts.iter().map(Identity::new).collect(),
            ledger: Ledger::new(script.recording),
            clock,
            roster: RwLock::new(Roster::new(&script.accounts, script.stranger.as_deref())),
            tokens: Mutex::new(Tokens::new(script.token, script.seed)),
            faults: Mutex::new(faults),
            pace: Mutex::new(script.pace),
            sequence: AtomicU64::new(0),
            models: script.models,
            plays: script.plays,
        })
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// The wait source of one request: the same for the same script and order of arrival.
    pub(crate) fn jitter(&self, sequence: u64) -> Jitter {
        Jitter::new(self.seed ^ sequence.rotate_left(32))
    }

    pub(crate) fn account(&self, label: &str) -> Option<AccountIndex> {
        self.accounts.iter().position(|account| account.label == label).map(AccountIndex)
    }

    pub(crate) fn identity(&self, index: AccountIndex) -> &Identity {
        &self.accounts[index.0]
    }

    pub(crate) fn cell(&self, label: &str, pool: &str) -> Option<&Cell> {
        self.accounts.iter().find(|account| account.label == label)?.cell(Some(pool)).map(|(_, cell)| cell)
    }

    /// The harm of the first fault that meets this request.
    pub(crate) fn strike<H>(&self, part: fn(Harm) -> Option<H>, traits: &Traits<'_>) -> Option<H> {
        self.faults().strike(part, traits, self.clock.now())
    }

    pub(crate) fn pace(&self) -> MutexGuard<'_, Pace> {
        lock(&self.pace)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    pub(crate) fn roster(&self) -> RwLockReadGuard<'_, Roster> {
        self.roster.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn roster_mut(&self) -> RwLockWriteGuard<'_, Roster> {
        self.roster.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Identity {
    fn new(account: &Account) -> Self {
        let cells: Vec<_> =
            account.resolved_pools().into_iter().map(|(name, pool)| Cell::new(name, pool)).collect();
        let default = account.resolved_default();
        Self {
            label: account.label.clone(),
            project: account.project.clone(),
            refused: account.refused,
            default_cell: cells.iter().position(|cell| Some(cell.pool.as_str()) == default).unwrap_or(0),
            cells,
        }
    }

    /// The cell of a named pool, or of the default one.
    pub(crate) fn cell(&self, pool: Option<&str>) -> Option<(usize, &Cell)> {
        let index = match pool {
            Some(name) => self.cells.iter().position(|cell| cell.pool == name)?,
            None => self.default_cell,
        };
        Some((index, &self.cells[index]))
    }
}

impl Cell {
    fn new(name: String, pool: Pool) -> Self {
        let allowance = Allowance { pool, meter: Meter::default() };
        Self { pool: name, open: AtomicU32::new(0), allowance: Mutex::new(allowance) }
    }

    /// Counts a request as under way; tells how many are, with it.
    pub(crate) fn enter(&self) -> u32 {
        self.open.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn exit(&self, was_admitted: bool) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if was_admitted {
            lock(&self.allowance).meter.leave();
        }
    }

    pub(crate) fn admit(&self, tokens: u32, now: Duration) -> Admission {
        let mut allowance = lock(&self.allowance);
        let Allowance { pool, meter } = &mut *allowance;
        let verdict = meter.admit(pool, tokens, now);
        Admission { verdict, hint: pool.hint, levels: meter.levels(pool, now), pace: pool.pace.clone() }
    }

    pub(crate) fn levels(&self, now: Duration) -> Vec<Level> {
        let allowance = lock(&self.allowance);
        allowance.meter.levels(&allowance.pool, now)
    }

    pub(crate) fn exhaust(&self, now: Duration) {
        let mut allowance = lock(&self.allowance);
        let Allowance { pool, meter } = &mut *allowance;
        meter.exhaust(pool, now);
    }

    /// Plays another pool; what was used stays used.
    pub(crate) fn replace(&self, pool: Pool) {
        lock(&self.allowance).pool = pool;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is complete in one call, so a panic elsewhere leaves no half of it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
