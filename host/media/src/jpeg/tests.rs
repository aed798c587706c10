use super::*;
use proptest::prelude::*;

/// A picture of that size, as small as one can be: its coded data means nothing.
fn picture(width: u16, height: u16, coded: &[u8]) -> Vec<u8> {
    let mut data = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2];
    data.extend([0xFF, 0xC0, 0, 11, 8]);
    data.extend(height.to_be_bytes());
    data.extend(width.to_be_bytes());
    data.extend([1, 1, 0x11, 0]);
    data.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
    data.extend(coded);
    data.extend([0xFF, 0xD9]);
    data
}

fn size(data: &[u8]) -> Result<(u32, u32, usize), JpegError> {
    let found = inspect(data, &Limits::default())?;
    Ok((found.video.width, found.video.height, found.bytes))
}

#[test]
fn a_picture_tells_its_size_and_its_end_whatever_stands_behind() {
    let coded = [1, 0xFF, 0, 2, 0xFF, 0xD3, 3, 0xFF, 0xFF, 0xFF, 0];
    let mut data = picture(640, 360, &coded);
    let length = data.len();
    assert_eq!(size(&data), Ok((640, 360, length)));
    data.extend([0, 0, 7]);
    assert_eq!(size(&data), Ok((640, 360, length)));
}

#[test]
fn scans_follow_one_another_as_progressive_pictures_have_them() {
    let mut coded = vec![1, 2, 0xFF, 0xC4, 0, 3, 9];
    coded.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 5]);
    let data = picture(8, 8, &coded);
    assert_eq!(size(&data), Ok((8, 8, data.len())));
}

#[test]
fn what_is_no_picture_is_refused_and_says_why() {
    let whole = picture(8, 8, &[1]);
    let of = |width, height| size(&picture(width, height, &[1])).unwrap_err();
    assert_eq!(size(b"GIF89a"), Err(JpegError::NotJpeg));
    assert_eq!(size(b""), Err(JpegError::Truncated { bytes: 0 }));
    assert!(matches!(of(65_535, 65_535), JpegError::TooLarge { .. }));
    assert!(matches!(of(16_384, 16_384), JpegError::TooLarge { .. }));
    assert!(matches!(of(0, 8), JpegError::Empty { .. }));
    assert!(matches!(of(8, 0), JpegError::Empty { .. }));
    for length in 0..whole.len() {
        let cut = size(&whole[..length]);
        assert_eq!(cut, Err(JpegError::Truncated { bytes: length }));
    }
    let lossless: Vec<_> = whole
        .iter()
        .map(|&b| if b == 0xC0 { 0xC3 } else { b })
        .collect();
    assert_eq!(size(&lossless), Err(JpegError::Coding { marker: 0xC3 }));
    let cases: [(&[u8], JpegError); 4] = [
        (
            &[0xFF, 0xD8, 0x12],
            JpegError::NoMarker { at: 2, found: 0x12 },
        ),
        (
            &[0xFF, 0xD8, 0xFF, 0xD9],
            JpegError::NoMarker { at: 2, found: 0xD9 },
        ),
        (
            &[0xFF, 0xD8, 0xFF, 0xDA, 0, 2],
            JpegError::NoFrame { at: 2 },
        ),
        (
            &[0xFF, 0xD8, 0xFF, 0xE1, 0, 1],
            JpegError::BadLength {
                marker: 0xE1,
                at: 2,
                length: 1,
            },
        ),
    ];
    for (data, error) in cases {
        assert_eq!(size(data), Err(error));
    }
}

#[test]
fn pictures_one_behind_the_other_are_cut_apart_wherever_reads_end() {
    let pictures = [
        picture(8, 8, &[1, 0xFF, 0]),
        picture(16, 8, &[2; 300]),
        picture(8, 24, &[]),
    ];
    let mut run = Vec::new();
    for picture in &pictures {
        run.extend(picture);
        run.extend(b"\r\n\0");
    }
    for step in [1, 2, 3, 7, 64, 10_000] {
        let mut splitter = Splitter::new(Limits::default());
        let mut found = Vec::new();
        for piece in run.chunks(step) {
            splitter.handle_input(piece);
            while let Some((_, data)) = splitter.poll_picture().unwrap() {
                found.push(data.to_vec());
            }
        }
        assert_eq!(found, pictures, "by {step}");
    }
}

#[test]
fn a_run_that_never_ends_a_picture_is_given_up_at_the_limit() {
    let limits = Limits {
        bytes: 1000,
        ..Limits::default()
    };
    let mut splitter = Splitter::new(limits);
    splitter.handle_input(&picture(8, 8, &[])[..32]);
    let mut pushed = 0;
    let error = loop {
        match splitter.poll_picture() {
            Ok(found) => assert!(found.is_none()),
            Err(error) => break error,
        }
        splitter.handle_input(&[7; 100]);
        pushed += 100;
        assert!(pushed < 2000);
    };
    assert_eq!(error, JpegError::TooLong { limit: 1000 });
    assert_eq!(splitter.poll_picture(), Err(error), "and stays so");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_what_is_found_is_within_them(
        mut data in proptest::collection::vec(
            prop_oneof![Just(0xFFu8), Just(0xD8), Just(0xC0), Just(0xDA), Just(0xD9), Just(0), any::<u8>()],
            0..400,
        ),
    ) {
        let _ = inspect(&data, &Limits::default());
        data.splice(0..0, picture(8, 8, &[]).into_iter().take(31));
        if let Ok(found) = inspect(&data, &Limits::default()) {
            prop_assert!(found.bytes <= data.len());
            prop_assert_eq!(&data[found.bytes - 2..found.bytes], &[0xFF, 0xD9]);
        }
    }
}
