//! Images that are laid over all tiles.

use super::arguments;
use super::feed::is_image;
use bytes::BytesMut;
use ffmpeg::Job;
use link::{LinkError, folder};
use model::StreamName;
use raster::Sprite;

/// What FFmpeg may make of one: 4096 pixels either way, and a line before them.
const MOST_BYTES: usize = (4_096 * 4_096 * 4) + 1_024;

/// Reads an image below the media folder, with its transparency.
///
/// # Errors
/// There is none, or it is no PNG or JPEG.
pub(super) async fn load(
    links: &link::Context,
    composite: &StreamName,
    path: &str,
    width: Option<u32>,
) -> Result<Sprite, LinkError> {
    let file = folder::open(links, path).await?;
    if !is_image(&file) {
        return Err(LinkError::Misconfigured {
            what: format!("{path} is neither PNG nor JPEG"),
            remedy: "give an image as the overlay's file",
        });
    }
    let job = Job::new(links.children(), "composite image", composite.as_str());
    let mut ffmpeg = job.start(arguments::sprite(width), file.into())?;
    let mut made = BytesMut::new();
    loop {
        match ffmpeg.read(&mut made).await {
            Ok(1..) if made.len() <= MOST_BYTES => {}
            Ok(1..) => return Err(LinkError::Passing(format!("{path} is too large"))),
            Ok(0) | Err(_) => break,
        }
    }
    match parse(&made) {
        Some((width, height, pixels)) => Sprite::of_rgba(width, height, pixels, false)
            .map_err(|error| LinkError::Passing(format!("{path}: {error}"))),
        None => Err(ffmpeg.explain().await.into()),
    }
}

/// Size and pixels of a portable arbitrary map with red, green, blue and opacity (netpbm, pam(5)).
fn parse(map: &[u8]) -> Option<(u32, u32, &[u8])> {
    const END: &[u8] = b"ENDHDR\n";
    let head = map.get(..map.len().min(256))?;
    let end = head.windows(END.len()).position(|it| it == END)?;
    let (head, pixels) = (
        std::str::from_utf8(map.get(..end)?).ok()?,
        map.get(end + END.len()..)?,
    );
    let value = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line?.trim().parse::<u32>().ok()
    };
    let plain = head.starts_with("P7") && value("DEPTH") == Some(4) && value("MAXVAL") == Some(255);
    plain.then_some((value("WIDTH")?, value("HEIGHT")?, pixels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_says_its_size_and_what_is_none_is_refused() {
        let map =
            b"P7\nWIDTH 1\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n12345678";
        assert_eq!(parse(map), Some((1, 2, &b"12345678"[..])));
        for wrong in [
            &b""[..],
            b"P6\n1 2\n255\n",
            b"P7\nWIDTH 1\nENDHDR\n",
            &[0xff; 1_000],
        ] {
            assert_eq!(parse(wrong), None);
        }
    }
}
