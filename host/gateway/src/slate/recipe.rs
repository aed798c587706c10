//! What FFmpeg is told to make of a picture or a clip.

use super::clip::Rate;
use ffmpeg::{QUIET, words};
use media::profile::{Picture, PictureCodec, Profile, Sound, SoundCodec};
use std::time::Duration;

/// The largest picture that is read or made, samples: 8K (7680 by 4320).
const MAX_PIXELS: u64 = 7_680 * 4_320;
/// A picture is shown from a line of this many seconds.
const STILL_SECONDS: u64 = 2;
/// What files a clip may be; the same as of a file that is played.
const CLIPS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,mpegts,mpeg,mxf,avi,gif";
/// What files a picture may be.
const STILLS: &str = "png_pipe,jpeg_pipe,webp_pipe,bmp_pipe";

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One picture.
    Still,
    /// Pictures that move, and perhaps sound.
    Clip,
}

/// Where the sound comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hearing {
    /// The clip's first track.
    Own,
    /// Silence.
    Silence,
}

/// A slate's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) picture: Option<PictureRecipe>,
    pub(super) sound: Option<SoundRecipe>,
}

/// Of its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PictureRecipe {
    hevc: bool,
    width: u32,
    height: u32,
    pub(super) rate: Rate,
    sample_aspect: (u16, u16),
    profile: Option<&'static str>,
    samples: &'static str,
}

/// Of its sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SoundRecipe {
    opus: bool,
    pub(super) sample_rate_hz: u32,
    channels: u8,
}

impl Kind {
    /// PNG, JPEG, WebP and BMP are pictures; what else there is, is for FFmpeg to find out.
    pub(super) fn of(head: &[u8]) -> Self {
        let is_webp = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
        let stills: [&[u8]; 3] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"];
        match is_webp || stills.iter().any(|still| head.starts_with(still)) {
            true => Self::Still,
            false => Self::Clip,
        }
    }
}

impl Recipe {
    /// Like the stream; as most streams are, where nothing is known.
    pub(super) fn like(profile: Option<Profile>) -> Self {
        let usual = Profile {
            picture: Some(Picture::other(PictureCodec::Other, Default::default())),
            sound: Some(Sound {
                codec: SoundCodec::Other,
                audio: Default::default(),
            }),
        };
        let profile = profile.unwrap_or(usual);
        Self {
            picture: profile.picture.map(PictureRecipe::like),
            sound: profile.sound.map(SoundRecipe::like),
        }
    }

    /// FFmpeg's arguments. The file is the one on its standard input, opened anew so that it can
    /// seek; nothing else can be opened.
    pub(super) fn arguments(&self, kind: Kind, hearing: Hearing, clip: Duration) -> Vec<String> {
        let mut all: Vec<String> = words(QUIET).collect();
        all.extend(words("-filter_threads 1 -protocol_whitelist file,pipe"));
        all.extend(words("-format_whitelist"));
        all.push(if kind == Kind::Still { STILLS } else { CLIPS }.to_owned());
        all.extend(["-max_pixels".to_owned(), MAX_PIXELS.to_string()]);
        let rate = self.picture.map_or(Rate::USUAL, |picture| picture.rate);
        if kind == Kind::Still {
            all.extend(["-framerate".to_owned(), rate.to_string()]);
        }
        all.extend(words("-threads 1 -i file:/proc/self/fd/0"));
        let silence = self.sound.filter(|_| hearing == Hearing::Silence);
        if let Some(sound) = silence {
            all.extend(words("-f lavfi -i"));
            all.push(format!("anullsrc=r={}:cl=stereo", sound.sample_rate_hz));
        }
        if let Some(picture) = &self.picture {
            all.extend(words("-map 0:v:0"));
            all.extend(picture.arguments(kind));
        }
        if let Some(sound) = &self.sound {
            all.extend(["-map", if silence.is_some() { "1:a:0" } else { "0:a:0" }].map(Into::into));
            all.extend(sound.arguments());
        }
        let seconds = match kind {
            Kind::Still => STILL_SECONDS,
            Kind::Clip => clip.as_secs().max(1),
        };
        all.extend(["-t".to_owned(), seconds.to_string()]);
        all.extend(words(
            "-shortest -sn -dn -map_metadata -1 -f mpegts -muxdelay 0 -muxpreload 0 pipe:1",
        ));
        all
    }
}

impl PictureRecipe {
    fn like(picture: Picture) -> Self {
        // 4:2:0 has samples of colour for two by two.
        let even = |side: u32| side.min(16_384) & !1;
        let (width, height) = (even(picture.video.width), even(picture.video.height));
        let fits = width >= 16 && height >= 16 && pixels(width, height) <= MAX_PIXELS;
        let (width, height) = if fits { (width, height) } else { (1_280, 720) };
        let hevc = picture.codec == PictureCodec::Hevc;
        Self {
            hevc,
            width,
            height,
            rate: Rate::of_milli(picture.video.fps_milli),
            sample_aspect: picture.sample_aspect,
            profile: match picture.profile_idc {
                66 if !hevc => Some("baseline"),
                77 if !hevc => Some("main"),
                _ => None, // what the samples ask for
            },
            samples: match (picture.chroma_format_idc, picture.bit_depth) {
                (2, ..=8) => "yuv422p",
                (2, _) => "yuv422p10le",
                (3, ..=8) => "yuv444p",
                (3, _) => "yuv444p10le",
                (_, ..=8) => "yuv420p",
                _ => "yuv420p10le",
            },
        }
    }

    /// The picture is fitted into the stream's as it is shown, whatever its samples look like,
    /// and may be joined every half second.
    fn arguments(&self, kind: Kind) -> Vec<String> {
        let (width, height) = (self.width, self.height);
        let (across, down) = self.sample_aspect;
        let shown = u64::from(width) * u64::from(across) / u64::from(down.max(1));
        let shown = shown.clamp(16, 16_384) & !1;
        let rate = self.rate;
        let mut filter = format!(
            "scale=trunc(iw*sar/2)*2:ih,setsar=1,\
             scale={shown}:{height}:force_original_aspect_ratio=decrease:out_range=tv,\
             pad={shown}:{height}:(ow-iw)/2:(oh-ih)/2,scale={width}:{height},\
             setsar={across}/{down},format={}",
            self.samples
        );
        filter += &match kind {
            Kind::Still => ",loop=-1:1:0,setpts=N/FRAME_RATE/TB".to_owned(),
            Kind::Clip => format!(",fps={rate}"),
        };
        let bits = pixels(width, height) * u64::from(rate.milli()) / 1_000 / 10;
        let bits = bits.clamp(500_000, 20_000_000).to_string();
        let group = (rate.milli() / 2_000).max(1);
        let mut all: Vec<String> = vec!["-vf".into(), filter, "-r".into(), rate.to_string()];
        if self.hevc {
            all.extend(words("-c:v libx265 -preset fast -x265-params"));
            all.push(format!(
                "log-level=error:pools=1:frame-threads=1:bframes=0:scenecut=0:open-gop=0:\
                 keyint={group}:min-keyint={group}"
            ));
        } else {
            all.extend(words(
                "-c:v libx264 -preset fast -threads 1 -bf 0 -sc_threshold 0",
            ));
            all.extend(["-g".into(), group.to_string()]);
            all.extend(["-keyint_min".into(), group.to_string()]);
            let profile = self.profile.into_iter();
            all.extend(profile.flat_map(|profile| ["-profile:v".into(), profile.into()]));
        }
        all.extend(words("-crf 20"));
        all.extend(["-maxrate", &bits, "-bufsize", &bits].map(Into::into));
        all
    }
}

impl SoundRecipe {
    fn like(sound: Sound) -> Self {
        /// ISO/IEC 14496-3 table 1.18.
        const RATES: [u32; 12] = [
            96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
            8_000,
        ];
        let opus = sound.codec == SoundCodec::Opus;
        let rate = sound.audio.sample_rate_hz;
        let known = !opus && RATES.contains(&rate);
        Self {
            opus,
            sample_rate_hz: if known { rate } else { 48_000 },
            channels: match sound.audio.channels {
                channels @ 1..=8 => channels,
                _ => 2,
            },
        }
    }

    /// Samples in a frame.
    pub(super) const fn samples(&self) -> u32 {
        if self.opus { 960 } else { 1_024 }
    }

    /// Never shorter than the pictures.
    fn arguments(&self) -> Vec<String> {
        let mut all: Vec<String> = words("-af apad -ar").collect();
        all.push(self.sample_rate_hz.to_string());
        all.extend(["-ac".into(), self.channels.to_string()]);
        all.extend(words(match self.opus {
            true => "-c:a libopus -frame_duration 20",
            false => "-c:a aac",
        }));
        let bits = 64_000 * u32::from(self.channels);
        all.extend(["-b:a".into(), bits.to_string()]);
        all
    }
}

const fn pixels(width: u32, height: u32) -> u64 {
    width as u64 * height as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::frame::{Audio, Video};

    fn line(profile: Option<Profile>, kind: Kind, hearing: Hearing) -> String {
        let clip = Duration::from_secs(60);
        Recipe::like(profile)
            .arguments(kind, hearing, clip)
            .join(" ")
    }

    #[test]
    fn a_picture_becomes_a_short_line_with_silence() {
        assert_eq!(
            line(None, Kind::Still, Hearing::Silence),
            "-hide_banner -nostdin -nostats -loglevel warning -filter_threads 1 \
             -protocol_whitelist file,pipe -format_whitelist png_pipe,jpeg_pipe,webp_pipe,bmp_pipe \
             -max_pixels 33177600 -framerate 25/1 -threads 1 -i file:/proc/self/fd/0 \
             -f lavfi -i anullsrc=r=48000:cl=stereo -map 0:v:0 \
             -vf scale=trunc(iw*sar/2)*2:ih,setsar=1,\
             scale=1280:720:force_original_aspect_ratio=decrease:out_range=tv,\
             pad=1280:720:(ow-iw)/2:(oh-ih)/2,scale=1280:720,setsar=1/1,format=yuv420p,\
             loop=-1:1:0,setpts=N/FRAME_RATE/TB -r 25/1 -c:v libx264 -preset fast -threads 1 \
             -bf 0 -sc_threshold 0 -g 12 -keyint_min 12 -crf 20 -maxrate 2304000 -bufsize 2304000 \
             -map 1:a:0 -af apad -ar 48000 -ac 2 -c:a aac -b:a 128000 -t 2 -shortest -sn -dn \
             -map_metadata -1 -f mpegts -muxdelay 0 -muxpreload 0 pipe:1"
        );
    }

    #[test]
    fn whatever_a_publisher_claims_the_encoder_is_asked_for_what_it_can_do() {
        for (width, height) in [(65_535, 65_535), (0, 0), (1, 1_000), (16_384, 16_384)] {
            let video = Video {
                width,
                height,
                fps_milli: u32::MAX,
            };
            let sound = Sound {
                codec: SoundCodec::Aac,
                audio: Audio {
                    sample_rate_hz: 1,
                    channels: 200,
                },
            };
            let picture = Picture {
                sample_aspect: (1, 65_535),
                ..Picture::other(PictureCodec::Hevc, video)
            };
            let profile = Profile {
                picture: Some(picture),
                sound: Some(sound),
            };
            let line = line(Some(profile), Kind::Clip, Hearing::Own);
            assert!(line.contains("scale=1280:720,"), "{line}");
            assert!(line.contains("pad=16:720:"), "{line}");
            assert!(line.contains("-ar 48000 -ac 2 "), "{line}");
            assert!(line.contains(",fps=25/1 "), "{line}");
        }
    }

    #[test]
    fn pictures_are_told_by_their_first_bytes() {
        let cases: [(&[u8], Kind); 6] = [
            (b"\x89PNG\r\n\x1a\n\0\0\0\x0d", Kind::Still),
            (b"\xff\xd8\xff\xe0", Kind::Still),
            (b"RIFF\0\0\0\0WEBP", Kind::Still),
            (b"RIFF\0\0\0\0AVI ", Kind::Clip),
            (b"\0\0\0\x20ftypisom", Kind::Clip),
            (b"", Kind::Clip),
        ];
        for (head, kind) in cases {
            assert_eq!(Kind::of(head), kind, "{head:?}");
        }
    }
}
