//! Media in (WHIP): a publisher's pictures and packets become frames of a source.

use super::clock::{Clock, Report};
use super::negotiate::Line;
use super::peer::Peer;
use super::picture;
use super::session::{Ended, Publish};
use bytes::Bytes;
use hub::Source;
use media::codec::h264::DecoderConfig;
use media::codec::opus;
use media::timeline::{Counters, DecodingOrder};
use media::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::media::{KeyframeRequestKind, MediaData, Mid, Rid};
use str0m::{Event, IceConnectionState};

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);

/// Opus over RTP is stereo, whatever was encoded (RFC 7587 §7).
const CHANNELS: u8 = 2;

/// Sound waits so long for the first picture, so that the stream has both from its start.
const TOGETHER: Duration = Duration::from_secs(3);

/// Key frames are asked for no more often: they are many times as large as others.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Ends a session that sends nothing, looked at so often.
const LOOK: Duration = Duration::from_secs(1);

/// Takes the publisher's media until it leaves, falls silent or the stream ends.
pub(super) async fn run(peer: &mut Peer, publish: Publish) -> Ended {
    let Publish {
        mut intake,
        mut source,
        listening: _listening,
        mut wishes,
        media_timeout,
    } = publish;
    let stream = source.stream().clone();
    let mut last_media = Instant::now();
    let mut looks = tokio::time::interval(LOOK);
    loop {
        while let Some(event) = peer.event() {
            match event {
                Event::MediaData(data) => intake.take(&data),
                Event::IceConnectionStateChange(IceConnectionState::Disconnected)
                | Event::Closed => return Ended::PeerLeft,
                _ => {}
            }
        }
        if intake.push_into(&mut source) {
            last_media = Instant::now();
        }
        if let Err(error) = intake.ask(peer).await {
            return Ended::Failed(error);
        }
        tokio::select! {
            heard = peer.listen() => if let Err(error) = peer.take(heard).await {
                return Ended::Failed(error);
            },
            Some(()) = wishes.recv() => intake.key_wanted = true,
            _ = looks.tick() => if last_media.elapsed() > media_timeout {
                return Ended::NoMedia;
            },
            () = stream.ended() => return Ended::OfStream,
        }
    }
}

/// What turns a peer's media into frames.
pub(super) struct Intake {
    video: Option<Mid>,
    audio: Option<Mid>,
    /// Of several encodings of one picture (simulcast), the one that came first.
    layer: Option<Option<Rid>>,
    pictures: picture::Intake,
    clocks: [Clock; 2],
    /// RTP tells when pictures are shown, and in which order they are decoded.
    order: DecodingOrder,
    repaired_dts: u64,
    began: Instant,
    tracks: Arc<Tracks>,
    frames: Vec<Frame>,
    key_wanted: bool,
    asked: Option<Instant>,
    complained: bool,
}

impl Intake {
    pub(super) fn new(video: Option<&Line>, audio: Option<&Line>) -> Self {
        let audio = audio.map(|line| line.mid);
        let head = opus::Head::new(CHANNELS);
        let sound = audio.map(|_| Track {
            id: AUDIO,
            codec: Codec::Opus {
                config: head.build(),
                audio: head.audio(),
            },
            language: None,
        });
        Self {
            video: video.map(|line| line.mid),
            audio,
            layer: None,
            pictures: picture::Intake::default(),
            clocks: [Clock::default(); 2],
            order: DecodingOrder::default(),
            repaired_dts: 0,
            began: Instant::now(),
            tracks: Arc::new(Tracks {
                list: sound.into_iter().collect(),
            }),
            frames: Vec::new(),
            key_wanted: false,
            asked: None,
            complained: false,
        }
    }

    fn take(&mut self, data: &MediaData) {
        let [video, audio] = &mut self.clocks;
        let clock = match Some(data.mid) {
            mid if mid == self.video => &mut *video,
            mid if mid == self.audio => &mut *audio,
            _ => return,
        };
        if let Some(info) = data.last_sender_info {
            // 32 bits of either belong to each other, whatever turn they are unwrapped to.
            let (time, rate) = (data.time.numer(), data.time.denom());
            let since = (time as u32).wrapping_sub(info.rtp_time.numer() as u32) as i32;
            clock.report(Report {
                wall: info.ntp_time,
                rtp: in_90k(time, rate) - i64::from(since) * 90_000 / i64::from(rate.max(1)),
            });
            audio.follow(video);
        }
        match Some(data.mid) == self.video {
            true => self.take_picture(data),
            false => self.take_sound(data),
        }
    }

    fn take_picture(&mut self, data: &MediaData) {
        if *self.layer.get_or_insert(data.rid) != data.rid {
            return;
        }
        // What was lost shows until the next key frame.
        self.key_wanted |= !data.contiguous;
        let taken = match self.pictures.take(&data.data) {
            Ok(Some(taken)) => taken,
            Ok(None) => {
                self.key_wanted = true;
                return;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!("WebRTC publisher: {error}");
                }
                return;
            }
        };
        if let Some(config) = &taken.config {
            self.learn(config);
        }
        if self.has_video() && !taken.payload.is_empty() {
            let [video, _] = &mut self.clocks;
            let pts = video.present(ticks(data), data.network_time, self.began);
            let dts = self.order.place(pts);
            self.repaired_dts += u64::from(dts != pts);
            self.emit(VIDEO, (dts, pts), taken.key, taken.payload);
        }
    }

    fn take_sound(&mut self, data: &MediaData) {
        let waits = self.video.is_some() && !self.has_video() && self.began.elapsed() < TOGETHER;
        if waits || data.data.is_empty() {
            return;
        }
        let [_, audio] = &mut self.clocks;
        let time = audio.place(ticks(data), data.network_time, self.began);
        let key = self.video.is_none();
        self.emit(AUDIO, (time, time), key, Bytes::copy_from_slice(&data.data));
    }

    fn has_video(&self) -> bool {
        self.tracks.video().is_some()
    }

    fn learn(&mut self, config: &DecoderConfig) {
        let Ok(video) = config.video() else { return };
        let codec = Codec::H264 {
            config: config.build(),
            video,
        };
        let sound = self.tracks.audio().cloned();
        let picture = Track {
            id: VIDEO,
            codec,
            language: None,
        };
        self.order.configure(&picture.codec);
        let list = std::iter::once(picture).chain(sound).collect();
        self.tracks = Arc::new(Tracks { list });
    }

    fn emit(
        &mut self,
        track: TrackId,
        (dts, pts): (Ticks90k, Ticks90k),
        random_access: bool,
        payload: Bytes,
    ) {
        self.frames.push(Frame {
            tracks: self.tracks.clone(),
            track,
            dts,
            pts,
            random_access,
            epoch: 0,
            payload,
        });
    }

    /// Pushes what has come: one wake-up of the readers. Whether there was any.
    fn push_into(&mut self, source: &mut Source) -> bool {
        let any = !self.frames.is_empty();
        source.note_stamps(self.stamps());
        source.push_frames(self.frames.drain(..));
        any
    }

    /// str0m undoes wraps; jumps are the stream's to repair.
    fn stamps(&self) -> Counters {
        let [_, audio] = &self.clocks;
        Counters {
            repaired_dts: self.repaired_dts,
            drifts: audio.follows().into(),
            drift_ms: audio.moved().as_ms(),
            ..Counters::default()
        }
    }

    /// Asks for a key frame where one is wanted (PLI, RFC 4585 §6.3.1).
    async fn ask(&mut self, peer: &mut Peer) -> Result<(), str0m::RtcError> {
        let recently = self.asked.is_some_and(|at| at.elapsed() < ASK_EVERY);
        let (Some(mid), true, false) = (self.video, self.key_wanted, recently) else {
            return Ok(());
        };
        if let Some(mut writer) = peer.rtc().writer(mid) {
            let layer = self.layer.flatten();
            // Refused before the first packet; a publisher begins with a key frame anyway.
            let _ = writer.request_keyframe(layer, KeyframeRequestKind::Pli);
        }
        (self.key_wanted, self.asked) = (false, Some(Instant::now()));
        peer.drain().await?;
        peer.flush().await;
        Ok(())
    }
}

fn ticks(data: &MediaData) -> i64 {
    in_90k(data.time.numer(), data.time.denom())
}

/// RTP time, which str0m unwraps, in 90 kHz; exact for packets of whole milliseconds.
fn in_90k(time: u64, rate: u32) -> i64 {
    let ticks = u128::from(time) * 90_000 / u128::from(rate.max(1));
    i64::try_from(ticks).unwrap_or(i64::MAX)
}
