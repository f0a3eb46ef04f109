//! The callbacks of a host.

use abi_stable::StableAbi;
use abi_stable::sabi_trait;
use abi_stable::std_types::{RBox, ROption, RString};

use crate::notice::Notice;

/// The severity of a [`LogRecord`]; smaller is more severe.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogLevel(pub u8);

impl LogLevel {
    pub const ERROR: Self = Self(1);
    pub const WARN: Self = Self(2);
    pub const INFO: Self = Self(3);
    pub const DEBUG: Self = Self(4);
    pub const TRACE: Self = Self(5);
}

/// One line of the plugin's log, with its secrets redacted.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct LogRecord {
    pub level: LogLevel,
    /// The module of the record, such as `pointsman_plugin::edges::auth`.
    pub target: RString,
    /// The message, followed by its fields as `name=value`.
    pub text: RString,
}

/// The callbacks of a host.
///
/// The plugin calls from its own threads, concurrently. A callback returns soon and never unwinds:
/// wrap callbacks in `catch_unwind`, as `pointsman-loader` does.
#[sabi_trait]
pub trait Host: Send + Sync + 'static {
    /// Shows a notice to a person. An event is one notice, however many requests met the event.
    fn notice(&self, notice: Notice);

    /// Takes a line of the log.
    fn log(&self, record: LogRecord);

    /// Returns the folder for the plugin's state, or none for the plugin's default.
    #[sabi(last_prefix_field)]
    fn state_dir(&self) -> ROption<RString>;
}

/// A host, as held by the plugin.
pub type HostBox = Host_TO<RBox<()>>;
