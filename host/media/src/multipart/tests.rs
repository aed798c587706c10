use super::*;
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    part_bytes: 1000,
    head_bytes: 200,
};

/// Names and bodies of a body's parts, pushed in pieces of that size.
fn parts(
    boundary: &str,
    body: &[u8],
    step: usize,
) -> Result<Vec<(String, Vec<u8>)>, MultipartError> {
    let mut parser = Parser::new(boundary, LIMITS)?;
    let mut found = Vec::new();
    for piece in body.chunks(step) {
        parser.handle_input(piece);
        while let Some(part) = parser.poll_part()? {
            found.push((part.name.unwrap_or_default(), part.body.to_vec()));
        }
    }
    parser.finish().map(|()| found)
}

fn expect(boundary: &str, body: &str, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, body)| ((*name).to_owned(), body.as_bytes().to_vec()))
        .collect();
    for step in [1, 2, 3, 5, 64, 10_000] {
        let found = parts(boundary, body.as_bytes(), step);
        assert_eq!(found.as_ref(), Ok(&expected), "by {step}: {body:?}");
    }
}

#[test]
fn a_form_gives_its_fields() {
    let form = "preamble\r\n--x.y\r\nContent-Disposition: form-data; filename=\"a;b\"; name=\"frame\"\r\n\
        Content-Type: image/jpeg\r\n\r\nA\r\n--x.\r\nB\r\n--x.y \t\r\n\
        content-disposition: form-data; name=other\r\n\r\n\r\n--x.y--\r\nepilogue";
    expect("x.y", form, &[("frame", "A\r\n--x.\r\nB"), ("other", "")]);
}

#[test]
fn a_measured_part_is_whole_with_its_last_byte() {
    let mut parser = Parser::new("frame", LIMITS).unwrap();
    parser.handle_input(b"--frame\r\nContent-Length: 3\r\n\r\nab");
    assert_eq!(parser.poll_part(), Ok(None));
    parser.handle_input(b"c");
    let part = parser.poll_part().unwrap().unwrap();
    assert_eq!(part.body, "abc");
    assert_eq!(parser.finish(), Ok(()));
    assert!(!parser.has_ended());
}

#[test]
fn what_senders_get_wrong_is_taken_where_it_cannot_be_misread() {
    let told = |ends: &str| {
        format!("--f\nContent-Length: 2\n\nab{ends}--f\r\nContent-Length: 2\r\n\r\n--{ends}--f--")
    };
    for ends in ["", "\n", "\r\n", "\r\n\r\n"] {
        expect("f", &told(ends), &[("", "ab"), ("", "--")]);
    }
    let dashes = "--cam\r\n\r\none\r\n--cam\r\n\r\ntwo\n--cam\r\n";
    let strict = "----cam\r\n\r\none\r\n----cam\r\n\r\ntwo\r\n----cam--";
    let both = [("", "one"), ("", "two")];
    // It has no end, and ends between two parts.
    expect("--cam", dashes, &both);
    expect("--cam", strict, &both);
}

#[test]
fn limits_hold_before_anything_is_kept() {
    let error = |body: &[u8]| parts("f", body, 64).unwrap_err();
    let long = MultipartError::PartTooLong { limit: 1000 };
    assert_eq!(error(b"--f\r\nContent-Length: 1001\r\n\r\n"), long);
    let endless = [b"--f\r\n\r\n".as_slice(), &[b'a'; 1200]].concat();
    assert_eq!(error(&endless), long);
    let whole = [endless.as_slice(), b"\r\n--f--"].concat();
    for step in [64, 10_000] {
        assert_eq!(parts("f", &whole, step), Err(long.clone()), "by {step}");
    }
    let head = MultipartError::HeadTooLong { limit: 200 };
    let many = format!("--f\r\n{}", "a: b\r\n".repeat(50));
    assert_eq!(error(many.as_bytes()), head);
    assert_eq!(
        error(format!("--f\r\nx: {}", "a".repeat(300)).as_bytes()),
        head
    );
    let ends = format!("--f\r\nContent-Length: 0\r\n\r\n{}", "\r\n".repeat(200));
    assert_eq!(error(ends.as_bytes()), head);
    let nothing = error(&[b'a'; 300]);
    assert!(
        matches!(nothing, MultipartError::NoBoundary { .. }),
        "{nothing}"
    );
    assert_eq!(
        Parser::new("", LIMITS).err(),
        Some(MultipartError::BadBoundary)
    );
    assert!(Parser::new(&"a".repeat(73), LIMITS).is_err());
    assert!(Parser::new("a\r\nb", LIMITS).is_err());
}

#[test]
fn lengths_that_lie_are_found_out() {
    let error = |body: &str| parts("f", body.as_bytes(), 7).unwrap_err();
    for length in [1, 5, 9] {
        let body = format!("--f\r\nContent-Length: {length}\r\n\r\nab\r\n--f\r\n\r\nc\r\n--f--");
        assert!(
            matches!(error(&body), MultipartError::NoBoundary { .. }),
            "{length}"
        );
    }
    for lines in [
        "Content-Length: -1",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: +1",
    ] {
        let body = format!("--f\r\n{lines}\r\n\r\nab\r\n--f--");
        assert_eq!(error(&body), MultipartError::BadLength, "{lines}");
    }
    assert_eq!(
        error("--f\r\nContent-Length: 9\r\n\r\nab"),
        MultipartError::Unfinished
    );
    assert!(matches!(
        error("--fx\r\n\r\nab\r\n--fx--"),
        MultipartError::NoBoundary { .. }
    ));
}

#[test]
fn a_content_type_names_its_boundary() {
    let of = |text: &str| (media_type(text), boundary_of(text));
    let some = |text: &str| Some(text.to_owned());
    let mixed = || "multipart/x-mixed-replace".to_owned();
    assert_eq!(
        of("multipart/x-mixed-replace;boundary=ffmpeg"),
        (mixed(), some("ffmpeg"))
    );
    assert_eq!(
        of("Multipart/X-Mixed-Replace; charset=\"a;b\"; Boundary=\"a \\\"b\""),
        (mixed(), some("a \"b"))
    );
    assert_eq!(of("image/jpeg"), ("image/jpeg".to_owned(), None));
    assert_eq!(boundary_of("multipart/form-data; boundary"), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_hold_more_than_its_limits(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just(b"--f".to_vec()), Just(b"\r\n".to_vec()), Just(b"\r\n\r\n".to_vec()), Just(b"--".to_vec()),
                Just(b"Content-Length: 4\r\n".to_vec()), Just(b"Content-Length: 99999999999999999999".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..300),
            ],
            0..40,
        ),
    ) {
        let mut parser = Parser::new("f", LIMITS).unwrap();
        for piece in pieces {
            parser.handle_input(&piece);
            while let Ok(Some(part)) = parser.poll_part() {
                prop_assert!(part.body.len() <= LIMITS.part_bytes);
            }
        }
        let _ = parser.finish();
    }
}
