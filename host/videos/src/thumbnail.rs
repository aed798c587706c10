//! A video's picture: made once by FFmpeg, and kept beside the video.

use crate::error::Error;
use crate::probe::{About, BOUNDS, Unfit, input};
use bytes::Bytes;
use ffmpeg::{Bounds, QUIET, Tool, words};
use std::fs::File;
use std::process::Stdio;

/// A picture is taken after this share of the video: many begin black.
const AFTER_SHARE: f64 = 0.1;

/// But not later.
const AFTER_MOST_S: f64 = 10.0;

/// Of at most 480 x 480 pixels.
const LARGEST_BYTES: usize = 1 << 20;

/// JPEG begins so (ITU-T T.81 B.1.1.3, SOI).
const SOI: [u8; 2] = [0xff, 0xd8];

/// A picture of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Changes with the video.
    pub tag: String,
    /// A whole JPEG.
    pub jpeg: Bytes,
}

/// Makes the picture of a file.
///
/// # Errors
/// Not one picture of it can be decoded.
pub(crate) async fn make(file: &File, about: &About) -> Result<Bytes, Error> {
    let after = about.duration_ms.unwrap_or(0) as f64 / 1_000.0 * AFTER_SHARE;
    let mut why = String::new();
    // What is said of the duration may be wrong; the beginning is there in any case.
    for from in [after.min(AFTER_MOST_S), 0.0] {
        match shot(file, about.track(), from).await? {
            Ok(jpeg) => return Ok(jpeg),
            Err(words) => why = words,
        }
    }
    Err(Unfit::NoPicture(why).into())
}

async fn shot(file: &File, track: u32, from_s: f64) -> Result<Result<Bytes, String>, Error> {
    let bounds = Bounds {
        output_bytes: LARGEST_BYTES,
        ..BOUNDS
    };
    let again = file
        .try_clone()
        .map_err(Error::io("cannot read the video"))?;
    let made = ffmpeg::run(
        Tool::Ffmpeg,
        arguments(track, from_s),
        Stdio::from(again),
        bounds,
    );
    match made.await {
        Ok(jpeg) if jpeg.starts_with(&SOI) => Ok(Ok(jpeg.into())),
        Ok(_) => Ok(Err("it has no frames".to_owned())),
        Err(ffmpeg::Error::Start(source)) => Err(Error::Io {
            doing: "cannot start ffmpeg (is it installed?)",
            source,
        }),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// The key frame before that time, turned as it is shown.
fn arguments(track: u32, from_s: f64) -> Vec<String> {
    const FILTER: &str =
        "scale=w=480:h=480:force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1";
    let seek = words("-threads 1 -filter_threads 1 -noaccurate_seek -ss");
    let seek = words(QUIET).chain(seek).chain([format!("{from_s:.3}")]);
    let map = ["-map".to_owned(), format!("0:{track}")];
    let filter = ["-vf".to_owned(), FILTER.to_owned()];
    let jpeg = words("-frames:v 1 -c:v mjpeg -pix_fmt yuvj420p -q:v 5 -f mjpeg pipe:1");
    let output = map.into_iter().chain(filter).chain(jpeg);
    seek.chain(input()).chain(output).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffmpeg_takes_one_picture_of_the_file_it_is_given() {
        assert_eq!(
            arguments(3, 1.0).join(" "),
            "-hide_banner -nostdin -nostats -loglevel warning -threads 1 -filter_threads 1 \
             -noaccurate_seek -ss 1.000 -protocol_whitelist file,pipe -format_whitelist \
             mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,mpegts,mpeg,mxf,avi,ogg,wav,mp3,aac \
             -i file:/proc/self/fd/0 -map 0:3 -vf \
             scale=w=480:h=480:force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1 \
             -frames:v 1 -c:v mjpeg -pix_fmt yuvj420p -q:v 5 -f mjpeg pipe:1"
        );
    }
}
