//! What the NAL units of an access unit say about it, the same for monitor and demuxer.

use super::psi::StreamKind;
use crate::codec::{h264, hevc};
use crate::profile::Picture;

/// Collected over the units of one access unit, in order.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::ts) struct Access {
    /// A slice was seen.
    pub(in crate::ts) picture: bool,
    /// And it is of an IDR or IRAP picture.
    pub(in crate::ts) clean: bool,
    /// A sequence parameter set was seen.
    pub(in crate::ts) configured: bool,
}

/// What kind a unit is, of either codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ts) enum Unit {
    Vps,
    Sps,
    Pps,
    Picture { clean: bool },
    Other,
}

impl Unit {
    pub(in crate::ts) fn of(kind: StreamKind, nal: &[u8]) -> Self {
        if kind == StreamKind::Hevc {
            return match hevc::NalType::of(nal) {
                Some(hevc::NalType::Vps) => Self::Vps,
                Some(hevc::NalType::Sps) => Self::Sps,
                Some(hevc::NalType::Pps) => Self::Pps,
                Some(hevc::NalType::Irap) => Self::Picture { clean: true },
                Some(hevc::NalType::Slice) => Self::Picture { clean: false },
                _ => Self::Other,
            };
        }
        match h264::NalType::of(nal) {
            Some(h264::NalType::Sps) => Self::Sps,
            Some(h264::NalType::Pps) => Self::Pps,
            Some(h264::NalType::Idr) => Self::Picture { clean: true },
            Some(h264::NalType::Slice) => Self::Picture { clean: false },
            _ => Self::Other,
        }
    }

    /// Parameter sets travel in the configuration record.
    pub(in crate::ts) const fn is_parameter_set(self) -> bool {
        matches!(self, Self::Vps | Self::Sps | Self::Pps)
    }
}

impl Access {
    pub(in crate::ts) fn note(&mut self, unit: Unit) {
        match unit {
            Unit::Picture { clean } => {
                self.picture = true;
                self.clean |= clean;
            }
            Unit::Sps => self.configured = true,
            Unit::Vps | Unit::Pps | Unit::Other => {}
        }
    }
}

/// Whether decoding can begin at an access unit, learnt over a stream.
///
/// An IDR or IRAP picture always counts. Streams that never send one (open GOP in broadcast,
/// periodic intra refresh) mark their entry points by the random access indicator; that counts
/// with an SPS beside it, until the first clean picture shows that the stream can do better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::ts) struct EntryPoints {
    clean_seen: bool,
    indicator_lies: bool,
}

impl EntryPoints {
    /// Judges a unit whose first slice was seen, with the indicator of its first packet.
    pub(in crate::ts) fn judge(&mut self, access: Access, indicated: bool) -> bool {
        self.clean_seen |= access.clean;
        self.indicator_lies |= indicated && self.clean_seen && !access.clean;
        access.clean || (!self.clean_seen && indicated && access.configured)
    }

    /// Judges a unit of which only the head is in sight, without a slice.
    pub(in crate::ts) const fn guess(self, access: Access, indicated: bool) -> bool {
        access.configured || (indicated && !self.indicator_lies)
    }
}

/// What a sequence parameter set says of the pictures.
pub(in crate::ts) fn picture_of(kind: StreamKind, sps: &[u8]) -> Option<Picture> {
    if kind == StreamKind::Hevc {
        hevc::Sps::parse(sps).ok().map(Picture::hevc)
    } else {
        h264::Sps::parse(sps).ok().map(Picture::h264)
    }
}
