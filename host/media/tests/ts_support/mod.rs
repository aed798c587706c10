//! Streams made by FFmpeg at test time, and FFmpeg as the judge of ours.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    unreachable_pub
)]

use bytes::Bytes;
use media::ts::demux::Demuxer;
use media::ts::mux::Muxer;
use media::{Convert, Frame, TsChunk};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

const VIDEO: &str = "testsrc2=size=128x72:rate=25:duration=2";
const AUDIO: &str = "sine=frequency=440:sample_rate=48000:duration=2";

/// H.264 with B-frames, GOPs of 12, and AAC; 2 s at 25 fps, 48 kHz mono.
pub fn h264_aac() -> Bytes {
    static MADE: OnceLock<Bytes> = OnceLock::new();
    let codec = "-c:v libx264 -pix_fmt yuv420p -bf 2 -g 12 -threads 1 -c:a aac -b:a 64k";
    MADE.get_or_init(|| generate(&[VIDEO, AUDIO], codec))
        .clone()
}

/// HEVC with B-frames and AAC.
pub fn hevc_aac() -> Bytes {
    static MADE: OnceLock<Bytes> = OnceLock::new();
    let codec = "-c:v libx265 -pix_fmt yuv420p -x265-params bframes=2:keyint=12:log-level=none \
                 -c:a aac -b:a 64k";
    MADE.get_or_init(|| generate(&[VIDEO, AUDIO], codec))
        .clone()
}

/// Stereo AAC alone.
pub fn aac_alone() -> Bytes {
    static MADE: OnceLock<Bytes> = OnceLock::new();
    MADE.get_or_init(|| generate(&[AUDIO], "-ac 2 -c:a aac -b:a 64k"))
        .clone()
}

/// H.264, AAC, and a stream that `Frames` has no place for.
pub fn h264_aac_ac3() -> Bytes {
    static MADE: OnceLock<Bytes> = OnceLock::new();
    let codec = "-map 0 -map 1 -map 1 -c:v libx264 -pix_fmt yuv420p -g 12 -c:a:0 aac -c:a:1 ac3 \
                 -metadata:s:a:0 language=deu";
    MADE.get_or_init(|| generate(&[VIDEO, AUDIO], codec))
        .clone()
}

/// What FFmpeg makes of lavfi `inputs` with `options`, as a transport stream.
pub fn generate(inputs: &[&str], options: &str) -> Bytes {
    let mut args: Vec<&str> = Vec::new();
    for input in inputs {
        args.extend(["-f", "lavfi", "-i", input]);
    }
    args.extend(options.split_whitespace());
    args.extend(["-flags", "+bitexact", "-f", "mpegts", "-"]);
    run("ffmpeg", &args, b"").into()
}

/// Runs a tool of FFmpeg's on `input`; any word on stderr fails the test.
pub fn run(tool: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(tool)
        .args(["-v", "error"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{tool} does not start: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{tool} {args:?}: {errors}"
    );
    output.stdout
}

/// One packet as ffprobe sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probed {
    pub stream: usize,
    pub dts: i64,
    pub pts: i64,
    pub key: bool,
}

/// All packets of a transport stream, by ffprobe, sorted by stream.
pub fn probe(ts: &[u8]) -> Vec<Probed> {
    let entries = "packet=stream_index,pts,dts,flags";
    let text = run(
        "ffprobe",
        &["-show_entries", entries, "-of", "csv=p=0", "-"],
        ts,
    );
    let text = String::from_utf8(text).unwrap();
    let mut probed: Vec<Probed> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            Probed {
                stream: fields[0].parse().unwrap(),
                pts: fields[1].parse().unwrap(),
                dts: fields[2].parse().unwrap(),
                key: fields[3].starts_with('K'),
            }
        })
        .collect();
    probed.sort_by_key(|packet| (packet.stream, packet.dts));
    probed
}

/// Hashes of all decoded pictures or sounds, without their times.
pub fn decoded(ts: &[u8], stream: &str) -> Vec<String> {
    let args = [
        "-xerror",
        "-err_detect",
        "explode",
        "-i",
        "-",
        "-map",
        stream,
    ];
    let args = [&args[..], &["-f", "framemd5", "-"]].concat();
    let text = String::from_utf8(run("ffmpeg", &args, ts)).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit(',').next().unwrap().trim().to_owned())
        .collect()
}

/// Cuts a whole transport stream into the chunks a UDP sender makes.
pub fn chunks(ts: &Bytes) -> Vec<TsChunk> {
    (0..ts.len())
        .step_by(1316)
        .map(|at| TsChunk {
            data: ts.slice(at..ts.len().min(at + 1316)),
            random_access: false,
            epoch: 0,
        })
        .collect()
}

/// All frames of a transport stream.
pub fn demux(ts: &Bytes) -> Vec<Frame> {
    let mut demuxer = Demuxer::new();
    let mut frames = feed(&mut demuxer, &chunks(ts));
    demuxer.finish(&mut frames);
    frames
}

/// All chunks made of `frames`.
pub fn mux(frames: &[Frame]) -> Vec<TsChunk> {
    feed(&mut Muxer::new("tests", "round trip"), frames)
}

/// What a converter makes of `items`.
pub fn feed<C: Convert>(converter: &mut C, items: &[C::In]) -> Vec<C::Out> {
    let mut out = Vec::new();
    for item in items {
        converter.convert(SystemTime::UNIX_EPOCH, item, &mut out);
    }
    out
}

/// The bytes of all chunks.
pub fn join(chunks: &[TsChunk]) -> Bytes {
    chunks
        .iter()
        .flat_map(|chunk| chunk.data.iter().copied())
        .collect()
}

/// Frames as ffprobe lists packets.
pub fn as_probed(frames: &[Frame]) -> Vec<Probed> {
    let mut list: Vec<Probed> = frames
        .iter()
        .map(|frame| {
            let track = frame.tracks.get(frame.track).unwrap();
            let audio = !track.codec.is_video();
            Probed {
                stream: usize::from(frame.track.0),
                dts: frame.dts.0,
                pts: frame.pts.0,
                key: frame.random_access || audio,
            }
        })
        .collect();
    list.sort_by_key(|packet| (packet.stream, packet.dts));
    list
}
