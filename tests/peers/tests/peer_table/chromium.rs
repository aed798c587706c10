//! Chromium: hls.js, dash.js, mpegts.js, Media Source Extensions, WebRTC and `<img>` in a page of another site,
//! driven by Playwright.

use crate::cell::{Media, Seen, Way};
use crate::judge::{self, SECONDS};
use crate::studio::{Studio, stream};
use peers::{Peer, tools};
use serde_json::{Value, json};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer_table/chromium.mjs");

/// How far a beep may be heard from its flash, in milliseconds. Both are seen as they come out of
/// the browser: a picture when it is drawn, a sound in steps of 10 ms, on a machine that is busy.
const SYNC_MS: f64 = 200.0;

/// Plays the studio's stream.
pub(crate) fn plays(studio: &Studio, way: Way, media: Media) -> Result<Seen, String> {
    let (page, library) = match way {
        Way::Hls => ("hls", Some("hls.js")),
        Way::Dash => ("dash", Some("dash.js")),
        Way::Mp4Socket => ("mse", None),
        Way::TsHttp | Way::TsSocket => ("mpegts", Some("mpegts.js")),
        Way::WebRtc => ("whep", None),
        Way::Mjpeg => ("img", None),
        other => panic!("no page plays {other}"),
    };
    let url = studio.play_url(way, stream(media));
    let libraries: Vec<_> = library.into_iter().collect();
    let job = json!({ "page": page, "url": url, "seconds": SECONDS, "libraries": libraries });
    judged(way, &ask(&job))
}

fn judged(way: Way, told: &Value) -> Result<Seen, String> {
    let times = |name: &str| -> Vec<f64> {
        let times = told[name].as_array().cloned().unwrap_or_default();
        times.iter().filter_map(Value::as_f64).collect()
    };
    let (flashes, beeps) = (times("flashes"), times("beeps"));
    let claps = SECONDS as usize - 2;
    let mut fine = told["fatal"] == json!([]) && told["width"] == 320 && flashes.len() >= claps;
    if way != Way::Mjpeg {
        let near = |flash: &&f64| beeps.iter().any(|beep| (beep - **flash).abs() <= SYNC_MS);
        let together = flashes.iter().filter(near).count();
        // 25 a second; a decoder on a busy machine may skip some.
        let pictures = u64::from(20 * (SECONDS - 1));
        fine &= told["pictures"].as_u64() >= Some(pictures) && together >= claps;
    }
    if fine {
        Ok(Seen::Decoded)
    } else {
        Err(told.to_string())
    }
}

/// The clapper as the browser itself draws, sounds and encodes it, by WHIP.
pub(crate) fn publishes(studio: &Studio, media: Media) -> Result<Seen, String> {
    let name = studio.name();
    let job = json!({ "page": "whip", "url": studio.publish_url(Way::WebRtc, &name) });
    let _publisher = Peer::spawn(page(&job).stdout(Stdio::null()));
    judge::of_published_counts(studio, &name, media)
}

/// Whether the browser has decoders for that.
pub(crate) fn supports(mime: &str) -> bool {
    ask(&json!({ "page": "supports", "url": mime }))["supported"] == true
}

fn page(job: &Value) -> Command {
    let mut command = Command::new("node");
    command
        .arg(SCRIPT)
        .arg(tools::folder())
        .arg(job.to_string());
    command
}

fn ask(job: &Value) -> Value {
    let mut peer = Peer::spawn(page(job).stdout(Stdio::piped()));
    let mut told = String::new();
    let mut stdout = peer.stdout().expect("it is piped");
    // The page itself ends waiting.
    let _ = stdout.read_to_string(&mut told);
    let ended = peer.wait(Duration::from_secs(10));
    let told = serde_json::from_str(&told);
    told.unwrap_or_else(|_| json!({ "fatal": ended.said }))
}
