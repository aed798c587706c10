//! What ffprobe says.

use super::Span;
use serde::Deserialize;

/// The longest that is believed: 1,000 days.
const MAX_LENGTH_S: f64 = 86_400_000.0;

/// More pictures a second are none.
const MAX_FPS: f64 = 1_000.0;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    pub(super) streams: Vec<Stream>,
    pub(super) format: Format,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Format {
    pub(super) format_name: Option<String>,
    start_time: Option<String>,
    duration: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stream {
    pub(super) index: u32,
    codec_type: Option<String>,
    pub(super) codec_name: Option<String>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) pix_fmt: Option<String>,
    avg_frame_rate: Option<String>,
    pub(super) channels: Option<u32>,
    sample_rate: Option<String>,
    disposition: Disposition,
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Disposition {
    attached_pic: u8,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: Option<f64>,
}

/// By its bytes; whatever is missing has no value.
pub(super) fn parse(json: &[u8]) -> serde_json::Result<Report> {
    serde_json::from_slice(json)
}

impl Stream {
    /// A cover is no video.
    pub(super) fn is_video(&self) -> bool {
        self.codec_type.as_deref() == Some("video") && self.disposition.attached_pic == 0
    }

    pub(super) fn is_audio(&self) -> bool {
        self.codec_type.as_deref() == Some("audio")
    }

    /// FFmpeg counts against the clock.
    pub(super) fn rotation_degrees(&self) -> u32 {
        let turned = self.side_data_list.iter().find_map(|data| data.rotation);
        let turned = turned.filter(|degrees| degrees.is_finite()).unwrap_or(0.0);
        (-turned).round().rem_euclid(360.0) as u32
    }

    /// To three places.
    pub(super) fn fps(&self) -> Option<f64> {
        let (count, per) = self.avg_frame_rate.as_deref()?.split_once('/')?;
        let fps = count.parse::<f64>().ok()? / per.parse::<f64>().ok()?;
        let is_one = fps > 0.0 && fps <= MAX_FPS;
        is_one.then(|| (fps * 1_000.0).round() / 1_000.0)
    }

    pub(super) fn sample_rate(&self) -> u32 {
        let rate = self.sample_rate.as_deref();
        rate.and_then(|rate| rate.parse().ok()).unwrap_or(0)
    }
}

impl Format {
    pub(super) fn span(&self) -> Option<Span> {
        let seconds = |text: &Option<String>| text.as_deref()?.parse::<f64>().ok();
        let length = seconds(&self.duration)?;
        let begin = seconds(&self.start_time).unwrap_or(0.0);
        let within = length > 0.0 && length <= MAX_LENGTH_S && begin.abs() <= MAX_LENGTH_S;
        within.then_some(Span { begin, length })
    }
}

/// The end of the last packet in seconds, from lines of when it is shown, when decoded, and for
/// how long.
pub(super) fn last_end(lines: &[u8]) -> Option<f64> {
    let text = String::from_utf8_lossy(lines);
    let ends = text.lines().filter_map(|line| {
        let mut fields = line.split(',').map(|field| field.parse::<f64>().ok());
        let (shown, decoded, lasts) = (fields.next()?, fields.next()?, fields.next()?);
        Some(shown.or(decoded)? + lasts.unwrap_or(0.0))
    });
    ends.filter(|end| end.is_finite()).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_packet_is_the_one_that_is_shown_last() {
        let lines = b"1.0,0.9,0.04\n9.5,9.0,0.5\n9.0,9.1,N/A\n\nN/A,2,N/A\nnan,nan,nan\n";
        assert_eq!(last_end(lines), Some(10.0));
        assert_eq!(last_end(b""), None);
    }
}
