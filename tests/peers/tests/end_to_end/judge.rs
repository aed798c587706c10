//! The judge itself, on media that the host never saw.

use peers::ffmpeg::{Codec, Reader, publish};
use peers::ports;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Passes datagrams on, all but every `lost`th, until told to stop.
fn relay(to: u16, lost: usize, stop: Arc<AtomicBool>) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut datagram = [0; 2_048];
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            let Ok(len) = socket.recv(&mut datagram) else {
                continue;
            };
            count += 1;
            if count % lost != 0 {
                // Nobody may listen any more.
                let _ = socket.send_to(&datagram[..len], (Ipv4Addr::LOCALHOST, to));
            }
        }
    });
    port
}

#[test]
fn a_way_that_loses_one_datagram_in_fifty_is_condemned_and_a_clean_one_is_not() {
    let stop = Arc::new(AtomicBool::new(false));
    let ways = [usize::MAX, 50].map(|lost| {
        let out = ports::free();
        let reader = Reader::start(&format!("udp://127.0.0.1:{out}"), 5);
        let way_in = relay(out, lost, Arc::clone(&stop));
        (
            reader,
            publish(Codec::H264, &format!("udp://127.0.0.1:{way_in}")),
        )
    });
    let [(clean, _sends), (lossy, _sends_too)] = ways;
    clean.assert_clean("a relay that loses nothing");
    let (take, complaints) = lossy.finish();
    stop.store(true, Ordering::Relaxed);
    let faults = take.faults(5.0);
    assert!(
        !faults.is_empty() && !complaints.is_empty(),
        "{take} {faults:?} {complaints:?}"
    );
}
