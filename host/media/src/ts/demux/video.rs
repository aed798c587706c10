//! Access units of H.264 and HEVC, from Annex B to length prefixes.

use crate::codec::bits::BitReader;
use crate::codec::nal;
use crate::codec::{CodecError, h264, hevc};
use crate::frame::Codec;
use crate::ts::access::{Access, EntryPoints, Unit};
use crate::ts::psi::StreamKind;
use bytes::{Bytes, BytesMut};

/// More parameter sets of a kind than this are taken for garbage.
const MAX_SETS: usize = 64;
/// The same, in bytes: real ones have some hundred. They stand in every configuration record,
/// and before every random access unit of what is made from it.
const MAX_SETS_BYTES: usize = 64 << 10;

/// One access unit, converted.
#[derive(Debug)]
pub(super) struct AccessUnit {
    pub(super) payload: Bytes,
    pub(super) random_access: bool,
}

/// Converts the access units of one stream, and follows its parameter sets.
#[derive(Debug)]
pub(super) struct VideoUnits {
    kind: StreamKind,
    entry_points: EntryPoints,
    sets: Sets,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Sets {
    vps: Vec<Bytes>,
    sps: Vec<Bytes>,
    pps: Vec<Bytes>,
}

impl VideoUnits {
    pub(super) fn new(kind: StreamKind) -> Self {
        Self {
            kind,
            entry_points: EntryPoints::default(),
            sets: Sets::default(),
        }
    }

    /// Converts `annexb`; none if it holds no picture. Puts a new configuration in `codec`.
    ///
    /// # Errors
    /// If the parameter sets are new and do not parse; `codec` stays as it was.
    pub(super) fn convert(
        &mut self,
        annexb: &[u8],
        indicated: bool,
        codec: &mut Option<Codec>,
    ) -> Result<Option<AccessUnit>, CodecError> {
        let mut access = Access::default();
        let mut found = Sets::default();
        let mut payload = BytesMut::with_capacity(annexb.len() + 16);
        let in_frame = if self.kind == StreamKind::Hevc {
            hevc::in_frame
        } else {
            h264::in_frame
        };
        for unit in nal::annex_b(annexb) {
            let kind = Unit::of(self.kind, unit);
            access.note(kind);
            if kind.is_parameter_set() {
                found.add(kind, unit);
            } else if in_frame(unit) {
                nal::put_length_prefixed(unit, &mut payload);
            }
        }
        if self.sets.update(self.kind, found) {
            *codec = Some(self.sets.codec(self.kind)?);
        }
        if !access.picture {
            return Ok(None);
        }
        let random_access = self.entry_points.judge(access, indicated);
        Ok(Some(AccessUnit {
            payload: payload.freeze(),
            random_access,
        }))
    }
}

impl Sets {
    fn add(&mut self, kind: Unit, unit: &[u8]) {
        let has_room = self.bytes() + unit.len() <= MAX_SETS_BYTES;
        let list = match kind {
            Unit::Vps => &mut self.vps,
            Unit::Sps => &mut self.sps,
            _ => &mut self.pps,
        };
        if has_room && list.len() < MAX_SETS && !list.iter().any(|known| known == unit) {
            list.push(Bytes::copy_from_slice(unit));
        }
    }

    fn bytes(&self) -> usize {
        let all = self.vps.iter().chain(&self.sps).chain(&self.pps);
        all.map(Bytes::len).sum()
    }

    /// Takes over what one access unit brought. True if that changed anything.
    ///
    /// An SPS starts a new configuration; a PPS alone adds to the one in force.
    fn update(&mut self, kind: StreamKind, found: Self) -> bool {
        let before = self.clone();
        if !found.sps.is_empty() {
            self.sps = found.sps;
            if !found.vps.is_empty() {
                self.vps = found.vps;
            }
            if !found.pps.is_empty() {
                self.pps = found.pps;
            }
        } else {
            for set in found.pps {
                let id = pps_id(kind, &set);
                self.pps.retain(|known| pps_id(kind, known) != id);
                self.pps.push(set);
            }
            // Of an SPS that has many, the oldest go.
            while self.pps.len() > MAX_SETS || (self.pps.len() > 1 && self.bytes() > MAX_SETS_BYTES)
            {
                self.pps.remove(0);
            }
        }
        *self != before && !self.sps.is_empty() && !self.pps.is_empty()
    }

    fn codec(&self, kind: StreamKind) -> Result<Codec, CodecError> {
        let Self { vps, sps, pps } = self.clone();
        if kind == StreamKind::Hevc {
            let config = hevc::DecoderConfig::new(vps, sps, pps)?;
            return Ok(Codec::Hevc {
                video: config.video()?,
                config: config.build(),
            });
        }
        let config = h264::DecoderConfig::new(sps, pps)?;
        Ok(Codec::H264 {
            video: config.video()?,
            config: config.build(),
        })
    }
}

/// The id is coded first, right behind the NAL header (H.264 §7.3.2.2, H.265 §7.3.2.3.1).
fn pps_id(kind: StreamKind, nal: &[u8]) -> Option<u32> {
    let header_bytes = if kind == StreamKind::Hevc { 2 } else { 1 };
    BitReader::new("picture parameter set", nal.get(header_bytes..)?)
        .ue()
        .ok()
}
