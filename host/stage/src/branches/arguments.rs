//! FFmpeg's arguments; pure. Nothing of them is a stranger's text: what is split or encoded comes
//! on standard input, and streams have no names here.

use crate::hardware::{Engine, key_frames};
use ffmpeg::{FORMATS, QUIET, words};
use model::encode::{AudioCodec, AudioSpec};
use std::time::Duration;

/// Where pictures come from: what is on standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// A transport stream, whose times are kept.
    Stream,
    /// A file, over and over in real time. Its times begin here, so that those of one FFmpeg go on
    /// after another's.
    File {
        /// Time of its first picture.
        begin: Duration,
    },
}

/// The sound there is to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sound {
    Absent,
    /// All channels, mixed to two.
    Mixed,
    /// The first two: of a hundred channels nobody says which are left and right.
    FirstTwo,
}

/// All that one FFmpeg is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan<'a> {
    pub(crate) from: From,
    pub(crate) sound: Sound,
    pub(crate) engine: Engine,
    pub(crate) vaapi_device: &'a str,
    pub(crate) key_frame_ms: u32,
    pub(crate) audio: AudioSpec,
    pub(crate) branches: &'a [Branch],
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    /// Filters that make its picture of the whole one.
    pub(crate) filters: String,
    pub(crate) video_kbps: u32,
    /// Whether it has the sound, if there is some.
    pub(crate) audio: bool,
}

/// The arguments; `outputs` are the pipes of the branches, in their order.
///
/// Every picture that is decoded goes into every encoder with the time it came with: `vfr` leaves
/// out only those that have the time of the one before, and the time base is the stream's own.
pub(crate) fn arguments(plan: &Plan<'_>, outputs: &[String]) -> Vec<String> {
    let mut all: Vec<String> = words(QUIET).collect();
    all.extend(plan.engine.device(plan.vaapi_device));
    all.extend(input(plan.from));
    all.extend(["-filter_complex".to_owned(), graph(plan)]);
    for ((n, branch), output) in plan.branches.iter().enumerate().zip(outputs) {
        all.extend(["-map".to_owned(), format!("[o{n}]")]);
        let heard = plan.sound != Sound::Absent && branch.audio;
        if heard {
            all.extend(words("-map 0:a:0?"));
        }
        all.extend(words("-fps_mode vfr -enc_time_base 1:90000"));
        all.extend(plan.engine.encoder(branch.video_kbps));
        all.extend(key_frames(plan.key_frame_ms));
        if heard {
            all.extend(sound(&plan.audio, plan.sound));
        }
        if let From::File { begin } = plan.from {
            let seconds = format!("{:.3}", begin.as_secs_f64());
            all.extend(["-output_ts_offset".to_owned(), seconds]);
        }
        all.extend(words("-map_metadata -1 -max_interleave_delta 500000"));
        all.extend(words(
            "-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1",
        ));
        all.push(output.clone());
    }
    all
}

fn input(from: From) -> Vec<String> {
    match from {
        From::Stream => words("-protocol_whitelist pipe -probesize 1000000")
            .chain(words(
                "-analyzeduration 1000000 -copyts -f mpegts -i pipe:0",
            ))
            .collect(),
        From::File { .. } => words("-protocol_whitelist file,pipe -format_whitelist")
            .chain([FORMATS.to_owned()])
            .chain(words("-re -stream_loop -1 -i file:/proc/self/fd/0"))
            .collect(),
    }
}

fn graph(plan: &Plan<'_>) -> String {
    let count = plan.branches.len();
    let numbers = 0..count;
    let ends: String = numbers.map(|n| format!("[i{n}]")).collect();
    let mut graph = format!("[0:v:0]split={count}{ends}");
    for (n, branch) in plan.branches.iter().enumerate() {
        let (filters, upload) = (&branch.filters, plan.engine.upload());
        graph += &format!(";[i{n}]{filters},setsar=1,{upload}[o{n}]");
    }
    graph
}

/// Gaps are filled with silence, so that sound stays with the pictures.
fn sound(audio: &AudioSpec, of: Sound) -> Vec<String> {
    let mut all: Vec<String> = words(match audio.codec {
        AudioCodec::Aac => "-c:a aac",
        AudioCodec::Opus => "-c:a libopus -frame_duration 20",
    })
    .collect();
    all.extend(words("-ar 48000 -ac 2 -b:a"));
    all.push(format!("{}k", audio.kbps));
    let mut filters = match of {
        Sound::FirstTwo => "pan=stereo|c0=c0|c1=c1,aresample=async=1000".to_owned(),
        Sound::Absent | Sound::Mixed => "aresample=async=1000".to_owned(),
    };
    if audio.gain_db != 0.0 {
        // Linear: 20 dB are ten times the amplitude.
        filters += &format!(",volume={:.6}", 10_f64.powf(audio.gain_db / 20.0));
    }
    all.extend(["-af".to_owned(), filters]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branches() -> [Branch; 2] {
        let branch = |filters: &str, video_kbps, audio| Branch {
            filters: filters.to_owned(),
            video_kbps,
            audio,
        };
        [
            branch("scale=1280:720", 2_500, true),
            branch("scale=854:480", 1_000, false),
        ]
    }

    fn plan(from: From, branches: &[Branch]) -> Plan<'_> {
        Plan {
            from,
            sound: Sound::Mixed,
            engine: Engine::Cpu,
            vaapi_device: "",
            key_frame_ms: 2_000,
            audio: AudioSpec::default(),
            branches,
        }
    }

    #[test]
    fn a_stream_is_decoded_once_and_keeps_its_times() {
        let branches = branches();
        let outputs = ["pipe:7".to_owned(), "pipe:9".to_owned()];
        assert_eq!(
            arguments(&plan(From::Stream, &branches), &outputs).join(" "),
            "-hide_banner -nostdin -nostats -loglevel warning -protocol_whitelist pipe \
             -probesize 1000000 -analyzeduration 1000000 -copyts -f mpegts -i pipe:0 \
             -filter_complex [0:v:0]split=2[i0][i1];[i0]scale=1280:720,setsar=1,format=yuv420p[o0]\
             ;[i1]scale=854:480,setsar=1,format=yuv420p[o1] \
             -map [o0] -map 0:a:0? -fps_mode vfr -enc_time_base 1:90000 \
             -c:v libx264 -preset veryfast -profile:v high -bf 0 -sc_threshold 0 -forced-idr 1 \
             -g 3000 -b:v 2500k -maxrate 2750k -bufsize 3750k -force_key_frames \
             expr:isnan(prev_forced_t)+gt(floor(t/2),floor(prev_forced_t/2)) \
             -c:a aac -ar 48000 -ac 2 -b:a 128k -af aresample=async=1000 \
             -map_metadata -1 -max_interleave_delta 500000 \
             -f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1 pipe:7 \
             -map [o1] -fps_mode vfr -enc_time_base 1:90000 \
             -c:v libx264 -preset veryfast -profile:v high -bf 0 -sc_threshold 0 -forced-idr 1 \
             -g 3000 -b:v 1000k -maxrate 1100k -bufsize 1500k -force_key_frames \
             expr:isnan(prev_forced_t)+gt(floor(t/2),floor(prev_forced_t/2)) \
             -map_metadata -1 -max_interleave_delta 500000 \
             -f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1 pipe:9"
        );
    }

    #[test]
    fn a_file_is_the_one_that_is_open_and_goes_on_where_it_ended() {
        let branches = branches();
        let begin = Duration::from_millis(12_500);
        let mut plan = plan(From::File { begin }, &branches[..1]);
        plan.audio.gain_db = 6.0;
        plan.audio.codec = AudioCodec::Opus;
        let line = arguments(&plan, &["pipe:7".to_owned()]).join(" ");
        for part in [
            "-protocol_whitelist file,pipe -format_whitelist mov,mp4,",
            " -re -stream_loop -1 -i file:/proc/self/fd/0 -filter_complex ",
            " -c:a libopus -frame_duration 20 -ar 48000 -ac 2 -b:a 128k \
             -af aresample=async=1000,volume=1.995262 -output_ts_offset 12.500 ",
        ] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.contains("-copyts"), "{line}");
        plan.sound = Sound::FirstTwo;
        let line = arguments(&plan, &["pipe:7".to_owned()]).join(" ");
        assert!(
            line.contains(" -af pan=stereo|c0=c0|c1=c1,aresample="),
            "{line}"
        );
    }
}
