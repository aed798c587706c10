//! What a file is: FFmpeg's own look at it, and whether it is a video that can be played here.

mod report;

use crate::error::Error;
use ffmpeg::{Bounds, FORMATS, Tool, words};
use report::Report;
use serde::Serialize;
use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

/// For each look at a file. An 8K picture of 10 bits is 100 MB, and a decoder keeps some.
pub(crate) const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(20),
    memory_bytes: 2 << 30,
    output_bytes: 4 << 20,
};

/// The largest side of a picture, in pixels: H.264's and HEVC's highest levels end about there.
const MAX_SIDE: u32 = 8_192;

/// The most channels that libswresample takes (`SWR_CH_MAX`).
const MAX_CHANNELS: u32 = 64;

/// Sounds that are told.
const MAX_SOUNDS: usize = 16;

/// How much earlier than it says a file may end, and for long ones a share of it: durations are
/// often rounded, and sound or subtitles may go on.
const END_SLACK_S: f64 = 1.0;
const END_SLACK_SHARE: f64 = 0.02;

/// The end is looked for within so much of it.
const TAIL_S: f64 = 2.0;

/// What a video is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// The container, as FFmpeg calls it.
    pub format: String,
    /// How long it plays, where the file tells.
    pub duration_ms: Option<u64>,
    /// Its first video track.
    #[serde(flatten)]
    pub picture: Picture,
    /// Its audio tracks, the first 16 of them; none: it is silent.
    pub audio: Vec<Sound>,
    #[serde(skip)]
    span: Option<Span>,
}

/// A video track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Picture {
    /// As FFmpeg calls it: `h264`, `hevc`, `vp9`.
    pub video_codec: String,
    /// Pixels from left to right, as it is shown.
    pub width: u32,
    /// Pixels from top to bottom, as it is shown.
    pub height: u32,
    /// How far it is turned clockwise to be shown, 0 to 359; phones record so.
    pub rotation_degrees: u32,
    /// Pictures a second; the average where they vary, none where it is not known.
    pub fps: Option<f64>,
    /// As FFmpeg calls it: `yuv420p`, `yuv420p10le`.
    pub pixel_format: Option<String>,
    #[serde(skip)]
    index: u32,
}

/// An audio track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sound {
    /// As FFmpeg calls it: `aac`, `opus`.
    pub codec: String,
    /// How many channels.
    pub channels: u32,
    /// Samples a second.
    pub sample_rate_hz: u32,
}

/// From when to when it says it plays, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    begin: f64,
    length: f64,
}

/// Why a file is no video that can be played here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// FFmpeg makes nothing of it.
    #[error("FFmpeg cannot read the file as a video: {0}")]
    Unreadable(String),
    /// Sound, pictures, or nothing.
    #[error("there is no video in the file")]
    NoVideo,
    /// More than any decoder here should hold.
    #[error("pictures of {width} x {height} pixels cannot be shown; a side has at most {MAX_SIDE}")]
    Size {
        /// As the file tells.
        width: u32,
        /// As the file tells.
        height: u32,
    },
    /// FFmpeg does not know how it is coded.
    #[error("FFmpeg does not know the video's codec")]
    Codec,
    /// Nothing here could mix it.
    #[error("its sound has {0} channels; at most {MAX_CHANNELS} can be mixed")]
    Channels(u32),
    /// Not one picture.
    #[error("no picture of it can be decoded: {0}")]
    NoPicture(String),
    /// It was not copied as a whole.
    #[error(
        "the file ends at {ends_s:.1} s, and says that it has {says_s:.1} s; send it again, it was cut short"
    )]
    Cut {
        /// Where its last packet ends.
        ends_s: f64,
        /// Its duration.
        says_s: f64,
    },
}

impl About {
    /// The number of the track within the file.
    pub(crate) fn track(&self) -> u32 {
        self.picture.index
    }

    /// Looks at a file.
    ///
    /// # Errors
    /// It is no video that can be played here, or there is no FFmpeg.
    pub(crate) async fn of(file: File) -> Result<Self, Error> {
        let report = probe(overview(), file).await?;
        let report = report::parse(&report);
        let report = report.map_err(|error| Unfit::Unreadable(error.to_string()))?;
        Ok(Self::judge(report)?)
    }

    fn judge(report: Report) -> Result<Self, Unfit> {
        let videos = || report.streams.iter().filter(|stream| stream.is_video());
        let video = videos().next().ok_or(Unfit::NoVideo)?;
        let (width, height) = (video.width.unwrap_or(0), video.height.unwrap_or(0));
        if width == 0 || height == 0 {
            // FFmpeg learns the size from the track's header, or from the first picture.
            return Err(Unfit::NoPicture("the track has no pictures".to_owned()));
        }
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(Unfit::Size { width, height });
        }
        let known = |codec: &Option<String>| codec.clone().filter(|codec| codec != "unknown");
        let rotation_degrees = video.rotation_degrees();
        let lies = rotation_degrees % 180 == 90;
        let picture = Picture {
            video_codec: known(&video.codec_name).ok_or(Unfit::Codec)?,
            width: if lies { height } else { width },
            height: if lies { width } else { height },
            rotation_degrees,
            fps: video.fps(),
            pixel_format: video.pix_fmt.clone(),
            index: video.index,
        };
        let sounds = report.streams.iter().filter(|stream| stream.is_audio());
        let sounds: Vec<Sound> = sounds
            .map(|stream| Sound {
                codec: known(&stream.codec_name).unwrap_or_else(|| "unknown".to_owned()),
                channels: stream.channels.unwrap_or(0),
                sample_rate_hz: stream.sample_rate(),
            })
            .collect();
        if let Some(sound) = sounds.iter().find(|sound| sound.channels > MAX_CHANNELS) {
            return Err(Unfit::Channels(sound.channels));
        }
        let span = report.format.span();
        Ok(Self {
            format: report.format.format_name.unwrap_or_default(),
            duration_ms: span.map(|span| (span.length * 1_000.0).round() as u64),
            picture,
            audio: sounds.into_iter().take(MAX_SOUNDS).collect(),
            span,
        })
    }

    /// Whether the file goes on as long as it says. Where that takes too long to find out, it is
    /// believed.
    ///
    /// # Errors
    /// It ends before.
    pub(crate) async fn check_end(&self, file: File) -> Result<(), Error> {
        let Some(span) = self.span else {
            return Ok(());
        };
        let end = span.begin + span.length;
        let packets = match probe(tail((end - TAIL_S).max(span.begin)), file).await {
            Ok(packets) => packets,
            Err(Error::Unfit(Unfit::Unreadable(_))) => Vec::new(),
            Err(Error::Unfit(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let ends = report::last_end(&packets).unwrap_or(span.begin);
        match end - ends > END_SLACK_S + END_SLACK_SHARE * span.length {
            true => Err(Error::Unfit(Unfit::Cut {
                ends_s: (ends - span.begin).max(0.0),
                says_s: span.length,
            })),
            false => Ok(()),
        }
    }
}

async fn probe(arguments: Vec<String>, file: File) -> Result<Vec<u8>, Error> {
    let probed = ffmpeg::run(Tool::Ffprobe, arguments, Stdio::from(file), BOUNDS).await;
    probed.map_err(|error| match error {
        ffmpeg::Error::Ended { words, .. } => Unfit::Unreadable(words).into(),
        ffmpeg::Error::Start(source) => Error::Io {
            doing: "cannot start ffprobe (is FFmpeg installed?)",
            source,
        },
        other => Unfit::NoPicture(other.to_string()).into(),
    })
}

/// The file is the one on the standard input, opened anew so that it can seek; nothing else can be
/// opened.
pub(crate) fn input() -> impl Iterator<Item = String> {
    let only = words("-protocol_whitelist file,pipe -format_whitelist");
    let only = only.chain([FORMATS.to_owned()]);
    only.chain(words("-i file:/proc/self/fd/0"))
}

fn overview() -> Vec<String> {
    const ENTRIES: &str = "format=format_name,start_time,duration\
        :stream=index,codec_type,codec_name,width,height,pix_fmt,avg_frame_rate,channels,sample_rate\
        :stream_disposition=attached_pic:stream_side_data=rotation";
    let quiet = words("-hide_banner -loglevel error -of json -show_entries");
    let quiet = quiet.chain([ENTRIES.to_owned()]);
    quiet.chain(input()).collect()
}

/// When the packets from a time on are shown, and for how long.
fn tail(from_s: f64) -> Vec<String> {
    let quiet = words("-hide_banner -loglevel error -of csv=p=0 -show_entries");
    let entries = words("packet=pts_time,dts_time,duration_time -read_intervals");
    let from = quiet.chain(entries).chain([format!("{from_s:.3}%")]);
    from.chain(input()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffprobe_opens_the_file_it_is_given_and_nothing_else() {
        const INPUT: &str = "-protocol_whitelist file,pipe -format_whitelist \
             mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,mpegts,mpeg,mxf,avi,ogg,wav,mp3,aac \
             -i file:/proc/self/fd/0";
        assert_eq!(
            overview().join(" "),
            format!(
                "-hide_banner -loglevel error -of json -show_entries \
                 format=format_name,start_time,duration:stream=index,codec_type,codec_name,width,\
                 height,pix_fmt,avg_frame_rate,channels,sample_rate:stream_disposition=attached_pic\
                 :stream_side_data=rotation {INPUT}"
            )
        );
        assert_eq!(
            tail(8.25).join(" "),
            format!(
                "-hide_banner -loglevel error -of csv=p=0 -show_entries \
                 packet=pts_time,dts_time,duration_time -read_intervals 8.250% {INPUT}"
            )
        );
    }

    fn judge(json: &str) -> Result<About, Unfit> {
        About::judge(report::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn reports_are_judged_and_none_is_trusted() {
        let phone = r#"{"streams": [
            {"index": 0, "codec_type": "audio", "codec_name": "aac", "channels": 2, "sample_rate": "48000"},
            {"index": 3, "codec_type": "video", "codec_name": "hevc", "width": 1920, "height": 1080,
             "pix_fmt": "yuv420p10le", "avg_frame_rate": "30000/1001", "side_data_list": [{}, {"rotation": -90}]}],
            "format": {"format_name": "mov,mp4", "start_time": "1.5", "duration": "10.25"}}"#;
        let about = judge(phone).unwrap();
        let picture = &about.picture;
        let shown = (picture.width, picture.height, picture.rotation_degrees);
        assert_eq!((shown, about.track()), ((1080, 1920, 90), 3));
        assert_eq!(
            (picture.fps, about.duration_ms),
            (Some(29.97), Some(10_250))
        );
        assert_eq!(about.audio[0].sample_rate_hz, 48_000);

        let video = |rest: &str| {
            let begin = r#"{"streams": [{"codec_type": "video", "codec_name": "h264", "#;
            judge(&format!(
                "{begin}{rest}}}], \"format\": {{\"duration\": \"nan\"}}}}"
            ))
        };
        let plain = video(r#""width": 2, "height": 2, "avg_frame_rate": "0/0""#).unwrap();
        assert_eq!((plain.picture.fps, plain.duration_ms), (None, None));
        let cover = video(r#""width": 2, "height": 2, "disposition": {"attached_pic": 1}"#);
        assert!(matches!(cover, Err(Unfit::NoVideo)));
        for empty in [r#""index": 0"#, r#""width": 0, "height": 9"#] {
            let empty = video(empty);
            assert!(matches!(empty, Err(Unfit::NoPicture(_))), "{empty:?}");
        }
        let wide = video(r#""width": 9000, "height": 9"#);
        assert!(matches!(wide, Err(Unfit::Size { .. })));
        assert!(matches!(judge("{}"), Err(Unfit::NoVideo)));
    }
}
