//! Shared state of threads, in types replaceable by the shuttle model checker.

#[cfg(not(feature = "shuttle"))]
pub(crate) use dashmap::DashMap;
#[cfg(feature = "shuttle")]
pub(crate) use shuttle_dashmap::DashMap;

#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::{Mutex, RwLock};
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::{Mutex, RwLock};

use std::sync::{LockResult, PoisonError};

/// Takes a lock, even if a holder has panicked.
///
/// The guarded values are replaced whole, so that no half-done change can be seen.
pub(crate) fn unpoisoned<T>(lock: LockResult<T>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}
