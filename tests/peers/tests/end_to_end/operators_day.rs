//! An operator's day over the API: an input and its outputs, a receiver that dies, a host that is
//! killed, a change in the middle of a broadcast, and a whole document. Every peer is a real one.

use peers::ffmpeg::{Codec, Reader, publish};
use peers::{Host, Nginx, Peer, Tap, ports, until_some};
use serde_json::{Value, json};

const INPUT: &str = "/api/v1/inputs/live/day";

/// Transport packets, of about 300 a second, that come before the next thing is done.
const A_WHILE: u64 = 300;

/// An SRT listener that hands on what comes.
fn srt_receiver(port: u16, tap: &Tap) -> Peer {
    let peer = Peer::start(&format!(
        "srt-live-transmit -q srt://127.0.0.1:{port}?mode=listener {}",
        tap.url()
    ));
    ports::until_listened(port);
    peer
}

struct Day {
    host: Host,
}

impl Day {
    fn output(&self, name: &str) -> Value {
        let path = format!("{INPUT}/outputs/{name}");
        self.host.http.json(&path).unwrap_or_default()
    }

    fn add(&self, name: &str, url: &str) {
        let retry = json!({ "initial_ms": 200, "cap_ms": 1_000 });
        let output = json!({ "name": name, "url": url, "retry": retry });
        let outputs = format!("{INPUT}/outputs");
        let (status, answer) = self.host.http.post_json(&outputs, &output);
        assert_eq!(status, 201, "{name}: {answer}");
    }

    fn await_state(&self, name: &str, state: &str) -> Value {
        until_some(&format!("{name} is {state}"), || {
            let output = self.output(name);
            (output["state"] == state).then_some(output)
        })
    }

    fn await_all_live(&self) {
        for name in ["cdn", "partner", "monitor", "moved"] {
            self.await_state(name, "live");
        }
    }
}

#[test]
fn an_operators_day() {
    let port = ports::free();
    let udp = format!("[udp]\nports = \"{port}-{port}\"");
    let mut day = Day {
        host: Host::start(&udp),
    };

    // An input is made, and its answer says where to send.
    let input = json!({ "name": "live/day", "sources": [{ "type": "udp" }] });
    let (status, input) = day.host.http.post_json("/api/v1/inputs", &input);
    assert_eq!(status, 201, "{input}");
    let send = input["send"][0]["url"].as_str().unwrap_or_default();
    assert!(
        send.starts_with(&format!("udp://127.0.0.1:{port}")),
        "{send}"
    );
    let address = send.split('?').next().unwrap_or_default();
    let _camera = publish(Codec::H264, address);
    day.host.await_on_air("live/day");

    // RTMP to a server, SRT and UDP to receivers.
    let nginx = Nginx::start();
    let (partner, monitor, first, second) = (Tap::open(), Tap::open(), Tap::open(), Tap::open());
    let srt = ports::free();
    let receiver = srt_receiver(srt, &partner);
    day.add("cdn", &nginx.url("day"));
    day.add("partner", &format!("srt://127.0.0.1:{srt}?latency=400"));
    day.add("monitor", &monitor.url());
    day.add("moved", &first.url());
    day.await_all_live();
    Reader::start(&nginx.url("day"), 3).assert_clean("over RTMP");
    partner.await_more(A_WHILE, "over SRT");

    // A receiver dies: the host tries again, says when, and comes back to it by itself.
    drop(receiver);
    let waiting = day.await_state("partner", "retrying");
    assert!(waiting["next_attempt_unix_ms"].is_u64(), "{waiting}");
    assert!(waiting["last_error"].is_string(), "{waiting}");
    until_some("attempts are counted", || {
        (day.output("partner")["attempt"].as_u64()? >= 2).then_some(())
    });
    let _receiver = srt_receiver(srt, &partner);
    let back = day.await_state("partner", "live");
    assert!(back["reconnects"].as_u64() >= Some(1), "{back}");
    assert_eq!(day.output("cdn")["reconnects"], 0, "the others were let be");

    // The host is killed: all comes back, on the same port, to the same peers.
    day.host.kill_and_start_again();
    day.await_all_live();
    let again = day.host.http.json(INPUT).unwrap_or_default();
    assert_eq!(again["send"], input["send"]);
    monitor.await_more(A_WHILE, "after the host was killed");

    // One output is moved in the middle of the broadcast: the others lose nothing.
    let steady = [("partner", &partner), ("monitor", &monitor)];
    steady.iter().for_each(|(_, tap)| tap.begin_anew());
    let before = steady.map(|(name, _)| day.output(name)["since_unix_ms"].clone());
    let moved = json!({ "url": second.url() });
    let (status, answer) = day
        .host
        .http
        .patch_json(&format!("{INPUT}/outputs/moved"), &moved);
    assert_eq!(status, 200, "{answer}");
    second.await_more(A_WHILE, "where it was moved to");
    for ((name, tap), before) in steady.into_iter().zip(before) {
        tap.await_more(A_WHILE, name);
        assert_eq!(tap.gaps(), 0, "{name} lost something");
        assert_eq!(day.output(name)["since_unix_ms"], before, "{name}");
    }

    // A whole document, first on trial.
    let (status, mut site) = day
        .host
        .http
        .post_json("/api/v1/export?secrets=true", &json!({}));
    assert_eq!(status, 200, "{site}");
    site["inputs"][0]["labels"] = json!({ "show": "evening" });
    let apply = |query: &str| {
        day.host
            .http
            .post_json(&format!("/api/v1/apply{query}"), &site)
    };
    let (status, trial) = apply("?dry_run=true");
    assert_eq!(status, 200, "{trial}");
    assert_eq!(
        trial["changes"].as_array().map(Vec::len),
        Some(1),
        "{trial}"
    );
    let labels = || day.host.http.json(INPUT).unwrap_or_default()["labels"].clone();
    assert_eq!((&trial["applied"], labels()), (&false.into(), json!({})));
    let (status, applied) = apply("");
    assert_eq!(status, 200, "{applied}");
    assert_eq!(applied["changes"], trial["changes"]);
    assert_eq!(labels(), json!({ "show": "evening" }));
    monitor.await_more(A_WHILE, "after the document was applied");
    assert_eq!(monitor.gaps(), 0);
    day.host.stop();
}
