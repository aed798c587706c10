//! What FFmpeg is told. Nothing of it is a stranger's text: media come through pipes and open
//! files, text is drawn by the host.

use super::clock::{Rate, SAMPLE_RATE};
use super::intake::Kinds;
use ffmpeg::{QUIET, words};
use model::composite::CompositeSpec;

/// What FFmpeg may take a file for. Formats that name other files or addresses are not among
/// them: a playlist in the media folder must not open what is outside of it.
const FORMATS: &str =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,mpegts,mpeg,mxf,avi,ogg,wav,mp3,aac";

/// What is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// A transport stream, on its standard input.
    Stream,
    /// A clip, over and over in real time: the file that is its standard input, opened anew so
    /// that it can seek.
    Clip,
    /// One PNG or JPEG, on its standard input.
    Image,
}

/// Decodes: pictures at the canvas's rate, no larger than the canvas, their pixels square, each
/// format's own header before them; and sound. Both begin at the same moment and have no gaps.
pub(super) fn decoder(
    from: From,
    kinds: Kinds,
    spec: &CompositeSpec,
    pictures: &str,
    sound: &str,
) -> Vec<String> {
    let rate = Rate::of_milli(spec.fps_milli).text();
    let mut all: Vec<String> = words(QUIET).collect();
    input(from, &mut all);
    if kinds.pictures {
        // The first makes pixels square, and is nothing where they are. A picture that becomes
        // another size on the way is made the size of the first.
        let (width, height) = (spec.width, spec.height);
        all.extend(words("-map 0:v:0 -an -sn -dn -vf"));
        let fps = match from {
            From::Image => String::new(),
            _ => format!("fps={rate}:start_time=0,"),
        };
        all.push(format!(
            "{fps}scale=w='max(2,trunc(iw*max(sar,0.01)/2)*2)':h='max(2,trunc(ih/2)*2)',\
             scale=w='min({width},iw)':h='min({height},ih)':force_original_aspect_ratio=decrease:\
             force_divisible_by=2:flags=bilinear,setsar=1,format=yuv420p"
        ));
        all.extend(words("-fps_mode passthrough -f yuv4mpegpipe"));
        if from == From::Image {
            all.extend(words("-frames:v 1"));
        }
        all.push(pictures.to_owned());
    }
    if kinds.sound {
        all.extend(words("-map 0:a:0 -vn -sn -dn -af"));
        all.push(format!("aresample={SAMPLE_RATE}:async=1:first_pts=0"));
        all.extend(words("-ac 2 -f s16le"));
        all.push(sound.to_owned());
    }
    all
}

fn input(from: From, all: &mut Vec<String>) {
    match from {
        From::Stream => all.extend(words(
            "-protocol_whitelist pipe -threads 2 -probesize 1000000 -analyzeduration 500000 \
             -reinit_filter:v 0 -f mpegts -i pipe:0",
        )),
        From::Clip => {
            all.extend(words("-protocol_whitelist file,pipe -format_whitelist"));
            all.push(FORMATS.to_owned());
            all.extend(words(
                "-threads 2 -re -stream_loop -1 -reinit_filter:v 0 -i file:/proc/self/fd/0",
            ));
        }
        From::Image => all.extend(words(
            "-protocol_whitelist pipe -format_whitelist png_pipe,jpeg_pipe -i pipe:0",
        )),
    }
}

/// Reads one PNG or JPEG with its transparency, as a portable arbitrary map; as wide as asked.
pub(super) fn sprite(width: Option<u32>) -> Vec<String> {
    let mut all: Vec<String> = words(QUIET).collect();
    input(From::Image, &mut all);
    all.extend(words("-map 0:v:0 -vf"));
    let width = width.map_or("min(4096,iw)".to_owned(), |width| width.to_string());
    all.push(format!(
        "scale=w='{width}':h=4096:force_original_aspect_ratio=decrease,format=rgba"
    ));
    all.extend(words("-frames:v 1 -c:v pam -f image2pipe pipe:1"));
    all
}

/// Encodes: raw pictures and sound from a pipe each, without looking at either first, since each
/// would wait for the other.
pub(super) fn encoder(spec: &CompositeSpec, pictures: &str, sound: &str) -> Vec<String> {
    let rate = Rate::of_milli(spec.fps_milli);
    let encoding = spec.encoding;
    let mut all: Vec<String> = words(QUIET).collect();
    let raw = "-probesize 32 -analyzeduration 0 -thread_queue_size 8";
    all.extend(words("-protocol_whitelist pipe"));
    all.extend(words(raw));
    all.extend(words("-f rawvideo -pix_fmt yuv420p -video_size"));
    all.push(format!("{}x{}", spec.width, spec.height));
    all.extend(["-framerate".to_owned(), rate.text()]);
    all.extend(["-i".to_owned(), pictures.to_owned()]);
    all.extend(words("-protocol_whitelist pipe"));
    all.extend(words(raw));
    all.extend(words("-f s16le -ar 48000 -ac 2 -i"));
    all.push(sound.to_owned());
    all.extend(words(
        "-map 0:v -map 1:a -fps_mode passthrough -c:v libx264 -preset",
    ));
    all.push(encoding.preset.as_str().to_owned());
    all.extend(words(
        "-profile:v high -bf 0 -rc-lookahead 10 -sc_threshold 0 -colorspace bt709 \
         -color_primaries bt709 -color_trc bt709 -color_range tv",
    ));
    let key_frames = rate.frames_in(std::time::Duration::from_millis(
        encoding.keyframe_ms.into(),
    ));
    let kbps = encoding.video_kbps;
    all.extend(format!("-g {key_frames} -keyint_min {key_frames} -b:v {kbps}k -maxrate {kbps}k -bufsize {kbps}k").split(' ').map(str::to_owned));
    all.extend(words("-c:a aac -b:a"));
    all.push(format!("{}k", encoding.audio_kbps));
    all.extend(words(
        "-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1 pipe:1",
    ));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> CompositeSpec {
        serde_json::from_str(r#"{"width": 1280, "height": 720, "fps_milli": 29970}"#).unwrap()
    }

    const BOTH: Kinds = Kinds {
        pictures: true,
        sound: true,
    };

    #[test]
    fn a_decoder_reads_one_pipe_and_makes_pictures_and_sound_on_one_clock() {
        assert_eq!(
            decoder(From::Stream, BOTH, &spec(), "pipe:7", "pipe:9").join(" "),
            "-hide_banner -nostdin -nostats -loglevel warning -protocol_whitelist pipe -threads 2 \
             -probesize 1000000 -analyzeduration 500000 -reinit_filter:v 0 -f mpegts -i pipe:0 \
             -map 0:v:0 -an -sn -dn -vf fps=30000/1001:start_time=0,\
             scale=w='max(2,trunc(iw*max(sar,0.01)/2)*2)':h='max(2,trunc(ih/2)*2)',\
             scale=w='min(1280,iw)':h='min(720,ih)':force_original_aspect_ratio=decrease:\
             force_divisible_by=2:flags=bilinear,setsar=1,format=yuv420p \
             -fps_mode passthrough -f yuv4mpegpipe pipe:7 \
             -map 0:a:0 -vn -sn -dn -af aresample=48000:async=1:first_pts=0 -ac 2 -f s16le pipe:9"
        );
        let line = |from| decoder(from, BOTH, &spec(), "pipe:7", "pipe:9").join(" ");
        assert!(line(From::Clip).contains("-format_whitelist mov,mp4,"));
        assert!(line(From::Clip).contains("-i file:/proc/self/fd/0 "));
        assert!(line(From::Image).contains("-format_whitelist png_pipe,jpeg_pipe -i pipe:0 "));
    }

    #[test]
    fn an_encoder_waits_for_neither_pipe_before_the_other() {
        assert_eq!(
            encoder(&spec(), "pipe:7", "pipe:9").join(" "),
            "-hide_banner -nostdin -nostats -loglevel warning -protocol_whitelist pipe \
             -probesize 32 -analyzeduration 0 -thread_queue_size 8 -f rawvideo -pix_fmt yuv420p \
             -video_size 1280x720 -framerate 30000/1001 -i pipe:7 -protocol_whitelist pipe \
             -probesize 32 -analyzeduration 0 -thread_queue_size 8 -f s16le -ar 48000 -ac 2 -i pipe:9 \
             -map 0:v -map 1:a -fps_mode passthrough -c:v libx264 -preset veryfast -profile:v high \
             -bf 0 -rc-lookahead 10 -sc_threshold 0 -colorspace bt709 -color_primaries bt709 \
             -color_trc bt709 -color_range tv -g 60 -keyint_min 60 -b:v 4500k -maxrate 4500k \
             -bufsize 4500k -c:a aac -b:a 128k -f mpegts -muxdelay 0 -muxpreload 0 \
             -flush_packets 1 pipe:1"
        );
    }
}
