//! The HTTP face: a gateway for the three wire formats, and pages for operators.

mod body;
mod dashboard;
mod gateway;
mod host_name;
mod listen;
mod listener_mode;
mod ongoing;
mod origin;
mod pages;
mod private;
mod socket;
mod upload;

pub use self::dashboard::Pages;
pub use self::listen::{ListenError, Serving, listen, parse_local};
pub use self::listener_mode::{ListenerMode, TARGET, TOKEN, Token};
pub use self::private::private_address;
pub use self::upload::Uploads;
