//! How streams are packaged.

use media::Ticks90k;
use media::cmaf::WindowConfig;
use media::hls::KeyRotation;
use model::{HlsForm, HlsSpec, StreamName};
use std::collections::HashMap;
use std::time::Duration;

/// How one stream is packaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What HLS viewers get.
    pub form: HlsForm,
    /// How far back viewers may seek: 0 s to 12 h. At least six segments are listed.
    pub window: Duration,
    /// What one rendition may hold in memory: 16 MiB to 64 GiB. A window ends there, however
    /// far back it was to reach.
    pub max_bytes: usize,
    /// Segments are encrypted with AES-128, with a new key every so many: 1 to 1000. `None`: they
    /// are not. A stream that is encrypted over HLS is not served in the clear beside it: not as
    /// DASH, nor as an endless file under `/live/`.
    pub key_rotation: Option<u32>,
}

impl Default for Settings {
    /// CMAF, 12 s, 256 MiB, in the clear.
    fn default() -> Self {
        let WindowConfig {
            depth, max_bytes, ..
        } = WindowConfig::default();
        Self {
            form: HlsForm::Cmaf,
            window: depth,
            max_bytes,
            key_rotation: None,
        }
    }
}

impl Settings {
    /// With what one input says of its own.
    fn with(self, own: &HlsSpec) -> Self {
        let window = own.window_s.map(|s| Duration::from_secs(s.into()));
        Self {
            form: own.form.unwrap_or(self.form),
            window: window.unwrap_or(self.window),
            key_rotation: match own.key_rotation {
                Some(every) => Some(every).filter(|every| *every > 0),
                None => self.key_rotation,
            },
            ..self
        }
    }

    /// Under which keys segments are.
    pub(crate) fn keys(&self) -> Option<KeyRotation> {
        self.key_rotation.map(KeyRotation::every)
    }

    pub(super) fn window_config(&self, target: Ticks90k) -> WindowConfig {
        WindowConfig {
            target,
            depth: self.window.min(Duration::from_secs(12 * 3600)),
            max_bytes: self.max_bytes.max(16 << 20),
        }
    }
}

/// How all streams are packaged.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) usual: Settings,
    /// What differs for some.
    pub(super) own: HashMap<StreamName, HlsSpec>,
}

impl Plan {
    pub(super) fn of(&self, stream: &StreamName) -> Settings {
        match self.own.get(stream) {
            Some(own) => self.usual.with(own),
            None => self.usual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_its_own_way_in_what_it_says_and_the_usual_one_in_the_rest() {
        let usual = Settings {
            key_rotation: Some(3),
            ..Settings::default()
        };
        let says = |form, window_s, key_rotation| HlsSpec {
            form,
            window_s,
            key_rotation,
        };
        assert_eq!(usual.with(&HlsSpec::default()), usual);
        let own = usual.with(&says(Some(HlsForm::Ts), Some(60), Some(0)));
        assert_eq!((own.form, own.key_rotation), (HlsForm::Ts, None));
        assert_eq!(own.window, Duration::from_secs(60));
        assert_eq!(usual.with(&says(None, None, Some(9))).key_rotation, Some(9));
    }
}
