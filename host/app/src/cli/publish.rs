//! `pointsman publish`: pictures from here to a running host, as an MJPEG stream.

use super::client::{Api, Client};
use anyhow::{Context, bail};
use clap::Args;
use media::jpeg::{Limits, SOI, Splitter, inspect};
use model::StreamName;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Pictures are read in blocks of this size.
const BLOCK_BYTES: usize = 64 << 10;

/// The wait before a host that was away is tried again: the first, doubled up to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));

/// What to publish, and where.
#[derive(Debug, Args)]
pub(super) struct PublishArgs {
    /// The stream, for example live/cam1.
    name: StreamName,
    /// A folder of JPEGs (by name), a file of MJPEG, `-` for standard input, or a camera such as
    /// /dev/video0, which FFmpeg reads.
    source: PathBuf,
    /// Pictures a second at most.
    #[arg(long, default_value_t = 10.0, value_parser = rate)]
    rate: f64,
    /// 1 to 100, of a camera's pictures.
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// A folder or file over and over.
    #[arg(long = "loop")]
    again: bool,
    #[command(flatten)]
    api: Api,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=120.0).contains(&rate) => Ok(rate),
        _ => Err("0.01 to 120 is wanted".to_owned()),
    }
}

impl PublishArgs {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let path = format!("/publish/{}", self.name);
        let mut to = Sender {
            client: self.api.client()?,
            url: self.api.absolute(&path),
            interval: Duration::from_secs_f64(1.0 / self.rate),
            due: Instant::now(),
            sent: 0,
        };
        loop {
            let before = to.sent;
            self.publish(&mut to)?;
            if to.sent == before {
                bail!("{} has no picture", self.source.display());
            }
            if !self.again || self.source == Path::new("-") {
                break;
            }
        }
        eprintln!("{} pictures sent to {}", to.sent, self.name);
        Ok(())
    }

    /// All of the source, once.
    fn publish(&self, to: &mut Sender) -> anyhow::Result<()> {
        if self.source == Path::new("-") {
            return split(io::stdin().lock(), to);
        }
        let named = || format!("cannot read {}", self.source.display());
        let about = std::fs::metadata(&self.source).with_context(named)?;
        if about.is_dir() {
            return folder(&self.source, to);
        }
        if about.is_file() {
            return split(File::open(&self.source).with_context(named)?, to);
        }
        camera(&self.source, self.rate, self.quality, to)
    }
}

/// Pictures of a folder, in the order of their names.
fn folder(folder: &Path, to: &mut Sender) -> anyhow::Result<()> {
    let named = || format!("cannot read {}", folder.display());
    let entries: Result<Vec<_>, _> = std::fs::read_dir(folder).with_context(named)?.collect();
    let files = entries.with_context(named)?;
    let mut files: Vec<_> = files.iter().map(std::fs::DirEntry::path).collect();
    files.retain(|file| {
        let suffix = file.extension().and_then(|it| it.to_str());
        suffix.is_some_and(|it| it.eq_ignore_ascii_case("jpg") || it.eq_ignore_ascii_case("jpeg"))
    });
    files.sort_unstable();
    for file in files {
        let named = || file.display().to_string();
        let data = std::fs::read(&file).with_context(named)?;
        let picture = inspect(&data, &Limits::default()).with_context(named)?;
        to.send(data.get(..picture.bytes).unwrap_or_default())?;
    }
    Ok(())
}

/// Pictures that come one behind the other.
fn split(mut from: impl Read, to: &mut Sender) -> anyhow::Result<()> {
    let (mut splitter, mut block) = (Splitter::new(Limits::default()), vec![0; BLOCK_BYTES]);
    loop {
        let read = from.read(&mut block).context("cannot read pictures")?;
        let Some(data) = block.get(..read).filter(|data| !data.is_empty()) else {
            break;
        };
        splitter.handle_input(data);
        while let Some((_, picture)) = splitter.poll_picture()? {
            to.send(&picture)?;
        }
    }
    Ok(splitter.finish()?)
}

/// An FFmpeg that reads a camera; ended with this.
struct Camera(Child);

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn camera(device: &Path, rate: f64, quality: u8, to: &mut Sender) -> anyhow::Result<()> {
    let mut command = Command::new("ffmpeg");
    let quantizer = 2 + (100 - u32::from(quality)) * 29 / 99;
    command.args(["-hide_banner", "-nostdin", "-loglevel", "warning"]);
    command.args(["-f", "v4l2", "-i"]).arg(device);
    command.args(["-vf", &format!("fps={rate},format=yuvj420p")]);
    command.args(["-c:v", "mjpeg", "-q:v", &quantizer.to_string()]);
    command.args(["-f", "mjpeg", "-flush_packets", "1", "pipe:1"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let started = command.spawn();
    let mut camera = Camera(started.context("cannot start ffmpeg; is it installed?")?);
    let pictures = camera.0.stdout.take().context("ffmpeg has no output")?;
    split(pictures, to)
}

/// Sends pictures at their rate, each as a request of its own on a connection that is kept.
struct Sender {
    client: Client,
    url: String,
    interval: Duration,
    due: Instant,
    sent: u64,
}

impl Sender {
    fn send(&mut self, picture: &[u8]) -> anyhow::Result<()> {
        debug_assert!(picture.starts_with(&SOI), "it was walked over before");
        std::thread::sleep(self.due.saturating_duration_since(Instant::now()));
        self.due = self.due.max(Instant::now()) + self.interval;
        let mut pause = PAUSES.0;
        loop {
            let request = self.client.agent.post(&self.url);
            let request = request.header("content-type", "image/jpeg");
            match request.send(picture) {
                // More often than the host takes them: this one is left out.
                Ok(answer) if answer.status() == 429 => return Ok(()),
                Ok(answer) => {
                    self.client.answer(Ok(answer))?;
                    self.sent += 1;
                    return Ok(());
                }
                Err(error) if self.sent == 0 => {
                    self.client.answer(Err(error))?;
                }
                Err(error) => eprintln!("the host is away ({error}); trying again"),
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}
