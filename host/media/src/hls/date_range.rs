//! Splices as date ranges (draft-pantos-hls-rfc8216bis-17 §4.4.5.1).

use super::playlist::rfc3339;
use crate::cmaf::{Break, Cue, Cues};
use crate::codec::splice::Direction;
use std::fmt::Write;

/// Writes a tag for each break, and another one for its end. Sections go in as digits only, so
/// nothing that a source says ends a line or an attribute.
pub(super) fn write(cues: &Cues, out: &mut String) -> std::fmt::Result {
    for it in cues.iter() {
        write_begin(it, out)?;
        if let Some(ends) = &it.ends {
            write_end(it, ends, out)?;
        }
    }
    Ok(())
}

fn write_begin(it: &Break, out: &mut String) -> std::fmt::Result {
    head(it, out)?;
    if let Some(planned) = it.begins.duration {
        write!(out, ",PLANNED-DURATION={:.3}", planned.as_secs_f64())?;
    }
    let attribute = match it.begins.direction {
        Direction::Out => "SCTE35-OUT",
        Direction::In => "SCTE35-IN",
        Direction::Other => "SCTE35-CMD",
    };
    section(attribute, &it.begins, out)
}

/// Attributes that both tags have must have the same value; so this one has no others.
fn write_end(it: &Break, ends: &Cue, out: &mut String) -> std::fmt::Result {
    head(it, out)?;
    let lasted = ends.at.duration_since(it.begins.at).unwrap_or_default();
    write!(out, ",DURATION={:.3}", lasted.as_secs_f64())?;
    section("SCTE35-IN", ends, out)
}

fn head(it: &Break, out: &mut String) -> std::fmt::Result {
    let (id, start) = (&it.id, rfc3339(it.begins.at));
    write!(out, "#EXT-X-DATERANGE:ID=\"{id}\",START-DATE=\"{start}\"")
}

fn section(attribute: &str, cue: &Cue, out: &mut String) -> std::fmt::Result {
    write!(out, ",{attribute}=0x")?;
    for byte in &cue.section {
        write!(out, "{byte:02X}")?;
    }
    writeln!(out)
}
