//! What counts as played.

use crate::cell::{Media, Seen, Way};
use crate::studio::Studio;
use peers::ffmpeg::{Build, Reader};

/// Seconds of media that are decoded in each cell.
pub(crate) const SECONDS: u32 = 5;

/// For FFmpeg from 6.1 on: what it tells a server that it understands.
pub(crate) const ENHANCED_RTMP: &str = "-rtmp_enhanced_codecs hvc1,av01,vp09,Opus";

/// What a reader of the clapper saw; or what was wrong with it. Viewers of JPEG skip what they are
/// too late for, by design.
pub(crate) fn of_reader(reader: Reader, way: Way) -> Result<Seen, String> {
    if way == Way::Mjpeg {
        return of_counts(reader, way);
    }
    let (mut take, complaints) = reader.finish();
    let seconds = f64::from(SECONDS);
    if matches!(way, Way::RtspTcp | Way::RtspUdp) && !take.picture.is_empty() {
        // FFmpeg gives the first picture of an RTSP session no time.
        take.picture.remove(0);
    }
    let faults = take.faults(seconds);
    if faults.is_empty() && complaints.is_empty() {
        Ok(Seen::InStep)
    } else {
        Err(format!("{take} {faults:?} {complaints:?}"))
    }
}

/// As [`of_reader`], where the peer shows what it has when it comes, and not at its own time: all of
/// it has to be there, the times are the peer's own, and a file of it may end within a packet.
pub(crate) fn of_counts(reader: Reader, way: Way) -> Result<Seen, String> {
    let (take, _) = reader.finish();
    let [pictures, blocks, claps] = [20, 80, 1].map(|a_second| a_second * (SECONDS as usize - 1));
    let sound = way == Way::Mjpeg || take.sound.len() >= blocks && take.beeps().len() + 1 >= claps;
    let picture = take.picture.len() >= pictures && take.flashes().len() + 1 >= claps;
    if sound && picture {
        Ok(Seen::Decoded)
    } else {
        Err(take.to_string())
    }
}

/// What came to the host under that name: read from there by FFmpeg over RTMP, which carries every
/// codec, and JPEG over HTTP.
pub(crate) fn of_published(studio: &Studio, name: &str, media: Media) -> Result<Seen, String> {
    let (reader, way) = reader_of(studio, name, media);
    of_reader(reader, way)
}

/// As [`of_published`], where the peer has times of its own.
pub(crate) fn of_published_counts(
    studio: &Studio,
    name: &str,
    media: Media,
) -> Result<Seen, String> {
    let (reader, way) = reader_of(studio, name, media);
    of_counts(reader, way)
}

fn reader_of(studio: &Studio, name: &str, media: Media) -> (Reader, Way) {
    studio.await_stream(name, media);
    let way = match media {
        Media::Jpeg => Way::Mjpeg,
        _ => Way::Rtmp,
    };
    let url = studio.play_url(way, name);
    let reader = match way {
        Way::Mjpeg => Reader::of_pictures(Build::Newest, "-f mpjpeg", &url, SECONDS),
        _ => Reader::by(Build::Newest, ENHANCED_RTMP, &url, SECONDS),
    };
    (reader, way)
}
