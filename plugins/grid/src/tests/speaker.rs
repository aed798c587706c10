use super::*;

const CONFIG: &str = r##"{"mode": "speaker", "speaker": {
    "style": "alone", "hold_ms": 2000, "margin_db": 6, "silence_db": -50
}}"##;

/// A conference, called again and again as the host would.
struct Talk {
    scene: Scene,
    config: String,
}

impl Talk {
    fn new(levels: &[(&str, f64)], config: &str) -> Self {
        let mut talk = Self {
            scene: scene(1280, 720, Vec::new()),
            config: config.into(),
        };
        talk.scene.sources = levels.iter().map(|(id, _)| source(id)).collect();
        talk.levels(levels);
        talk
    }

    fn levels(&mut self, levels: &[(&str, f64)]) {
        for (id, level) in levels {
            let source = self
                .scene
                .sources
                .iter_mut()
                .find(|it| it.id == *id)
                .unwrap();
            source.audio_level_db = Some(*level);
        }
    }

    /// Who is shown after so many milliseconds.
    fn after(&mut self, ms: u64) -> String {
        self.scene.now_unix_ms += ms;
        self.scene.tiles = arrange(self.scene.clone(), &self.config);
        self.scene.tiles[0].source.clone()
    }
}

#[test]
fn the_loudest_is_shown_first_and_in_silence_the_first() {
    assert_eq!(
        Talk::new(&[("a", -30.0), ("b", -20.0)], CONFIG).after(0),
        "b"
    );
    assert_eq!(
        Talk::new(&[("a", -51.0), ("b", -50.0)], CONFIG).after(0),
        "a"
    );
    let mut mute = Talk::new(&[("a", -50.0), ("b", -50.0)], CONFIG);
    mute.scene.sources[0].audio_level_db = None;
    assert_eq!(mute.after(0), "a");
}

#[test]
fn another_takes_over_when_louder_by_the_margin_and_after_the_hold() {
    let mut talk = Talk::new(&[("a", -20.0), ("b", -40.0)], CONFIG);
    assert_eq!(talk.after(0), "a");
    talk.levels(&[("b", -14.1)]);
    assert_eq!(talk.after(10_000), "a");
    talk.levels(&[("b", -14.0)]);
    assert_eq!(talk.after(1), "b");
    talk.levels(&[("a", -1.0)]);
    assert_eq!((talk.after(1_999), talk.after(1)), ("b".into(), "a".into()));
}

#[test]
fn in_silence_the_last_speaker_stays() {
    let mut talk = Talk::new(&[("a", -40.0), ("b", -20.0)], CONFIG);
    talk.after(0);
    talk.levels(&[("a", -60.0), ("b", -90.0)]);
    assert_eq!(talk.after(60_000), "b");
}

#[test]
fn a_speaker_that_leaves_is_replaced_at_once() {
    let mut talk = Talk::new(&[("a", -20.0), ("b", -30.0), ("c", -40.0)], CONFIG);
    assert_eq!(talk.after(0), "a");
    talk.scene.sources[0].connected = false;
    assert_eq!(talk.after(1), "b");
}

#[test]
fn the_hold_counts_from_the_speakers_own_turn_while_others_come_and_go() {
    let mut talk = Talk::new(
        &[("a", -20.0), ("b", -40.0)],
        &CONFIG.replace("alone", "featured"),
    );
    talk.after(0);
    // The tiles in force are new because somebody came.
    talk.scene.sources.push(source("c"));
    assert_eq!(talk.after(1_500), "a");
    talk.scene.since_unix_ms = talk.scene.now_unix_ms;
    talk.levels(&[("b", -2.0)]);
    assert_eq!(talk.after(500), "b");
}

#[test]
fn the_same_scene_gives_the_same_tiles_so_that_nothing_moves() {
    let mut talk = Talk::new(
        &[("a", -20.0), ("b", -40.0)],
        &CONFIG.replace("alone", "pip"),
    );
    talk.after(0);
    let before = talk.scene.tiles.clone();
    talk.after(5_000);
    assert_eq!(talk.scene.tiles, before);
}

#[test]
fn a_clock_that_goes_back_keeps_the_speaker() {
    let mut talk = Talk::new(&[("a", -20.0), ("b", -40.0)], CONFIG);
    talk.after(0);
    talk.levels(&[("b", -1.0)]);
    talk.scene.now_unix_ms -= 3_600_000;
    assert_eq!(talk.after(0), "a");
}

#[test]
fn the_speaker_has_its_own_border_and_the_others_the_common_one() {
    let config = r##"{"mode": "speaker", "border": {"width": 1, "colour": "#000000"},
        "speaker": {"border": {"width": 4, "colour": "#ffcc00"}}}"##;
    let tiles = arrange(
        Talk::new(&[("a", -20.0), ("b", -40.0)], config).scene,
        config,
    );
    let widths: Vec<_> = tiles
        .iter()
        .map(|tile| tile.border.unwrap().width)
        .collect();
    assert_eq!(widths, [4, 1]);
}
