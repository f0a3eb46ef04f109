//! Streams: what may be tried again, what passes as it is, and what reaches the caller as a break.

use std::time::Duration;

use http_body_util::BodyExt;
use pointsman_loader::api::ErrorCode;
use pointsman_tests::ask::Format;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Setup, Stage, client, within};
use pointsman_upstream::{Ending, Fault, Harm, Moment, Pace, Shape};

const FORMATS: [Format; 3] = [Format::Messages, Format::Responses, Format::Gemini];

/// Two accounts for each format; the first request meets the fault, whoever serves it.
fn stage(harm: Harm) -> Stage {
    let pair = |setup: Setup, provider: &str| {
        let labels = [format!("{provider}-1"), format!("{provider}-2")];
        labels.iter().fold(setup, |setup, label| setup.keyed(provider, label, free(), 1))
    };
    let setup = ["anthropic", "openai", "gemini"].into_iter().fold(Setup::new(), pair);
    setup.fault(Fault::new(harm).next(1)).start()
}

#[tokio::test]
async fn every_format_streams_to_its_end() {
    for format in Format::ALL {
        let stage = stage(Harm::Stall { at: Moment::Content(u64::MAX) });
        stage.upstream.clear_faults();
        let answer = stage.fetch(&Ask::of(format).streaming()).await.good();
        assert!(answer.events().len() >= 3, "{format:?}: {}", answer.text());
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")));
    }
}

/// An overload can arrive inside of a 200. As the first word it is no answer, so another account is asked.
#[tokio::test]
async fn an_overload_as_the_first_event_is_tried_elsewhere() {
    // Gemini has no handshake: its first event is content.
    let moments = [
        (Format::Messages, 0),
        (Format::Messages, 1),
        (Format::Responses, 0),
        (Format::Responses, 1),
        (Format::Gemini, 0),
    ];
    for (format, events) in moments {
        let stage = stage(Harm::ErrorEvent { at: Moment::Events(events), shape: Shape::Overloaded });
        let answer = stage.fetch(&Ask::of(format).streaming()).await.good();
        assert!(!answer.text().contains("verload"), "{format:?} {events}: {}", answer.text());
        let calls = stage.upstream.ledger().entries().len();
        assert_eq!((calls, answer.attempts()), (2, 2), "{format:?} {events}");
    }
}

/// After the first content nothing is tried again: the caller has it already, and gets the error as well.
#[tokio::test]
async fn an_overload_after_content_is_passed_on() {
    for format in FORMATS {
        let stage = stage(Harm::ErrorEvent { at: Moment::Content(2), shape: Shape::Overloaded });
        let answer = stage.fetch(&Ask::of(format).streaming()).await;
        assert_eq!((answer.status, answer.attempts()), (200, 1), "{format:?}");
        let error = answer.events().last().cloned().unwrap_or_default();
        assert!(error.contains("error"), "{format:?}: {error}");
        assert_eq!(stage.upstream.ledger().entries().len(), 1, "{format:?}");
    }
}

#[tokio::test]
async fn a_break_before_the_first_event_is_tried_elsewhere() {
    for format in FORMATS {
        for harm in [Harm::Cut { at: Moment::Events(0) }, Harm::Reset, Harm::Garbage, Harm::Empty] {
            let stage = stage(harm);
            let answer = stage.fetch(&Ask::of(format).streaming()).await.good();
            assert_eq!(answer.attempts(), 2, "{format:?} {harm:?}");
        }
    }
}

/// An agent keeps the text of a stream that ends cleanly. So one that broke never does.
#[tokio::test]
async fn a_cut_stream_reaches_the_caller_as_a_break() {
    for format in FORMATS {
        let stage = stage(Harm::Cut { at: Moment::Content(1) });
        let mut answer = stage.open(&Ask::of(format).streaming()).await;
        let (mut bytes, mut errors) = (0, Vec::new());
        while let Some(piece) = answer.body.next().await {
            match piece {
                Ok(piece) => bytes += piece.len(),
                Err(error) => errors.push(error.code),
            }
        }
        assert!(bytes > 0, "{format:?}: what came before the break is given");
        assert_eq!(errors, [ErrorCode::UPSTREAM], "{format:?}");
        assert_eq!((stage.upstream.ledger().entries().len(), stage.counter("streams_broken")), (1, 1));
    }
}

/// The same through the gateway: the connection breaks off.
#[tokio::test]
async fn a_cut_stream_breaks_the_gateways_connection() {
    for format in FORMATS {
        let stage = stage(Harm::Cut { at: Moment::Content(1) });
        let mut client = stage.client().await;
        // A head that was not flushed before the break is lost with it, which is a break as well.
        if let Ok(response) = client.open(&Ask::of(format).streaming()).await {
            let answer = within(client::all(response)).await;
            assert!(answer.broken.is_some(), "{format:?}: {}", answer.text());
        }
    }
}

/// An answer that is no stream breaks the same way.
#[tokio::test]
async fn an_answer_that_is_cut_at_its_half_is_not_delivered_as_whole() {
    let stage = stage(Harm::Cut { at: Moment::Content(1) });
    let answer = stage.fetch(&Ask::messages()).await;
    assert!(answer.broken.is_some() || answer.attempts() == 2, "{} {}", answer.status, answer.text());
}

#[tokio::test]
async fn a_stream_that_ends_early_but_cleanly_passes_as_it_is() {
    for format in FORMATS {
        let stage = stage(Harm::CleanEof { at: Moment::Content(1) });
        let answer = stage.fetch(&Ask::of(format).streaming()).await.good();
        assert_eq!((answer.attempts(), stage.upstream.ledger().entries().len()), (1, 1), "{format:?}");
    }
}

/// A stream that is silent for too long is a broken one.
#[tokio::test]
async fn a_stream_that_falls_silent_is_broken_off() {
    let stall = Fault::new(Harm::Stall { at: Moment::Content(1) });
    let stage = Setup::new().hasty().anthropic("a", free()).fault(stall).start();
    let answer = stage.fetch(&Ask::messages().streaming()).await;
    assert_eq!(answer.broken.as_deref(), Some("the upstream was silent for too long"));
    let entries = stage.wait_for(|entries| entries[0].ending != Ending::Open).await;
    assert_eq!(entries[0].ending, Ending::Aborted);
}

#[tokio::test]
async fn streams_are_signed_like_all_answers() {
    let stage = Setup::new().antigravity("work", &[("gemini-cli", free())]).start();
    let answer = stage.fetch(&Ask::gemini().streaming()).await.good();
    assert_eq!(answer.header("x-pointsman-provider"), Some("antigravity"));
    assert_eq!(answer.header("x-pointsman-account"), Some("antigravity:work"));
    assert_eq!((answer.pool(), answer.attempts()), ("gemini-cli", 1));
    assert_eq!(answer.reason(), "preferred");
    assert!(answer.header("x-pointsman-request-id").is_some_and(|id| !id.is_empty()));
}

/// The lease of a stream is held until its end, and not a moment longer.
#[tokio::test]
async fn a_stream_is_under_way_until_it_ends() {
    let pace = Pace::spread(4, Duration::from_millis(20));
    let stage = Setup::new().anthropic("a", free()).pace(pace).start();
    let answer = stage.open(&Ask::messages().streaming()).await;
    assert_eq!(stage.pool("a", "anthropic").in_flight, 1);
    answer.body.read_to_end().await.expect("a whole stream");
    assert_eq!(stage.pool("a", "anthropic").in_flight, 0);
}

/// Pieces reach the client as they come, not when the stream is over.
#[tokio::test]
async fn the_first_piece_does_not_wait_for_the_last() {
    let stall = Fault::new(Harm::Stall { at: Moment::Content(1) });
    let stage = Setup::new().anthropic("a", free()).fault(stall).start();
    let mut client = stage.client().await;
    let mut body = client.open(&Ask::messages().streaming()).await.expect("a head").into_body();
    assert!(within(body.frame()).await.expect("a piece").is_ok());
}
