//! Idle connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::sync::DashMap;

use super::connection::Connection;
use super::{IDLE_CONNECTION, Origin};

/// The bound on idle connections of an origin. After a larger burst, the next burst connects anew.
const MAX_KEPT: usize = 256;
/// The interval of sweeps.
const ROUND: Duration = Duration::from_secs(30);

/// A pool of idle connections by origin: last in, first out.
#[derive(Debug, Default)]
pub(super) struct IdlePool {
    kept: DashMap<Origin, Vec<IdleConnection>>,
    is_swept: AtomicBool,
}

#[derive(Debug)]
struct IdleConnection {
    connection: Connection,
    since: Instant,
}

impl IdleConnection {
    fn is_fresh(&self) -> bool {
        self.since.elapsed() < IDLE_CONNECTION
    }
}

impl IdlePool {
    /// Takes a connection, open as far as this side knows.
    pub(super) fn take(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let kept = self.kept.get_mut(origin)?.pop()?;
            // The newest is too old, and so are the others.
            if !kept.is_fresh() {
                self.kept.remove(origin);
                return None;
            }
            let mut connection = kept.connection;
            if connection.is_open() {
                return Some(connection);
            }
        }
    }

    /// Returns a connection for the next request.
    pub(super) fn put(self: &Arc<Self>, connection: Connection) {
        let mut kept = self.kept.entry(connection.origin().clone()).or_default();
        if kept.len() < MAX_KEPT {
            kept.push(IdleConnection { connection, since: Instant::now() });
        }
        drop(kept);
        self.have_it_swept();
    }

    /// Closes expired connections, and connections closed by the other side.
    fn sweep(&self) {
        self.kept.retain(|_, kept| {
            kept.retain_mut(|kept| kept.is_fresh() && kept.connection.is_open());
            !kept.is_empty()
        });
    }

    /// Starts sweeps; they end with the last connection.
    fn have_it_swept(self: &Arc<Self>) {
        // A body can be dropped outside of the runtime. Whoever puts the next connection sees to it.
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.is_swept.swap(true, Ordering::AcqRel) {
            runtime.spawn(rounds(Arc::downgrade(self)));
        }
    }
}

async fn rounds(idle_pool: Weak<IdlePool>) {
    loop {
        tokio::time::sleep(ROUND).await;
        let Some(idle_pool) = idle_pool.upgrade() else { return };
        idle_pool.sweep();
        if idle_pool.kept.is_empty() {
            idle_pool.is_swept.store(false, Ordering::Release);
            return;
        }
    }
}
