//! What each engine wants to be told; pure.

use ffmpeg::words;
use std::fmt;

/// What encodes H.264.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// x264.
    Cpu,
    /// NVENC.
    Nvidia,
    /// VA-API.
    Vaapi,
}

/// Pictures between key frames that nobody asked for: there are none, they come by time.
const GROUP: &str = "3000";

impl Engine {
    /// The name used in the API and the config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Nvidia => "nvidia",
            Self::Vaapi => "vaapi",
        }
    }

    /// What comes before all inputs. `vaapi_device` is a path of the operator's.
    pub fn device(self, vaapi_device: &str) -> Vec<String> {
        match self {
            Self::Cpu | Self::Nvidia => Vec::new(),
            Self::Vaapi => vec!["-vaapi_device".to_owned(), vaapi_device.to_owned()],
        }
    }

    /// What a filter chain of pictures ends with.
    pub const fn upload(self) -> &'static str {
        match self {
            Self::Cpu | Self::Nvidia => "format=yuv420p",
            Self::Vaapi => "format=nv12,hwupload",
        }
    }

    /// The encoder of an output, at so many thousands of bits a second: no pictures that refer to
    /// later ones, which browsers do not show over WebRTC, and key frames only where they are
    /// forced, each an IDR picture (closed groups).
    pub fn encoder(self, video_kbps: u32) -> Vec<String> {
        let mut all: Vec<String> = match self {
            Self::Cpu => {
                words("-c:v libx264 -preset veryfast -profile:v high -bf 0 -sc_threshold 0")
                    .chain(words("-forced-idr 1"))
                    .collect()
            }
            Self::Nvidia => words("-c:v h264_nvenc -preset p4 -profile:v high -bf 0")
                .chain(words("-no-scenecut 1 -forced-idr 1 -rc vbr"))
                .collect(),
            Self::Vaapi => words("-c:v h264_vaapi -profile:v high -bf 0 -rc_mode VBR").collect(),
        };
        all.extend(["-g".to_owned(), GROUP.to_owned()]);
        let most = video_kbps + video_kbps / 10;
        let buffer = video_kbps + video_kbps / 2;
        for (option, kbps) in [
            ("-b:v", video_kbps),
            ("-maxrate", most),
            ("-bufsize", buffer),
        ] {
            all.extend([option.to_owned(), format!("{kbps}k")]);
        }
        all
    }
}

/// Forces a key frame whenever the time of the media passes a multiple of the interval. Encoders
/// that see the same pictures do so at the same ones, also in another process.
pub(crate) fn key_frames(interval_ms: u32) -> [String; 2] {
    let seconds = f64::from(interval_ms) / 1_000.0;
    let at =
        format!("expr:isnan(prev_forced_t)+gt(floor(t/{seconds}),floor(prev_forced_t/{seconds}))");
    ["-force_key_frames".to_owned(), at]
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_engine_is_told_what_it_wants() {
        const DEVICE: &str = "/dev/dri/renderD128";
        let line = |engine: Engine| {
            let mut all = engine.device(DEVICE);
            all.extend(engine.encoder(2_500));
            format!("{} | {}", engine.upload(), all.join(" "))
        };
        assert_eq!(
            line(Engine::Cpu),
            "format=yuv420p | -c:v libx264 -preset veryfast -profile:v high -bf 0 \
             -sc_threshold 0 -forced-idr 1 -g 3000 -b:v 2500k -maxrate 2750k -bufsize 3750k"
        );
        assert_eq!(
            line(Engine::Nvidia),
            "format=yuv420p | -c:v h264_nvenc -preset p4 -profile:v high -bf 0 -no-scenecut 1 \
             -forced-idr 1 -rc vbr -g 3000 -b:v 2500k -maxrate 2750k -bufsize 3750k"
        );
        assert_eq!(
            line(Engine::Vaapi),
            "format=nv12,hwupload | -vaapi_device /dev/dri/renderD128 -c:v h264_vaapi \
             -profile:v high -bf 0 -rc_mode VBR -g 3000 -b:v 2500k -maxrate 2750k -bufsize 3750k"
        );
    }

    #[test]
    fn key_frames_are_forced_on_a_grid_of_time() {
        assert_eq!(
            key_frames(2_000).join(" "),
            "-force_key_frames expr:isnan(prev_forced_t)+gt(floor(t/2),floor(prev_forced_t/2))"
        );
        assert!(key_frames(500)[1].contains("floor(t/0.5)"));
    }
}
