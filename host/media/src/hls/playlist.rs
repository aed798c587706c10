//! The media playlist (RFC 8216 §4.3).

use super::key::{KeyRotation, KeyTags};
use super::{Segment, Window};
use crate::wall::Civil;
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Fractional EXTINF durations need 3; nothing here needs more (§7).
const VERSION: u32 = 3;

/// Writes the playlist of what `window` lists; `uri` names a segment relative to it, and
/// `keys/NUMBER.key` a key, if they are under any.
///
/// `None` while there is no segment: an empty playlist makes some players give up.
pub fn media_playlist(
    window: &Window,
    keys: Option<KeyRotation>,
    uri: impl Fn(&Segment) -> String,
) -> Option<String> {
    window.listed().next()?;
    let mut text = String::with_capacity(256 + 160 * window.listed().count());
    // Writing to a String cannot fail.
    let _ = write_playlist(window, keys, uri, &mut text);
    Some(text)
}

fn write_playlist(
    window: &Window,
    keys: Option<KeyRotation>,
    uri: impl Fn(&Segment) -> String,
    out: &mut String,
) -> std::fmt::Result {
    writeln!(out, "#EXTM3U\n#EXT-X-VERSION:{VERSION}")?;
    writeln!(out, "#EXT-X-TARGETDURATION:{}", window.target_s())?;
    let first = window.listed().next().map_or(0, |first| first.sequence);
    writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{first}")?;
    writeln!(
        out,
        "#EXT-X-DISCONTINUITY-SEQUENCE:{}",
        window.discontinuity_sequence()
    )?;
    if window.listed().all(|segment| segment.independent) {
        writeln!(out, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    }
    let mut keys = KeyTags::new(keys, false);
    for segment in window.listed() {
        let key = |number| format!("keys/{number}.key");
        keys.write(segment.sequence, key, out)?;
        write_segment(segment, &uri(segment), out)?;
    }
    if window.has_ended() {
        writeln!(out, "#EXT-X-ENDLIST")?;
    }
    Ok(())
}

fn write_segment(segment: &Segment, uri: &str, out: &mut String) -> std::fmt::Result {
    if segment.discontinuity {
        writeln!(out, "#EXT-X-DISCONTINUITY")?;
    }
    writeln!(
        out,
        "#EXT-X-PROGRAM-DATE-TIME:{}",
        rfc3339(segment.program_date_time)
    )?;
    writeln!(out, "#EXTINF:{:.5},\n{uri}", segment.duration.as_secs_f64())
}

/// UTC with milliseconds. Times before 1970 are written as 1970.
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = Civil::utc(time);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        since.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_agree_with_date_1() {
        // date -u -d @N +%FT%T.%3NZ
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
        assert_eq!(
            rfc3339(UNIX_EPOCH + Duration::from_millis(7)),
            "1970-01-01T00:00:00.007Z"
        );
    }
}
