//! The calls of a host, and the root module of the library.

use abi_stable::library::RootModule;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RBox, ROption, RResult, RString};
use abi_stable::{StableAbi, package_version_strings, sabi_trait};
use async_ffi::FfiFuture;

use crate::error::Error;
use crate::headers::Extensions;
use crate::host::HostBox;
use crate::request::Request;
use crate::response::Response;
use crate::status::Status;

/// A running router.
///
/// A host calls the methods from any thread at any time. Work runs on the plugin's own threads, so the
/// host's side needs no particular executor. Dropping a router ends the threads without waiting;
/// [`Plugin::shutdown`] lets streams finish first.
#[sabi_trait]
pub trait Plugin: Send + Sync + 'static {
    /// Routes a request and yields the head of the answer; the body follows as a stream.
    ///
    /// An answer of the upstream is a [`Response`] of any status. A refusal of the router is a
    /// [`Response`], too: a 429 in the caller's wire format. Dropping the future cancels the request.
    ///
    /// # Errors
    /// [`ErrorCode::BAD_REQUEST`](crate::ErrorCode::BAD_REQUEST) for a URL, method or header outside of
    /// HTTP, [`UPSTREAM`](crate::ErrorCode::UPSTREAM) for an unclaimed request and a failed connection,
    /// [`CLOSED`](crate::ErrorCode::CLOSED) after a shutdown.
    fn fetch(&self, request: Request) -> FfiFuture<RResult<Response, Error>>;

    /// Returns the state of all accounts.
    fn status(&self) -> RResult<Status, Error>;

    /// Serves the HTTP face and returns the bound address.
    ///
    /// `address` is `HOST:PORT` (port 0 for a free one), `unix:PATH` for a socket of mode 0600, or empty
    /// for the setting `listen` of the configuration.
    ///
    /// # Errors
    /// [`ErrorCode::LISTEN`](crate::ErrorCode::LISTEN) for a malformed or occupied address.
    fn listen(&self, address: RString) -> RResult<RString, Error>;

    /// Refuses new requests, lets open requests finish for `grace_ms` milliseconds, then cuts the rest.
    #[sabi(last_prefix_field)]
    fn shutdown(&self, grace_ms: u64) -> FfiFuture<RResult<(), Error>>;
}

/// A running router, as held by the host.
pub type PluginBox = Plugin_TO<RBox<()>>;

/// The options of a start.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default)]
pub struct StartOptions {
    /// The configuration file; empty for the usual places.
    pub config_path: ROption<RString>,
    /// The text of a configuration, in place of a file.
    pub config_text: ROption<RString>,
    pub extensions: Extensions,
}

/// The root module of the library.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = RootRef)))]
#[sabi(missing_field(panic))]
pub struct Root {
    /// Starts a router with a configuration of its own.
    #[sabi(last_prefix_field)]
    pub start: extern "C" fn(StartOptions, HostBox) -> RResult<PluginBox, Error>,
}

impl RootModule for RootRef {
    abi_stable::declare_root_module_statics! {RootRef}
    const BASE_NAME: &'static str = "pointsman_plugin";
    const NAME: &'static str = "pointsman_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
