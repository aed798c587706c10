//! The media presentation description of a live stream (ISO/IEC 23009-1 §5.3).

use super::event;
use crate::cmaf::{Cues, File, ID3_SCHEME, Rendition, RenditionName, Segment, Window};
use crate::hls::rfc3339;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Brands of the live profile, and of low latency (DASH-IF IOP part 9).
const PROFILES: &str = "urn:mpeg:dash:profile:isoff-live:2011,\
                        http://www.dashif.org/guidelines/low-latency-live-v5";

/// How often players look for new segments. One that is being made is listed already, so this is
/// a fraction of what a segment lasts.
const UPDATE: Duration = Duration::from_millis(500);

/// What does not come from the windows.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// When media time zero was; must stay the same for the life of a presentation.
    pub origin: SystemTime,
    /// Now.
    pub published: SystemTime,
    /// Where the host tells the time (`urn:mpeg:dash:utc:http-iso:2014`).
    pub clock: &'a str,
    /// Splices that fall into the windows.
    pub cues: &'a Cues,
}

/// When media time zero was, judged by the newest segment of `window`; `None` if it has none.
pub fn origin(window: &Window) -> Option<SystemTime> {
    let newest = window.listed().next_back()?;
    let scale = u64::from(newest.timescale.max(1));
    let nanos = (newest.time % scale) * 1_000_000_000 / scale;
    let since = Duration::new(newest.time / scale, nanos as u32);
    newest.at.checked_sub(since)
}

/// One track, from its last change of parameters on.
struct Adaptation<'a> {
    name: RenditionName,
    rendition: &'a Rendition,
    map: u64,
    segments: Vec<&'a Arc<Segment>>,
    window: &'a Window,
}

/// Writes the manifest; `None` while no rendition has a whole segment.
///
/// There is one period. When the tracks change it gets another name and lists what came since:
/// a presentation has one initialization segment a representation.
pub fn live_manifest(windows: &[(RenditionName, &Window)], moment: Moment<'_>) -> Option<String> {
    let adaptations: Vec<_> = windows
        .iter()
        .filter_map(|(name, window)| Adaptation::of(*name, window))
        .collect();
    if adaptations.is_empty() {
        return None;
    }
    let mut text = String::with_capacity(2048);
    // Writing to a String cannot fail.
    let _ = write_manifest(&adaptations, moment, &mut text);
    Some(text)
}

impl<'a> Adaptation<'a> {
    fn of(name: RenditionName, window: &'a Window) -> Option<Self> {
        let map = window.listed().next_back()?.map;
        let segments = window.listed().filter(|segment| segment.map == map);
        Some(Self {
            name,
            rendition: window.rendition()?,
            map,
            segments: segments.collect(),
            window,
        })
        .filter(|_| window.is_ready())
    }

    /// Whether ID3 tags, if there are any, are in its parts.
    fn carries_tags(&self) -> bool {
        let newest = self.segments.last();
        let leader = newest.and_then(|newest| newest.header.leader());
        leader.is_some_and(|leader| leader.track == self.name.track)
    }

    /// What an open segment is expected to last: as long as the one before.
    fn lasts(&self, index: usize) -> u64 {
        let Some(segment) = self.segments.get(index) else {
            return 0;
        };
        let before = index
            .checked_sub(1)
            .and_then(|index| self.segments.get(index));
        match before {
            Some(before) if !segment.complete => before.duration.max(segment.duration),
            _ => segment.duration,
        }
        .max(1)
    }
}

fn write_manifest(
    adaptations: &[Adaptation<'_>],
    moment: Moment<'_>,
    out: &mut String,
) -> std::fmt::Result {
    let target_s = adaptations.iter().map(|it| it.window.target_s()).max();
    let target_s = target_s.unwrap_or(1).max(1);
    let depth = adaptations.iter().map(|it| it.window.depth()).max();
    let ended = adaptations.iter().all(|it| it.window.has_ended());
    let part_ms = adaptations
        .iter()
        .map(|it| it.window.part_target().as_millis());
    let part_ms = part_ms.max().unwrap_or(200);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    write!(
        out,
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"{PROFILES}\" type=\"dynamic\" \
         availabilityStartTime=\"{}\" publishTime=\"{}\" minBufferTime=\"PT{}S\" \
         timeShiftBufferDepth=\"PT{}S\" maxSegmentDuration=\"PT{target_s}S\"",
        rfc3339(moment.origin),
        rfc3339(moment.published),
        seconds(Duration::from_millis(2 * part_ms as u64)),
        seconds(depth.unwrap_or_default()),
    )?;
    if ended {
        write!(
            out,
            " mediaPresentationDuration=\"PT{}S\"",
            seconds(end(adaptations))
        )?;
    } else {
        write!(out, " minimumUpdatePeriod=\"PT{}S\"", seconds(UPDATE))?;
    }
    writeln!(out, ">")?;
    let latency_ms = 1_000 + 3 * part_ms;
    writeln!(
        out,
        "<ServiceDescription id=\"0\"><Latency target=\"{latency_ms}\" min=\"{part_ms}\" \
         max=\"{}\"/><PlaybackRate min=\"0.95\" max=\"1.05\"/></ServiceDescription>",
        3 * latency_ms
    )?;
    let period = adaptations.iter().map(|it| it.map).max().unwrap_or(0);
    writeln!(out, "<Period id=\"{period}\" start=\"PT0S\">")?;
    event::write(moment.cues, out)?;
    for (id, adaptation) in adaptations.iter().enumerate() {
        write_adaptation(id, adaptation, out)?;
    }
    writeln!(out, "</Period>")?;
    writeln!(
        out,
        "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"{}\"/>\n</MPD>",
        moment.clock
    )
}

fn write_adaptation(id: usize, it: &Adaptation<'_>, out: &mut String) -> std::fmt::Result {
    let (kind, rendition) = (if it.name.video { "video" } else { "audio" }, it.rendition);
    write!(
        out,
        "<AdaptationSet id=\"{id}\" contentType=\"{kind}\" mimeType=\"{kind}/mp4\" \
         segmentAlignment=\"true\" startWithSAP=\"1\""
    )?;
    let letters = rendition
        .language
        .filter(|code| code.iter().all(u8::is_ascii_lowercase));
    if let Some(code) = letters.and_then(|code| String::from_utf8(code.to_vec()).ok()) {
        write!(out, " lang=\"{code}\"")?;
    }
    writeln!(out, ">")?;
    if it.carries_tags() {
        writeln!(out, "<InbandEventStream schemeIdUri=\"{ID3_SCHEME}\"/>")?;
    }
    writeln!(
        out,
        "<Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"main\"/>"
    )?;
    write_template(it, out)?;
    let (bandwidth, _) = it.window.bandwidth_bps();
    write!(
        out,
        "<Representation id=\"{}\" bandwidth=\"{}\"",
        it.name,
        bandwidth.max(1)
    )?;
    if let Some(codec) = &rendition.codec {
        write!(out, " codecs=\"{codec}\"")?;
    }
    if let Some(video) = rendition.video {
        write!(
            out,
            " width=\"{}\" height=\"{}\"",
            video.width, video.height
        )?;
        if video.fps_milli > 0 {
            write!(out, " frameRate=\"{}/1000\"", video.fps_milli)?;
        }
    }
    if let Some(audio) = rendition.audio {
        write!(out, " audioSamplingRate=\"{}\"", audio.sample_rate_hz)?;
        write!(
            out,
            "><AudioChannelConfiguration \
             schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" \
             value=\"{}\"/></Representation>\n</AdaptationSet>\n",
            audio.channels
        )
    } else {
        writeln!(out, "/>\n</AdaptationSet>")
    }
}

/// An open segment is there as soon as its first part is: `availabilityTimeOffset` says so.
fn write_template(it: &Adaptation<'_>, out: &mut String) -> std::fmt::Result {
    let timescale = it.rendition.timescale;
    let first = it.segments.first().map_or(0, |first| first.sequence);
    let target = Duration::from_secs(it.window.target_s());
    let offset = target.saturating_sub(it.window.part_target());
    writeln!(
        out,
        "<SegmentTemplate timescale=\"{timescale}\" startNumber=\"{first}\" \
         availabilityTimeOffset=\"{}\" availabilityTimeComplete=\"false\" \
         initialization=\"{}\" media=\"{}-$Number$.m4s\">\n<SegmentTimeline>",
        seconds(offset),
        it.name.file(File::Init(it.map)),
        it.name,
    )?;
    let mut runs: Vec<(u64, u64, u64)> = Vec::new();
    for (index, segment) in it.segments.iter().enumerate() {
        let lasts = it.lasts(index);
        match runs.last_mut() {
            Some((time, duration, more))
                if *duration == lasts && *time + *duration * (*more + 1) == segment.time =>
            {
                *more += 1;
            }
            _ => runs.push((segment.time, lasts, 0)),
        }
    }
    for (time, duration, more) in runs {
        write!(out, "<S t=\"{time}\" d=\"{duration}\"")?;
        if more > 0 {
            write!(out, " r=\"{more}\"")?;
        }
        writeln!(out, "/>")?;
    }
    writeln!(out, "</SegmentTimeline>\n</SegmentTemplate>")
}

/// Media time at which the presentation has ended.
fn end(adaptations: &[Adaptation<'_>]) -> Duration {
    let ends = adaptations.iter().filter_map(|it| {
        let last = it.segments.last()?;
        let ticks = last.time + last.duration;
        Some(Duration::from_secs_f64(
            ticks as f64 / f64::from(last.timescale.max(1)),
        ))
    });
    ends.max().unwrap_or_default()
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}
