//! Media out (WHEP): the shared samples of a stream, packed and encrypted for one viewer.

use super::feed::{Medium, Sample};
use super::peer::Peer;
use super::session::{Ended, Watch};
use hub::{ReadError, Reader, Start, Viewer};
use media::Ticks90k;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::media::{Frequency, MediaTime, Mid, Pt};
use str0m::{Event, IceConnectionState, RtcError};

/// Samples taken at a time.
const BATCH: usize = 64;

/// The group of pictures that a viewer begins with is no larger than this; a larger one would
/// take longer than waiting for the next key frame.
const GROUP_BYTES: usize = 2 << 20;

/// Nor has it more pictures than this, which have to be decoded first.
const GROUP_PICTURES: usize = 150;

/// It goes out in portions, so that neither buffers nor the way overflow: 16 Mb in a second.
const PORTION_BYTES: usize = 64 << 10;
const PORTION_EVERY: Duration = Duration::from_millis(4);

/// Pictures of the past are shown this far apart, at once: the viewer sees the newest, and is not
/// late by the length of the group.
const APART: Ticks90k = Ticks90k(90);

/// Where a viewer's RTP time begins, so that nothing lies before 0.
const BEGIN: Ticks90k = Ticks90k(60 * 90_000);

/// Where pictures and sound go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outlets {
    pub(super) video: Option<(Mid, Pt)>,
    pub(super) audio: Option<(Mid, Pt)>,
}

/// Sends until the viewer leaves or the stream ends.
pub(super) async fn run(peer: &mut Peer, watch: Watch) -> Ended {
    let mut reader = watch.feed.read(Start::RandomAccess);
    let mut player = Player::new(watch.viewer, watch.outlets);
    let publishers = watch.publishers;
    let name = player.viewer.stream().name().clone();
    let mut samples = Vec::with_capacity(BATCH);
    if let Err(error) = begin(&mut reader, &mut player) {
        return error;
    }
    if player.waiting {
        publishers.ask_for_key_frame(&name);
    }
    loop {
        while let Some(event) = peer.event() {
            match event {
                Event::KeyframeRequest(_) => publishers.ask_for_key_frame(&name),
                Event::IceConnectionStateChange(IceConnectionState::Disconnected)
                | Event::Closed => return Ended::PeerLeft,
                _ => {}
            }
        }
        let next = player.next_portion();
        tokio::select! {
            heard = peer.listen() => if let Err(error) = peer.take(heard).await {
                return Ended::Failed(error);
            },
            // While the past goes out, what is new waits in the lane.
            read = reader.recv_many(&mut samples, BATCH), if next.is_none() => {
                let sent = match read {
                    Ok(_) => player.play(peer, samples.drain(..)).await,
                    Err(ReadError::Lagged(lost)) => {
                        player.lagged(lost);
                        Ok(())
                    }
                    Err(ReadError::Closed) => return Ended::OfStream,
                };
                if let Err(error) = sent {
                    return Ended::Failed(error);
                }
            }
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now).into()), if next.is_some() => {
                if let Err(error) = player.play_portion(peer).await {
                    return Ended::Failed(error);
                }
            }
        }
    }
}

/// Takes the group of pictures that is held.
fn begin(reader: &mut Reader<Sample>, player: &mut Player) -> Result<(), Ended> {
    let mut held = Vec::new();
    loop {
        match reader.try_recv_many(&mut held, BATCH) {
            Ok(0) => break,
            Ok(_) => {}
            Err(ReadError::Lagged(_)) => held.clear(),
            Err(ReadError::Closed) => return Err(Ended::OfStream),
        }
    }
    player.begin(held);
    Ok(())
}

/// What a viewer was sent, and where it is in time.
pub(super) struct Player {
    viewer: Viewer,
    outlets: Outlets,
    /// What it begins with: pictures of the past.
    past: VecDeque<Sample>,
    portion_at: Instant,
    /// For a key frame.
    waiting: bool,
    clock: Clock,
}

/// The stream's timeline on this viewer's RTP time and on the wall clock, the same for pictures
/// and sound: that keeps their reports, and so the lips, together.
#[derive(Debug, Default)]
struct Clock {
    zero: Option<Ticks90k>,
    /// A moment, and the time of the stream that was due then.
    wall: Option<(Instant, Ticks90k)>,
}

impl Player {
    pub(super) fn new(viewer: Viewer, outlets: Outlets) -> Self {
        Self {
            waiting: outlets.video.is_some(),
            viewer,
            outlets,
            past: VecDeque::new(),
            portion_at: Instant::now(),
            clock: Clock::default(),
        }
    }

    fn begin(&mut self, held: Vec<Sample>) {
        let pictures = held.into_iter().filter(|it| it.medium == Medium::Video);
        let mut past: VecDeque<_> = pictures.skip_while(|picture| !picture.key).collect();
        let bytes: usize = past.iter().map(|picture| picture.data.len()).sum();
        let newest = past.iter().map(|picture| picture.pts).max();
        let small = bytes <= GROUP_BYTES && past.len() <= GROUP_PICTURES;
        let (Some(newest), true) = (newest, small && self.outlets.video.is_some()) else {
            return;
        };
        let mut pts = newest;
        for picture in past.iter_mut().rev() {
            picture.pts = pts;
            pts = pts - APART;
        }
        self.past = past;
        self.waiting = false;
    }

    /// When the next portion of the past is due; none if it is over.
    fn next_portion(&self) -> Option<Instant> {
        (!self.past.is_empty()).then_some(self.portion_at)
    }

    async fn play_portion(&mut self, peer: &mut Peer) -> Result<(), RtcError> {
        let mut bytes = 0;
        while bytes < PORTION_BYTES
            && let Some(picture) = self.past.pop_front()
        {
            bytes += picture.data.len();
            self.write(peer, picture).await?;
        }
        let longer = u32::try_from(bytes / PORTION_BYTES).unwrap_or(u32::MAX);
        self.portion_at = Instant::now() + PORTION_EVERY * longer.max(1);
        peer.flush().await;
        Ok(())
    }

    async fn play(
        &mut self,
        peer: &mut Peer,
        samples: impl Iterator<Item = Sample>,
    ) -> Result<(), RtcError> {
        for sample in samples {
            self.waiting &= !sample.key;
            if !(self.waiting && sample.medium == Medium::Video) {
                self.write(peer, sample).await?;
            }
        }
        peer.flush().await;
        Ok(())
    }

    fn lagged(&mut self, lost: u64) {
        self.viewer.lost(lost);
    }

    async fn write(&mut self, peer: &mut Peer, sample: Sample) -> Result<(), RtcError> {
        let (outlet, rate) = match sample.medium {
            Medium::Video => (self.outlets.video, Frequency::NINETY_KHZ),
            Medium::Audio => (self.outlets.audio, Frequency::FORTY_EIGHT_KHZ),
        };
        let Some((mid, pt)) = outlet else {
            return Ok(());
        };
        let now = Instant::now();
        let (time, wall) = self.clock.place(sample.pts, now);
        let time = MediaTime::new(in_rate(time, rate), rate);
        let Some(writer) = peer.rtc().writer(mid) else {
            return Ok(());
        };
        let data: Arc<[u8]> = sample.data;
        let bytes = data.len();
        writer.write(pt, wall, time, data)?;
        peer.pack().await?;
        self.viewer.sent(bytes);
        Ok(())
    }
}

impl Clock {
    /// The viewer's RTP time in 90 kHz, and the moment that reports name for it. That is never
    /// in the future, which would be no report.
    fn place(&mut self, pts: Ticks90k, now: Instant) -> (Ticks90k, Instant) {
        let zero = *self.zero.get_or_insert(pts - BEGIN);
        let (at, due) = *self.wall.get_or_insert((now, pts));
        let ahead = (pts - due).as_duration();
        let behind = (due - pts).as_duration();
        let moment = at.checked_sub(behind).unwrap_or(at) + ahead;
        if moment > now {
            self.wall = Some((now, pts));
        }
        (pts - zero, moment.min(now))
    }
}

/// Rounded: packets of whole milliseconds come out as far apart as they were.
fn in_rate(time: Ticks90k, rate: Frequency) -> u64 {
    let ticks = u128::try_from(time.0).unwrap_or_default();
    let time = (ticks * u128::from(rate.get()) + 45_000) / 90_000;
    u64::try_from(time).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_sound_share_a_clock_that_is_never_ahead() {
        let (mut clock, t0) = (Clock::default(), Instant::now());
        let ms = Duration::from_millis;
        assert_eq!(clock.place(Ticks90k(900_000), t0), (BEGIN, t0));
        // Sound of 100 ms earlier, that comes 20 ms later.
        let (time, wall) = clock.place(Ticks90k(891_000), t0 + ms(20));
        assert_eq!((BEGIN - time, t0 - wall), (Ticks90k(9_000), ms(100)));
        // A picture that comes before its time moves the clock for both.
        let (_, wall) = clock.place(Ticks90k(909_000), t0 + ms(60));
        assert_eq!(wall, t0 + ms(60));
        let (_, wall) = clock.place(Ticks90k(900_000), t0 + ms(70));
        assert_eq!(wall, t0 - ms(40));
    }

    #[test]
    fn sound_keeps_its_distances_whatever_the_rate() {
        let packets =
            (0..100).map(|n| in_rate(Ticks90k(7 + n * 1_800), Frequency::FORTY_EIGHT_KHZ));
        let times: Vec<_> = packets.collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 960));
        assert_eq!(in_rate(Ticks90k(-5), Frequency::NINETY_KHZ), 0);
        assert_eq!(in_rate(Ticks90k(12_345), Frequency::NINETY_KHZ), 12_345);
    }
}
