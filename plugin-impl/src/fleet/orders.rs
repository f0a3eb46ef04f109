//! The operator's orders on an account, as this process has obeyed them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pointsman_core::state::AccountRecord;

/// The orders in force.
#[derive(Debug, Default)]
pub(super) struct Orders {
    is_disabled: AtomicBool,
    /// The last order to reset, in milliseconds of the epoch.
    reset: AtomicU64,
}

impl Clone for Orders {
    fn clone(&self) -> Self {
        Self {
            is_disabled: AtomicBool::new(self.is_disabled()),
            reset: AtomicU64::new(self.reset.load(Ordering::Acquire)),
        }
    }
}

impl Orders {
    /// Returns whether the account is disabled by order.
    #[inline]
    pub(super) fn is_disabled(&self) -> bool {
        self.is_disabled.load(Ordering::Acquire)
    }

    /// Takes orders over. Returns whether a reset is due, once for each order.
    pub(super) fn take_over(&self, orders: &AccountRecord) -> bool {
        self.is_disabled.store(orders.is_disabled() || orders.is_removed(), Ordering::Release);
        self.reset.fetch_max(orders.reset.0, Ordering::AcqRel) < orders.reset.0
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::time::UnixMillis;

    use super::*;

    #[test]
    fn an_order_to_reset_is_obeyed_once() {
        let orders = Orders::default();
        let mut ordered = AccountRecord::default();
        ordered.order_reset(UnixMillis(7));
        assert!(orders.take_over(&ordered));
        assert!(!orders.take_over(&ordered) && !orders.is_disabled());
        ordered.remove();
        assert!(!orders.take_over(&ordered) && orders.is_disabled(), "a removed account serves nobody");
    }
}
