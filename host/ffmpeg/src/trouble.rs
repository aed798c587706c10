//! What kinds of end an FFmpeg comes to.

use std::fmt;

/// Why an FFmpeg ended, as far as its last words, its status and its watch tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// What it was given is no media, or not what it was said to be.
    BadInput,
    /// It was built without a codec, a format or a filter.
    MissingCodec,
    /// There is no such device, or its driver does not work.
    NoDevice,
    /// Nothing more can be written.
    DiskFull,
    /// It got no memory.
    OutOfMemory,
    /// Somebody killed it; with signal 9 that is often the kernel, for want of memory.
    Killed {
        /// Which signal, as in signal(7).
        signal: i32,
    },
    /// Somebody stopped it (SIGSTOP), so it was killed.
    Stopped,
    /// It made nothing of what it was given, so it was killed.
    Stalled {
        /// For how long.
        seconds: u64,
    },
    /// This machine is too slow for it, so it was killed.
    TooSlow {
        /// What was reached, in percent of real time.
        percent: u32,
    },
    /// Anything else.
    Other,
}

/// What FFmpeg 5.1 to 9.0 say, in small letters, and what it means; the first that is found holds. The system's own
/// words (strerror(3)) come first, since what follows from them is said as well.
const TELLING: [(&str, Trouble); 28] = [
    ("no space left on device", Trouble::DiskFull),
    ("disk quota exceeded", Trouble::DiskFull),
    ("cannot allocate memory", Trouble::OutOfMemory),
    ("out of memory", Trouble::OutOfMemory),
    ("device creation failed", Trouble::NoDevice),
    ("cannot load libcuda", Trouble::NoDevice),
    ("cannot load libnvidia-encode", Trouble::NoDevice),
    ("cuda_error", Trouble::NoDevice),
    ("no capable devices found", Trouble::NoDevice),
    ("no device available", Trouble::NoDevice),
    ("failed to initialise vaapi", Trouble::NoDevice),
    ("no va display found", Trouble::NoDevice),
    ("no such device", Trouble::NoDevice),
    ("unknown encoder", Trouble::MissingCodec),
    ("unknown decoder", Trouble::MissingCodec),
    ("encoder not found", Trouble::MissingCodec),
    ("decoder not found", Trouble::MissingCodec),
    ("no decoder found", Trouble::MissingCodec),
    ("no such filter", Trouble::MissingCodec),
    ("unknown input format", Trouble::MissingCodec),
    ("requested output format", Trouble::MissingCodec),
    ("invalid data found", Trouble::BadInput),
    ("format not on whitelist", Trouble::BadInput),
    ("moov atom not found", Trouble::BadInput),
    ("could not find codec parameters", Trouble::BadInput),
    ("cannot determine format", Trouble::BadInput),
    ("matches no streams", Trouble::BadInput),
    ("does not contain any stream", Trouble::BadInput),
];

impl Trouble {
    /// By the signal that ended it, if one did, and by its last words.
    pub(crate) fn of(signal: Option<i32>, words: &str) -> Self {
        let words = words.to_lowercase();
        let told = TELLING.iter().find(|(said, _)| words.contains(said));
        match (told, signal) {
            (Some((_, Self::OutOfMemory)), _) => Self::OutOfMemory,
            (_, Some(signal)) => Self::Killed { signal },
            (Some((_, trouble)), None) => *trouble,
            (None, None) => Self::Other,
        }
    }

    /// Stable short name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadInput => "bad-input",
            Self::MissingCodec => "missing-codec",
            Self::NoDevice => "no-device",
            Self::DiskFull => "disk-full",
            Self::OutOfMemory => "out-of-memory",
            Self::Killed { .. } => "killed",
            Self::Stopped => "stopped",
            Self::Stalled { .. } => "stalled",
            Self::TooSlow { .. } => "too-slow",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadInput | Self::Other => f.write_str("ffmpeg ended"),
            Self::MissingCodec => f.write_str("this ffmpeg was built without what it takes"),
            Self::NoDevice => f.write_str("ffmpeg found no device that works"),
            Self::DiskFull => f.write_str("ffmpeg ended, since the disk is full"),
            Self::OutOfMemory => f.write_str("ffmpeg ended for want of memory"),
            Self::Killed { signal } => write!(f, "ffmpeg was killed by signal {signal}"),
            Self::Stopped => f.write_str("ffmpeg was stopped by a signal, and killed for that"),
            Self::Stalled { seconds } => {
                write!(f, "ffmpeg made nothing for {seconds} s, and was killed")
            }
            Self::TooSlow { percent } => {
                let (whole, rest) = (percent / 100, percent % 100);
                write!(
                    f,
                    "this machine cannot carry it: {whole}.{rest:02} x real time; ask for fewer or \
                     smaller pictures"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_and_signals_are_told_apart() {
        let cases = [
            (
                "pipe:0: Invalid data found when processing input",
                Trouble::BadInput,
            ),
            ("x | [mov] moov atom not found | y", Trouble::BadInput),
            (
                "av_interleaved_write_frame(): No space left on device",
                Trouble::DiskFull,
            ),
            ("Unknown encoder 'libx999'", Trouble::MissingCodec),
            ("[h264_nvenc] Cannot load libcuda.so.1", Trouble::NoDevice),
            (
                "[AVHWDeviceContext] No VA display found for device /dev/dri/renderD128.",
                Trouble::NoDevice,
            ),
            (
                "malloc of size 9 failed: Cannot allocate memory",
                Trouble::OutOfMemory,
            ),
            ("something new", Trouble::Other),
        ];
        for (words, trouble) in cases {
            assert_eq!(Trouble::of(None, words), trouble, "{words}");
        }
        assert_eq!(
            Trouble::of(Some(9), "Invalid data found"),
            Trouble::Killed { signal: 9 }
        );
        assert_eq!(Trouble::of(Some(6), "Out of memory"), Trouble::OutOfMemory);
    }

    #[test]
    fn what_a_machine_cannot_carry_is_said_in_real_time() {
        let said = Trouble::TooSlow { percent: 70 }.to_string();
        assert!(
            said.starts_with("this machine cannot carry it: 0.70 x real time"),
            "{said}"
        );
    }
}
