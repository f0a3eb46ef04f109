//! Records the owners of resources in an answer.

use std::sync::Arc;

use pointsman_core::ids::AccountId;
use pointsman_core::request::bond::Scout;

use crate::clock::Clock;
use crate::fleet::bonds::Bonds;

/// Remembers the resources of an answer, with the answering account as owner.
#[derive(Debug)]
pub struct Recorder {
    scout: Scout,
    bonds: Arc<Bonds>,
    maker: AccountId,
    clock: Clock,
}

impl Recorder {
    /// Makes a recorder for an answer.
    pub fn new(scout: Scout, bonds: Arc<Bonds>, maker: AccountId, clock: Clock) -> Self {
        Self { scout, bonds, maker, clock }
    }

    /// Takes the next bytes before they are delivered: a request with a reference to them may follow at
    /// once.
    pub fn note(&mut self, bytes: &[u8]) {
        let Self { scout, bonds, maker, clock } = self;
        scout.push(bytes, |key| bonds.made(key, maker, clock.mono()));
    }

    /// Takes a complete answer before delivery.
    pub fn note_all(self, bytes: &[u8]) {
        let Self { scout, bonds, maker, clock } = self;
        scout.all(bytes, |key| bonds.made(key, &maker, clock.mono()));
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use futures_util::StreamExt as _;
    use http::Method;
    use pointsman_core::request::bond::bonds;
    use pointsman_core::request::intent::Intent;

    use crate::fleet::bonds::Bound;
    use crate::runtime::answer::Relay;

    use super::*;

    #[tokio::test]
    async fn what_an_answer_made_is_known_before_the_caller_has_its_bytes() {
        let intent = Intent::read(&Method::POST, "/v1/responses", None, None).expect("of a wire format");
        let (known, clock) = (Arc::<Bonds>::default(), Clock::start());
        let maker = AccountId::new("openai:work");
        let scout = Scout::new(&intent).expect("such an answer makes something");
        let recorder = Recorder::new(scout, known.clone(), maker.clone(), clock);
        let pieces = ["data: {\"response\":{\"id\":\"re", "sp_1\"}}\n\n"];
        let held = pieces.iter().map(|piece| (*piece).into()).collect();
        let mut relay = Relay::new(held, None, Arc::default()).recording(Some(recorder));

        let next = bonds(br#"{"previous_response_id":"resp_1"}"#, &intent);
        assert_eq!(known.of(&next, clock.mono()), Bound::Free);
        let came = relay.next().await.expect("a piece").expect("no break");
        assert_eq!(came, pieces.concat());
        assert_eq!(known.of(&next, clock.mono()), Bound::To(maker));
    }
}
