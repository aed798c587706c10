//! Pictures that change their size in mid-stream.

use crate::house::{Bounds, House, bounded, until};
use bytes::Bytes;
use hub::{Pass, Source};
use media::ts::framer::Framer;
use model::{Ask, Intent, Protocol};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

/// Seconds of each size.
const SECONDS: u32 = 4;

/// Pictures and a tone as a transport stream, which begins at that second.
async fn clip(size: &str, begin_s: u32) -> Bytes {
    let args = format!(
        "-v error -nostdin -f lavfi -i testsrc2=size={size}:rate=25 -f lavfi \
         -i sine=frequency=440:sample_rate=48000 -t {SECONDS} -pix_fmt yuv420p -c:v libx264 \
         -preset ultrafast -bf 0 -g 25 -c:a aac -output_ts_offset {begin_s} -f mpegts -"
    );
    let made = Command::new("ffmpeg")
        .args(args.split_whitespace())
        .kill_on_drop(true)
        .output();
    let made = bounded("a clip", made).await.unwrap();
    assert!(made.status.success(), "{made:?}");
    made.stdout.into()
}

/// Pushes a clip in real time.
async fn play(source: &mut Source, clip: &Bytes) {
    let (mut framer, mut runs) = (Framer::stream(), Vec::new());
    let mut beat = tokio::time::interval(Duration::from_millis(40));
    let beats = SECONDS as usize * 25;
    for piece in clip.chunks(clip.len().div_ceil(beats)) {
        beat.tick().await;
        framer.push(Bytes::copy_from_slice(piece), &mut runs);
        source.push_ts(runs.drain(..));
    }
}

/// The widths of the pictures that FFmpeg decodes until the stream ends.
async fn widths(url: String) -> Vec<u32> {
    let transport: &[&str] = match url.starts_with("rtsp:") {
        true => &["-rtsp_transport", "tcp"],
        false => &[],
    };
    let args = "-v quiet -select_streams v -show_entries frame=width -of csv=p=0";
    let shown = Command::new("ffprobe")
        .args(args.split_whitespace())
        .args(transport)
        .arg(&url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let shown = bounded(&url, shown).await.unwrap();
    let told = String::from_utf8_lossy(&shown.stdout).into_owned();
    let lines = told.lines();
    lines
        .filter_map(|line| line.trim_matches(',').parse().ok())
        .collect()
}

async fn get(house: &House, path: &str) -> String {
    let mut socket = TcpStream::connect(house.http).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    bounded(path, socket.read_to_end(&mut said)).await.unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

/// What a playlist lists of a stream's pictures; reading it is what keeps the package.
async fn pictures(house: &House) -> String {
    let all = get(house, "/hls/live/a/index.m3u8").await;
    let uri = all.lines().rfind(|line| line.contains(".m3u8"));
    let uri = uri.unwrap_or_else(|| panic!("{all}")).trim();
    get(house, &format!("/hls/live/a/{uri}")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_size_is_shown_by_players_that_stay_and_makes_a_new_header() {
    let house = House::open(Bounds::default()).await;
    let (small, large) = tokio::join!(clip("320x180", 0), clip("640x360", SECONDS));
    let (name, peer) = ("live/a".parse().unwrap(), ([127, 0, 0, 1], 1).into());
    let pass = Pass::free(Ask::new(name, Intent::Publish, Protocol::Udp, peer));
    let mut source = house.context.registry().publish(&pass).unwrap();
    let feeding = async {
        play(&mut source, &small).await;
        play(&mut source, &large).await;
        // Players are to have it all before the stream ends.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let listed = pictures(&house).await;
        house
            .context
            .registry()
            .withdraw(&"live/a".parse().unwrap());
        listed
    };
    let hls = async {
        until("media", || house.context.registry().get("live/a").is_some()).await;
        pictures(&house).await
    };
    let rtmp = widths(format!("rtmp://{}/live/a", house.rtmp));
    let rtsp = widths(format!("rtsp://{}/live/a", house.rtsp));
    let (listed, _, rtmp, rtsp) = tokio::join!(feeding, hls, rtmp, rtsp);
    for (form, widths) in [("RTMP", rtmp), ("RTSP", rtsp)] {
        let of = |width| widths.iter().filter(|it| **it == width).count();
        // The last ones may still be on their way when the stream ends.
        assert!(of(320) >= 25 && of(640) >= 75, "{form}: {widths:?}");
    }
    assert!(listed.contains("#EXT-X-DISCONTINUITY\n"), "{listed}");
    let headers = listed.matches("#EXT-X-MAP").count();
    assert_eq!(headers, 2, "{listed}");
    house.context.close().await;
}
