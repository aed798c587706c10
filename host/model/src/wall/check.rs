//! What is wrong with a group, each fault with its field.

use super::{Direction, GroupSpec, MAX_SCREENS, MAX_SOURCES, Playing, ScreenSpec, WallSource};
use crate::Endpoint;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Milliseconds that a group may be behind. Below, a browser has no time to fetch a part of 200 ms.
const DELAY_MS: RangeInclusive<u32> = 300..=30_000;
/// Pixels of a picture, each way.
const SIZE: RangeInclusive<u32> = 16..=7_680;
/// Pixels of a frame.
const BEZEL: RangeInclusive<f64> = 0.0..=1_000.0;
/// Rows and columns are counted below this.
const PLACES: u32 = 64;

/// A field, and what is wrong with it.
type Fault = (String, String);

impl GroupSpec {
    /// What is wrong with it in itself, each fault with its field.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !DELAY_MS.contains(&self.delay_ms) {
            faults.push(fault("delay_ms", "must be 300 to 30000"));
        }
        let count = self.screens.len();
        if count > MAX_SCREENS {
            let problem = format!("{count} given, at most {MAX_SCREENS} are allowed");
            faults.push(fault("screens", problem));
            return faults;
        }
        self.check_places(&mut faults);
        for screen in &self.screens {
            self.check_screen(screen, &mut faults);
        }
        if let Some(playing) = &self.playing {
            self.check_playing(playing, &mut faults);
        }
        faults
    }

    fn check_places(&self, faults: &mut Vec<Fault>) {
        let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
        let placed = self.screens.iter().filter(|screen| screen.row.is_some());
        let placed = placed.count();
        if placed != 0 && placed != self.screens.len() {
            let problem = "either all screens have a row and a column, or none has";
            faults.push(fault("screens", problem));
        }
        for screen in &self.screens {
            let field = |name: &str| format!("screens[{}].{name}", screen.id);
            if !ids.insert(&screen.id) {
                let problem = "declared twice; give each screen an id of its own";
                faults.push(fault(&field("id"), problem));
            }
            match (screen.row, screen.column) {
                (Some(row), Some(column)) if !places.insert((row, column)) => {
                    let problem = format!("another screen stands in row {row}, column {column}");
                    faults.push(fault(&field("column"), problem));
                }
                (Some(_), None) => faults.push(fault(&field("column"), "is missing beside row")),
                (None, Some(_)) => faults.push(fault(&field("row"), "is missing beside column")),
                _ => {}
            }
        }
    }

    fn check_screen(&self, screen: &ScreenSpec, faults: &mut Vec<Fault>) {
        let field = |name: &str| format!("screens[{}].{name}", screen.id);
        for (name, size) in [("width", screen.width), ("height", screen.height)] {
            if !SIZE.contains(&size) || size % 2 != 0 {
                faults.push(fault(&field(name), "must be 16 to 7680 pixels, and even"));
            }
        }
        for (name, place) in [("row", screen.row), ("column", screen.column)] {
            if place.is_some_and(|place| place >= PLACES) {
                faults.push(fault(&field(name), "must be 0 to 63"));
            }
        }
        let bezel = screen.bezel;
        for (name, width) in [
            ("bezel.left", bezel.left),
            ("bezel.top", bezel.top),
            ("bezel.right", bezel.right),
            ("bezel.bottom", bezel.bottom),
        ] {
            if !BEZEL.contains(&width) {
                faults.push(fault(&field(name), "must be 0 to 1000 pixels"));
            }
        }
        if !matches!(screen.rotation, 0 | 90 | 180 | 270) {
            faults.push(fault(&field("rotation"), "must be 0, 90, 180 or 270"));
        }
        if let Err(error) = self.stream_of(&screen.id) {
            let problem = format!("the stream GROUP/SCREEN would have no name: {error}");
            faults.push(fault(&field("id"), problem));
        }
    }

    fn check_playing(&self, playing: &Playing, faults: &mut Vec<Fault>) {
        if self.screens.is_empty() {
            let problem = "a group without screens can show nothing; add a screen first";
            faults.push(fault("playing", problem));
        }
        let sources = playing.sources();
        if sources.is_empty() || sources.len() > MAX_SOURCES {
            let problem = format!("{} given; 1 to {MAX_SOURCES} are taken", sources.len());
            faults.push(fault("playing.sources", problem));
            return;
        }
        let mut seen = BTreeSet::new();
        for (at, source) in sources.iter().enumerate() {
            let field = match playing {
                Playing::Split { .. } => "playing.source".to_owned(),
                Playing::Multi { .. } => format!("playing.sources[{at}]"),
            };
            if !seen.insert(source) {
                faults.push(fault(&field, "given twice; each picture is shown once"));
            }
            match source {
                WallSource::Stream { name } if self.streams().any(|own| own == *name) => {
                    let problem = format!("{name} is made of this group's own picture");
                    faults.push(fault(&field, problem));
                }
                WallSource::Stream { .. } => {}
                WallSource::File { path } => {
                    if let Err(error) = Endpoint::file(path) {
                        faults.push(fault(&field, error.to_string()));
                    }
                }
            }
        }
    }
}

impl Direction {
    /// Row and column of the one at `index` of `count`.
    pub fn place(self, index: usize, count: usize) -> (u32, u32) {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        match self {
            Self::Horizontal => (0, index),
            Self::Vertical => (index, 0),
            Self::Grid => {
                let columns = (1u32..)
                    .find(|columns| u64::from(*columns).pow(2) >= count as u64)
                    .unwrap_or(1);
                (index / columns, index % columns)
            }
        }
    }
}

fn fault(field: &str, problem: impl Into<String>) -> Fault {
    (field.to_owned(), problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn fields_of(document: Value) -> Vec<String> {
        let group: GroupSpec = serde_json::from_value(document).unwrap();
        group.faults().into_iter().map(|(field, _)| field).collect()
    }

    fn screens(screens: Value) -> Vec<String> {
        fields_of(json!({"name": "lobby", "screens": screens}))
    }

    #[test]
    fn a_sound_group_has_no_faults_and_short_words() {
        let group = json!({
            "name": "acme/lobby", "direction": "grid", "delay_ms": 700,
            "screens": [{"id": "a"}, {"id": "b", "rotation": 90, "bezel": {"left": 12.5}}],
            "playing": {"mode": "split", "source": {"type": "stream", "name": "live/cam1"}}});
        assert_eq!(fields_of(group.clone()), [""; 0]);
        let read: GroupSpec = serde_json::from_value(group).unwrap();
        assert_eq!(
            (read.screens[0].width, read.screens[0].height),
            (1920, 1080)
        );
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(
            written["screens"][0],
            json!({"id": "a", "width": 1920, "height": 1080})
        );
        assert_eq!(serde_json::from_value::<GroupSpec>(written).unwrap(), read);
        let names: Vec<_> = read.streams().map(|name| name.to_string()).collect();
        assert_eq!(names, ["acme/lobby", "acme/lobby/a", "acme/lobby/b"]);
    }

    #[test]
    fn every_fault_of_screens_names_its_field() {
        assert_eq!(
            screens(json!([{"id": "a"}, {"id": "a"}])),
            ["screens[a].id"]
        );
        assert_eq!(
            screens(
                json!([{"id": "a", "row": 0, "column": 1}, {"id": "b", "row": 0, "column": 1}])
            ),
            ["screens[b].column"]
        );
        assert_eq!(
            screens(json!([{"id": "a", "row": 0, "column": 64}, {"id": "b"}])),
            ["screens", "screens[a].column"]
        );
        assert_eq!(
            screens(json!([{"id": "a", "row": 0}])),
            ["screens[a].column"]
        );
        let odd = json!([{"id": "a", "width": 15, "height": 8194, "rotation": 45,
            "bezel": {"left": -1.0, "bottom": 1001.0}}]);
        let expected = ["width", "height", "bezel.left", "bezel.bottom", "rotation"];
        assert_eq!(screens(odd), expected.map(|it| format!("screens[a].{it}")));
        assert_eq!(
            screens(json!([{"id": "a", "width": 641}])),
            ["screens[a].width"]
        );
        let many: Vec<_> = (0..65).map(|at| json!({"id": format!("s{at}")})).collect();
        assert_eq!(screens(json!(many)), ["screens"]);
        assert_eq!(screens(json!(many[..64])), [""; 0]);
        let long = "a".repeat(199);
        assert_eq!(
            screens(json!([{ "id": long }])),
            [format!("screens[{long}].id")]
        );
    }

    #[test]
    fn every_fault_of_what_is_played_names_its_field() {
        let playing = |screens: Value, playing: Value| {
            fields_of(json!({"name": "lobby", "screens": screens, "playing": playing}))
        };
        let one = || json!([{"id": "a"}]);
        let cam = json!({"type": "stream", "name": "cam"});
        let split = json!({"mode": "split", "source": cam});
        assert_eq!(playing(json!([]), split), ["playing"]);
        let itself = json!({"mode": "split", "source": {"type": "stream", "name": "lobby/a"}});
        assert_eq!(playing(one(), itself), ["playing.source"]);
        let outside = json!({"mode": "split", "source": {"type": "file", "path": "../etc/passwd"}});
        assert_eq!(playing(one(), outside), ["playing.source"]);
        let none = json!({"mode": "multi", "sources": []});
        assert_eq!(playing(one(), none), ["playing.sources"]);
        let twice = json!({"mode": "multi", "sources": [cam, cam]});
        assert_eq!(playing(one(), twice), ["playing.sources[1]"]);
        assert_eq!(
            fields_of(json!({"name": "g", "delay_ms": 299})),
            ["delay_ms"]
        );
    }

    #[test]
    fn screens_without_a_place_stand_in_their_order() {
        let places = |direction: Direction, count: usize| -> Vec<_> {
            (0..count).map(|at| direction.place(at, count)).collect()
        };
        assert_eq!(places(Direction::Horizontal, 3), [(0, 0), (0, 1), (0, 2)]);
        assert_eq!(places(Direction::Vertical, 2), [(0, 0), (1, 0)]);
        assert_eq!(
            places(Direction::Grid, 5),
            [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
        );
    }
}
