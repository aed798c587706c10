//! What strangers send does not touch those who behave.

use peers::ffmpeg::{Codec, Reader, publish, publish_with_other_tables};
use peers::{Host, Http, PATIENCE, ports, processes, product, until};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::time::Duration;

/// What all that is thrown at the host may leave in its memory.
const GROWTH: u64 = 60 << 20;

/// Seconds that the good reader reads, all attacks long.
const SECONDS: u32 = 15;

/// The attacks' connections, which stay open until the end.
type Open = Vec<TcpStream>;

#[test]
fn hostile_peers_are_counted_and_cost_the_good_ones_nothing() {
    let (good, noise) = (ports::free(), ports::free());
    let mut host = Host::start(&format!(
        "[[policies]]\nkind = \"routing\"\nplugin = \"fanout\"\n\
         [[inputs]]\nname = \"live/good\"\nsources = [{{ type = \"udp\", address = \"127.0.0.1:{good}\" }}]\n\
         [[inputs]]\nname = \"live/noise\"\nsources = [{{ type = \"udp\", address = \"127.0.0.1:{noise}\" }}]\n"
    ));
    let _publisher = publish(Codec::H264, &format!("udp://127.0.0.1:{good}"));
    host.await_on_air("live/good");
    let readers = [host.rtmp_url("live/good"), host.srt_url("read:live/good")];
    let mut readers = readers.map(|url| Reader::start(&url, SECONDS));
    readers.iter_mut().for_each(Reader::await_picture);
    let before = processes::resident_bytes(host.pid()).unwrap();

    let mut open = Open::new();
    garbage_over_udp(noise, &host.http);
    half_rtmp_handshakes(host.rtmp, &host.http, &mut open);
    idle_connections(&host, &mut open);
    unreasonable_chunks(host.rtmp, &host.http, &mut open);
    endless_name(host.rtmp);
    endless_path(&host.http);
    unknown_streams(&host);
    srt_handshakes(host.srt);
    plugin_of_random_bytes(&host.http);

    assert!(host.lives());
    let after = processes::resident_bytes(host.pid()).unwrap();
    assert!(
        after < before + GROWTH,
        "resident: {before} bytes before, {after} after"
    );
    assert!(
        readers.iter_mut().all(Reader::reads),
        "attacks took longer than {SECONDS} s"
    );
    for reader in readers {
        reader.assert_clean("the good reader");
    }
    let lines = host.log();
    eprintln!(
        "resident {before} to {after} bytes, {} lines logged",
        lines.len()
    );
    assert!(lines.len() < 300, "the log has {} lines", lines.len());
    drop(open);
    host.stop();
}

/// A sender goes, and another takes its port with other tables: other PIDs, another program.
/// Who plays the stream's frames sees a gap of time, and then the new sender.
#[test]
fn tables_that_change_amid_a_stream_are_followed() {
    let port = ports::free();
    let url = format!("udp://127.0.0.1:{port}");
    let host = Host::start(&format!(
        "[[inputs]]\nname = \"live/cam\"\nsources = [{{ type = \"udp\", address = \"127.0.0.1:{port}\" }}]\n"
    ));
    let first = publish(Codec::H264, &url);
    host.await_on_air("live/cam");
    let player = Reader::start(&host.rtmp_url("live/cam"), 9);
    until("four seconds are played", || {
        player.so_far().picture.len() >= 100
    });
    drop(first);
    let _second = publish_with_other_tables(&url);
    let (take, complaints) = player.finish();
    assert!(complaints.is_empty(), "{take} {complaints:?}");
    assert!(take.flashes().len() >= 6, "{take} {:?}", take.flashes());
    for flash in &take.flashes()[1..] {
        let near = |beep: &f64| (beep - flash).abs() < 0.05;
        assert!(
            take.beeps().iter().any(near),
            "{take} {flash} {:?}",
            take.beeps()
        );
    }
    host.stop();
}

/// Bytes that follow no rule, the same ones in each run (xorshift64).
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    next.take(len).collect()
}

fn garbage_over_udp(port: u16, http: &Http) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |datagram: &[u8]| {
        socket
            .send_to(datagram, (Ipv4Addr::LOCALHOST, port))
            .unwrap()
    };
    for seed in 0..1_000 {
        send(&noise(seed, 1 + (seed as usize * 37) % 2_000));
        // Cut short, and with a sync byte that promises a packet.
        let mut cut = noise(seed, 1_316 - 50);
        cut.iter_mut().step_by(188).for_each(|byte| *byte = 0x47);
        send(&cut);
        send(&[]);
    }
    until("garbage is counted", || {
        http.metric("pointsman_source_skipped_bytes_total", "live/noise") > 100_000.0
    });
}

fn half_rtmp_handshakes(port: u16, http: &Http, open: &mut Open) {
    let counted = || http.metric("pointsman_edge_connections_total", "rtmp");
    let before = counted();
    for _ in 0..200 {
        let mut tcp = connect(port);
        tcp.write_all(&[3; 700]).unwrap();
        open.push(tcp);
    }
    until("half handshakes are counted", || {
        counted() >= before + 200.0
    });
}

fn idle_connections(host: &Host, open: &mut Open) {
    let port = host.http.base.rsplit_once(':').unwrap().1.parse().unwrap();
    open.extend((0..500).map(|_| connect(port)));
    open.extend((0..500).map(|_| connect(host.rtmp)));
    until("idle connections are counted", || {
        host.http.metric("pointsman_http_connections", "") >= 500.0
    });
}

/// Messages that announce sixteen megabytes, and chunk sizes against the rules.
fn unreasonable_chunks(port: u16, http: &Http, open: &mut Open) {
    let counted = || http.metric("pointsman_edge_garbage_bytes_total", "rtmp");
    let before = counted();
    // Basic header, time, length, type, message stream (RTMP 1.0, 5.3.1).
    let set_chunk_size = [2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    let huge_audio = [4, 0, 0, 0, 0xff, 0xff, 0xff, 8, 1, 0, 0, 0];
    for n in 0..100 {
        let mut tcp = shake_hands(port);
        if n % 2 == 0 {
            tcp.write_all(&set_chunk_size).unwrap();
        }
        // May be cut off already.
        let _ = tcp.write_all(&huge_audio);
        let _ = tcp.write_all(&noise(n, 4_000));
        open.push(tcp);
    }
    until("unreasonable chunks are counted", || counted() > before);
}

/// A simple handshake (RTMP 1.0, 5.2), after which chunks may follow.
fn shake_hands(port: u16) -> TcpStream {
    let mut tcp = connect(port);
    let mut hello = vec![3];
    hello.extend([0; 1_536]);
    tcp.write_all(&hello).unwrap();
    let mut answer = vec![0; 1 + 2 * 1_536];
    tcp.read_exact(&mut answer).unwrap();
    tcp.write_all(&answer[1..1_537]).unwrap();
    tcp
}

/// A stream name of ten megabytes in a command; the host hangs up rather than collect it.
fn endless_name(port: u16) {
    const LEN: u32 = 10 << 20;
    let mut tcp = shake_hands(port);
    let mut message = vec![2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff];
    message.extend([3, 0, 0, 0]);
    message.extend(&(LEN + 17).to_be_bytes()[1..]);
    // Type 20, a command in AMF0: "connect", 1, and a long string (AMF0, 2.14).
    message.extend([20, 0, 0, 0, 0, 2, 0, 7]);
    message.extend(b"connect\x0c");
    message.extend(LEN.to_be_bytes());
    let sent = tcp.write_all(&message);
    let sent = sent.and_then(|()| (0..160).try_for_each(|_| tcp.write_all(&[b'a'; 64 << 10])));
    let mut answer = Vec::new();
    let hung_up = sent.is_err() || tcp.read_to_end(&mut answer).is_ok();
    assert!(hung_up, "a host that waits for more keeps ten megabytes");
}

/// Players and readers of what is not there are told so before any media, and counted.
fn unknown_streams(host: &Host) {
    let urls = [
        ("rtmp", host.rtmp_url("live/nothing")),
        ("srt", host.srt_url("read:live/nothing")),
    ];
    let players = urls.map(|(protocol, url)| (protocol, Reader::start(&url, 1)));
    for (protocol, player) in players {
        let (take, complaints) = player.finish();
        assert!(
            take.picture.is_empty() && !complaints.is_empty(),
            "{protocol}: {take}"
        );
        let refusals = || host.http.metric("pointsman_refusals_total", protocol);
        until(&format!("a refusal over {protocol} is counted"), || {
            refusals() > 0.0
        });
    }
    let (status, problem) = host.http.get("/hls/live/nothing/index.m3u8").unwrap();
    assert_eq!(status, 404, "{problem}");
    assert!(problem.contains("/problems/unknown-stream"), "{problem}");
}

fn endless_path(http: &Http) {
    let port = http.base.rsplit_once(':').unwrap().1.parse().unwrap();
    let mut tcp = connect(port);
    let _ = tcp.write_all(b"GET /hls/");
    let mut refused = false;
    for _ in 0..160 {
        // The host may hang up in the middle.
        refused |= tcp.write_all(&[b'a'; 64 << 10]).is_err();
    }
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(refused || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Callers who ask for cookies and never come back, and some who bring wrong ones.
fn srt_handshakes(port: u16) {
    for socket in 0..50_u64 {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        for n in 0..100_u64 {
            let mut packet = noise(socket * 1_000 + n, 64);
            // Control packet of type handshake; version 4 or 5; induction or conclusion
            // (draft-sharabayko-srt-01, 3.2.1).
            packet[..8].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0]);
            packet[12..16].fill(0);
            packet[16..20].copy_from_slice(&[0, 0, 0, 4 + (n % 2) as u8]);
            let kind = if n % 2 == 0 { 1_u32 } else { u32::MAX };
            packet[36..40].copy_from_slice(&kind.to_be_bytes());
            udp.send_to(&packet, (Ipv4Addr::LOCALHOST, port)).unwrap();
        }
    }
}

fn plugin_of_random_bytes(http: &Http) {
    let hash = || http.json("/api/v1/plugins/fanout").unwrap()["sha256"].clone();
    let before = hash();
    let (status, problem) = http.put_plugin("fanout", &noise(1, 100_000));
    assert_eq!(status, 422, "{problem}");
    assert_eq!(problem["type"], "/problems/plugin-invalid", "{problem}");
    let mut broken = product::fanout();
    let middle = broken.len() / 2;
    broken[middle..middle + 1_000].copy_from_slice(&noise(2, 1_000));
    let (status, problem) = http.put_plugin("fanout", &broken);
    assert_eq!(status, 422, "{problem}");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty()),
        "{problem}"
    );
    assert!(before.is_string());
    assert_eq!(hash(), before, "the old one goes on");
}

fn connect(port: u16) -> TcpStream {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let tcp = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    tcp.set_write_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    tcp
}
