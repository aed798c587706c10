//! H.265 parameter sets and configuration records; AAC configurations and ADTS frames.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::codec::aac::AudioSpecificConfig;
use media::codec::hevc::{DecoderConfig, NalType, Sps};
use media::codec::{adts, nal};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_last() else {
        return;
    };
    match choice % 4 {
        0 => hevc_units(data),
        1 => hevc_record(&Bytes::copy_from_slice(data)),
        2 => aac(data),
        _ => frames(data),
    }
});

fn hevc_units(data: &[u8]) {
    let _ = Sps::parse(data);
    let of = |wanted| {
        nal::annex_b(data)
            .filter(move |unit| NalType::of(unit) == Some(wanted))
            .map(Bytes::copy_from_slice)
            .collect()
    };
    let (vps, sps, pps) = (of(NalType::Vps), of(NalType::Sps), of(NalType::Pps));
    if let Ok(config) = DecoderConfig::new(vps, sps, pps) {
        assert_eq!(DecoderConfig::parse(&config.build()), Ok(config));
    }
}

fn hevc_record(record: &Bytes) {
    let Ok(config) = DecoderConfig::parse(record) else {
        return;
    };
    let _ = config.video();
    config.codec_string();
    assert_eq!(DecoderConfig::parse(&config.build()), Ok(config));
}

fn aac(data: &[u8]) {
    let Ok(config) = AudioSpecificConfig::parse(data) else {
        return;
    };
    config.codec_string();
    if let Ok(built) = config.build() {
        assert_eq!(AudioSpecificConfig::parse(&built), Ok(config));
    }
    if let Ok(header) = adts::Header::build(&config, data.len()) {
        let header = adts::Header::parse(&header).unwrap();
        assert_eq!(header.frame_bytes, header.header_bytes + data.len());
    }
}

fn frames(data: &[u8]) {
    let mut frames = adts::frames(data);
    let mut used = 0;
    while let Some(frame) = frames.next() {
        let _ = frame.header.config();
        used += frame.header.frame_bytes;
    }
    assert_eq!(used + frames.skipped() + frames.rest().len(), data.len());
}
