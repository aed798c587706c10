//! Arranges the connected sources in a grid of equal tiles.

#![forbid(unsafe_code)]

use pointsman_sdk::layout::{Arrangement, Layout, Rect, Scene, Tile};
use pointsman_sdk::{Error, export};
use serde::Deserialize;

/// The operator's settings.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Pixels between tiles and around them.
    pub gap: u32,
}

/// The policy.
#[derive(Debug)]
pub struct EvenGrid;

impl Layout for EvenGrid {
    type Config = Config;

    fn arrange(scene: Scene, config: Config) -> Result<Arrangement, Error> {
        let count = scene.connected().count() as u32; // a scene has at most 256 sources
        if count == 0 {
            return Ok(Arrangement {
                reason: "no source is connected".to_owned(),
                ..Arrangement::default()
            });
        }
        let columns = (1..=count)
            .find(|columns| columns * columns >= count)
            .unwrap_or(count);
        let rows = count.div_ceil(columns);
        let gap = f64::from(config.gap);
        let share = |whole: u32, parts: u32| {
            (f64::from(whole) - gap * f64::from(parts + 1)) / f64::from(parts)
        };
        let (width, height) = (
            share(scene.canvas.width, columns),
            share(scene.canvas.height, rows),
        );
        if width <= 0.0 || height <= 0.0 {
            return Err(Error::new(format!(
                "a gap of {} leaves no room for {columns} x {rows} tiles",
                config.gap
            )));
        }
        let place = |n: u32| {
            let x = gap + f64::from(n % columns) * (width + gap);
            let y = gap + f64::from(n / columns) * (height + gap);
            Rect::new(x, y, width, height)
        };
        let sources = if count == 1 { "source" } else { "sources" };
        Ok(Arrangement {
            tiles: (0..)
                .zip(scene.connected())
                .map(|(n, source)| Tile::new(&source.id, place(n)))
                .collect(),
            reason: format!("{count} {sources} in {columns} x {rows}"),
            ..Arrangement::default()
        })
    }
}

export!(
    EvenGrid,
    kinds: [layout],
    schema: include_str!("../../../../fixtures/even-grid.schema.json"),
);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        pointsman_sdk::testing::pass_fixtures::<super::EvenGrid>("../../../fixtures/even-grid");
    }
}
