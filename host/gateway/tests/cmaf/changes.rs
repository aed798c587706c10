//! Pictures that change their size in mid-stream.

use crate::dash::unchunked;
use crate::mp4::{message, upgraded};
use crate::support::*;
use bytes::Bytes;
use hub::Source;
use media::ts::framer::Framer;
use std::time::Duration;
use tokio::process::Command;

/// Seconds of each size.
const SECONDS: usize = 4;

/// Pictures and a tone as a transport stream, which begins at that second.
async fn clip(size: &str, begin_s: usize) -> Bytes {
    let args = format!(
        "-v error -nostdin -f lavfi -i testsrc2=size={size}:rate=25 -f lavfi \
         -i sine=frequency=440:sample_rate=48000 -t {SECONDS} -pix_fmt yuv420p -c:v libx264 \
         -preset ultrafast -bf 0 -g 25 -c:a aac -output_ts_offset {begin_s} -f mpegts -"
    );
    let made = Command::new("ffmpeg")
        .args(args.split_whitespace())
        .kill_on_drop(true)
        .output();
    let made = tokio::time::timeout(PATIENCE, made).await.unwrap().unwrap();
    assert!(made.status.success(), "{made:?}");
    made.stdout.into()
}

/// Pushes a clip in real time.
async fn play(source: &mut Source, clip: &Bytes) {
    let (mut framer, mut runs) = (Framer::stream(), Vec::new());
    let mut beat = tokio::time::interval(Duration::from_millis(40));
    for piece in clip.chunks(clip.len().div_ceil(SECONDS * 25)) {
        beat.tick().await;
        framer.push(Bytes::copy_from_slice(piece), &mut runs);
        source.push_ts(runs.drain(..));
    }
}

/// The widths of the pictures that FFmpeg decodes of a file or an address.
async fn widths(of: &str) -> Vec<u32> {
    let args = "-v quiet -select_streams v -show_entries frame=width -of csv=p=0";
    let shown = Command::new("ffprobe")
        .args(args.split_whitespace())
        .arg(of)
        .kill_on_drop(true)
        .output();
    let shown = tokio::time::timeout(PATIENCE, shown).await.unwrap();
    let told = String::from_utf8_lossy(&shown.unwrap().stdout).into_owned();
    let lines = told.lines();
    lines
        .filter_map(|line| line.trim_matches(',').parse().ok())
        .collect()
}

async fn widths_of(bytes: &[u8]) -> Vec<u32> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    widths(file.path().to_str().unwrap()).await
}

fn all_are(width: u32, shown: &[u32], least: usize) {
    assert!(
        shown.len() >= least && shown.iter().all(|it| *it == width),
        "{least} pictures of {width}: {shown:?}"
    );
}

/// Of the pictures' adaptation set: the period, the header's file, and that of the last segment.
async fn listed(host: &Host) -> (String, String, String) {
    let manifest = host.read(&format!("/dash/{NAME}/manifest.mpd")).await;
    let value = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!(" {name}=\"")).expect(&manifest);
        rest.split_once('"').unwrap().0.to_owned()
    };
    let (_, period) = manifest.split_once("<Period").unwrap();
    let (_, pictures) = period.split_once("contentType=\"video\"").unwrap();
    let (pictures, _) = pictures.split_once("</AdaptationSet>").unwrap();
    let template = value(pictures, "media");
    let first: u64 = value(pictures, "startNumber").parse().unwrap();
    let segment = template.replace("$Number$", &first.to_string());
    (
        value(period, "id"),
        value(pictures, "initialization"),
        segment,
    )
}

/// What a player of the manifest decodes of its header and oldest segment.
async fn decoded(host: &Host, header: &str, segment: &str) -> Vec<u32> {
    let header = host.get(&format!("/dash/{NAME}/{header}")).await;
    let segment = host.get(&format!("/dash/{NAME}/{segment}")).await;
    assert_eq!((header.status, segment.status), (200, 200));
    // A segment that is not whole yet is sent as it is made.
    let segment = match segment.head.contains("transfer-encoding: chunked") {
        true => unchunked(&segment.body),
        false => segment.body,
    };
    widths_of(&[header.body, segment].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_size_is_another_period_of_the_manifest_and_another_header_of_endless_files() {
    let host = Host::start().await;
    let (small, large) = tokio::join!(clip("320x180", 0), clip("640x360", SECONDS));
    let mut source = host.publish();
    let feeding = tokio::spawn(async move {
        play(&mut source, &small).await;
        play(&mut source, &large).await;
        source
    });
    let (period, header, segment) = listed(&host).await;
    let mut socket = upgraded(&host, "mp4").await;
    let over_websocket = async {
        let mut files: Vec<Vec<u8>> = Vec::new();
        while files.len() < 2 || files[1].len() < 400_000 {
            match message(&mut socket).await {
                (1, _) => files.push(Vec::new()),
                (_, data) => files.last_mut().unwrap().extend(data),
            }
        }
        files
    };
    let url = host.url(&format!("/live/{NAME}.mp4"));
    let (before, over_http, files) =
        tokio::join!(decoded(&host, &header, &segment), widths(&url), async {
            tokio::time::timeout(PATIENCE, over_websocket)
                .await
                .unwrap()
        });
    all_are(320, &before, 20);
    // An endless file has one header, and ends where another is needed.
    all_are(320, &over_http, 25);
    all_are(320, &widths_of(&files[0]).await, 25);
    all_are(640, &widths_of(&files[1]).await, 10);
    let (new_period, new_header, new_segment) = listed(&host).await;
    assert_ne!((&period, &header), (&new_period, &new_header));
    all_are(640, &decoded(&host, &new_header, &new_segment).await, 20);
    let again = widths(&url);
    let (_source, again) = tokio::join!(
        async {
            let source = feeding.await.unwrap();
            let name = NAME.parse().unwrap();
            host.context.registry().withdraw(&name);
            source
        },
        again
    );
    all_are(640, &again, 1);
    host.close().await;
}
