//! Reads pictures as FFmpeg's `yuv4mpegpipe` writes them: a line with their size, then each behind
//! the word FRAME.

use super::slot::Slot;
use raster::Picture;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest line before the first picture, bytes.
const LONGEST: usize = 256;

/// Reads the size of the pictures that follow.
///
/// # Errors
/// It is something else; or it ended.
pub(super) async fn size(from: &mut (impl AsyncRead + Unpin)) -> io::Result<(u32, u32)> {
    let mut line = Vec::with_capacity(LONGEST);
    loop {
        match from.read_u8().await? {
            b'\n' => break,
            _ if line.len() >= LONGEST => return Err(wrong()),
            byte => line.push(byte),
        }
    }
    let line = String::from_utf8(line).map_err(|_| wrong())?;
    parse(&line).ok_or_else(wrong)
}

fn parse(line: &str) -> Option<(u32, u32)> {
    let mut words = line.split(' ');
    if words.next() != Some("YUV4MPEG2") {
        return None;
    }
    let (mut width, mut height) = (None, None);
    for word in words {
        match word.split_at_checked(1)? {
            ("W", value) => width = value.parse().ok(),
            ("H", value) => height = value.parse().ok(),
            // All of them are 4:2:0 with 8 bits; they differ in where colour is sampled.
            ("C", value) if !matches!(value, "420" | "420jpeg" | "420mpeg2" | "420paldv") => {
                return None;
            }
            _ => {}
        }
    }
    Some((width?, height?))
}

/// Reads the next picture, into one that was used before if there is one.
///
/// # Errors
/// It ended, or what comes is no picture.
pub(super) async fn picture(
    from: &mut (impl AsyncRead + Unpin),
    (width, height): (u32, u32),
    slot: &Slot,
) -> io::Result<Picture> {
    let mut word = [0; 6];
    from.read_exact(&mut word).await?;
    if &word != b"FRAME\n" {
        return Err(wrong());
    }
    let mut picture = match slot.blank(width, height) {
        Some(picture) => picture,
        None => Picture::new(width, height).map_err(io::Error::other)?,
    };
    from.read_exact(picture.bytes_mut()).await?;
    Ok(picture)
}

fn wrong() -> io::Error {
    io::Error::other("what ffmpeg made is no 4:2:0 picture")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pictures_come_behind_their_size() {
        let mut stream = b"YUV4MPEG2 W4 H2 F30:1 Ip A1:1 C420jpeg XYSCSS=420JPEG\n".to_vec();
        for n in 0..2 {
            stream.extend_from_slice(b"FRAME\n");
            stream.extend([n; 12]);
        }
        stream.extend_from_slice(b"FRAM");
        let (mut from, slot) = (stream.as_slice(), Slot::default());
        let size = size(&mut from).await.unwrap();
        assert_eq!(size, (4, 2));
        for n in 0..2 {
            let picture = picture(&mut from, size, &slot).await.unwrap();
            assert_eq!(picture.bytes(), [n; 12]);
        }
        assert!(picture(&mut from, size, &slot).await.is_err(), "cut off");
    }

    #[tokio::test]
    async fn what_is_something_else_is_an_error() {
        let long = [b'x'; 1_000];
        let odd: &[u8] = b"YUV4MPEG2 W4 H2 C422\n";
        for mut wrong in [
            &long[..],
            b"P5 4 2\n",
            b"YUV4MPEG2 W4\n",
            b"YUV4MPEG2 W4 H2 C420p10\n",
            odd,
        ] {
            assert!(size(&mut wrong).await.is_err());
        }
    }
}
