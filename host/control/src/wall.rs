//! What has to run for a group to show what it plays: a pure function of the document.

use model::StreamName;
use model::composite::{CompositeSource, CompositeSpec, Encoding, Media};
use model::layout::Canvas;
use model::split::{self as cut, SplitSource, SplitSpec};
use model::wall::{Direction, GroupSpec, Playing, Region, Wall, WallSource};

/// What has to run for a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The group.
    pub group: StreamName,
    /// What is cut into regions.
    pub source: Picture,
    /// One stream for each screen, all with the same timestamps.
    pub regions: Vec<Region>,
}

impl Wanted {
    /// What cuts the picture. The first screen has the sound: of several that sound at once, none
    /// is understood.
    pub fn split(&self) -> SplitSpec {
        let from = match &self.source {
            Picture::Of(WallSource::Stream { name }) => SplitSource::Stream(name.clone()),
            Picture::Of(WallSource::File { path }) => SplitSource::File(path.clone()),
            Picture::Composed { .. } => SplitSource::Stream(self.group.clone()),
        };
        let regions = self
            .regions
            .iter()
            .enumerate()
            .map(|(at, region)| cut::Region {
                stream: region.stream.clone(),
                part: region.part,
                rotation: region.turn,
                width: region.width,
                height: region.height,
                video_kbps: kbps(region.width, region.height),
                audio: at == 0,
            });
        SplitSpec {
            from,
            regions: regions.collect(),
            hardware: Default::default(),
            key_frame_ms: KEY_FRAME_MS,
            audio: Default::default(),
        }
    }
}

impl Wanted {
    /// What composes the picture, if it is composed: the stream under the group's own name.
    pub fn composite(&self) -> Option<CompositeSpec> {
        let Picture::Composed {
            canvas, sources, ..
        } = &self.source
        else {
            return None;
        };
        let sources = sources.iter().map(|source| {
            // No name of a stream has a colon.
            let (id, from) = match source {
                WallSource::Stream { name } => (name.to_string(), Media::Stream(name.clone())),
                WallSource::File { path } => (format!("file:{path}"), Media::File(path.clone())),
            };
            CompositeSource {
                id,
                title: String::new(),
                from,
                gain_db: 0.0,
                mute: false,
                labels: Default::default(),
            }
        });
        Some(CompositeSpec {
            width: canvas.width,
            height: canvas.height,
            fps_milli: FPS_MILLI,
            sources: sources.collect(),
            overlays: Vec::new(),
            name_tags: None,
            background_rgb: 0,
            transition: Default::default(),
            hold_ms: HOLD_MS,
            ducking: None,
            encoding: Encoding {
                video_kbps: kbps(canvas.width, canvas.height),
                ..Encoding::default()
            },
        })
    }
}

/// Thousandths of a picture a second that are composed.
const FPS_MILLI: u32 = 30_000;

/// A source that sends nothing shows its last picture for so long, and a slate from then on.
const HOLD_MS: u32 = 2_000;

/// A screen that comes late waits no longer than this for its first picture.
const KEY_FRAME_MS: u32 = 1_000;

/// 4.5 Mbit/s for 1920 x 1080, others by their area.
fn kbps(width: u32, height: u32) -> u32 {
    let kbps = u64::from(width) * u64::from(height) * 4_500 / (1_920 * 1_080);
    u32::try_from(kbps.clamp(300, 50_000)).unwrap_or(50_000)
}

/// The picture that a wall shows, before it is cut.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// It is there already.
    Of(WallSource),
    /// It is composed, as a stream under the group's own name.
    Composed {
        /// What it is drawn on; the layout policy for the group's name arranges it.
        canvas: Canvas,
        /// In the operator's order.
        sources: Vec<WallSource>,
        /// How they stand if no policy says otherwise.
        layout: Direction,
    },
}

/// What has to run for a group, if it plays anything. `size_of` tells the size of a source's
/// picture in pixels, while that is known.
pub fn wanted(
    group: &GroupSpec,
    size_of: impl Fn(&WallSource) -> Option<(u32, u32)>,
) -> Option<Wanted> {
    let playing = group.playing.as_ref()?;
    let wall = Wall::of(group)?;
    let (source, regions) = match playing {
        Playing::Split { source, fit } => {
            let regions = wall.regions(size_of(source), *fit);
            (Picture::Of(source.clone()), regions)
        }
        Playing::Multi { sources, layout } => {
            let picture = Picture::Composed {
                canvas: wall.canvas(),
                sources: sources.clone(),
                layout: *layout,
            };
            (picture, wall.regions_of_canvas())
        }
    };
    Some(Wanted {
        group: group.name.clone(),
        source,
        regions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::layout::Rect;
    use serde_json::{Value, json};

    fn group(playing: Value) -> GroupSpec {
        serde_json::from_value(json!({
            "name": "lobby",
            "screens": [{"id": "l"}, {"id": "r"}],
            "playing": playing,
        }))
        .unwrap()
    }

    #[test]
    fn a_split_picture_is_cut_into_one_stream_a_screen() {
        let cam = json!({"type": "stream", "name": "cam"});
        let group = group(json!({"mode": "split", "source": cam}));
        let wide = wanted(&group, |_| Some((3840, 1080))).unwrap();
        let WallSource::Stream { name } = &group.playing.as_ref().unwrap().sources()[0] else {
            panic!("a stream")
        };
        assert_eq!(name.as_str(), "cam");
        let streams: Vec<_> = wide.regions.iter().map(|it| it.stream.as_str()).collect();
        assert_eq!(streams, ["lobby/l", "lobby/r"]);
        let split = wide.split();
        assert_eq!(wide.composite(), None);
        assert_eq!(split.faults(), []);
        assert_eq!(split.from, SplitSource::Stream("cam".parse().unwrap()));
        let sound: Vec<_> = split.regions.iter().map(|it| it.audio).collect();
        assert_eq!(
            (sound, split.regions[0].video_kbps),
            (vec![true, false], 4_500)
        );
        let right = Rect {
            x: 0.5,
            y: 0.0,
            width: 0.5,
            height: 1.0,
        };
        assert_eq!(wide.regions[1].part, right);
        // 16:9 covers 32:9: half of its height is not seen.
        let usual = wanted(&group, |_| Some((1920, 1080))).unwrap();
        assert_eq!(
            (usual.regions[0].part.y, usual.regions[0].part.height),
            (0.25, 0.5)
        );
    }

    #[test]
    fn several_pictures_are_composed_under_the_groups_name_first() {
        let sources = json!([{"type": "stream", "name": "cam"}, {"type": "file", "path": "a.mp4"}]);
        let group = group(json!({"mode": "multi", "sources": sources, "layout": "horizontal"}));
        let wall = wanted(&group, |_| None).unwrap();
        let Picture::Composed {
            canvas,
            sources,
            layout,
        } = &wall.source
        else {
            panic!("{wall:?}")
        };
        assert_eq!((canvas.width, canvas.height), (3840, 1080));
        assert_eq!((sources.len(), *layout), (2, Direction::Horizontal));
        assert_eq!(wall.regions[1].part.x, 0.5);
        let composite = wall.composite().unwrap();
        assert_eq!((composite.width, composite.sources.len()), (3840, 2));
        assert_eq!(composite.sources[1].id, "file:a.mp4");
        assert_eq!(
            wall.split().from,
            SplitSource::Stream("lobby".parse().unwrap())
        );
    }

    #[test]
    fn nothing_runs_for_a_group_that_plays_nothing_or_has_no_screen() {
        assert_eq!(wanted(&group(Value::Null), |_| None), None);
        let cam = json!({"type": "stream", "name": "cam"});
        let mut empty = group(json!({"mode": "split", "source": cam}));
        empty.screens.clear();
        assert_eq!(wanted(&empty, |_| None), None);
    }
}
