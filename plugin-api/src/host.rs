//! What the plugin may ask of its host.

use abi_stable::StableAbi;
use abi_stable::sabi_trait;
use abi_stable::std_types::{RBox, ROption, RString};

use crate::notice::Notice;

/// How much a [`LogRecord`] matters; smaller matters more.
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
    /// The part of the plugin that speaks, such as `pointsman_plugin::edges::auth`.
    pub target: RString,
    /// The message, followed by its fields as `name=value`.
    pub text: RString,
}

/// The callbacks of a host.
///
/// They are called from the plugin's own threads, concurrently, and should return soon. They must not
/// unwind: wrap them in `catch_unwind`, as `pointsman-loader` does.
#[sabi_trait]
pub trait Host: Send + Sync + 'static {
    /// Shows a person what happened. One event comes once, however many requests met it.
    fn notice(&self, notice: Notice);

    /// Takes a line of the log.
    fn log(&self, record: LogRecord);

    /// Returns the folder for the plugin's state, or none for the plugin's default.
    #[sabi(last_prefix_field)]
    fn state_dir(&self) -> ROption<RString>;
}

/// A host, as the plugin holds it.
pub type HostBox = Host_TO<RBox<()>>;
