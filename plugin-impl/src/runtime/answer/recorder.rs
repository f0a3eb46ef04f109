//! Records the owners of resources in an answer.

use std::sync::Arc;

use pointsman_core::ids::AccountId;
use pointsman_core::request::resource::IdScanner;

use crate::clock::Clock;
use crate::fleet::resource_owners::ResourceOwners;

/// Remembers the resources of an answer, with the answering account as owner.
#[derive(Debug)]
pub struct Recorder {
    id_scanner: IdScanner,
    resource_owners: Arc<ResourceOwners>,
    owner: AccountId,
    clock: Clock,
}

impl Recorder {
    /// Makes a recorder for an answer.
    pub fn new(
        id_scanner: IdScanner,
        resource_owners: Arc<ResourceOwners>,
        owner: AccountId,
        clock: Clock,
    ) -> Self {
        Self { id_scanner, resource_owners, owner, clock }
    }

    /// Takes the next bytes before they are delivered: a request with a reference to them may follow at
    /// once.
    pub fn note(&mut self, bytes: &[u8]) {
        let Self { id_scanner, resource_owners, owner, clock } = self;
        id_scanner.push(bytes, |key| resource_owners.made(key, owner, clock.mono()));
    }

    /// Takes a complete answer before delivery.
    pub fn note_all(self, bytes: &[u8]) {
        let Self { id_scanner, resource_owners, owner, clock } = self;
        id_scanner.all(bytes, |key| resource_owners.made(key, &owner, clock.mono()));
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use futures_util::StreamExt as _;
    use http::Method;
    use pointsman_core::request::intent::Intent;
    use pointsman_core::request::resource::resource_owners;

    use crate::fleet::resource_owners::Bound;
    use crate::runtime::answer::Relay;

    use super::*;

    #[tokio::test]
    async fn what_an_answer_made_is_known_before_the_caller_has_its_bytes() {
        let intent = Intent::read(&Method::POST, "/v1/responses", None, None).expect("of a wire format");
        let (known, clock) = (Arc::<ResourceOwners>::default(), Clock::start());
        let owner = AccountId::new("openai:work");
        let id_scanner = IdScanner::new(&intent).expect("such an answer makes something");
        let recorder = Recorder::new(id_scanner, known.clone(), owner.clone(), clock);
        let pieces = ["data: {\"response\":{\"id\":\"re", "sp_1\"}}\n\n"];
        let held = pieces.iter().map(|piece| (*piece).into()).collect();
        let mut relay = Relay::new(held, None, Arc::default()).recording(Some(recorder));

        let next = resource_owners(br#"{"previous_response_id":"resp_1"}"#, &intent);
        assert_eq!(known.of(&next, clock.mono()), Bound::Free);
        let came = relay.next().await.expect("a piece").expect("no break");
        assert_eq!(came, pieces.concat());
        let bound = known.of(&next, clock.mono());
        assert!(matches!(&bound, Bound::To(binding) if binding.owner == owner), "{bound:?}");
    }
}
