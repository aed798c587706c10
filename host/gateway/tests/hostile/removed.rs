//! A stream that is removed while it plays.

use crate::house::{Bounds, Feed, House, bounded, until};
use crate::players::{Listener, one_of_each};
use tokio::io::AsyncReadExt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_removed_ends_for_its_players_on_every_form_and_no_other() {
    let house = House::open(Bounds::default()).await;
    let (mut feed, mut other) = (
        Feed::new(&house, "live/a", 400),
        Feed::new(&house, "live/b", 400),
    );
    // Enough for a part of MP4.
    feed.push(200);
    other.push(1);
    let mut witness = Listener::join(&house, "live/b").await;
    let players = {
        let joining = one_of_each(&house, "live/a");
        tokio::pin!(joining);
        loop {
            tokio::select! {
                joined = &mut joining => break joined,
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => feed.push(1),
            }
        }
    };
    let stream = house.context.registry().get("live/a").unwrap();
    house
        .context
        .registry()
        .withdraw(&"live/a".parse().unwrap());
    for (form, mut player) in players {
        bounded(form, async {
            let mut last = Vec::new();
            // Under TLS the end may come without a farewell, which is an error.
            let _ = player.read_to_end(&mut last).await;
        })
        .await;
    }
    let viewers = || stream.snapshot(std::time::Instant::now()).viewers.len();
    until("the viewers to be gone", || viewers() == 0).await;
    // The publisher is still there, and talks to nobody.
    feed.push(10);
    other.push(10);
    witness.hears(other.next - 1).await;
    assert!(witness.missed_nothing());
    house.context.close().await;
}
