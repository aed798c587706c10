//! Transport streams as they come from the wire, in any cut.
#![no_main]

use bytes::Bytes;
use fuzz::cut::pieces;
use fuzz::pipeline::Pipeline;
use libfuzzer_sys::fuzz_target;
use media::ts::framer::Framer;
use media::ts::pace::Pacer;
use media::ts::packet::Packet;
use media::ts::pes::PesHeader;
use media::ts::psi::{Pat, Pmt, Sections};
use std::time::Instant;

fuzz_target!(|data: &[u8]| {
    let Some((&seed, data)) = data.split_last() else {
        return;
    };
    let whole = frame(Framer::stream(), [Bytes::copy_from_slice(data)]);
    let cut = frame(Framer::stream(), pieces(data, seed));
    assert_eq!(whole.concat(), cut.concat(), "the cut changed the packets");

    let mut pipeline = Pipeline::default();
    for (at, run) in frame(Framer::datagram(), pieces(data, seed))
        .into_iter()
        .enumerate()
    {
        if at % 16 == 15 {
            pipeline.splice(None, at % 32 == 31);
        }
        pipeline.run(run);
    }
    pipeline.finish();

    let (mut pacer, mut now) = (Pacer::new(), Instant::now());
    for mut run in frame(Framer::stream(), pieces(data, seed)) {
        let mut left = run.len();
        while !run.is_empty() {
            let (piece, due) = pacer.take(now, &mut run);
            left -= piece.len();
            now = due.unwrap_or(now);
        }
        assert_eq!(left, 0, "packets are neither lost nor made");
    }

    let _ = (Pat::parse(data), Pmt::parse(data), PesHeader::parse(data));
    let mut sections = Sections::default();
    Packet::iter(data)
        .for_each(|packet| sections.push(packet, |section| drop(Pmt::parse(section))));
});

/// The packets found, and none lost: bytes are given out, skipped, or wait.
fn frame(mut framer: Framer, pieces: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
    let (mut out, mut pushed) = (Vec::new(), 0);
    for piece in pieces {
        pushed += piece.len();
        framer.push(piece, &mut out);
    }
    let given: usize = out.iter().map(Bytes::len).sum();
    let waiting = pushed - given - framer.skipped_bytes() as usize;
    assert!(waiting <= Framer::MAX_CARRY);
    out
}
