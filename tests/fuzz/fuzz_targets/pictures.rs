//! JPEG pictures and multipart bodies, as strangers publish them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media::jpeg::{Limits, Splitter, inspect};
use media::multipart::{self, Parser, boundary_of};

const LIMITS: Limits = Limits {
    bytes: 4096,
    side: 16_384,
    pixels: 64 << 20,
};

fuzz_target!(|data: &[u8]| {
    let Some((&step, data)) = data.split_last() else {
        return;
    };
    let step = usize::from(step).max(1);
    run(data, step);
    body(data, step);
    let _ = boundary_of(&String::from_utf8_lossy(data));
});

/// However a run is cut, the same pictures come of it.
fn run(data: &[u8], step: usize) {
    let split = |step: usize| {
        let (mut splitter, mut found) = (Splitter::new(LIMITS), Vec::new());
        for piece in data.chunks(step) {
            splitter.handle_input(piece);
            while let Ok(Some((picture, data))) = splitter.poll_picture() {
                assert_eq!(inspect(&data, &LIMITS), Ok(picture));
                assert!(data.len() <= LIMITS.bytes);
                found.push(data);
            }
        }
        found
    };
    assert_eq!(split(step), split(1));
}

/// However a body is cut, the same parts come of it.
fn body(data: &[u8], step: usize) {
    let limits = multipart::Limits {
        part_bytes: 1024,
        head_bytes: 256,
    };
    let split = |step: usize| {
        let (mut parser, mut found) = (Parser::new("b", limits).expect("a boundary"), Vec::new());
        for piece in data.chunks(step) {
            parser.handle_input(piece);
            while let Ok(Some(part)) = parser.poll_part() {
                assert!(part.body.len() <= limits.part_bytes);
                found.push(part);
            }
        }
        found
    };
    assert_eq!(split(step), split(1));
}
