//! The settings of request bodies.

use crate::edges::config::amount::{Size, Time};
use crate::edges::config::setting::Setting;

use super::TIMEOUT;

pub(in crate::edges::config) static MAX_BODY: Setting<Size> = Setting {
    name: "max_body",
    form: Size { from: 1 << 10, to: 1 << 30 },
    default: "32MiB",
    help: "The longest request body that is accepted.",
};

pub(in crate::edges::config) static MAX_BODIES: Setting<Size> = Setting {
    name: "max_bodies",
    form: Size { from: 1 << 20, to: 1 << 40 },
    default: "512MiB",
    help: "How much memory the request bodies take together that the gateway receives, or keeps until their answers \
           begin; a compressed body counts as received and as unpacked. A request that does not fit gets 503 with `retry-after: 1`. Never less than `max_body`.",
};

pub(in crate::edges::config) static BODY_TIMEOUT: Setting<Time> = Setting {
    name: "body_timeout",
    form: TIMEOUT,
    default: "120s",
    help: "How long a request's body may take to reach the gateway; a slower one gets 408.",
};
