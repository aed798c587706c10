//! Metadata in PES packets: ID3 tags, KLV bare or in metadata access unit cells.

use crate::ts::psi::StreamKind;
use bytes::{Bytes, BytesMut};

/// How a SMPTE universal label begins.
const LABEL: &[u8] = &[0x06, 0x0E, 0x2B, 0x34];
/// `metadata_AU_cell` up to its data (ISO/IEC 13818-1 §2.12.4.2).
const CELL_HEAD_BYTES: usize = 5;

/// The access units of a PES packet.
pub(super) fn cut(kind: StreamKind, payload: &Bytes) -> Vec<Bytes> {
    match kind {
        // Some write the cells' stream type and no cells.
        StreamKind::KlvCells if !payload.starts_with(LABEL) => cells(payload),
        _ => vec![payload.clone()],
    }
}

/// Units of whole cells, and of fragments in order; an unfinished unit is left out.
fn cells(payload: &Bytes) -> Vec<Bytes> {
    let mut units = Vec::new();
    let mut partial: Option<BytesMut> = None;
    let mut rest = payload.clone();
    while let Some(&[_service, _sequence, flags, high, low]) = rest.first_chunk() {
        let end = CELL_HEAD_BYTES + usize::from(u16::from_be_bytes([high, low]));
        let Some(data) = rest
            .get(CELL_HEAD_BYTES..end)
            .map(|data| rest.slice_ref(data))
        else {
            break;
        };
        // cell_fragment_indication: whole, first, last, middle.
        match flags >> 6 {
            3 => units.push(data),
            2 => partial = Some(BytesMut::from(&data[..])),
            other => {
                if let Some(begun) = &mut partial {
                    begun.extend_from_slice(&data);
                }
                if other == 1 {
                    units.extend(partial.take().map(BytesMut::freeze));
                }
            }
        }
        rest = rest.slice(end..);
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_whole_and_in_fragments_become_units() {
        let cells = [
            &[0, 0, 0xC0, 0, 2, 1, 2][..],
            &[0, 1, 0x80, 0, 1, 3],
            &[0, 2, 0x00, 0, 1, 4],
            &[0, 3, 0x40, 0, 1, 5],
            &[0, 4, 0x80, 0, 1, 6],
        ];
        let units = cut(StreamKind::KlvCells, &cells.concat().into());
        assert_eq!(units, [&[1, 2][..], &[3, 4, 5]]);
        let bare = Bytes::from_static(b"\x06\x0E\x2B\x34 and so on");
        assert_eq!(
            cut(StreamKind::KlvCells, &bare),
            std::slice::from_ref(&bare)
        );
        assert!(
            cut(
                StreamKind::KlvCells,
                &Bytes::from_static(&[0, 0, 0xC0, 9, 9, 1])
            )
            .is_empty()
        );
    }
}
