//! Long streams: memory stays flat, whether the host reads or not.
//!
//! A stream that nobody reads has to stand still. What tells that it had the time to run is another
//! stream, as long, which is read whole beside it.

use std::fs;

use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Setup, Stage, within};
use pointsman_upstream::{Ending, Pace};
use tokio::sync::Mutex;

const MIB: u64 = 1 << 20;
/// How long the streams are.
const LONG: u64 = 256 * MIB;
/// How much memory they may take: what channels, sockets and the allocator hold.
const FLAT: u64 = 48 * MIB;

/// The memory of the process is one, so these tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

fn stage() -> Stage {
    let bulk = Pace::bulk(LONG, 64 * 1024);
    Setup::new().anthropic("a", free()).pace(bulk).start()
}

/// Returns the memory that this process has in use, in bytes; none where the system does not tell.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}

/// Reads a stream whole, and checks that memory stays flat meanwhile.
async fn read_whole(stage: &Stage) {
    let mut answer = stage.open(&Ask::messages().streaming()).await;
    let before = resident().unwrap_or_default();
    let (mut read, mut most) = (0, before);
    while let Some(piece) = within(answer.body.next()).await {
        let length = piece.expect("a good piece").len() as u64;
        if read / (16 * MIB) != (read + length) / (16 * MIB) {
            most = most.max(resident().unwrap_or_default());
        }
        read += length;
    }
    assert!(read >= LONG, "{} MiB came", read / MIB);
    assert!(most - before < FLAT, "{} MiB more", (most - before) / MIB);
}

/// Checks that the first stream still stands, and how little of it was sent once it is dropped.
async fn check_stood_still(stage: &Stage, drop_it: impl FnOnce()) {
    assert_eq!(stage.upstream.ledger().entries()[0].ending, Ending::Open);
    drop_it();
    let entries = stage.wait_for(|entries| entries[0].ending == Ending::Aborted).await;
    assert!(entries[0].sent < FLAT, "{} MiB were sent", entries[0].sent / MIB);
}

#[tokio::test]
async fn a_long_stream_is_read_in_flat_memory() {
    let _turn = TURN.lock().await;
    read_whole(&stage()).await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_holds_the_upstream_back() {
    let _turn = TURN.lock().await;
    let stage = stage();
    let mut answer = stage.open(&Ask::messages().streaming()).await;
    within(answer.body.next()).await.expect("a piece").expect("a good one");
    read_whole(&stage).await;
    check_stood_still(&stage, || drop(answer)).await;
}

/// The same through the gateway, where the socket is what holds back.
#[tokio::test]
async fn a_client_that_does_not_read_holds_the_upstream_back() {
    let _turn = TURN.lock().await;
    let stage = stage();
    let mut client = stage.client().await;
    let response = client.open(&Ask::messages().streaming()).await.expect("a head");
    read_whole(&stage).await;
    check_stood_still(&stage, || drop((response, client))).await;
}
