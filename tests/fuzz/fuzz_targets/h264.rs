//! H.264 units, parameter sets and configuration records, and both framings of units.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use media::codec::h264::{DecoderConfig, NalType, Sps, in_frame};
use media::codec::nal::{self, LengthSize};

fuzz_target!(|data: &[u8]| {
    let _ = Sps::parse(data);
    record(&Bytes::copy_from_slice(data));
    framings(data);
    let of = |wanted| {
        nal::annex_b(data)
            .filter(move |unit| NalType::of(unit) == Some(wanted))
            .map(Bytes::copy_from_slice)
            .collect()
    };
    if let Ok(config) = DecoderConfig::new(of(NalType::Sps), of(NalType::Pps)) {
        assert_eq!(DecoderConfig::parse(&config.build()), Ok(config));
    }
});

fn record(record: &Bytes) {
    let Ok(config) = DecoderConfig::parse(record) else {
        return;
    };
    let _ = config.video();
    config.codec_string();
    assert_eq!(DecoderConfig::parse(&config.build()), Ok(config));
}

fn framings(data: &[u8]) {
    let mut prefixed = BytesMut::new();
    nal::to_length_prefixed(data, in_frame, &mut prefixed);
    let kept: Vec<&[u8]> = nal::annex_b(data).filter(|unit| in_frame(unit)).collect();
    let again: Vec<&[u8]> = nal::length_prefixed(&prefixed, LengthSize::Four)
        .flatten()
        .collect();
    assert_eq!(kept, again);
    for size in [LengthSize::One, LengthSize::Two, LengthSize::Four] {
        let mut annexb = BytesMut::new();
        let _ = nal::to_annex_b(data, size, &mut annexb);
    }
}
