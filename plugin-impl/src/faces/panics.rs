//! Panics: bugs of ours, and what is said of them.
//!
//! Each face has its fence, because each has errors of its own; the words are the same.

use std::any::Any;
use std::sync::{Arc, Once};

use tracing::Level;

use crate::instance::Host;

/// Returns what an error says of a panic that was caught.
pub fn text(panic: &(dyn Any + Send)) -> String {
    let message =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a bug in the plugin was fenced in: {}", message.unwrap_or("no message"))
}

/// Sends the text of a panic to the log of the host that came first. The hook is our image's own: a
/// host's panics do not come here.
pub fn log(host: Arc<dyn Host>) {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        std::panic::set_hook(Box::new(move |panic| {
            host.log(Level::ERROR, "pointsman_plugin", &panic.to_string());
        }));
    });
}
