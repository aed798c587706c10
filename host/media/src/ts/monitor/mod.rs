//! What passes, looked at without taking it apart: for every `Ts` source, at full rate.

mod head;
mod health;

use super::continuity::{Continuity, Counter};
use super::packet::{Adaptation, Packet, Pcr, Pid};
use super::pes::PesHeader;
use super::psi::{PmtStream, Programs, PsiError, StreamKind, Update};
use crate::TrackId;
use crate::frame::{Audio, Medium, Video};
use crate::profile::Picture;
use crate::still::{self, Stillness};
use crate::timeline::{self, Stamps};
use head::Head;
use health::{Arrivals, Health};
pub use health::{Condition, HOLD, Reading};
use std::time::Instant;

/// What one chunk held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// A decoder can start at this chunk; as [`super::TsChunk::random_access`].
    pub random_access: bool,
    /// The PMT, or what is known of a track, is another than before.
    pub tracks_changed: bool,
    /// Gaps found in the counters of this chunk.
    pub continuity_errors: u32,
}

/// Counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// All packets.
    pub packets: u64,
    /// Without the sync byte; looked at no further.
    pub out_of_sync: u64,
    /// Gaps in the counter of a PID that were not announced.
    pub continuity_errors: u64,
    /// Legal repetitions of a packet.
    pub duplicates: u64,
    /// Marked as damaged by a demodulator.
    pub transport_errors: u64,
    /// Stuffing.
    pub null_packets: u64,
    /// With an encrypted payload.
    pub scrambled: u64,
    /// PAT or PMT sections that could not be used.
    pub psi_errors: u64,
}

/// An elementary stream, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenTrack {
    /// As announced in the PMT.
    pub stream: PmtStream,
    /// From the SPS, once seen.
    pub video: Option<Video>,
    /// The same, and how it is coded.
    pub picture: Option<Picture>,
    /// From an ADTS header, once seen, or from the PMT.
    pub audio: Option<Audio>,
    /// The newest PTS, 33 bits.
    pub pts: Option<u64>,
    /// The newest DTS, 33 bits; the PTS where none is sent.
    pub dts: Option<u64>,
    arrivals: Arrivals,
    /// Chunk starts at units of this stream are random access points.
    leads: bool,
    head: Head,
    /// The picture that is coming.
    coming: Option<Coming>,
}

/// What is known of a picture before its last packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Coming {
    key: bool,
    bytes: u64,
}

/// Looks at each packet's header, and at the first bytes of each PES packet.
#[derive(Debug)]
pub struct Monitor {
    pids: Box<[Watch]>,
    programs: Programs,
    tracks: Vec<SeenTrack>,
    counters: Counters,
    health: Health,
    still: Stillness,
    /// Placed for nobody: only what is wrong with them is of interest.
    stamps: Stamps,
    /// [`Counters::scrambled`] at the last tick.
    scrambled_before: u64,
    pcr: Option<Pcr>,
}

/// What is kept of one PID.
#[derive(Debug, Clone, Copy, Default)]
struct Watch {
    counter: Counter,
    role: Role,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Other,
    Psi,
    Cat,
    /// Index of a track.
    Track(u8),
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new()
    }
}

impl Monitor {
    /// Waits for the first PAT.
    pub fn new() -> Self {
        let mut monitor = Self {
            pids: vec![Watch::default(); Pid::COUNT].into_boxed_slice(),
            programs: Programs::new(),
            tracks: Vec::new(),
            counters: Counters::default(),
            health: Health::new(),
            still: Stillness::default(),
            stamps: Stamps::mpeg_ts(),
            scrambled_before: 0,
            pcr: None,
        };
        monitor.set_role(Pid::PAT, Role::Psi);
        monitor.set_role(Pid::CAT, Role::Cat);
        monitor
    }

    /// What is inspected from now on arrived at `now`, and `skipped` bytes before it belonged to
    /// no packet. Without it errors are counted, but nothing is ever late and no condition
    /// begins or ends.
    pub fn tick(&mut self, now: Instant, skipped: u64) {
        let scrambled = self.counters.scrambled;
        let is_scrambled = std::mem::replace(&mut self.scrambled_before, scrambled) != scrambled;
        self.health.tick(now, is_scrambled);
        self.health.skipped(skipped);
        for track in &mut self.tracks {
            if track.arrivals.is_overdue(now) {
                self.health.error(Condition::Pid);
            }
        }
    }

    /// All conditions of TR 101 290 that are measured, in the standard's order.
    pub fn conditions(&self) -> [Reading; Condition::ALL.len()] {
        self.health.readings()
    }

    /// Watches the pictures of the first video stream by these limits from now on.
    pub const fn watch(&mut self, limits: still::Limits) {
        self.still.limit(limits);
    }

    /// Whether they are frozen or black.
    pub fn pictures(&self) -> still::Verdict {
        self.still.verdict()
    }

    /// Conditions that began or ended since the last call.
    pub fn changes(&mut self) -> Vec<Reading> {
        self.health.take_changes()
    }

    /// Looks at a run of whole packets; an incomplete last one is passed over.
    pub fn inspect(&mut self, data: &[u8]) -> Seen {
        let mut seen = Seen::default();
        for bytes in data.as_chunks().0 {
            self.counters.packets += 1;
            match Packet::new(bytes) {
                Some(packet) => self.packet(packet, &mut seen),
                None => {
                    self.counters.out_of_sync += 1;
                    self.health.error(Condition::SyncByte);
                }
            }
        }
        // A decision that needs more bytes than the chunk has is made on what there is.
        for track in self.tracks.iter_mut().filter(|track| track.leads) {
            let entry = track.head.decide();
            seen.random_access |= entry;
            track.note_entry(entry);
        }
        self.counters.continuity_errors += u64::from(seen.continuity_errors);
        seen
    }

    /// Counted since the start.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The first program's streams, in the order of the PMT.
    pub fn tracks(&self) -> &[SeenTrack] {
        &self.tracks
    }

    /// The program tables in force.
    pub const fn programs(&self) -> &Programs {
        &self.programs
    }

    /// What is wrong with the stamps of pictures and sound; they pass as they are.
    pub fn stamps(&self) -> timeline::Counters {
        self.stamps.counters()
    }

    /// The newest clock of the program.
    pub const fn pcr(&self) -> Option<Pcr> {
        self.pcr
    }

    fn packet(&mut self, packet: Packet<'_>, seen: &mut Seen) {
        let pid = packet.pid();
        if packet.transport_error() {
            self.counters.transport_errors += 1;
            self.health.error(Condition::Transport);
            return;
        }
        if pid == Pid::NULL {
            self.counters.null_packets += 1;
            return;
        }
        // A PID has 13 bits, the table as many entries.
        let Some(watch) = self.pids.get_mut(pid.index()) else {
            return;
        };
        match watch.counter.judge(packet) {
            Continuity::Next | Continuity::Announced => {}
            Continuity::Duplicate => {
                self.counters.duplicates += 1;
                return;
            }
            Continuity::Gap => {
                seen.continuity_errors += 1;
                self.health.error(Condition::Continuity);
                self.health.gap();
            }
        }
        let role = watch.role;
        self.counters.scrambled += u64::from(packet.scrambled());
        if packet.has_adaptation() {
            self.note_pcr(packet);
        }
        match role {
            Role::Other => {}
            Role::Psi => seen.tracks_changed |= self.psi(packet),
            Role::Cat => self.cat(packet),
            Role::Track(index) => {
                if let Some(track) = self.tracks.get_mut(usize::from(index)) {
                    track.arrivals.packet(self.health.now());
                    let whole = packet.unit_start().then(|| track.whole()).flatten();
                    if track.packet(packet, seen) {
                        if let Some(unit) = track.stamps(index, packet) {
                            self.stamps.place(&unit);
                        }
                        if track.arrivals.pts(self.health.now()) {
                            self.health.error(Condition::Pts);
                        }
                    }
                    if let Some(picture) = whole {
                        self.note_picture(index, picture);
                    }
                }
            }
        }
    }

    /// A picture of a track is whole, since the next one begins.
    fn note_picture(&mut self, index: u8, picture: still::Picture) {
        let first = self.tracks.iter().position(|track| track.kind().is_video());
        if let (true, Some(now)) = (first == Some(usize::from(index)), self.health.now()) {
            self.still.picture(now, picture);
        }
    }

    fn note_pcr(&mut self, packet: Packet<'_>) {
        let clock_pid = self.programs.pmt().map(|pmt| pmt.pcr_pid);
        if clock_pid == Some(packet.pid())
            && let Some(field) = packet.adaptation()
            && let Some(pcr) = field.pcr()
        {
            self.pcr = Some(pcr);
            self.stamps.pcr(pcr.base());
            let packet = self.counters.packets;
            self.health.pcr(pcr, packet, field.discontinuity());
        }
    }

    /// Feeds PAT and PMT. True if the program is another.
    fn psi(&mut self, packet: Packet<'_>) -> bool {
        let before = self.programs.pmt_pid();
        let update = self.programs.push(packet);
        if let Update::Damaged(error) = update {
            self.counters.psi_errors += 1;
            if error == PsiError::Crc {
                self.health.error(Condition::Crc);
            }
        }
        self.table(packet);
        let now = self.programs.pmt_pid();
        if before == now && update != Update::Changed {
            return false;
        }
        if let Some(pid) = before {
            self.set_role(pid, Role::Other);
        }
        self.follow_program();
        if let Some(pid) = now {
            self.set_role(pid, Role::Psi);
        }
        self.set_role(Pid::PAT, Role::Psi);
        true
    }

    /// Notes that a PAT or a PMT begins in a packet of one of their PIDs.
    fn table(&mut self, packet: Packet<'_>) {
        let is_pat = packet.pid() == Pid::PAT;
        let condition = if is_pat {
            Condition::Pat
        } else {
            Condition::Pmt
        };
        if packet.scrambled() {
            return self.health.error(condition);
        }
        match (table_id(packet), is_pat) {
            (Some(0x00), true) => self.health.pat_seen(),
            (Some(0x02), false) => self.health.pmt_seen(),
            (Some(_), true) => self.health.error(condition),
            // Other tables may share the PMT's PID.
            (Some(_), false) | (None, _) => {}
        }
    }

    fn cat(&mut self, packet: Packet<'_>) {
        match table_id(packet) {
            Some(0x01) => self.health.cat_seen(),
            Some(_) => self.health.error(Condition::Cat),
            None => {}
        }
    }

    /// Takes over the PMT's streams; those that stay keep what is known of them.
    fn follow_program(&mut self) {
        let mut before = std::mem::take(&mut self.tracks);
        for track in &before {
            self.set_role(track.stream.pid, Role::Other);
        }
        let Some(pmt) = self.programs.pmt() else {
            return;
        };
        let streams = pmt.streams.clone();
        let has_video = streams.iter().any(|stream| stream.kind.is_video());
        for (index, stream) in streams.into_iter().take(usize::from(u8::MAX)).enumerate() {
            let pid = stream.pid;
            let same =
                |known: &SeenTrack| known.stream.pid == pid && known.stream.kind == stream.kind;
            let mut track = match before.iter().position(same) {
                Some(at) => before.swap_remove(at),
                None => SeenTrack::new(stream.clone()),
            };
            track.leads = stream.kind.is_video() || !has_video && stream.kind.has_frames();
            track.stream = stream;
            self.tracks.push(track);
            self.set_role(pid, Role::Track(index as u8));
        }
    }

    fn set_role(&mut self, pid: Pid, role: Role) {
        if let Some(watch) = self.pids.get_mut(pid.index()) {
            watch.role = role;
        }
    }
}

impl SeenTrack {
    fn new(stream: PmtStream) -> Self {
        let head = Head::new(stream.kind);
        let audio = match stream.kind {
            StreamKind::Opus(code) => super::opus::head_of(code).ok().map(|head| head.audio()),
            _ => None,
        };
        Self {
            stream,
            video: None,
            picture: None,
            audio,
            pts: None,
            dts: None,
            arrivals: Arrivals::default(),
            leads: false,
            head,
            coming: None,
        }
    }

    /// The picture before the one that begins now.
    fn whole(&mut self) -> Option<still::Picture> {
        let is_video = self.kind().is_video();
        let whole = std::mem::replace(&mut self.coming, is_video.then(Coming::default))?;
        let video = self.video?;
        Some(still::Picture {
            key: whole.key,
            bytes: whole.bytes,
            samples: u64::from(video.width) * u64::from(video.height),
            print: None,
        })
    }

    const fn note_entry(&mut self, entry: bool) {
        if let Some(coming) = &mut self.coming {
            coming.key |= entry;
        }
    }

    /// True if a PTS is in it.
    fn packet(&mut self, packet: Packet<'_>, seen: &mut Seen) -> bool {
        let mut stamped = false;
        if let Some(coming) = &mut self.coming {
            coming.bytes += packet.payload().len() as u64;
        }
        if packet.unit_start() && packet.has_payload() {
            seen.random_access |= self.leads && self.head.decide();
            let indicated = packet.adaptation().is_some_and(Adaptation::random_access);
            let header = PesHeader::parse(packet.payload());
            let start = header.map_or(packet.payload().len(), |header| header.payload_offset);
            if let Some(pts) = header.and_then(|header| header.pts) {
                self.pts = Some(pts);
                stamped = self.stream.kind.has_frames();
                self.dts = header.and_then(|header| header.dts).or(Some(pts));
            }
            self.head.start(indicated, packet.scrambled());
            self.head
                .push(packet.payload().get(start..).unwrap_or_default());
        } else if self.head.wants() {
            self.head.push(packet.payload());
        } else {
            return false;
        }
        let entry = self.leads && self.head.decided();
        seen.random_access |= entry;
        self.note_entry(entry);
        if let Some(picture) = self.head.take_picture()
            && self.picture.replace(picture) != Some(picture)
        {
            self.video = Some(picture.video);
            seen.tracks_changed = true;
        }
        if let Some(audio) = self.head.take_audio()
            && self.audio.replace(audio) != Some(audio)
        {
            seen.tracks_changed = true;
        }
        stamped
    }

    /// What came with the unit that begins in this packet.
    fn stamps(&self, index: u8, packet: Packet<'_>) -> Option<timeline::Unit> {
        Some(timeline::Unit {
            track: TrackId(index),
            medium: match self.kind().is_video() {
                true => Medium::Video,
                false => Medium::Audio,
            },
            dts: self.dts?,
            pts: self.pts?,
            random_access: packet.adaptation().is_some_and(Adaptation::random_access),
        })
    }

    /// What it is coded with.
    pub const fn kind(&self) -> StreamKind {
        self.stream.kind
    }
}

/// The first table that begins in a packet.
fn table_id(packet: Packet<'_>) -> Option<u8> {
    if !packet.unit_start() {
        return None;
    }
    let (&pointer, sections) = packet.payload().split_first()?;
    sections.get(usize::from(pointer)).copied()
}
