//! One request from its arrival to its end: an entry in the ledger and a place in its cell, both closed
//! exactly once. Dropping a visit that has not ended means that the client went away.

use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;

use crate::call::Call;
use crate::ledger::{Ending, Entry};
use crate::roster::AccountIndex;
use crate::shared::{Cell, Shared};

#[derive(Debug)]
pub(crate) struct Visit {
    shared: Arc<Shared>,
    pub(crate) sequence: u64,
    cell: Option<(AccountIndex, usize)>,
    admitted: bool,
    sent: u64,
    ended: bool,
}

impl Visit {
    pub(crate) fn begin(shared: &Arc<Shared>, call: &Call, head: Parts, arrived: Instant) -> Self {
        let sequence = shared.next_sequence();
        let concurrent = call.cell(shared).map_or(0, Cell::enter);
        if shared.ledger.is_on() {
            shared.ledger.add(entry(shared, call, head, sequence, arrived, concurrent));
        }
        let cell = call.caller.zip(call.cell);
        Self { shared: shared.clone(), sequence, cell, admitted: false, sent: 0, ended: false }
    }

    /// The cell has admitted the request.
    pub(crate) fn admitted(&mut self) {
        self.admitted = true;
    }

    /// The head is about to be handed over.
    pub(crate) fn answered(&self, status: u16) {
        self.record(|entry| entry.status = Some(status));
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// Closes the visit; only the first ending counts.
    pub(crate) fn end(&mut self, ending: Ending) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if let Some((account, cell)) = self.cell {
            self.shared.identity(account).cells[cell].exit(self.admitted);
        }
        let sent = self.sent;
        self.record(|entry| {
            entry.ending = ending;
            entry.ended = Some(Instant::now());
            entry.sent = sent;
        });
    }

    fn record(&self, change: impl FnOnce(&mut Entry)) {
        if self.shared.ledger.is_on() {
            self.shared.ledger.update(self.sequence, change);
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.end(Ending::Aborted);
    }
}

fn entry(
    shared: &Shared,
    call: &Call,
    head: Parts,
    sequence: u64,
    arrived: Instant,
    concurrent: u32,
) -> Entry {
    Entry {
        sequence,
        arrived,
        ended: None,
        ending: Ending::Open,
        method: head.method,
        path: call.path.clone(),
        headers: head.headers,
        account: call.identity(shared).map(|identity| identity.label.clone()),
        pool: call.pool(shared).map(str::to_owned),
        model: call.model.clone(),
        stream: call.stream,
        status: None,
        body_length: call.body.len(),
        body: call.body.clone(),
        concurrent,
        sent: 0,
    }
}
