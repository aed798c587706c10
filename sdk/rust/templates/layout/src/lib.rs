//! Arranges pictures side by side.

use pointsman_sdk::layout::{Arrangement, Layout, Rect, Scene, Tile};
use pointsman_sdk::{Error, export};
use serde::Deserialize;

/// The operator's settings, as `config.schema.json` describes them.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    gap: u32,
}

struct Policy;

impl Layout for Policy {
    type Config = Config;

    /// Called when a source comes or goes, when sound levels change places, and now and then.
    fn arrange(scene: Scene, config: Config) -> Result<Arrangement, Error> {
        let canvas = scene.canvas.area();
        let gap = f64::from(config.gap);
        let count = scene.connected().count().max(1) as f64;
        let width = (canvas.width + gap) / count - gap;
        if width < 1.0 {
            return Err(Error::new(format!(
                "{count} pictures have no room with a gap of {gap}"
            )));
        }
        let place = |n: usize| Rect::new(n as f64 * (width + gap), 0.0, width, canvas.height);
        let sources = scene.connected().enumerate();
        let tiles: Vec<_> = sources
            .map(|(n, source)| Tile::new(&source.id, place(n)))
            .collect();
        Ok(Arrangement {
            reason: format!("{} side by side", tiles.len()),
            tiles,
            ..Arrangement::default()
        })
    }
}

export!(Policy, kinds: [layout], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        pointsman_sdk::testing::pass_fixtures::<super::Policy>("fixtures");
    }
}
