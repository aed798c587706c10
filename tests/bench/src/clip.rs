//! What is sent: a clip that FFmpeg makes once, as FLV and as a transport stream.

use crate::contender::Process;
use crate::marker;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// Message type of video.
pub(crate) const VIDEO: u8 = 9;

/// Message type of metadata.
pub(crate) const DATA: u8 = 18;

/// Seconds of media; it is sent in a loop.
const SECONDS: u32 = 12;

/// A message of the clip.
pub(crate) struct Tag {
    /// Message and tag type: 8 audio, 9 video, 18 data.
    pub(crate) kind: u8,
    /// From the beginning of the clip.
    pub(crate) timestamp_ms: u32,
    /// The body; of a frame with room for its marker.
    pub(crate) body: Vec<u8>,
    /// Where in the body that room is.
    pub(crate) sei: Option<usize>,
}

/// The clip in both forms.
pub(crate) struct Clip {
    /// Metadata and codec headers.
    pub(crate) headers: Vec<Tag>,
    /// The rest.
    pub(crate) media: Vec<Tag>,
    /// What a second round is later.
    pub(crate) duration_ms: u32,
    /// The same in transport packets.
    pub(crate) packets: Arc<Vec<u8>>,
    files: Files,
}

/// The clip where programs of their own can read it.
struct Files {
    flv: PathBuf,
    packets: PathBuf,
    /// Gone with the clip.
    _folder: Option<TempDir>,
}

impl Clip {
    /// Makes it: 720p, 30 frames a second, 2.6 Mb/s with its sound, a key frame every 2 s.
    pub(crate) fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let flv = folder.path().join("clip.flv");
        let ts = folder.path().join("clip.ts");
        // Noise, so that the encoder has use for its bits.
        let picture = "testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t,format=yuv420p";
        let length = SECONDS.to_string();
        let encoder = "-c:v libx264 -preset ultrafast -g 60 -keyint_min 60 -sc_threshold 0 \
                       -b:v 2470k -maxrate 2470k -bufsize 1235k -c:a aac -b:a 128k -ac 2";
        let mut encode = quiet_ffmpeg();
        encode.args(["-f", "lavfi", "-i", picture]);
        encode.args([
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:sample_rate=48000",
            "-t",
            &length,
        ]);
        encode.args(encoder.split_whitespace()).arg(&flv);
        Process::start(&mut encode)?
            .finish()
            .context("FFmpeg could not make the clip")?;
        let mut remux = quiet_ffmpeg();
        remux.arg("-i").arg(&flv).args(["-c", "copy"]).arg(&ts);
        Process::start(&mut remux)?
            .finish()
            .context("FFmpeg could not make the clip")?;
        Self::load(Files {
            flv,
            packets: ts,
            _folder: Some(folder),
        })
    }

    /// One that another program made: its FLV file, and its transport packets.
    pub(crate) fn open(flv: &Path, packets: &Path) -> Result<Self> {
        Self::load(Files {
            flv: flv.to_owned(),
            packets: packets.to_owned(),
            _folder: None,
        })
    }

    /// The file of messages.
    pub(crate) fn flv_file(&self) -> &Path {
        &self.files.flv
    }

    /// The file of transport packets.
    pub(crate) fn packets_file(&self) -> &Path {
        &self.files.packets
    }

    fn load(files: Files) -> Result<Self> {
        let bytes = std::fs::read(&files.flv)?;
        // Adobe Flash Video File Format 10.1, §E.2: a header of nine bytes, a size of none.
        let mut rest = bytes.get(13..).context("the clip has no FLV header")?;
        let (mut headers, mut media) = (Vec::new(), Vec::new());
        while let Some((tag, next)) = Tag::parse(rest) {
            rest = next;
            match tag.body.get(1) {
                _ if tag.kind == DATA => headers.push(tag),
                Some(0) => headers.push(tag),
                Some(1) => media.push(tag),
                // The end of a sequence: there is none in a loop.
                _ => {}
            }
        }
        let frames = media.iter().filter(|tag| tag.sei.is_some()).count();
        if frames == 0 {
            bail!("the clip has no H.264 in it");
        }
        let packets = Arc::new(std::fs::read(&files.packets)?);
        Ok(Self {
            headers,
            media,
            duration_ms: SECONDS * 1000,
            packets,
            files,
        })
    }
}

impl Tag {
    /// The first tag of `bytes` and what follows it (§E.4.1).
    fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&header, rest) = bytes.split_first_chunk::<11>()?;
        let [kind, s2, s1, s0, t2, t1, t0, t3, ..] = header;
        let size = u32::from_be_bytes([0, s2, s1, s0]) as usize;
        let body = rest.get(..size)?.to_vec();
        let mut tag = Self {
            kind,
            timestamp_ms: u32::from_be_bytes([t3, t2, t1, t0]),
            body,
            sei: None,
        };
        tag.make_room();
        Some((tag, rest.get(size + 4..).unwrap_or_default()))
    }

    /// An AVC frame gets an SEI NAL unit in front of its others (§E.4.3.1: five bytes of header).
    fn make_room(&mut self) {
        const HEADER: usize = 5;
        let is_frame = self.kind == VIDEO
            && self.body.first().is_some_and(|byte| byte & 0xF == 7)
            && self.body.get(1) == Some(&1);
        if is_frame {
            self.body.splice(HEADER..HEADER, marker::sei());
            self.sei = Some(HEADER);
        }
    }
}

fn quiet_ffmpeg() -> Command {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]);
    ffmpeg
}
