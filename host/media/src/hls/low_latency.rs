//! Media playlists of CMAF renditions, with parts unless they are encrypted
//! (draft-pantos-hls-rfc8216bis-17).

use super::date_range;
use super::key::{KeyRotation, KeyTags};
use super::playlist::rfc3339;
use crate::cmaf::{Cues, File, FileName, RenditionName, Segment, Window};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// Delta updates need 9, all else less (§8).
const VERSION: u32 = 9;

/// What the playlist leaves out if asked to: all that is older than so many target durations
/// (§4.4.3.8: at least six).
const SKIP_TARGETS: u32 = 6;

/// Parts are listed of segments that end less than so many target durations before the end
/// (§4.4.4.9).
const PART_TARGETS: u32 = 3;

/// Parts that a player stays behind the end (§4.4.3.8 recommends at least three).
const HOLD_BACK_PARTS: f64 = 3.0;

/// How far another rendition has come (§4.4.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Which.
    pub rendition: RenditionName,
    /// Its newest segment, and that segment's newest part.
    pub last: (u64, usize),
}

/// What a playlist says beside its segments.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// Of the other renditions.
    pub reports: Vec<Report>,
    /// Splices.
    pub cues: Arc<Cues>,
    /// The segments are under these keys. They are whole then: a part by itself cannot be
    /// deciphered, so no parts are listed.
    pub keys: Option<KeyRotation>,
}

/// Writes the playlist of one rendition; `None` before its first whole segment. If `skip`, what a
/// player knows that had an earlier version is left out (§6.2.5.1).
pub fn low_latency_playlist(
    name: RenditionName,
    window: &Window,
    notes: &Notes,
    skip: bool,
) -> Option<String> {
    if !window.is_ready() {
        return None;
    }
    let skipped = if skip { skippable(window) } else { 0 };
    let listed = window.listed().len() - skipped;
    let mut text = String::with_capacity(1024 + 192 * listed);
    // Writing to a String cannot fail.
    let _ = write_playlist(name, window, notes, skipped, &mut text);
    Some(text)
}

fn write_playlist(
    name: RenditionName,
    window: &Window,
    notes: &Notes,
    skipped: usize,
    out: &mut String,
) -> std::fmt::Result {
    let in_parts = notes.keys.is_none();
    write_head(window, in_parts, out)?;
    date_range::write(&notes.cues, out)?;
    if skipped > 0 {
        writeln!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")?;
    }
    let with_parts = window.listed().len() - partly(window);
    let (mut map, mut keys) = (None, KeyTags::new(notes.keys, skipped > 0));
    let shown = window.listed().filter(|it| in_parts || it.complete);
    for (index, segment) in shown.enumerate() {
        let changed = map.replace(segment.map) != Some(segment.map);
        if index < skipped {
            continue;
        }
        if segment.discontinuity {
            writeln!(out, "#EXT-X-DISCONTINUITY")?;
        }
        if changed {
            let init = name.file(File::Init(segment.map));
            keys.lift(out)?;
            writeln!(out, "#EXT-X-MAP:URI=\"{init}\"")?;
        }
        let key = |number| name.file(File::Key(number)).to_string();
        keys.write(segment.sequence, key, out)?;
        write_segment(name, segment, in_parts && index >= with_parts, out)?;
    }
    if window.has_ended() {
        return writeln!(out, "#EXT-X-ENDLIST");
    }
    if !in_parts {
        return Ok(());
    }
    let (sequence, part) = window.next_part();
    let hint = name.file(File::Part(sequence, part));
    writeln!(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{hint}\"")?;
    for report in &notes.reports {
        let (sequence, part) = report.last;
        let uri = report.rendition.file(File::Playlist);
        writeln!(
            out,
            "#EXT-X-RENDITION-REPORT:URI=\"{uri}\",LAST-MSN={sequence},LAST-PART={part}"
        )?;
    }
    Ok(())
}

fn write_head(window: &Window, in_parts: bool, out: &mut String) -> std::fmt::Result {
    writeln!(out, "#EXTM3U\n#EXT-X-VERSION:{VERSION}")?;
    writeln!(out, "#EXT-X-TARGETDURATION:{}", window.target_s())?;
    let skippable_s = window.target_s() * u64::from(SKIP_TARGETS);
    write!(out, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES")?;
    if in_parts {
        let hold_back = part_target_s(window) * HOLD_BACK_PARTS;
        write!(out, ",PART-HOLD-BACK={hold_back:.5}")?;
    }
    writeln!(out, ",CAN-SKIP-UNTIL={skippable_s}.0")?;
    if in_parts {
        let part = part_target_s(window);
        writeln!(out, "#EXT-X-PART-INF:PART-TARGET={part:.5}")?;
    }
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
    Ok(())
}

fn write_segment(
    name: RenditionName,
    segment: &Segment,
    with_parts: bool,
    out: &mut String,
) -> std::fmt::Result {
    writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", rfc3339(segment.at))?;
    if with_parts {
        for (index, part) in segment.parts.iter().enumerate() {
            let uri = name.file(File::Part(segment.sequence, index));
            let lasts = part.duration as f64 / f64::from(segment.timescale.max(1));
            write!(out, "#EXT-X-PART:DURATION={lasts:.5},URI=\"{uri}\"")?;
            out.push_str(if part.independent {
                ",INDEPENDENT=YES\n"
            } else {
                "\n"
            });
        }
    }
    if segment.complete {
        // Of a long playlist this is most of the work, and it never changes.
        out.push_str(segment.text.get_or_init(|| {
            let uri: FileName = name.file(File::Segment(segment.sequence));
            format!("#EXTINF:{:.5},\n{uri}\n", segment.lasts().as_secs_f64())
        }));
    }
    Ok(())
}

/// Rounded up to what the playlist can say, so that no part is longer.
fn part_target_s(window: &Window) -> f64 {
    (window.part_target().as_secs_f64() * 1e5).ceil() / 1e5
}

/// How many listed segments, counted from the end, have their parts listed.
fn partly(window: &Window) -> usize {
    let recent = Duration::from_secs(window.target_s() * u64::from(PART_TARGETS));
    newest_within(window, recent)
}

/// How many listed segments, counted from the first, a delta update leaves out. It pays only for
/// more than the tag itself.
fn skippable(window: &Window) -> usize {
    let recent = Duration::from_secs(window.target_s() * u64::from(SKIP_TARGETS));
    window.listed().len() - newest_within(window, recent)
}

fn newest_within(window: &Window, recent: Duration) -> usize {
    let mut behind = Duration::ZERO;
    let newest = window.listed().rev().take_while(|segment| {
        let within = behind < recent;
        behind += segment.lasts();
        within
    });
    newest.count()
}
