//! A local upstream: an HTTP server on the loopback that speaks the wire formats of real LLM providers
//! and enforces real quotas for each (account, pool).
//!
//! The demo, the end-to-end tests and the benchmarks run against it, so that none of them needs an
//! account, and so that a limit in a test is a limit that was really counted. What a provider would do is
//! told by a [`Script`]; what was asked of it is read from the [`Ledger`].
//!
//! ```
//! use std::time::Duration;
//!
//! use pointsman_upstream::{Account, Pool, Script, Upstream};
//!
//! let pool = Pool::limited(20, Duration::from_secs(4));
//! let account = Account::new("work").api_key("sk-work").pool("default", pool);
//! let upstream = Upstream::start_blocking(Script::new(7).account(account))?;
//! assert!(upstream.base_url().starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Layers, from pure to impure:
//!
//! - what is scripted: [`Script`], [`Fault`], [`Pace`];
//! - decisions that take `now` as an argument: `quota`, `faults`, `roster`, `oauth`, `route`, `conversation`;
//! - texts as they are on the wire: `shape`, `limit`, `format`, `template`;
//! - the thin HTTP part: `server`, `exchange`, `delivery`, `line`.
//!
//! A quota refuses by its own clock, which a test can move with [`Upstream::advance`] instead of sleeping.

mod body;
mod call;
mod clock;
mod compose;
mod conversation;
mod decide;
mod delivery;
mod demo;
mod exchange;
mod fault;
mod faults;
mod format;
mod ledger;
mod limit;
mod line;
mod listing;
mod oauth;
mod pace;
mod quota;
mod readings;
mod refusal;
mod roster;
mod route;
mod script;
mod server;
mod shape;
mod shared;
mod source;
mod span;
mod story;
mod template;
mod text;
mod tools;
mod upstream;
mod visit;

pub use demo::{
    DEMO_ACCOUNTS, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_OUTAGE_AFTER, DEMO_OUTAGE_LENGTH,
    DEMO_OUTAGE_POOL, DemoAccount, DemoCredential, DemoPool, demo_script,
};
pub use fault::{Fault, Harm, Lasts, Match, Moment};
pub use faults::FaultId;
pub use ledger::{Ending, Entry, Ledger, Recording};
pub use oauth::{TokenMode, TokenScript};
pub use pace::Pace;
pub use quota::Level;
pub use script::{Account, Act, Hint, Play, Pool, Refill, Script, ScriptError, Unit, Window};
pub use shape::{Shape, UnknownShape};
pub use upstream::{UnknownName, Upstream};
