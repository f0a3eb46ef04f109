//! Synchronisation types, replaceable by the model checkers.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(all(feature = "shuttle", not(loom)))]
pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
#[cfg(all(feature = "shuttle", not(loom)))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(any(loom, feature = "shuttle")))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(any(loom, feature = "shuttle")))]
pub(crate) use std::sync::{Mutex, MutexGuard};
