//! The page of a screen in a real browser: two windows show two parts of one picture at the same
//! time, measured from the pictures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

#[path = "../common/mod.rs"]
mod common;

use bytes::Bytes;
use common::Host;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// The bound for two screens.
const APART_MS: f64 = 40.0;

/// Where `scripts/setup.sh` installs npm's packages.
fn tools() -> PathBuf {
    let cache = || {
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or(home);
        cache.unwrap().join("pointsman/tools")
    };
    std::env::var_os("POINTSMAN_TOOLS").map_or_else(cache, PathBuf::from)
}

/// The number of a picture as twelve boxes, white for one, and a mark that tells the part.
fn marked(colour: &str) -> String {
    let mut filters = "drawbox=x=40:y=20:w=240:h=40:color=black:t=fill".to_owned();
    for bit in 0..12 {
        let (x, weight) = (40 + 20 * bit, 1 << bit);
        filters.push_str(&format!(
            ",drawbox=x={x}:y=20:w=20:h=40:color=white:t=fill:enable='eq(mod(floor(n/{weight}),2),1)'"
        ));
    }
    format!("{filters},drawbox=x=0:y=100:w=40:h=40:color={colour}:t=fill")
}

/// A stream whose two halves have the same number and marks of their own, in real time.
async fn film(host: &Host) -> Child {
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", door.local_addr().unwrap());
    let mut source = host.publish("cam");
    tokio::spawn(async move {
        let (mut socket, _) = door.accept().await.unwrap();
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = socket.read(&mut buffer).await {
            source.push_ts([Bytes::copy_from_slice(&buffer[..read])]);
        }
    });
    let graph = format!(
        "[0:v]split[l][r];[l]crop=320:180:0:0,{}[a];[r]crop=320:180:320:0,{}[b];[a][b]hstack",
        marked("red"),
        marked("blue")
    );
    let encode =
        "-c:v libx264 -preset ultrafast -tune zerolatency -g 25 -f mpegts -flush_packets 1";
    let input = "-nostdin -loglevel error -re -f lavfi -i testsrc2=size=640x180:rate=25";
    Command::new("ffmpeg")
        .args(input.split(' '))
        .args(["-filter_complex", &graph])
        .args(encode.split(' '))
        .arg(address)
        .kill_on_drop(true)
        .spawn()
        .expect("ffmpeg is installed")
}

async fn two_windows(host: &Host) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/screens/windows.mjs");
    let node = Command::new("node")
        .arg(script)
        .arg(tools())
        .arg(format!("http://{}", host.address))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node is installed");
    let output = tokio::time::timeout(Duration::from_secs(180), node.wait_with_output());
    let output = output.await.expect("in time").unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        told["fatal"],
        Value::Null,
        "run scripts/setup.sh if it is not installed"
    );
    told
}

/// When each picture was first shown by each of two windows.
fn shown(seen: &Value) -> [BTreeMap<u64, f64>; 2] {
    [0, 1].map(|window| {
        let mut shown = BTreeMap::new();
        for picture in seen[window].as_array().unwrap() {
            let number = picture["number"].as_u64().unwrap();
            shown
                .entry(number)
                .or_insert(picture["at"].as_f64().unwrap());
        }
        shown
    })
}

/// How far apart two windows showed the same pictures, in order, milliseconds.
fn apart(seen: &Value) -> Vec<f64> {
    let [one, other] = shown(seen);
    let pairs = one
        .iter()
        .filter_map(|(number, at)| Some((at - other.get(number)?).abs()));
    let mut apart: Vec<_> = pairs.collect();
    apart.sort_by(f64::total_cmp);
    apart
}

/// Of a hundred pictures one may be caught by something else that the machine does.
fn assert_together(what: &str, seen: &Value, pictures: usize) {
    let apart = apart(seen);
    let most = apart
        .get(apart.len() * 99 / 100)
        .copied()
        .unwrap_or(f64::MAX);
    let (median, worst) = (apart.get(apart.len() / 2), apart.last());
    println!(
        "{what}: {} pictures, median {median:?} ms, 99 % {most:.1} ms, worst {worst:?} ms",
        apart.len()
    );
    assert!(apart.len() >= pictures, "{what}: {} pictures", apart.len());
    assert!(most <= APART_MS, "{what}: {apart:?}");
}

fn parts(seen: &Value, window: usize) -> Vec<&str> {
    let seen = seen[window].as_array().unwrap().iter();
    let mut parts: Vec<_> = seen.map(|it| it["part"].as_str().unwrap()).collect();
    parts.dedup();
    parts
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_show_their_parts_within_40_ms_are_brought_back_and_go_where_they_are_put() {
    let host = Host::start().await;
    let group = json!({
        "name": "wall",
        "screens": [
            {"id": "left", "row": 0, "column": 0, "width": 320, "height": 180},
            {"id": "right", "row": 0, "column": 1, "width": 320, "height": 180}],
        "playing": {"mode": "split", "source": {"type": "stream", "name": "cam"}}})
    .to_string();
    let headers = "content-type: application/json\r\n";
    let made = host
        .send("POST", "/api/v1/groups", headers, group.as_bytes())
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let _ffmpeg = film(&host).await;
    let told = two_windows(&host).await;

    assert_together("together", &told["together"], 50);
    assert_eq!(parts(&told["together"], 0), ["left"]);
    assert_eq!(parts(&told["together"], 1), ["right"]);
    // The measurement sees it when they are not.
    let pushed = apart(&told["pushed"]);
    assert!(pushed.last().unwrap() > &80.0, "{pushed:?}");
    let corrected = &told["corrected"];
    assert_eq!(corrected["seeks"], 0, "{corrected}");
    let rates = corrected["rates"].as_array().unwrap();
    let rates: Vec<_> = rates.iter().map(|rate| rate.as_f64().unwrap()).collect();
    assert!(rates.iter().any(|rate| *rate < 0.97), "{rates:?}");
    assert!(
        rates.iter().all(|rate| (0.95..=1.05).contains(rate)),
        "{rates:?}"
    );
    assert_together("brought back", &told["back"], 20);
    assert_together("put elsewhere", &told["moved"], 20);
    assert_eq!(parts(&told["moved"], 0), ["right"]);
    assert_eq!(told["same"], true, "not loaded anew");
}
