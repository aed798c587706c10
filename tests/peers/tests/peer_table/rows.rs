//! Which cells there are, and which cannot work.

use crate::cell::{Cell, Expected, Media, Peer, Proof, Reason, Side, Way};
use peers::ffmpeg::Build;

/// All cells, in the table's order.
pub(crate) fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for side in [Side::Publishes, Side::Plays] {
        for way in Way::ALL {
            for media in Media::ALL {
                for peer in Peer::ALL {
                    let expected = expected(peer, side, way, media);
                    cells.extend(expected.map(|expected| Cell {
                        peer,
                        side,
                        way,
                        media,
                        expected,
                    }));
                }
            }
        }
    }
    cells
}

/// None where the peer, or the host, is not meant to speak that.
fn expected(peer: Peer, side: Side, way: Way, media: Media) -> Option<Expected> {
    if !carries(side, way, media) {
        return None;
    }
    match peer {
        Peer::Ffmpeg(_) if matches!(way, Way::Mp4Socket | Way::TsSocket) => None,
        Peer::Ffmpeg(build) => ffmpeg(build, side, way, media),
        Peer::GStreamer => gstreamer(side, way, media),
        Peer::Vlc => vlc(side, way, media),
        Peer::Chromium => chromium(side, way, media),
        Peer::Nginx => nginx(side, way, media),
        Peer::Transmit => (way == Way::Srt).then_some(Expected::Green),
    }
}

/// Whether the host takes or sends those codecs over that protocol.
fn carries(side: Side, way: Way, media: Media) -> bool {
    if side == Side::Publishes && !way.is_way_in() {
        return false;
    }
    match (way, media) {
        (Way::Mjpeg, Media::Jpeg) => true,
        (Way::Mjpeg, Media::H264Aac) => side == Side::Plays,
        (Way::Mjpeg, _) | (_, Media::Jpeg) => false,
        (Way::WebRtc, Media::H264Opus) => true,
        (Way::WebRtc, media) => side == Side::Plays && media == Media::H264Aac,
        (Way::Rtmp, _) => true,
        (Way::Hls | Way::Dash | Way::Mp4 | Way::Mp4Socket, media) => media != Media::Vp9Aac,
        (_, media) => !matches!(media, Media::Av1Aac | Media::Vp9Aac),
    }
}

fn ffmpeg(build: Build, side: Side, way: Way, media: Media) -> Option<Expected> {
    let enhanced = media != Media::H264Aac;
    match (build, side, way) {
        (Build::System, _, Way::Rtmp) if enhanced => Some(Expected::Red(&FFMPEG_ENHANCED)),
        (Build::System, Side::Publishes, Way::WebRtc) => Some(Expected::Red(&FFMPEG_WHIP)),
        (Build::System, _, Way::Dash) => Some(Expected::Red(&FFMPEG_DASH)),
        (_, Side::Plays, Way::WebRtc) => Some(Expected::Red(&FFMPEG_WHEP)),
        _ => Some(Expected::Green),
    }
}

fn gstreamer(side: Side, way: Way, media: Media) -> Option<Expected> {
    match (side, way) {
        (_, Way::Rtmp) if media != Media::H264Aac => Some(Expected::Red(&GSTREAMER_ENHANCED)),
        (Side::Publishes, Way::WebRtc) => Some(Expected::Red(&GSTREAMER_WHIP)),
        (Side::Plays, Way::WebRtc) => Some(Expected::Red(&GSTREAMER_WHEP)),
        (_, Way::Dash) => Some(Expected::Red(&GSTREAMER_DASH)),
        (_, Way::HlsTs) => Some(Expected::Red(&GSTREAMER_HLS_TS)),
        (_, Way::Mp4Socket | Way::TsSocket) => None,
        (_, Way::Hls) if media == Media::Av1Aac => None,
        _ => Some(Expected::Green),
    }
}

fn vlc(side: Side, way: Way, media: Media) -> Option<Expected> {
    match (side, way, media) {
        (Side::Publishes, Way::Udp, Media::H264Aac) => Some(Expected::Green),
        (Side::Publishes, ..) => None,
        (_, Way::RtspTcp | Way::RtspUdp, _) => Some(Expected::Red(&VLC_RTSP)),
        (_, Way::Rtmp, Media::H264Aac) => Some(Expected::Green),
        (_, Way::Dash, Media::H264Aac) => Some(Expected::Red(&VLC_DASH)),
        (_, Way::Srt | Way::Hls | Way::HlsTs | Way::TsHttp, Media::H264Aac | Media::HevcAac) => {
            Some(Expected::Green)
        }
        _ => None,
    }
}

const VLC_DASH: Reason = Reason {
    why: "VLC plays three seconds of the live manifest at most, or nothing; FFmpeg 9.0 and dash.js play \
          it. The cause is not known.",
    shown_by: None,
};

const VLC_RTSP: Reason = Reason {
    why: "Debian builds VLC without live555, its only client of RTSP.",
    shown_by: Some(Proof::Lacks {
        command: "dpkg -L vlc-plugin-base vlc-plugin-access-extra",
        lacks: "live555",
    }),
};

fn chromium(side: Side, way: Way, media: Media) -> Option<Expected> {
    match (side, way) {
        (Side::Publishes, Way::WebRtc) => Some(Expected::Green),
        (Side::Publishes, _) => None,
        (_, Way::Hls | Way::Dash | Way::Mp4Socket) if media == Media::HevcAac => {
            Some(Expected::Red(&CHROMIUM_HEVC))
        }
        (_, Way::TsHttp | Way::TsSocket) => (media == Media::H264Aac).then_some(Expected::Green),
        (_, Way::Hls | Way::Dash | Way::Mp4Socket | Way::WebRtc) => Some(Expected::Green),
        (_, Way::Mjpeg) => Some(Expected::Green),
        _ => None,
    }
}

const CHROMIUM_HEVC: Reason = Reason {
    why: "Chromium decodes HEVC only where the graphics card does; here there is none.",
    shown_by: Some(Proof::NoDecoder {
        mime: "video/mp4; codecs=\"hvc1.1.6.L63.90\"",
    }),
};

fn nginx(side: Side, way: Way, media: Media) -> Option<Expected> {
    match (side, way, media) {
        (Side::Plays, Way::Rtmp, Media::H264Aac) => Some(Expected::Green),
        (Side::Plays, Way::Rtmp, _) => Some(Expected::Red(&NGINX_ENHANCED)),
        _ => None,
    }
}

const NGINX_ENHANCED: Reason = Reason {
    why: "nginx-rtmp knows nothing of enhanced RTMP: it announces no codec beyond those of FLV.",
    shown_by: None,
};

const GSTREAMER_DASH: Reason = Reason {
    why: "GStreamer begins at a segment several seconds behind the end of a live timeline, and waits \
          for it; FFmpeg 9.0 and dash.js play the same manifest.",
    shown_by: None,
};

const GSTREAMER_HLS_TS: Reason = Reason {
    why: "GStreamer's `hlsdemux` fetches every segment, and yet six seconds of pictures and sound do \
          not come out of `tsdemux` in 40 s; FFmpeg and VLC play the same playlist. The cause is not \
          known.",
    shown_by: None,
};

const GSTREAMER_ENHANCED: Reason = Reason {
    why: "GStreamer has enhanced RTMP from 1.26 on (`eflvmux`).",
    shown_by: Some(Proof::Lacks {
        command: "gst-inspect-1.0 eflvmux",
        lacks: "Factory Details",
    }),
};

const GSTREAMER_WHIP: Reason = Reason {
    why: "Debian 12 has no `whipsink`, which is one of GStreamer's plugins in Rust.",
    shown_by: Some(Proof::Lacks {
        command: "gst-inspect-1.0 whipsink",
        lacks: "Factory Details",
    }),
};

const GSTREAMER_WHEP: Reason = Reason {
    why: "Debian 12 has no `whepsrc`, which is one of GStreamer's plugins in Rust.",
    shown_by: Some(Proof::Lacks {
        command: "gst-inspect-1.0 whepsrc",
        lacks: "Factory Details",
    }),
};

const FFMPEG_ENHANCED: Reason = Reason {
    why: "FFmpeg has enhanced RTMP from 6.1 on; this one writes and reads H.264 and AAC in FLV.",
    shown_by: Some(Proof::Lacks {
        command: "ffmpeg -hide_banner -h protocol=rtmp",
        lacks: "rtmp_enhanced_codecs",
    }),
};

const FFMPEG_DASH: Reason = Reason {
    why: "FFmpeg 5.1 plays segments again each time it reloads a live manifest; 9.0 does not, with \
          the same manifest.",
    shown_by: None,
};

const FFMPEG_WHIP: Reason = Reason {
    why: "FFmpeg publishes by WHIP from 8.0 on.",
    shown_by: Some(Proof::Lacks {
        command: "ffmpeg -hide_banner -muxers",
        lacks: " whip ",
    }),
};

const FFMPEG_WHEP: Reason = Reason {
    why: "FFmpeg does not play WHEP.",
    shown_by: Some(Proof::Lacks {
        command: "ffmpeg -hide_banner -demuxers",
        lacks: " whep ",
    }),
};
