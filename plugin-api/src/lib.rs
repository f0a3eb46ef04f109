//! The stable ABI between Pointsman and the agents that load it.
//!
//! This crate holds the types and traits that both sides are compiled against, and nothing else: no
//! logic, no runtime, no I/O. A host finds the library, reads its version through the plain C function
//! [`VERSION_SYMBOL`], loads [`RootRef`], starts a [`Plugin`] and calls [`Plugin::fetch`] as often and
//! from as many threads as it likes.
//!
//! Read in this order:
//!
//! * [`plugin`]: what a host may ask of the plugin, and the root module it is found through;
//! * [`request`] and [`response`]: one call and its streamed answer;
//! * [`host`]: what the plugin may ask of its host;
//! * [`notice`], [`status`], [`error`]: what people and operators get to see;
//! * [`version`]: which plugin goes with which host.
//!
//! # How it may grow
//!
//! Traits and the root module grow by items appended at their end; plain structs never change within a
//! major version, which is why each carries an [`Extensions`] list; numbers that name things are
//! newtypes with constants, never exhaustive enums. `docs/ABI.md` has the rules, and a test holds the
//! layout against the frozen one.

#![expect(non_local_definitions, unused_qualifications, reason = "abi_stable's `sabi_trait` generates them")]
#![expect(unsafe_code, reason = "abi_stable's derives and trait objects are made of it")]

pub mod error;
pub mod headers;
pub mod host;
pub mod notice;
pub mod plugin;
pub mod request;
pub mod response;
pub mod status;
pub mod version;

pub use abi_stable;
pub use async_ffi;

pub use crate::error::{Error, ErrorCode};
pub use crate::headers::{Extensions, Header, Headers};
pub use crate::host::{Host, HostBox, LogLevel, LogRecord};
pub use crate::notice::{Notice, NoticeKind, Severity};
pub use crate::plugin::{Plugin, PluginBox, Root, RootRef, StartOptions};
pub use crate::request::Request;
pub use crate::response::{Body, BodyBox, Chunk, Response};
pub use crate::status::{AccountState, AccountView, PoolState, PoolView, Status};
pub use crate::version::{AbiVersion, Mismatch, VERSION_SYMBOL};
