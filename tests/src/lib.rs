//! The harness of the end-to-end, ABI and tidy tests.
//!
//! A test puts a [`Setup`] together: accounts with real quotas at a local upstream, and the configuration
//! that a person would write for them. [`Setup::start`] makes a [`Stage`] of it: the upstream runs, and the
//! library that Cargo built is loaded as any host loads it. What the test asks is an [`Ask`], what comes
//! back a [`Heard`], what the host was told is in [`Told`], and what the upstream saw is in its ledger.
//!
//! No test sleeps. Each waits for what it needs, and [`within`] ends those that would wait for ever.

pub mod abi_hash;
pub mod ask;
pub mod client;
pub mod heard;
pub mod layout;
pub mod packages;
pub mod plugin;
pub mod program;
pub mod raw;
pub mod setup;
pub mod stage;
pub mod tls;
pub mod told;
pub mod tools;
pub mod tree;

use std::time::Duration;

pub use crate::ask::Ask;
pub use crate::client::Client;
pub use crate::heard::Heard;
pub use crate::setup::Setup;
pub use crate::stage::Stage;
pub use crate::told::Told;

/// Longer than anything here takes; it only ends a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Fails instead of hanging.
///
/// # Panics
/// Where the future is not ready within [`PATIENCE`].
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("what a test waits for comes in time")
}
