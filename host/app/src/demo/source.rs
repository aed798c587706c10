//! The demo's camera: FFmpeg's test picture with a clock and a tone.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where Debian and others keep a font that has digits.
const FONTS: [&str; 4] = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono.ttf",
    "/usr/share/fonts/TTF/DejaVuSansMono.ttf",
];

/// A font for the clock, if this machine has one.
pub(super) fn font() -> Option<PathBuf> {
    FONTS.iter().map(PathBuf::from).find(|font| font.exists())
}

/// FFmpeg's arguments: 1280x720 at 30 frames/s, one key frame a second, a 1 kHz tone, sent
/// to `target` as MPEG-TS in datagrams of seven packets.
pub(super) fn arguments(target: SocketAddr, clock_font: Option<&Path>) -> Vec<String> {
    let mut picture = "testsrc2=size=1280x720:rate=30".to_owned();
    if let Some(font) = clock_font {
        let font = font.display();
        picture += &format!(
            ",drawtext=fontfile={font}:text='%{{localtime\\:%T}}.%{{eif\\:mod(n,30)\\:d\\:2}}'\
             :fontsize=72:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=12:x=40:y=h-140"
        );
    }
    let fixed = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut arguments = fixed("-hide_banner -nostdin -loglevel warning -nostats");
    arguments.extend(fixed("-re -f lavfi -i"));
    arguments.push(picture);
    arguments.extend(fixed(
        "-re -f lavfi -i sine=frequency=1000:sample_rate=48000",
    ));
    arguments.extend(fixed("-map 0:v -map 1:a -pix_fmt yuv420p"));
    arguments.extend(fixed(
        "-c:v libx264 -preset veryfast -tune zerolatency -profile:v high",
    ));
    arguments.extend(fixed("-b:v 2500k -maxrate 2500k -bufsize 2500k"));
    arguments.extend(fixed("-g 30 -keyint_min 30 -sc_threshold 0"));
    arguments.extend(fixed(
        "-c:a aac -b:a 128k -ac 2 -f mpegts -muxdelay 0 -muxpreload 0",
    ));
    arguments.push(format!("udp://{target}?pkt_size=1316"));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_sends_seven_packets_a_datagram_to_its_target() {
        let arguments = arguments("127.0.0.1:5000".parse().unwrap(), None);
        assert_eq!(
            arguments.last().unwrap(),
            "udp://127.0.0.1:5000?pkt_size=1316"
        );
        let line = arguments.join(" ");
        assert!(
            line.contains("-re -f lavfi -i testsrc2=size=1280x720:rate=30 -re"),
            "{line}"
        );
        assert!(!line.contains("drawtext"));
    }

    #[test]
    fn a_clock_is_drawn_where_there_is_a_font() {
        let arguments = arguments(
            "127.0.0.1:5000".parse().unwrap(),
            Some(Path::new("/f/mono.ttf")),
        );
        let picture = arguments
            .iter()
            .find(|argument| argument.contains("testsrc2"))
            .unwrap();
        assert!(
            picture.contains("fontfile=/f/mono.ttf:text='%{localtime\\:%T}."),
            "{picture}"
        );
    }
}
