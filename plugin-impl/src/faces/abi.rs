//! The ABI face: the root module, and the only place to name the types of the boundary.
//!
//! Every entry has a panic guard: a panic becomes an error, because a panic at the boundary would end the
//! host's process. Work runs on the instance's own runtime. The host polls only the ends of channels, so
//! any executor will do.

mod body;
mod convert;
pub mod export;
mod host;
pub mod panic_guard;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use abi_stable::export_root_module;
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_extern_fn;
use abi_stable::std_types::{RResult, RString};
use pointsman_api::{
    AbiVersion, Error, ErrorCode, HostBox, PluginBox, Request, Root, RootRef, StartOptions, Status,
};

use pointsman_core::ids::ModelId;

use crate::edges::config::{self, Process};
use crate::faces::panics;
use crate::http::ListenError;
use crate::instance::{ConfigFrom, Instance, InstanceError, Order, StartError};
use crate::runtime::answer::Answer;

use self::export::{Service, export};
use self::panic_guard::panic_guard;

/// Returns the version of the interface; see [`pointsman_api::VERSION_SYMBOL`].
#[expect(unsafe_code, reason = "a host reads the version before it trusts anything else, so it is plain C")]
#[unsafe(no_mangle)]
pub extern "C" fn pointsman_abi_version() -> u32 {
    AbiVersion::CURRENT.to_bits()
}

/// The start option for the router's purpose. Without a purpose, the router serves.
const PURPOSE: &str = "purpose";
/// The purpose of a look at the configuration: no secret is read, and nothing can be sent.
const LOOK: &str = "look";
/// The purpose of giving the user's consent to a project's configuration, followed by a look.
const TRUST: &str = "trust";
/// The purpose of an order on accounts, followed by a look at the state. The order is in the options `order`,
/// `account` and `model`.
const ACCOUNTS: &str = "accounts";

/// The root module found by hosts.
#[export_root_module]
pub fn root() -> RootRef {
    Root { start }.leak_into_prefix()
}

#[sabi_extern_fn]
fn start(options: StartOptions, host: HostBox) -> RResult<PluginBox, Error> {
    panic_guard(|| {
        let host = Arc::new(host::HostCallbacks::new(host));
        panics::log(host.clone());
        match options.extensions.text(PURPOSE) {
            Some(LOOK) => return look(&options, host),
            Some(ACCOUNTS) => return accounts(&options, host),
            Some(TRUST) => {
                trust(&options)?;
                return look(&options, host);
            }
            Some(_) | None => {}
        }
        let instance = Instance::start(config_from(options), host, Arc::new(Process))?;
        Ok(export(Arc::new(Running { instance, looked: None })))
    })
}

fn trust(options: &StartOptions) -> Result<(), StartError> {
    let named = options.config_path.as_ref().into_option().map(|path| path.as_str().into());
    config::give_consent(&named.unwrap_or_else(config::here), &Process)?;
    Ok(())
}

/// Takes a look at a configuration. The result has a status and serves no requests.
fn look(options: &StartOptions, host: Arc<host::HostCallbacks>) -> Result<PluginBox, Error> {
    let named = options.config_path.as_ref().into_option().map(|path| Path::new(path.as_str()));
    let (instance, problem) = Instance::look(named, host, &Process)?;
    Ok(export(Arc::new(Running { instance, looked: Some(Looked { problem }) })))
}

/// Gives an order on accounts. The result has a status and serves no requests.
fn accounts(options: &StartOptions, host: Arc<host::HostCallbacks>) -> Result<PluginBox, Error> {
    let named = options.config_path.as_ref().into_option().map(|path| Path::new(path.as_str()));
    let text = |name| options.extensions.text(name);
    let order = match text("order") {
        Some("reset") => Order::Reset(text("model").map(ModelId::new)),
        Some("enable") => Order::Disable(false),
        Some("disable") => Order::Disable(true),
        Some(_) | None => Order::List,
    };
    let instance = Instance::order(named, host, &Process, (text("account"), &order))?;
    Ok(export(Arc::new(Running { instance, looked: Some(Looked { problem: None }) })))
}

fn config_from(options: StartOptions) -> ConfigFrom {
    match options.config_text.into_option() {
        Some(text) => ConfigFrom::Text(text.into_string()),
        None => ConfigFrom::Places(options.config_path.into_option().map(|path| path.as_str().into())),
    }
}

/// An instance behind the boundary.
struct Running {
    instance: Arc<Instance>,
    /// The result of a look, for an instance started with a look's purpose.
    looked: Option<Looked>,
}

/// The result of a look at a configuration.
struct Looked {
    /// The configuration's errors, if any.
    problem: Option<String>,
}

impl Service for Running {
    async fn fetch(&self, request: Request) -> Result<Answer, Error> {
        let (uri, call) = convert::call(request)?;
        Ok(self.instance.fetch(&uri, call).await?)
    }

    fn status(&self) -> Result<Status, Error> {
        let status = self.instance.status();
        let Some(Looked { problem }) = &self.looked else { return Ok(convert::status(status)) };
        let (table, json) = (status.to_table(), status.to_json().to_string());
        let mut status = convert::status(status);
        let problem = problem.as_deref().map(|problem| ("problem", problem));
        for (name, text) in [("table", table.as_str()), ("json", json.as_str())].into_iter().chain(problem) {
            status.extensions.set(name, text);
        }
        Ok(status)
    }

    fn listen(&self, address: &str) -> Result<RString, Error> {
        Ok(self.instance.listen(address)?.into())
    }

    async fn shut_down(&self, grace: Duration) -> Result<(), Error> {
        self.instance.shut_down(grace).await;
        Ok(())
    }

    fn spawner(&self) -> Option<(tokio::runtime::Handle, tokio_util::task::TaskTracker)> {
        Some((self.instance.handle()?, self.instance.tasks().clone()))
    }

    async fn cut(&self) {
        self.instance.cut().cancelled().await;
    }

    fn abandon(&self) {
        self.instance.cut_off();
    }
}

// What went wrong, as a code to branch on and a text to show.

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Config(_) | StartError::Defaults(_) | StartError::Order(_) => ErrorCode::CONFIG,
            StartError::Threads(_) | StartError::Store(_) => ErrorCode::INTERNAL,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ListenError> for Error {
    fn from(error: ListenError) -> Self {
        Self::new(ErrorCode::LISTEN, error.to_string())
    }
}

impl From<InstanceError> for Error {
    fn from(error: InstanceError) -> Self {
        use crate::runtime::router::FetchError;
        let code = match &error {
            InstanceError::Closed => ErrorCode::CLOSED,
            InstanceError::Fetch(FetchError::Url(_)) => ErrorCode::BAD_REQUEST,
            InstanceError::Fetch(FetchError::Send(_)) => ErrorCode::UPSTREAM,
        };
        Self::new(code, error.to_string())
    }
}
