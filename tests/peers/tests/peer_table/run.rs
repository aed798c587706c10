//! Tries all cells, some beside each other.

use crate::cell::{Cell, Expected, Peer, Proof, Seen, Side};
use crate::studio::Studio;
use crate::{chromium, ffmpeg, gstreamer, relays, vlc};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

/// Cells at a time. Each is a publisher or a player of a small picture in real time.
const AT_ONCE: usize = 4;

/// Cells that are tried again at most.
const AGAIN: usize = 5;

/// What came of a cell.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    cell: String,
    /// What was seen; none for what cannot work, and is shown not to.
    pub(crate) seen: Result<Option<Seen>, String>,
}

impl Outcome {
    /// What was not as expected.
    pub(crate) fn failure(&self) -> Option<String> {
        let fault = self.seen.as_ref().err()?;
        Some(format!("{}: {fault}", self.cell))
    }
}

/// The outcomes of these cells, in their order.
pub(crate) fn all(cells: &[Cell]) -> Vec<Outcome> {
    let studio = Studio::open();
    let mut outcomes = beside_each_other(&studio, cells);
    // The table tells what works, not how busy the machine was: what failed is tried once more,
    // by itself.
    let failed = cells
        .iter()
        .zip(&mut outcomes)
        .filter(|(_, it)| it.seen.is_err());
    for (cell, outcome) in failed.take(AGAIN) {
        *outcome = one(&studio, cell);
    }
    studio.host.stop();
    outcomes
}

fn beside_each_other(studio: &Studio, cells: &[Cell]) -> Vec<Outcome> {
    let next = Mutex::new(cells.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let work = || {
        loop {
            let taken = next.lock().unwrap().next();
            let Some((at, cell)) = taken else { return };
            let outcome = one(studio, cell);
            done.lock().unwrap().push((at, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

fn one(studio: &Studio, cell: &Cell) -> Outcome {
    let began = Instant::now();
    // Drivers of peers fail as tests do.
    let tried = catch_unwind(AssertUnwindSafe(|| attempt(studio, cell)));
    let seen = tried.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(text.unwrap_or_default())
    });
    eprintln!("{cell}: {seen:?} ({:.1} s)", began.elapsed().as_secs_f64());
    Outcome {
        cell: cell.to_string(),
        seen,
    }
}

fn attempt(studio: &Studio, cell: &Cell) -> Result<Option<Seen>, String> {
    let Cell {
        peer,
        side,
        way,
        media,
        expected,
    } = cell;
    if let Expected::Red(reason) = expected {
        return reason.shown_by.as_ref().map_or(Ok(None), show);
    }
    let seen = match (peer, side) {
        (Peer::Ffmpeg(build), Side::Plays) => ffmpeg::plays(*build, studio, *way, *media),
        (Peer::Ffmpeg(build), Side::Publishes) => ffmpeg::publishes(*build, studio, *way, *media),
        (Peer::GStreamer, Side::Plays) => gstreamer::plays(studio, *way, *media),
        (Peer::GStreamer, Side::Publishes) => gstreamer::publishes(studio, *way, *media),
        (Peer::Vlc, Side::Publishes) => vlc::publishes(studio, *way, *media),
        (Peer::Vlc, Side::Plays) => vlc::plays(studio, *way, *media),
        (Peer::Chromium, Side::Plays) => chromium::plays(studio, *way, *media),
        (Peer::Chromium, Side::Publishes) => chromium::publishes(studio, *media),
        (Peer::Transmit, Side::Plays) => relays::transmit_plays(studio, *media),
        (Peer::Transmit, Side::Publishes) => relays::transmit_publishes(studio, *media),
        (Peer::Nginx, _) => relays::nginx_plays(studio, *media),
    };
    seen.map(Some)
}

fn show(proof: &Proof) -> Result<Option<Seen>, String> {
    let (command, lacks) = match proof {
        Proof::Lacks { command, lacks } => (command, lacks),
        Proof::NoDecoder { mime } if chromium::supports(mime) => {
            return Err(format!("Chromium decodes {mime} now"));
        }
        Proof::NoDecoder { .. } => return Ok(None),
    };
    let mut words = command.split_whitespace();
    let mut program = Command::new(words.next().expect("a program"));
    let ran = program.args(words).output();
    let ran = ran.map_err(|error| error.to_string())?;
    let said = [ran.stdout, ran.stderr].concat();
    if String::from_utf8_lossy(&said).contains(lacks) {
        return Err(format!("`{command}` knows {lacks} now"));
    }
    Ok(None)
}
