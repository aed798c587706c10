//! Media in: FFmpeg's test picture with the stream's name and a clock, and a tone.

use crate::context::Context;
use ffmpeg::{Job, QUIET, words};
use hub::Stream;
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use model::{Label, Protocol, StreamName};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

/// Where Debian and others keep a font that has letters and digits.
const FONTS: [&str; 4] = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono.ttf",
    "/usr/share/fonts/TTF/DejaVuSansMono.ttf",
];

/// Feeds source `id` of the stream with the picture, until stopped.
pub fn start(context: &Context, wiring: Wiring) -> LinkHandle {
    let dial = Ingest {
        context: context.clone(),
        stream: wiring.stream.clone(),
        id: wiring.label.clone(),
    };
    link::spawn(wiring, dial)
}

struct Ingest {
    context: Context,
    stream: Arc<Stream>,
    id: Label,
}

impl Dial for Ingest {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let mut source = self.stream.connect_source(&self.id, Protocol::Test, None)?;
        self.context
            .counters()
            .of(Protocol::Test)
            .connections
            .add(1);
        let arguments = arguments(self.stream.name(), font().as_deref());
        let job = Job::new(
            self.context.children(),
            "test picture",
            self.stream.name().as_str(),
        );
        let ffmpeg = job.start(arguments, Stdio::null())?;
        link::feed(ffmpeg, &mut source, session).await
    }
}

/// A font for name and clock, if this machine has one.
fn font() -> Option<PathBuf> {
    FONTS.iter().map(PathBuf::from).find(|font| font.exists())
}

/// FFmpeg's arguments: 1280x720 at 30 frames/s, one key frame a second, a 1 kHz tone.
///
/// Names of streams have letters, digits and `_ - . @ /` only, none of which means anything to a
/// filter between its quotes.
fn arguments(name: &StreamName, font: Option<&Path>) -> Vec<String> {
    let mut picture = "testsrc2=size=1280x720:rate=30".to_owned();
    if let Some(font) = font {
        let font = font.display();
        let style = "fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=12:x=40";
        picture += &format!(
            ",drawtext=fontfile={font}:text='{name}':fontsize=36:{style}:y=h-220\
             ,drawtext=fontfile={font}:text='%{{localtime\\:%T}}.%{{eif\\:mod(n,30)\\:d\\:2}}'\
             :fontsize=72:{style}:y=h-140"
        );
    }
    let mut arguments: Vec<_> = words(QUIET).collect();
    arguments.extend(words("-re -f lavfi -i"));
    arguments.push(picture);
    arguments.extend(words(
        "-re -f lavfi -i sine=frequency=1000:sample_rate=48000",
    ));
    arguments.extend(words("-map 0:v -map 1:a -pix_fmt yuv420p"));
    arguments.extend(words(
        "-c:v libx264 -preset veryfast -tune zerolatency -profile:v high",
    ));
    arguments.extend(words("-b:v 2500k -maxrate 2500k -bufsize 2500k"));
    arguments.extend(words("-g 30 -keyint_min 30 -sc_threshold 0"));
    arguments.extend(words("-c:a aac -b:a 128k -ac 2"));
    arguments.extend(words(
        "-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1 pipe:1",
    ));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_shows_the_name_and_a_clock_where_there_is_a_font() {
        let name = "live/cam-1@a.b_c".parse().unwrap();
        let all = arguments(&name, Some(Path::new("/f/mono.ttf")));
        let picture = all.iter().find(|it| it.contains("testsrc2")).unwrap();
        assert!(picture.contains("text='live/cam-1@a.b_c':"), "{picture}");
        assert!(
            picture.contains("fontfile=/f/mono.ttf:text='%{localtime\\:%T}."),
            "{picture}"
        );
        let plain = arguments(&name, None).join(" ");
        assert!(
            plain.contains("-re -f lavfi -i testsrc2=size=1280x720:rate=30 -re"),
            "{plain}"
        );
        assert!(!plain.contains("drawtext"), "{plain}");
        assert!(plain.ends_with("pipe:1"), "{plain}");
    }
}
