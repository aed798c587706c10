//! What peers say of enhanced RTMP in `connect` and in the answer to it (Veovera, "Enhanced
//! RTMP" v1 and v2).

use crate::amf::{Object, Value};
use crate::message::Command;

/// `videoFourCcInfoMap` and `audioFourCcInfoMap`: the codec is decoded, or passed on.
const CAN_DECODE: u32 = 0x01;
const CAN_FORWARD: u32 = 0x04;
/// `capsEx`: several tracks.
const MULTITRACK: u32 = 0x02;
/// `capsEx`: modifiers before packets.
const MOD_EX: u32 = 0x04;

/// Any codec.
const ANY: &str = "*";
/// More entries than this are not looked at; ten codecs have a FourCC.
const MAX_ENTRIES: usize = 64;

/// What a peer takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enhanced {
    fourccs: Vec<String>,
    caps: u32,
}

impl Enhanced {
    /// From the properties of `connect`; empty for a peer that says nothing of it.
    pub(super) fn of(properties: &Object) -> Self {
        let mut enhanced = Self::default();
        enhanced.add(properties);
        enhanced
    }

    /// From the answer to `connect`: some servers say it beside their version, some beside the
    /// code.
    pub(super) fn of_answer(answer: &Command) -> Self {
        let mut enhanced = Self::default();
        let objects = answer.arguments.iter().filter_map(Value::as_object);
        objects.for_each(|object| enhanced.add(object));
        enhanced
    }

    /// Whether it takes media of that FourCC.
    pub fn takes(&self, fourcc: &str) -> bool {
        self.fourccs
            .iter()
            .any(|known| known == fourcc || known == ANY)
    }

    /// Whether it takes messages of several tracks.
    pub const fn takes_multitrack(&self) -> bool {
        self.caps & MULTITRACK != 0
    }

    /// Whether it announced anything at all.
    pub const fn is_announced(&self) -> bool {
        !self.fourccs.is_empty() || self.caps != 0
    }

    fn add(&mut self, properties: &Object) {
        if let Some(Value::StrictArray(list)) = properties.get("fourCcList") {
            let names = list.iter().filter_map(Value::as_str).take(MAX_ENTRIES);
            self.fourccs.extend(names.map(str::to_owned));
        }
        for map in ["videoFourCcInfoMap", "audioFourCcInfoMap"] {
            let map = properties.get(map).and_then(Value::as_object);
            let fields = map.into_iter().flat_map(|map| &map.fields);
            for (name, flags) in fields.take(MAX_ENTRIES) {
                // The cast saturates.
                let flags = flags.as_f64().unwrap_or_default() as u32;
                if flags & (CAN_DECODE | CAN_FORWARD) != 0 {
                    self.fourccs.push(name.clone());
                }
            }
        }
        let caps = properties.get("capsEx").and_then(Value::as_f64);
        self.caps |= caps.unwrap_or_default() as u32;
    }
}

/// What this host says of itself: it passes every codec on.
pub(super) fn announcement() -> [(&'static str, Value); 4] {
    let any = || Value::object([(ANY, f64::from(CAN_FORWARD).into())]);
    [
        ("fourCcList", Value::StrictArray(vec![ANY.into()])),
        ("videoFourCcInfoMap", any()),
        ("audioFourCcInfoMap", any()),
        ("capsEx", f64::from(MULTITRACK | MOD_EX).into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_come_from_the_list_and_from_maps_with_the_right_flags() {
        let maps = [
            (
                "fourCcList",
                Value::StrictArray(vec!["hvc1".into(), 7.0.into()]),
            ),
            (
                "videoFourCcInfoMap",
                Value::object([("av01", 1.0.into()), ("vp09", 2.0.into())]),
            ),
            ("audioFourCcInfoMap", Value::object([("Opus", 4.0.into())])),
            ("capsEx", 3.0.into()),
        ];
        let enhanced = Enhanced::of(&maps.into_iter().collect());
        let taken: Vec<bool> = ["hvc1", "av01", "vp09", "Opus"]
            .map(|fourcc| enhanced.takes(fourcc))
            .into();
        // 2 is "can encode": such a peer sends it, and takes nothing.
        assert_eq!(taken, [true, true, false, true]);
        assert!(enhanced.takes_multitrack() && enhanced.is_announced());
    }

    #[test]
    fn who_says_nothing_takes_nothing_and_our_own_words_take_all() {
        assert!(!Enhanced::default().is_announced());
        let ours = Enhanced::of(&announcement().into_iter().collect());
        assert!(ours.takes("hvc1") && ours.takes("Opus") && ours.takes_multitrack());
    }
}
