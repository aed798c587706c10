//! Splices as events of the manifest (ANSI/SCTE 214-1 §6.7; ANSI/SCTE 35 §12).

use crate::Ticks90k;
use crate::cmaf::{Break, Cue, Cues};
use std::fmt::Write;

/// Sections as they came, in XML.
const SCHEME: &str = "urn:scte:scte35:2014:xml+bin";
const NAMESPACE: &str = "http://www.scte.org/schemas/35/2016";

/// Writes the event stream of a period; nothing without splices. A break and its end are two
/// events.
pub(super) fn write(cues: &Cues, out: &mut String) -> std::fmt::Result {
    if cues.iter().next().is_none() {
        return Ok(());
    }
    writeln!(
        out,
        "<EventStream schemeIdUri=\"{SCHEME}\" timescale=\"90000\">"
    )?;
    for it in cues.iter() {
        write_event(2 * it.number, &it.begins, lasts(it), out)?;
        if let Some(ends) = &it.ends {
            write_event(2 * it.number + 1, ends, None, out)?;
        }
    }
    writeln!(out, "</EventStream>")
}

/// From begin to end, as far as that is known.
fn lasts(it: &Break) -> Option<Ticks90k> {
    let (end, _) = it.end()?;
    Some(end - it.begins.time).filter(|lasts| *lasts > Ticks90k::ZERO)
}

fn write_event(id: u64, cue: &Cue, lasts: Option<Ticks90k>, out: &mut String) -> std::fmt::Result {
    let time = cue.time.0.max(0);
    write!(out, "<Event id=\"{id}\" presentationTime=\"{time}\"")?;
    if let Some(lasts) = lasts {
        write!(out, " duration=\"{}\"", lasts.0)?;
    }
    write!(out, "><Signal xmlns=\"{NAMESPACE}\"><Binary>")?;
    base64(&cue.section, out);
    writeln!(out, "</Binary></Signal></Event>")
}

/// RFC 4648 §4.
fn base64(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 0x3F;
            let digit = DIGITS.get(digit as usize).copied().unwrap_or(b'=');
            let filled = place <= three.len();
            out.push(if filled { char::from(digit) } else { '=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10.
    #[test]
    fn base64_agrees_with_the_vectors_of_its_standard() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = String::new();
            base64(plain.as_bytes(), &mut out);
            assert_eq!(out, coded);
        }
    }
}
