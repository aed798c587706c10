//! Arranges pictures: grids, picture-in-picture, the active speaker, video walls.
//!
//! Each mode divides the canvas into cells and hands out one to each source; [`frame`] then fits
//! the picture into its cell. `span` is different: it divides the picture.

#![forbid(unsafe_code)]

mod cells;
mod config;
mod featured;
mod frame;
mod pip;
mod span;
mod speaker;

pub use config::{
    Border, Colour, Config, Corner, Featured, Fit, LastRow, Mode, Others, Pip, Speaker, Style,
};

use cells::NoRoom;
use pointsman_sdk::layout::{Arrangement, Layout, Scene, Source, Tile};
use pointsman_sdk::{Error, export, pattern};

/// The policy.
#[derive(Debug)]
pub struct Grid;

impl Layout for Grid {
    type Config = Config;

    fn arrange(scene: Scene, config: Config) -> Result<Arrangement, Error> {
        let sources = chosen(&scene, &config);
        let Some(first) = sources.first() else {
            return Ok(Arrangement {
                reason: "no source is connected".to_owned(),
                ..Arrangement::default()
            });
        };
        let canvas = &scene.canvas;
        let (tiles, reason) = match config.mode {
            Mode::Grid | Mode::Rows | Mode::Columns => even(&scene, &sources, &config)?,
            Mode::Featured => (
                featured::arrange(canvas, &sources, &config)?,
                format!("{} featured", first.id),
            ),
            Mode::Pip => (
                pip::arrange(canvas, &sources, &config),
                format!("{} in full", first.id),
            ),
            Mode::Speaker => speaker::arrange(&scene, &sources, &config)?,
            Mode::Span => {
                let screens = canvas.screens.len();
                let reason = format!("{} over {screens} screens", first.id);
                (span::arrange(canvas, first, config.fit), reason)
            }
        };
        Ok(Arrangement {
            tiles,
            reason,
            ..Arrangement::default()
        })
    }
}

/// The connected sources that the configuration wants, in its order.
fn chosen<'a>(scene: &'a Scene, config: &Config) -> Vec<&'a Source> {
    if config.sources.is_empty() {
        return scene.connected().collect();
    }
    let mut chosen: Vec<&Source> = Vec::new();
    for wanted in &config.sources {
        for source in scene
            .connected()
            .filter(|it| pattern::matches(wanted, &it.id))
        {
            if !chosen.iter().any(|it| it.id == source.id) {
                chosen.push(source);
            }
        }
    }
    chosen
}

/// Equal tiles.
fn even(
    scene: &Scene,
    sources: &[&Source],
    config: &Config,
) -> Result<(Vec<Tile>, String), NoRoom> {
    let count = sources.len() as u32; // a scene has at most 256
    let columns = match config.mode {
        Mode::Rows => Some(1),
        Mode::Columns => Some(count),
        _ => config.columns,
    };
    let area = frame::within(scene.canvas.area(), config.margin());
    let columns = columns.unwrap_or_else(|| cells::best_columns(area, config.gap, sources));
    let columns = columns.clamp(1, count);
    let places = cells::grid(area, config.gap, columns, count, config.last_row)?;
    let tiles = places.into_iter().zip(sources);
    let tiles = tiles.map(|(cell, source)| frame::tile(source, cell, config.fit, config.border));
    let rows = count.div_ceil(columns);
    let reason = format!(
        "{count} of {} sources in {columns} x {rows}",
        scene.sources.len()
    );
    Ok((tiles.collect(), reason))
}

export!(Grid, kinds: [layout], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests;
