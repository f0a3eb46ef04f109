//! Tokens and the leases on their refresh.

use pointsman_core::ids::AccountId;
use pointsman_core::state::token_lease::{Departure, LEASE, Lease, StoredToken, TokenVersion, depart, lands};
use pointsman_core::time::{Now, UnixMillis};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use crate::secret::Secret;

use super::super::token::{Departed, SavedToken, TokenKey};
use super::super::trouble::DatabaseError;
use super::{Database, immediate, retrying};

const TOKEN: &str = "SELECT serial, fence, refresh, access, until, account, fingerprint FROM token";

impl Database {
    /// Decides whether `owner` may exchange a token, and takes the lease. Returns `None` while another
    /// process exchanges the token.
    pub(in super::super) fn depart(
        &mut self,
        key: &TokenKey,
        mine: Option<TokenVersion>,
        owner: &str,
        now: Now,
    ) -> Result<Option<Departed>, DatabaseError> {
        // A look without a lock first: most looks of a waiting process come to nothing.
        if self.look(key, mine, owner, now)? == Departure::Wait {
            return Ok(None);
        }
        retrying(|| {
            let transaction = immediate(&mut self.connection)?;
            let saved = one(&transaction, key)?;
            let departure = departure(&transaction, (key, saved.as_ref()), mine, owner, now)?;
            let departed = match (departure, saved) {
                (Departure::Use, Some(saved)) => Some(Departed::Use(saved)),
                (Departure::Exchange { fence }, saved) => {
                    take_lease(&transaction, key, owner, fence, now.wall)?;
                    Some(Departed::Exchange { fence, saved })
                }
                (Departure::Wait | Departure::Use, _) => None,
            };
            transaction.commit()?;
            Ok(departed)
        })
    }

    fn look(
        &self,
        key: &TokenKey,
        mine: Option<TokenVersion>,
        owner: &str,
        now: Now,
    ) -> Result<Departure, DatabaseError> {
        let saved = one(&self.connection, key)?;
        departure(&self.connection, (key, saved.as_ref()), mine, owner, now)
    }

    /// Keeps a token durably and ends its lease. A newer token stays.
    pub(in super::super) fn land(&mut self, key: &TokenKey, token: &SavedToken) -> Result<(), DatabaseError> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let landed = retrying(|| {
            let transaction = immediate(&mut self.connection)?;
            let stored = one(&transaction, key)?.map(|stored| stored.version);
            if lands(stored, token.version) {
                put(&transaction, key, token)?;
            }
            end_lease(&transaction, key, token.version.fence)?;
            Ok(transaction.commit()?)
        });
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        landed
    }

    /// Prolongs a lease, if it is still of this fence.
    pub(in super::super) fn renew(
        &self,
        key: &TokenKey,
        fence: u64,
        now: UnixMillis,
    ) -> Result<(), DatabaseError> {
        retrying(|| {
            let mut update = self.connection.prepare_cached(
                "UPDATE lease SET until = ?4 WHERE account = ?1 AND fingerprint = ?2 AND fence = ?3",
            )?;
            update.execute(params![
                key.account.as_str(),
                key.fingerprint,
                fence as i64,
                end(now).0 as i64
            ])?;
            Ok(())
        })
    }

    /// Ends a lease without a landing.
    pub(in super::super) fn release(&self, key: &TokenKey, fence: u64) -> Result<(), DatabaseError> {
        retrying(|| end_lease(&self.connection, key, fence))
    }
}

/// Returns every token.
pub(super) fn all(transaction: &Transaction<'_>) -> Result<Vec<(TokenKey, SavedToken)>, DatabaseError> {
    let mut select = transaction.prepare_cached(TOKEN)?;
    let rows = select.query_map([], |row| {
        let account = AccountId::new(&row.get::<_, String>(5)?);
        let key = TokenKey { account, fingerprint: row.get::<_, String>(6)?.into() };
        Ok((key, token(row)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn one(connection: &Connection, key: &TokenKey) -> Result<Option<SavedToken>, DatabaseError> {
    let mut select =
        connection.prepare_cached(&format!("{TOKEN} WHERE account = ?1 AND fingerprint = ?2"))?;
    Ok(select.query_row(params![key.account.as_str(), key.fingerprint], token).optional()?)
}

fn token(row: &Row<'_>) -> rusqlite::Result<SavedToken> {
    let secret = |place| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(place)?.map(Secret::new));
    let until: Option<i64> = row.get(4)?;
    let access = secret(3)?.zip(until.map(|until| UnixMillis(until.max(0) as u64)));
    let version = TokenVersion { serial: unsigned(row.get(0)?), fence: unsigned(row.get(1)?) };
    Ok(SavedToken { version, refresh: secret(2)?, access })
}

fn put(transaction: &Transaction<'_>, key: &TokenKey, token: &SavedToken) -> Result<(), DatabaseError> {
    // Columns of a later version keep their values.
    let mut insert = transaction.prepare_cached(
        "INSERT INTO token (account, fingerprint, serial, fence, refresh, access, until) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (account, fingerprint) DO UPDATE SET \
         serial = ?3, fence = ?4, refresh = coalesce(?5, refresh), access = ?6, until = ?7",
    )?;
    let refresh = token.refresh.as_ref().map(Secret::expose);
    let access = token.access.as_ref().map(|(access, _)| access.expose());
    let until = token.access.as_ref().map(|(_, until)| until.0 as i64);
    let TokenVersion { serial, fence } = token.version;
    let (account, fingerprint) = (key.account.as_str(), &key.fingerprint);
    insert.execute(params![account, fingerprint, serial as i64, fence as i64, refresh, access, until])?;
    Ok(())
}

fn departure(
    connection: &Connection,
    (key, saved): (&TokenKey, Option<&SavedToken>),
    mine: Option<TokenVersion>,
    owner: &str,
    now: Now,
) -> Result<Departure, DatabaseError> {
    let mut select = connection
        .prepare_cached("SELECT owner, fence, until FROM lease WHERE account = ?1 AND fingerprint = ?2")?;
    let lease = select.query_row(params![key.account.as_str(), key.fingerprint], |row| {
        let (owner, until): (String, i64) = (row.get(0)?, row.get(2)?);
        Ok(Lease { owner: owner.into(), fence: unsigned(row.get(1)?), until: UnixMillis(unsigned(until)) })
    });
    let stored: Option<StoredToken> = saved.map(SavedToken::stored);
    Ok(depart(stored, mine, lease.optional()?.as_ref(), owner, now))
}

fn take_lease(
    transaction: &Transaction<'_>,
    key: &TokenKey,
    owner: &str,
    fence: u64,
    now: UnixMillis,
) -> Result<(), DatabaseError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO lease (account, fingerprint, owner, fence, until) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (account, fingerprint) DO UPDATE SET owner = ?3, fence = ?4, until = ?5",
    )?;
    let until = end(now).0 as i64;
    insert.execute(params![key.account.as_str(), key.fingerprint, owner, fence as i64, until])?;
    Ok(())
}

/// Ends a lease of this fence. The row stays, so that the next fence is greater.
fn end_lease(connection: &Connection, key: &TokenKey, fence: u64) -> Result<(), DatabaseError> {
    let mut update = connection.prepare_cached(
        "UPDATE lease SET until = 0 WHERE account = ?1 AND fingerprint = ?2 AND fence = ?3",
    )?;
    update.execute(params![key.account.as_str(), key.fingerprint, fence as i64])?;
    Ok(())
}

fn end(now: UnixMillis) -> UnixMillis {
    UnixMillis(now.0.saturating_add(LEASE.as_millis().try_into().unwrap_or(u64::MAX)))
}

fn unsigned(number: i64) -> u64 {
    number.try_into().unwrap_or(0)
}
