//! AV1, VP9 and Opus: headers, configuration records, packets. And splice information.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::codec::opus::{self, Head};
use media::codec::splice::Splice;
use media::codec::{av1, vp9};
use media::ts::psi::crc32;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_last() else {
        return;
    };
    match choice % 4 {
        0 => av1(&Bytes::copy_from_slice(data)),
        1 => vp9(data),
        2 => opus(data),
        _ => splice(data),
    }
});

fn av1(data: &Bytes) {
    let _ = av1::is_key(data);
    let whole: usize = av1::obus(data).map(|obu| obu.whole.len()).sum();
    assert!(whole <= data.len());
    for config in [
        av1::DecoderConfig::parse(data),
        av1::DecoderConfig::new(data),
    ] {
        let Ok(config) = config else { continue };
        config.codec_string();
        assert_eq!(
            av1::DecoderConfig::parse(&config.build()).unwrap().obus,
            config.obus
        );
    }
}

fn vp9(data: &[u8]) {
    if let Ok(Some(key)) = vp9::KeyFrame::parse(data) {
        assert!(vp9::is_key(data));
        let config = key.config();
        assert_eq!(vp9::DecoderConfig::parse(&config.build()), Ok(config));
    }
    let _ = vp9::DecoderConfig::parse(data).map(|config| config.codec_string());
}

fn opus(data: &[u8]) {
    let _ = opus::packet_samples(data);
    for head in [Head::parse(data), Head::parse_dops(data)] {
        let Ok(head) = head else { continue };
        assert_eq!(Head::parse(&head.build()), Ok(head.clone()));
        assert_eq!(Head::parse_dops(&head.build_dops()), Ok(head));
    }
}

/// The CRC is made right: what is read is what lies behind it.
fn splice(data: &[u8]) {
    let mut section = [&[0xFC], data].concat();
    section.extend(crc32(&section).to_be_bytes());
    let _ = Splice::read(&section);
}
