//! A hundred thousand connections, while somebody plays.

use crate::house::{Bounds, Feed, House, resident_mib, until};
use crate::players::Listener;
use model::Protocol;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Over all five ports.
const CONNECTS: usize = 100_000;

/// Open at once; each end is a descriptor.
const BATCH: usize = 250;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_connects_leave_nothing_behind_and_disturb_no_player() {
    let house = House::open(Bounds::default()).await;
    let mut feed = Feed::new(&house, "live/a", 400);
    feed.push(1);
    let mut witness = Listener::join(&house, "live/a").await;
    let (before, begun) = (resident_mib(), Instant::now());
    let mut most = before;
    let ports = [house.http, house.rtsp, house.rtsps, house.rtmp, house.rtmps];
    for batch in 0..CONNECTS / BATCH {
        let mut held = Vec::with_capacity(BATCH);
        for port in ports.iter().cycle().take(BATCH) {
            held.push(TcpStream::connect(port).await.unwrap());
        }
        // Some say something, all go without a word of farewell: none is left in TIME_WAIT.
        for socket in &mut held {
            if batch % 4 == 0 {
                let _ = socket.write_all(&[0x80; 64]).await;
            }
            socket.set_zero_linger().unwrap();
        }
        drop(held);
        most = most.max(resident_mib());
        feed.push(1);
        witness.hears(feed.next - 1).await;
    }
    println!(
        "{CONNECTS} connects in {:?}: {before} MiB before, {most} MiB at most",
        begun.elapsed()
    );
    // 18 MiB by itself; other tests share the process.
    assert!(most < before + 200, "{before} MiB before, {most} MiB");
    assert!(witness.missed_nothing());
    let made = |protocol| house.context.counters().of(protocol).connections.get();
    let all = (CONNECTS * 2 / 5) as u64;
    assert_eq!(made(Protocol::Rtsp), all);
    assert_eq!(made(Protocol::Rtmp), all + 1, "and the witness");
    // No task is left but the ports' own and the witness's.
    let tasks = || house.context.tasks().len();
    let few = 32;
    until("the tasks to end", || tasks() < few).await;
    tokio::time::timeout(Duration::from_secs(30), house.context.close())
        .await
        .expect("every task ends");
}
