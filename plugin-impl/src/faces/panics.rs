//! Panics: bugs of ours, and the texts for people.
//!
//! Each face has a panic guard of its own, because each face has errors of its own; the texts are common.

use std::any::Any;
use std::sync::{Arc, Once};

use tracing::Level;

use crate::instance::Host;

/// Returns the error text of a caught panic.
pub fn text(panic: &(dyn Any + Send)) -> String {
    let message =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a bug in the plugin was fenced in: {}", message.unwrap_or("no message"))
}

/// Sends the text of each panic to the log of the first host. The hook belongs to our image: a host's
/// panics do not come here.
pub fn log(host: Arc<dyn Host>) {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        std::panic::set_hook(Box::new(move |panic| {
            host.log(Level::ERROR, "pointsman_plugin", &panic.to_string());
        }));
    });
}
