//! Players that stop reading.

use crate::house::{Bounds, Feed, House, bounded, resident_mib};
use crate::players::{Listener, one_of_each};
use std::time::Duration;

/// Bytes of a frame: the most that fits RTP's headers of AAC (RFC 3640 §3.3.6).
const FRAME_BYTES: usize = 8_000;

/// 16 MB a second, so that the system's buffers are full soon.
const BEAT: (u32, Duration) = (20, Duration::from_millis(10));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_nothing_is_let_go_on_every_form_and_takes_nobody_along() {
    let house = House::open(Bounds::default()).await;
    let mut feed = Feed::new(&house, "live/a", FRAME_BYTES);
    feed.push(1);
    let feeding = async {
        let (frames, pause) = BEAT;
        loop {
            feed.push(frames);
            tokio::time::sleep(pause).await;
        }
    };
    let playing = async {
        let mut witness = Listener::join(&house, "live/a").await;
        let sleepers = one_of_each(&house, "live/a").await;
        assert_eq!(house.viewers("live/a"), 1 + sleepers.len());
        let before = resident_mib();
        let mut most = before;
        bounded("the sleepers to be let go", async {
            while house.viewers("live/a") > 1 {
                let newest = witness.heard.last().copied().unwrap_or_default();
                witness.hears(newest + 100).await;
                most = most.max(resident_mib());
            }
        })
        .await;
        println!("{before} MiB before, {most} MiB at most");
        // What a stream holds, what may wait for six players, and what they had read ahead of.
        assert!(most < before + 200, "{before} MiB before, {most} MiB");
        assert!(witness.missed_nothing());
        drop(sleepers);
    };
    tokio::select! {
        () = playing => {}
        () = feeding => {}
    }
    house.context.close().await;
}
