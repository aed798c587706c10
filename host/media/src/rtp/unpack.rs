//! Payloads to access units.

use super::nal::{self, Kind};
use super::{aac, duration, latm};
use crate::Codec;
use crate::codec::nal::put_length_prefixed;
use crate::codec::{h264, hevc};
use bytes::{BufMut, Bytes, BytesMut};

/// An access unit above this is given up; 8K intra pictures stay below.
const MAX_UNIT_BYTES: usize = 16 << 20;

/// Different parameter sets of one kind that are kept (H.264 has 32 ids, few use two).
const MAX_SETS: usize = 8;

/// A larger parameter set is none.
const MAX_SET_BYTES: usize = 16 << 10;

/// One access unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Of its packets: presentation time in units of the track's clock; wraps.
    pub timestamp: u32,
    /// As [`Codec`] says.
    pub payload: Bytes,
    /// A picture that decoding may begin at. Set on all sound.
    pub random_access: bool,
}

/// Puts the access units of one track together.
#[derive(Debug)]
pub struct Unpacker {
    format: Format,
    codec: Option<Codec>,
    /// Access units that were damaged by loss, or made no sense.
    spoilt: u64,
}

#[derive(Debug)]
enum Format {
    Nal(Box<Picture>),
    Aac(aac::Parts),
    Latm(latm::Mux, latm::Parts),
    Opus,
}

/// A picture in work.
#[derive(Debug)]
struct Picture {
    kind: Kind,
    timestamp: Option<u32>,
    bytes: BytesMut,
    /// Where a fragmented unit's length is to be written.
    open: Option<usize>,
    random_access: bool,
    damaged: bool,
    sets: Sets,
}

/// Parameter sets, the newest last: of H.264 SPS and PPS, of H.265 VPS too.
#[derive(Debug, Default)]
struct Sets {
    vps: Vec<Bytes>,
    sps: Vec<Bytes>,
    pps: Vec<Bytes>,
    changed: bool,
}

impl Unpacker {
    /// For H.264; `sets` are those that the description names.
    pub fn h264(sets: &[Bytes]) -> Self {
        Self::picture(Kind::H264, sets)
    }

    /// For H.265; `sets` are those that the description names.
    pub fn hevc(sets: &[Bytes]) -> Self {
        Self::picture(Kind::Hevc, sets)
    }

    /// For the sound of `codec`, AAC or Opus; `None` for any other.
    pub fn sound(codec: Codec) -> Option<Self> {
        let format = match codec {
            Codec::Aac { .. } => Format::Aac(aac::Parts::default()),
            Codec::Opus { .. } => Format::Opus,
            _ => return None,
        };
        Some(Self {
            format,
            codec: Some(codec),
            spoilt: 0,
        })
    }

    /// For AAC in LATM; `mux` is the `config` of the description (RFC 6416 §7.1), which has
    /// `cpresent=0`. `None` if it is not understood.
    pub fn latm(mux: &[u8]) -> Option<Self> {
        let mux = latm::Mux::parse(mux).ok()?;
        let codec = Codec::Aac {
            config: mux.config.build().ok()?,
            audio: mux.config.audio(),
        };
        Some(Self {
            format: Format::Latm(mux, latm::Parts::default()),
            codec: Some(codec),
            spoilt: 0,
        })
    }

    fn picture(kind: Kind, sets: &[Bytes]) -> Self {
        let mut picture = Picture {
            kind,
            timestamp: None,
            bytes: BytesMut::new(),
            open: None,
            random_access: false,
            damaged: false,
            sets: Sets::default(),
        };
        for set in sets {
            picture.sets.take(kind, set);
        }
        let codec = picture.sets.codec(kind);
        Self {
            format: Format::Nal(Box::new(picture)),
            codec,
            spoilt: 0,
        }
    }

    /// The codec with its configuration, once it is known; it changes with the parameter sets.
    pub const fn codec(&self) -> Option<&Codec> {
        self.codec.as_ref()
    }

    /// Access units left out so far, since packets of them were missing or made no sense.
    pub const fn spoilt(&self) -> u64 {
        self.spoilt
    }

    /// Packets are missing before the next one.
    pub fn lost(&mut self) {
        match &mut self.format {
            Format::Nal(picture) => picture.lose(),
            Format::Aac(parts) => parts.clear(),
            Format::Latm(_, parts) => parts.clear(),
            Format::Opus => {}
        }
    }

    /// Takes a packet; appends the access units that it completes.
    pub fn push(&mut self, timestamp: u32, marker: bool, payload: &Bytes, out: &mut Vec<Unit>) {
        match &mut self.format {
            Format::Nal(picture) => {
                if picture.timestamp.is_some_and(|begun| begun != timestamp) {
                    self.spoilt += u64::from(!picture.finish(&mut self.codec, out));
                }
                picture.take(timestamp, payload);
                if marker {
                    self.spoilt += u64::from(!picture.finish(&mut self.codec, out));
                }
            }
            Format::Aac(parts) => match aac::parse(payload) {
                Some(aac::Parsed::Units(units)) => {
                    sounds(timestamp, units, self.codec.as_ref(), out);
                }
                Some(aac::Parsed::Part(bytes, part)) => {
                    let whole = parts.push(timestamp, bytes, &part);
                    out.extend(whole.and_then(|payload| sound(timestamp, payload)));
                }
                None => self.spoilt += 1,
            },
            Format::Latm(mux, parts) => {
                if let Some(element) = parts.push(timestamp, marker, payload) {
                    match mux.frames(element) {
                        Some(frames) => sounds(timestamp, frames, self.codec.as_ref(), out),
                        None => self.spoilt += 1,
                    }
                }
            }
            Format::Opus => out.extend(sound(timestamp, payload.clone())),
        }
    }
}

/// Sound of one packet, one unit after another.
fn sounds(timestamp: u32, units: Vec<Bytes>, codec: Option<&Codec>, out: &mut Vec<Unit>) {
    let mut at = timestamp;
    for payload in units {
        let lasts = codec.and_then(|codec| duration(codec, &payload));
        out.extend(sound(at, payload));
        at = at.wrapping_add(lasts.unwrap_or_default());
    }
}

fn sound(timestamp: u32, payload: Bytes) -> Option<Unit> {
    (!payload.is_empty()).then(|| Unit {
        timestamp,
        // Copied: a slice of a hundred bytes would keep the whole read buffer.
        payload: Bytes::copy_from_slice(&payload),
        random_access: true,
    })
}

impl Picture {
    fn take(&mut self, timestamp: u32, payload: &Bytes) {
        self.timestamp = Some(timestamp);
        if self.bytes.len() + payload.len() > MAX_UNIT_BYTES {
            return self.lose();
        }
        match nal::parse(self.kind, payload) {
            Some(nal::Parsed::Units(units)) => {
                self.damaged |= self.open.take().is_some();
                for unit in &units {
                    self.unit(unit);
                }
            }
            Some(nal::Parsed::Fragment {
                header,
                start,
                end,
                body,
            }) => self.fragment(header, start, end, &body),
            None => self.damaged = true,
        }
    }

    fn unit(&mut self, unit: &Bytes) {
        if self.sets.take(self.kind, unit) || !self.kind.in_frame(unit) {
            return;
        }
        self.random_access |= self.kind.is_random_access(unit);
        put_length_prefixed(unit, &mut self.bytes);
    }

    fn fragment(&mut self, header: [u8; 2], start: bool, end: bool, body: &Bytes) {
        if start {
            self.damaged |= self.open.is_some();
            self.open = Some(self.bytes.len());
            self.bytes.put_u32(0);
            let header = header.get(..self.kind.header_bytes()).unwrap_or_default();
            self.bytes.put_slice(header);
        }
        let Some(at) = self.open else {
            self.damaged = true;
            return;
        };
        self.bytes.put_slice(body);
        if end {
            self.open = None;
            let whole = self.bytes.split_off(at).freeze();
            let unit = whole.slice(whole.len().min(4)..);
            if self.sets.take(self.kind, &unit) || !self.kind.in_frame(&unit) {
                return;
            }
            self.random_access |= self.kind.is_random_access(&unit);
            let length = (unit.len() as u32).to_be_bytes();
            // The halves were one: joined again without a copy.
            match whole.try_into_mut() {
                Ok(mut whole) => {
                    drop(unit);
                    if let Some(prefix) = whole.get_mut(..4) {
                        prefix.copy_from_slice(&length);
                    }
                    self.bytes.unsplit(whole);
                }
                Err(_) => put_length_prefixed(&unit, &mut self.bytes),
            }
        }
    }

    /// What is in work lacks something.
    fn lose(&mut self) {
        self.damaged = true;
        if let Some(at) = self.open.take() {
            self.bytes.truncate(at);
        }
    }

    /// Ends the picture in work; false if it had to be left out.
    fn finish(&mut self, codec: &mut Option<Codec>, out: &mut Vec<Unit>) -> bool {
        let Some(timestamp) = self.timestamp.take() else {
            return true;
        };
        if std::mem::take(&mut self.sets.changed) {
            *codec = self.sets.codec(self.kind).or(codec.take());
        }
        let cut_short = self.open.take().is_some();
        let whole = !std::mem::take(&mut self.damaged) && !cut_short;
        let payload = self.bytes.split().freeze();
        let random_access = std::mem::take(&mut self.random_access);
        if whole && !payload.is_empty() {
            out.push(Unit {
                timestamp,
                payload,
                random_access,
            });
        }
        whole
    }
}

impl Kind {
    fn in_frame(self, nal: &[u8]) -> bool {
        match self {
            Self::H264 => h264::in_frame(nal),
            Self::Hevc => hevc::in_frame(nal),
        }
    }

    fn is_random_access(self, nal: &[u8]) -> bool {
        match self {
            Self::H264 => h264::is_random_access(nal),
            Self::Hevc => hevc::is_random_access(nal),
        }
    }
}

impl Sets {
    /// Keeps a parameter set; false if the unit is none.
    fn take(&mut self, kind: Kind, unit: &Bytes) -> bool {
        use h264::NalType as A;
        use hevc::NalType as B;
        let list = match kind {
            Kind::H264 => match A::of(unit) {
                Some(A::Sps) => &mut self.sps,
                Some(A::Pps) => &mut self.pps,
                _ => return false,
            },
            Kind::Hevc => match B::of(unit) {
                Some(B::Vps) => &mut self.vps,
                Some(B::Sps) => &mut self.sps,
                Some(B::Pps) => &mut self.pps,
                _ => return false,
            },
        };
        let known = list.contains(unit);
        if known || unit.len() > MAX_SET_BYTES {
            return true;
        }
        // Without its id being read, one of the same kind is taken to replace all others, unless
        // it comes beside them in the same picture.
        if !self.changed {
            list.clear();
        }
        if list.len() < MAX_SETS {
            // Copied: a slice would keep the whole read buffer.
            list.push(Bytes::copy_from_slice(unit));
        }
        self.changed = true;
        true
    }

    fn codec(&self, kind: Kind) -> Option<Codec> {
        match kind {
            Kind::H264 => {
                if self.pps.is_empty() {
                    return None;
                }
                let sets = (self.sps.clone(), self.pps.clone());
                let config = h264::DecoderConfig::new(sets.0, sets.1).ok()?;
                let video = config.video().ok()?;
                Some(Codec::H264 {
                    config: config.build(),
                    video,
                })
            }
            Kind::Hevc => {
                if self.pps.is_empty() || self.vps.is_empty() {
                    return None;
                }
                let (vps, sps, pps) = (self.vps.clone(), self.sps.clone(), self.pps.clone());
                let config = hevc::DecoderConfig::new(vps, sps, pps).ok()?;
                let video = config.video().ok()?;
                Some(Codec::Hevc {
                    config: config.build(),
                    video,
                })
            }
        }
    }
}
