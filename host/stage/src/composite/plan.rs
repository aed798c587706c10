//! An arrangement as it is drawn: checked once, in order, and on its way from the one before.

use super::ArrangeError;
use model::composite::Easing;
use model::layout::{Arrangement, Border, Rect};
use raster::{Area, Part, Turn};
use std::collections::HashMap;
use std::sync::Arc;

/// Tiles of an arrangement at most, as in `wit/`.
pub(super) const MAX_TILES: usize = 256;
/// Beyond this no edge of a tile matters, pixels.
const FAR: f64 = 32_768.0;

/// A tile that is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tile {
    pub(super) source: Arc<str>,
    /// Which of its source's tiles it is: a tile moves to where the same one of the next
    /// arrangement is.
    pub(super) nth: u32,
    pub(super) part: Rect,
    pub(super) area: Rect,
    pub(super) z: i32,
    pub(super) turn: Turn,
    pub(super) alpha: f64,
    pub(super) border: Option<Border>,
}

/// The tiles of an arrangement, those below first.
pub(super) type Plan = Arc<[Tile]>;

/// What there is to draw of an arrangement.
///
/// # Errors
/// It is one that no canvas can show.
pub(super) fn plan(arrangement: &Arrangement) -> Result<Plan, ArrangeError> {
    let count = arrangement.tiles.len();
    if count > MAX_TILES {
        return Err(ArrangeError::TooMany { count });
    }
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let mut tiles = Vec::with_capacity(count);
    for (n, tile) in arrangement.tiles.iter().enumerate() {
        let wrong = |what| ArrangeError::Tile { n, what };
        let Rect {
            x,
            y,
            width,
            height,
        } = tile.area;
        let part = tile.part;
        let numbers = [
            x,
            y,
            width,
            height,
            part.x,
            part.y,
            part.width,
            part.height,
            tile.alpha,
        ];
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(wrong("has a number that is none"));
        }
        let turn = Turn::of_degrees(tile.rotation);
        let turn =
            turn.ok_or_else(|| wrong("is turned by other than 0, 90, 180 or 270 degrees"))?;
        let nth = seen.entry(&tile.source).or_default();
        *nth += 1;
        // What cannot be seen is left out.
        if width < 0.5 || height < 0.5 || part.width <= 0.0 || part.height <= 0.0 {
            continue;
        }
        tiles.push(Tile {
            source: tile.source.as_str().into(),
            nth: *nth,
            part,
            area: Rect {
                x: x.clamp(-FAR, FAR),
                y: y.clamp(-FAR, FAR),
                width: width.min(FAR),
                height: height.min(FAR),
            },
            z: tile.z,
            turn,
            alpha: tile.alpha.clamp(0.0, 1.0),
            border: tile.border,
        });
    }
    tiles.sort_by_key(|tile| tile.z);
    Ok(tiles.into())
}

impl Tile {
    pub(super) fn area(&self) -> Area {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.area;
        // Edges are rounded, not extents, so that neighbours meet. `as` saturates.
        let (left, top) = (x.round() as i32, y.round() as i32);
        let (right, bottom) = ((x + width).round() as i32, (y + height).round() as i32);
        Area {
            x: left,
            y: top,
            width: right.abs_diff(left),
            height: bottom.abs_diff(top),
        }
        .aligned()
    }

    pub(super) fn part(&self) -> Part {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.part;
        Part {
            x,
            y,
            width,
            height,
        }
    }

    /// 0 to 256.
    pub(super) fn opacity(&self) -> u16 {
        (self.alpha * 256.0).round() as u16
    }
}

/// The arrangement in force, or one on its way there.
#[derive(Debug)]
pub(super) struct Motion {
    from: Plan,
    to: Plan,
    easing: Easing,
    /// Frames that it takes, and that have passed.
    frames: u64,
    passed: u64,
}

impl Motion {
    pub(super) fn new() -> Self {
        Self {
            from: Arc::default(),
            to: Arc::default(),
            easing: Easing::Linear,
            frames: 1,
            passed: 1,
        }
    }

    /// From the next frame on, towards `to`, which is there after so many frames; 1 is a cut.
    pub(super) fn head_for(&mut self, to: Plan, frames: u64, easing: Easing) {
        self.from = self.tiles();
        self.to = to;
        (self.easing, self.frames, self.passed) = (easing, frames.max(1), 0);
    }

    /// One frame further; whether anything moved.
    pub(super) fn step(&mut self) -> bool {
        let moving = self.passed < self.frames;
        self.passed += u64::from(moving);
        moving
    }

    /// What is seen now.
    pub(super) fn tiles(&self) -> Plan {
        if self.passed >= self.frames {
            return self.to.clone();
        }
        let t = eased(self.passed as f64 / self.frames as f64, self.easing);
        let same = |a: &Tile, b: &Tile| a.source == b.source && a.nth == b.nth;
        let leaving = self
            .from
            .iter()
            .filter(|it| !self.to.iter().any(|to| same(it, to)));
        let leaving = leaving.map(|it| Tile {
            alpha: it.alpha * (1.0 - t),
            ..it.clone()
        });
        let coming = self
            .to
            .iter()
            .map(|to| match self.from.iter().find(|it| same(it, to)) {
                Some(from) => Tile {
                    area: between(from.area, to.area, t),
                    part: between(from.part, to.part, t),
                    alpha: from.alpha + (to.alpha - from.alpha) * t,
                    ..to.clone()
                },
                None => Tile {
                    alpha: to.alpha * t,
                    ..to.clone()
                },
            });
        let mut tiles: Vec<Tile> = leaving.chain(coming).collect();
        tiles.sort_by_key(|tile| tile.z);
        tiles.into()
    }
}

fn between(from: Rect, to: Rect, t: f64) -> Rect {
    let at = |from: f64, to: f64| from + (to - from) * t;
    Rect {
        x: at(from.x, to.x),
        y: at(from.y, to.y),
        width: at(from.width, to.width),
        height: at(from.height, to.height),
    }
}

fn eased(t: f64, easing: Easing) -> f64 {
    match easing {
        Easing::Linear => t,
        // The cubic whose speed is 0 at both ends.
        Easing::InOut => t * t * (3.0 - 2.0 * t),
        Easing::Out => 1.0 - (1.0 - t).powi(3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::layout;

    fn tile(source: &str, x: f64, width: f64) -> layout::Tile {
        layout::Tile {
            source: source.to_owned(),
            part: Rect::WHOLE,
            area: Rect {
                x,
                y: 0.0,
                width,
                height: 100.0,
            },
            z: 0,
            rotation: 0,
            alpha: 1.0,
            border: None,
            attributes: Default::default(),
        }
    }

    fn planned(tiles: Vec<layout::Tile>) -> Plan {
        plan(&Arrangement {
            tiles,
            ..Arrangement::default()
        })
        .unwrap()
    }

    #[test]
    fn what_no_canvas_can_show_is_refused_and_what_cannot_be_seen_left_out() {
        let with = |change: fn(&mut layout::Tile)| {
            let mut odd = tile("a", 0.0, 100.0);
            change(&mut odd);
            let tiles = vec![tile("b", 0.0, 10.0), odd];
            plan(&Arrangement {
                tiles,
                ..Arrangement::default()
            })
        };
        assert!(with(|it| it.area.x = f64::NAN).is_err());
        assert!(with(|it| it.part.width = f64::INFINITY).is_err());
        let error = with(|it| it.rotation = 45).unwrap_err().to_string();
        assert!(error.contains("tile 1") && error.contains("270"), "{error}");
        assert_eq!(with(|it| it.area.width = 0.0).unwrap().len(), 1);
        assert_eq!(with(|it| it.part.height = -1.0).unwrap().len(), 1);
        assert_eq!(
            with(|it| it.area.x = -1e300).unwrap().len(),
            2,
            "cut off when drawn"
        );
        let many = vec![tile("a", 0.0, 10.0); 10_000];
        let error = plan(&Arrangement {
            tiles: many,
            ..Arrangement::default()
        });
        assert!(error.unwrap_err().to_string().contains("10000"));
    }

    #[test]
    fn those_with_a_higher_z_come_later_and_equals_stay_in_order() {
        let mut low = tile("low", 0.0, 1.0);
        low.z = -1;
        let tiles = planned(vec![tile("a", 0.0, 1.0), tile("b", 0.0, 1.0), low]);
        let order: Vec<&str> = tiles.iter().map(|tile| &*tile.source).collect();
        assert_eq!(order, ["low", "a", "b"]);
    }

    #[test]
    fn a_cut_is_there_at_once_and_a_movement_after_its_frames() {
        let mut motion = Motion::new();
        motion.head_for(planned(vec![tile("a", 0.0, 100.0)]), 1, Easing::Linear);
        assert!(motion.step());
        assert_eq!(motion.tiles()[0].area.width, 100.0);
        assert!(!motion.step(), "nothing moves any more");
        motion.head_for(planned(vec![tile("a", 100.0, 200.0)]), 4, Easing::Linear);
        let mut edges = Vec::new();
        while motion.step() {
            edges.push(motion.tiles()[0].area.x);
        }
        assert_eq!(edges, [25.0, 50.0, 75.0, 100.0]);
    }

    #[test]
    fn a_movement_that_is_overtaken_goes_on_from_where_it_was() {
        let mut motion = Motion::new();
        motion.head_for(planned(vec![tile("a", 0.0, 100.0)]), 1, Easing::Linear);
        motion.step();
        motion.head_for(planned(vec![tile("a", 100.0, 100.0)]), 10, Easing::InOut);
        (0..5).for_each(|_| assert!(motion.step()));
        assert_eq!(motion.tiles()[0].area.x, 50.0);
        motion.head_for(planned(vec![tile("b", 0.0, 100.0)]), 2, Easing::Linear);
        motion.step();
        let tiles = motion.tiles();
        let alphas: Vec<_> = tiles
            .iter()
            .map(|it| (&*it.source, it.alpha, it.area.x))
            .collect();
        assert_eq!(
            alphas,
            [("a", 0.5, 50.0), ("b", 0.5, 0.0)],
            "one fades out, one in"
        );
    }

    #[test]
    fn easings_begin_and_end_where_they_should() {
        for easing in [Easing::Linear, Easing::InOut, Easing::Out] {
            assert_eq!([eased(0.0, easing), eased(1.0, easing)], [0.0, 1.0]);
        }
    }
}
