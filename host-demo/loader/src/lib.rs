//! Finds, checks and loads the Pointsman library, for agents written in Rust.
//!
//! ```no_run
//! use pointsman_loader::api::{Request, StartOptions};
//! use pointsman_loader::{Environment, HostFns, find, load};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let library = load(&find(None, &Environment::of_process())?)?;
//! let host = HostFns::new().on_notice(|notice| eprintln!("{}", notice.text));
//! let router = library.start(StartOptions::default(), host)?;
//!
//! let request = Request::post("https://api.anthropic.com/v1/messages", r#"{"model":"claude-sonnet-4-6"}"#);
//! let mut answer = router.fetch(request).await?;
//! while let Some(chunk) = answer.body.next().await {
//!     println!("{} bytes", chunk?.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Any executor works, because the plugin has its own threads.
//!
//! * [`find()`] searches in a fixed order and reports the searched places;
//! * [`inspect()`] reads the file before the dynamic linker, because some files kill the linker;
//! * [`load()`] compares ABI versions, then types; each error is a short text;
//! * [`Library::start`] starts a [`Router`], shared by any number of tasks;
//! * [`Host`] holds the callbacks; a panic in a callback stays on the host's side.
//!
//! A loaded library stays loaded: its threads and thread-locals outlive any handle. To replace a library in
//! a running process, load the new file from another path and start a router from it.

#![expect(unsafe_code, reason = "a dynamic library is called into before its types can be checked")]

mod body;
mod find;
mod host;
mod inspect;
mod load;
mod router;

pub use pointsman_api as api;

pub use crate::body::{Answer, BodyStream};
pub use crate::find::{Environment, FILE_NAME, FindError, find};
pub use crate::host::{Host, HostFns, Silent};
pub use crate::inspect::{Flaw, InspectError, inspect};
pub use crate::load::{Library, LoadError, load};
pub use crate::router::Router;
