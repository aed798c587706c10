//! The table as Markdown.

use crate::cell::{Cell, Expected, Media, Peer, Proof, Reason, Seen, Side, Way};
use crate::run::Outcome;
use std::fmt::Write;
use std::path::Path;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/peers.md");

/// Set to write the file.
const WRITE: &str = "POINTSMAN_WRITE_PEER_TABLE";

const HEAD: &str = "\
# Which peers play what

Written by `make peer-table` from a run of `tests/peers/tests/peer_table`; `make test` runs it
again and fails where this says something else. Each cell is one program that publishes to the
host, or plays from it, for five seconds of a picture that flashes while a tone beeps, once a
second.

- ✅ no picture is missing, and every beep is within 18 ms of its flash.
- ☑ pictures and sound were decoded and counted, flashes and beeps among them; the times are the
  peer's own.
- ❌ cannot work, for the reason below with that number.
- An empty cell was not tried, in most cases because the peer does not speak the protocol.

What a peer publishes is judged by FFmpeg 9.0, which reads it from the host over RTMP (JPEG over
HTTP). What it plays is decoded by itself, but what nginx-rtmp and srt-live-transmit pass on:
FFmpeg 5.1 plays that.

Chromium is driven by Playwright, on a page of another site: hls.js, dash.js, mpegts.js, a few lines of
Media Source Extensions for fMP4 over WebSocket, `<img>` for JPEG, and its own WebRTC. Its beeps are
within 200 ms of their flashes, as they are drawn and sounded. FFmpeg 9.0 is that of the Python package
`imageio-ffmpeg`; the other programs are Debian 12's.
";

/// The whole document.
pub(crate) fn render(cells: &[Cell], outcomes: &[Outcome]) -> String {
    let mut reasons = Vec::new();
    let pairs: Vec<_> = cells.iter().zip(outcomes).collect();
    let sections = [
        (Side::Publishes, "Peers publish"),
        (Side::Plays, "Peers play"),
    ];
    let sections = sections.map(|(side, title)| {
        let of_side = pairs.iter().filter(|(cell, _)| cell.side == side).copied();
        format!(
            "\n## {title}\n\n{}",
            section(of_side.collect(), &mut reasons)
        )
    });
    let reasons = reasons.into_iter().enumerate();
    let reasons = reasons.map(|(at, reason)| format!("{}. {}\n", at + 1, told(reason)));
    let reasons: String = reasons.collect();
    format!("{HEAD}{}\n## Why not\n\n{reasons}", sections.concat())
}

/// The peers beside each other, protocols and codecs below each other.
fn section(pairs: Vec<(&Cell, &Outcome)>, reasons: &mut Vec<&'static Reason>) -> String {
    let peers = Peer::ALL.map(|peer| format!(" {peer} |")).concat();
    let lines = "---|".repeat(Peer::ALL.len());
    let mut text = format!("| | |{peers}\n|---|---|{lines}\n");
    for (way, media) in Way::ALL
        .iter()
        .flat_map(|way| Media::ALL.map(|media| (*way, media)))
    {
        let is_here = |(cell, _): &&(&Cell, &Outcome)| cell.way == way && cell.media == media;
        let row: Vec<_> = pairs.iter().filter(is_here).collect();
        if row.is_empty() {
            continue;
        }
        let _ = write!(text, "| {way} | {media} |");
        for peer in Peer::ALL {
            let found = row.iter().find(|(cell, _)| cell.peer == peer);
            let mark = found.map(|(cell, outcome)| mark(cell, outcome, reasons));
            let _ = write!(text, " {} |", mark.unwrap_or_default());
        }
        text += "\n";
    }
    text
}

fn told(reason: &Reason) -> String {
    let why = reason.why;
    match &reason.shown_by {
        Some(Proof::Lacks { command, lacks }) => {
            format!("{why} (`{command}` has no `{}`.)", lacks.trim())
        }
        Some(Proof::NoDecoder { mime }) => {
            format!("{why} (`MediaSource.isTypeSupported('{mime}')` is false.)")
        }
        None => why.to_owned(),
    }
}

fn mark(cell: &Cell, outcome: &Outcome, reasons: &mut Vec<&'static Reason>) -> String {
    match (&outcome.seen, &cell.expected) {
        (Ok(Some(Seen::InStep)), _) => "✅".to_owned(),
        (Ok(Some(Seen::Decoded)), _) => "☑".to_owned(),
        (Ok(None), Expected::Red(reason)) => {
            let known = reasons.iter().position(|known| known == reason);
            let at = known.unwrap_or_else(|| {
                reasons.push(reason);
                reasons.len() - 1
            });
            format!("❌ {}", at + 1)
        }
        _ => "❌".to_owned(),
    }
}

/// Writes the file where that is asked for; else it has to say the same.
pub(crate) fn keep_or_compare(made: &str) {
    let file = Path::new(FILE);
    if std::env::var_os(WRITE).is_some() {
        return std::fs::write(file, made).expect("docs/peers.md can be written");
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept == made,
        "docs/peers.md says something else (make peer-table):\n{made}"
    );
}
