//! What a player of low latency reads out of a media playlist (RFC 8216bis §4.4).

/// Where the stream stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    /// The newest part's address.
    pub(super) newest: String,
    /// The part to ask for next: its segment's number and its own.
    pub(super) next: (u64, u64),
}

/// Reads a playlist; none if it lists no part.
pub(super) fn read(text: &str) -> Option<Listing> {
    let (mut segment, mut part, mut newest) = (0, 0, None);
    for line in text.lines() {
        if let Some(number) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
            segment = number.parse().ok()?;
        } else if let Some(skipped) = line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS=") {
            let digits = skipped.split(',').next()?;
            segment += digits.parse::<u64>().ok()?;
        } else if line.starts_with("#EXTINF:") {
            (segment, part) = (segment + 1, 0);
        } else if let Some(attributes) = line.strip_prefix("#EXT-X-PART:") {
            let (_, uri) = attributes.split_once("URI=\"")?;
            newest = Some(uri.split_once('"')?.0);
            part += 1;
        }
    }
    Some(Listing {
        newest: newest?.to_owned(),
        next: (segment, part),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_part_follows_what_is_listed_and_what_is_skipped() {
        let text = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n\
            #EXT-X-PART:DURATION=0.2,URI=\"a10.0.m4s\",INDEPENDENT=YES\n#EXTINF:0.2,\na10.m4s\n\
            #EXT-X-PART:DURATION=0.2,URI=\"a11.0.m4s\"\n#EXT-X-PART:DURATION=0.2,URI=\"a11.1.m4s\"\n";
        let listing = read(text).unwrap();
        assert_eq!(
            (listing.newest.as_str(), listing.next),
            ("a11.1.m4s", (11, 2))
        );
        assert_eq!(read("#EXTM3U\n"), None);
    }
}
