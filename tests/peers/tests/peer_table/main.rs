//! Which peers get what through the built program: every peer, protocol and codec is a cell, in
//! every cell decoded pictures and sound are judged, and the table of it is `docs/peers.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests fail as tests do, and real peers live in real time"
)]

mod cell;
mod chromium;
mod ffmpeg;
mod gstreamer;
mod judge;
mod relays;
mod rows;
mod run;
mod studio;
mod table;
mod vlc;

/// The table is made anew; what it tells must be what `docs/peers.md` says. Where the variable
/// `POINTSMAN_WRITE_PEER_TABLE` is set (`make peer-table`), the file is written instead. `POINTSMAN_PEER_CELLS` names a part of the cells,
/// for whoever looks into them: `GStreamer plays`.
#[test]
fn every_peer_gets_what_the_table_says() {
    let mut rows = rows::all();
    let part = std::env::var("POINTSMAN_PEER_CELLS").ok();
    rows.retain(|cell| {
        part.as_ref()
            .is_none_or(|part| cell.to_string().contains(part))
    });
    let outcomes = run::all(&rows);
    let failed: Vec<_> = outcomes.iter().filter_map(run::Outcome::failure).collect();
    let made = table::render(&rows, &outcomes);
    assert!(failed.is_empty(), "not as expected:\n{}", failed.join("\n"));
    if part.is_none() {
        table::keep_or_compare(&made);
    }
}
