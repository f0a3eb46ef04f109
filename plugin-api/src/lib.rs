//! The stable ABI between Pointsman and its hosts.
//!
//! Both sides compile against the types and traits of this crate. The crate has no logic, no runtime,
//! no I/O. A host finds the library, reads the version through the plain C function
//! [`VERSION_SYMBOL`], loads [`RootRef`], starts a [`Plugin`] and calls [`Plugin::fetch`], from any
//! number of threads.
//!
//! Read in this order:
//!
//! * [`plugin`]: the calls of a host, and the root module;
//! * [`request`] and [`response`]: a call and its streamed answer;
//! * [`host`]: the callbacks of a host;
//! * [`notice`], [`status`], [`error`]: texts and figures for people and operators;
//! * [`version`]: the compatibility of plugin and host.
//!
//! # Growth
//!
//! Traits and the root module grow by items appended at the end. Plain structs never change within a
//! major version; each struct carries an [`Extensions`] list instead. Codes and kinds are newtypes with
//! constants, never exhaustive enums. `docs/ABI.md` has the rules; a test compares the layout with the
//! frozen layout.

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
