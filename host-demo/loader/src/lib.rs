//! Finds, checks and loads the Pointsman library: what an agent written in Rust needs to embed it.
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
//! Any executor will do, for the plugin works on threads of its own.
//!
//! * [`find()`] looks for the file in a fixed order and says where it looked;
//! * [`inspect()`] reads the file before the dynamic linker does, because the linker dies of some files;
//! * [`load()`] compares ABI versions, then types; each of its errors is one short text;
//! * [`Library::start`] starts a [`Router`], which any number of tasks may share;
//! * [`Host`] is what the plugin may call back; a panic in it stays on this side.
//!
//! A library once loaded stays loaded: its threads and its thread-locals outlive any handle. To replace
//! one in a running process, load the other file from another path and start a router from it.

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
