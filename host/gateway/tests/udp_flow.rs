//! Datagrams from a socket, through the hub, to sockets.

mod udp_support;

use bytes::Bytes;
use model::{LinkState, Protocol};
use tokio::net::UdpSocket;
use udp_support::{Feeder, Host, Sink, free_port, numbered, state, stream_connected, until};

#[tokio::test]
async fn datagrams_of_any_size_pass_bit_exact_and_uncut() {
    let host = Host::new();
    let (_source, feeder) = host.fed().await;
    let sink = Sink::new().await;
    let output = host.output("out", &sink.url);
    let sizes = [7, 7, 7, 3, 7, 1, 1, 5, 7, 7];
    let sent: Vec<Bytes> = (0..2000)
        .map(|n| numbered(n, sizes[n as usize % sizes.len()]))
        .collect();
    // One datagram at a time until the output has joined; the numbers tell what to compare.
    let mut first = 0;
    while sink.count() == 0 {
        feeder.socket.send(&sent[first]).await.unwrap();
        first += 1;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    for burst in sent[first..].chunks(40) {
        for datagram in burst {
            feeder.socket.send(datagram).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
    let joined = sink.numbers()[0] as usize;
    until("all arrived", || sink.count() == sent.len() - joined).await;
    assert_eq!(sink.datagrams(), sent[joined..]);
    assert_eq!(output.snapshot().drops, 0);
    let expected: usize = sent[joined..].iter().map(Bytes::len).sum();
    assert_eq!(output.snapshot().bytes, expected as u64);
}

#[tokio::test]
async fn multicast_goes_out_and_comes_in_by_the_interface_given() {
    let ways = [("239.255.77.5", "127.0.0.1"), ("239.255.77.6", "lo")];
    for (group, interface) in ways {
        let (sender, receiver) = (Host::new(), Host::new());
        let port = free_port();
        let group = format!("udp://{group}:{port}?interface={interface}&ttl=1&loop=1");
        let _in = receiver.source(&group);
        until("the group is joined", || stream_connected(&receiver.stream)).await;
        let sink = Sink::new().await;
        let _out = receiver.output("out", &sink.url);
        let (_source, mut feeder) = sender.fed().await;
        let to_group = sender.output("group", &group);
        let before = std::time::Instant::now();
        while sink.count() < 50 {
            feeder.send().await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            assert!(
                before.elapsed() < udp_support::PATIENCE,
                "{group}: nothing came"
            );
        }
        assert!(udp_support::gapless(&sink.numbers()), "{group}");
        until("live", || state(&to_group) == LinkState::Live).await;
    }
}

#[tokio::test]
async fn a_group_by_ipv6_needs_its_device_by_name() {
    let host = Host::new();
    let port = free_port();
    let wrong = host.source(&format!("udp://[ff02::1234]:{port}?interface=127.0.0.1"));
    until("it says so", || {
        wrong.snapshot().status.last_error.is_some()
    })
    .await;
    let error = wrong.snapshot().status.last_error.unwrap();
    assert!(error.contains("device name"), "{error}");
}

#[tokio::test]
async fn ipv6_passes_as_ipv4_does() {
    let host = Host::new();
    let socket = UdpSocket::bind("[::1]:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let _source = host.source(&format!("udp://[::1]:{port}"));
    until("listens", || stream_connected(&host.stream)).await;
    let sink = Sink::on(UdpSocket::bind("[::1]:0").await.unwrap());
    let _output = host.output("out", &sink.url);
    let feeder = UdpSocket::bind("[::1]:0").await.unwrap();
    feeder.connect(("::1", port)).await.unwrap();
    for n in 0.. {
        feeder.send(&numbered(n, 7)).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        if sink.count() >= 20 {
            break;
        }
        assert!(n < 2000, "nothing came");
    }
    assert!(udp_support::gapless(&sink.numbers()));
}

#[tokio::test]
async fn garbage_is_skipped_and_counted_and_what_follows_passes() {
    let host = Host::new();
    let (source, mut feeder) = host.fed().await;
    let sink = Sink::new().await;
    let _output = host.output("out", &sink.url);
    warm_up(&mut feeder, &sink).await;
    let began = feeder.next;
    for n in 0..50_u8 {
        feeder
            .socket
            .send(&vec![n; 1000 + usize::from(n)])
            .await
            .unwrap();
        feeder.socket.send(&[]).await.unwrap();
        feeder.send().await;
    }
    until("the last arrived", || {
        sink.numbers().last() == Some(&(feeder.next - 1))
    })
    .await;
    let numbers = sink.numbers();
    let after: Vec<_> = numbers.into_iter().filter(|&n| n >= began).collect();
    assert_eq!(
        after,
        (began..feeder.next).collect::<Vec<_>>(),
        "nothing more, nothing less"
    );
    assert!(
        host.context
            .counters()
            .of(Protocol::Udp)
            .garbage_bytes
            .get()
            >= 50_000
    );
    assert_eq!(state(&source), LinkState::Live);
}

#[tokio::test]
async fn a_truncated_datagram_spoils_no_other() {
    let host = Host::new();
    let (_source, mut feeder) = host.fed().await;
    let sink = Sink::new().await;
    let _output = host.output("out", &sink.url);
    warm_up(&mut feeder, &sink).await;
    let began = feeder.next;
    feeder.send().await;
    feeder
        .socket
        .send(&numbered(feeder.next, 7)[..1000])
        .await
        .unwrap();
    feeder.next += 1;
    feeder.send().await;
    until("the last arrived", || {
        sink.numbers().last() == Some(&(feeder.next - 1))
    })
    .await;
    let whole: Vec<_> = sink
        .datagrams()
        .into_iter()
        .filter(|d| udp_support::number_of(d) >= began)
        .collect();
    assert_eq!(whole[0], numbered(began, 7));
    assert_eq!(whole.last().unwrap()[..], numbered(began + 2, 7)[..]);
    assert!(
        whole
            .iter()
            .all(|datagram| datagram.len() % 188 == 0 && datagram[0] == 0x47)
    );
}

#[tokio::test]
async fn a_port_in_use_is_said_and_taken_once_it_is_free() {
    let host = Host::new();
    let holder = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = holder.local_addr().unwrap().port();
    let source = host.source(&format!("udp://127.0.0.1:{port}"));
    until("it retries", || state(&source) == LinkState::Retrying).await;
    let status = source.snapshot().status;
    assert!(
        status
            .last_error
            .unwrap()
            .contains(&format!("127.0.0.1:{port}"))
    );
    assert!(status.next_attempt_unix_ms.is_some());
    drop(holder);
    until("it listens", || stream_connected(&host.stream)).await;
    let mut feeder = Feeder::to(([127, 0, 0, 1], port).into()).await;
    feeder.send().await;
    until("live", || state(&source) == LinkState::Live).await;
}

#[tokio::test]
async fn stopping_frees_the_port() {
    let host = Host::new();
    let port = free_port();
    for _ in 0..3 {
        let source = host.source(&format!("udp://127.0.0.1:{port}"));
        until("it listens", || stream_connected(&host.stream)).await;
        source.stop().await;
        assert!(UdpSocket::bind(("127.0.0.1", port)).await.is_ok());
        assert!(!stream_connected(&host.stream));
    }
    let before = std::time::Instant::now();
    let _left = host.source(&format!("udp://127.0.0.1:{port}"));
    host.context.close().await;
    assert!(
        before.elapsed() < std::time::Duration::from_millis(900),
        "nothing hangs"
    );
}

/// Sends until the first datagram comes through.
async fn warm_up(feeder: &mut Feeder, sink: &Sink) {
    while sink.count() == 0 {
        feeder.send().await;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}
