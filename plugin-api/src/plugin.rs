//! What a host may ask of the plugin, and the root module it is found through.

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
/// All methods may be called from any thread at any time. Work is done on the plugin's own threads, so
/// that any executor, or none, will do on the host's side. Dropping it ends its threads without waiting;
/// [`Plugin::shutdown`] lets streams finish first.
#[sabi_trait]
pub trait Plugin: Send + Sync + 'static {
    /// Routes one request and yields the head of its answer; the body follows as a stream.
    ///
    /// An answer of the upstream is a [`Response`] whatever its status, and so is a refusal of the
    /// router itself: a 429 in the caller's wire format. Dropping the future cancels the request.
    ///
    /// # Errors
    /// [`ErrorCode::BAD_REQUEST`](crate::ErrorCode::BAD_REQUEST) where the URL, the method or a header
    /// is not HTTP, [`UPSTREAM`](crate::ErrorCode::UPSTREAM) where a request that no provider claims
    /// could not be sent, [`CLOSED`](crate::ErrorCode::CLOSED) after a shutdown.
    fn fetch(&self, request: Request) -> FfiFuture<RResult<Response, Error>>;

    /// Returns the state of all accounts.
    fn status(&self) -> RResult<Status, Error>;

    /// Serves the HTTP face and returns the address that it is bound to.
    ///
    /// `address` is `HOST:PORT` (port 0 for a free one), `unix:PATH` for a socket of mode 0600, or empty
    /// for the setting `listen` of the configuration.
    ///
    /// # Errors
    /// [`ErrorCode::LISTEN`](crate::ErrorCode::LISTEN) where the address is malformed or taken.
    fn listen(&self, address: RString) -> RResult<RString, Error>;

    /// Takes no more requests, lets those under way finish for `grace_ms` milliseconds, then cuts them.
    #[sabi(last_prefix_field)]
    fn shutdown(&self, grace_ms: u64) -> FfiFuture<RResult<(), Error>>;
}

/// A running router, as the host holds it.
pub type PluginBox = Plugin_TO<RBox<()>>;

/// How to start a router.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default)]
pub struct StartOptions {
    /// The configuration file. Without one the usual places are looked at.
    pub config_path: ROption<RString>,
    /// The configuration itself, in place of a file.
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
