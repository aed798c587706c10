//! `layout`: scenes are lent, arrangements taken over.

use super::{Pairs, exports::layout as wit, lend};
use crate::guest::Guest;
use model::layout as newest;
use wasmtime::Store;

pub(super) async fn ask(
    layout: &wit::Guest,
    store: &mut Store<Guest>,
    scene: &newest::Scene,
    config: &str,
) -> wasmtime::Result<Result<newest::Arrangement, String>> {
    // Lists are borrowed slices all the way down: the inner ones are gathered first.
    let of_sources: Vec<[Pairs<'_>; 2]> = scene
        .sources
        .iter()
        .map(|source| [lend(&source.labels), lend(&source.attributes)])
        .collect();
    let of_tiles: Vec<Pairs<'_>> = scene
        .tiles
        .iter()
        .map(|tile| lend(&tile.attributes))
        .collect();
    let sources = scene.sources.iter().zip(&of_sources);
    let sources: Vec<_> = sources
        .map(|(source, of)| lend_source(source, of))
        .collect();
    let tiles = scene.tiles.iter().zip(&of_tiles);
    let tiles: Vec<_> = tiles.map(|(tile, of)| lend_tile(tile, of)).collect();
    let screens: Vec<_> = scene.canvas.screens.iter().map(lend_screen).collect();
    let (of_canvas, attributes) = (lend(&scene.canvas.attributes), lend(&scene.attributes));
    let scene = wit::Scene {
        name: &scene.name,
        now_unix_ms: scene.now_unix_ms,
        utc_offset_minutes: scene.utc_offset_minutes,
        canvas: wit::Canvas {
            width: scene.canvas.width,
            height: scene.canvas.height,
            fps_milli: scene.canvas.fps_milli,
            screens: &screens,
            attributes: &of_canvas,
        },
        sources: &sources,
        tiles: &tiles,
        since_unix_ms: scene.since_unix_ms,
        attributes: &attributes,
    };
    let answer = layout.call_arrange(store, scene, config).await?;
    Ok(answer.map(newest::Arrangement::from))
}

fn lend_source<'s>(source: &'s newest::SceneSource, of: &'s [Pairs<'s>; 2]) -> wit::Source<'s> {
    let [labels, attributes] = of;
    wit::Source {
        id: &source.id,
        title: &source.title,
        connected: source.connected,
        width: source.width,
        height: source.height,
        audio_level_db: source.audio_level_db,
        labels,
        attributes,
    }
}

fn lend_tile<'s>(tile: &'s newest::Tile, of: &'s Pairs<'s>) -> wit::TileParam<'s> {
    wit::TileParam {
        source: &tile.source,
        part: tile.part.into(),
        area: tile.area.into(),
        z: tile.z,
        rotation: tile.rotation,
        alpha: tile.alpha,
        border: tile.border.map(|border| wit::Border {
            width: border.width,
            rgba: border.rgba,
        }),
        attributes: of,
    }
}

fn lend_screen(screen: &newest::Screen) -> wit::Screen<'_> {
    wit::Screen {
        id: &screen.id,
        area: screen.area.into(),
        row: screen.row,
        column: screen.column,
        bezel: wit::Bezel {
            left: screen.bezel.left,
            top: screen.bezel.top,
            right: screen.bezel.right,
            bottom: screen.bezel.bottom,
        },
    }
}

impl From<newest::Rect> for wit::Rect {
    fn from(rect: newest::Rect) -> Self {
        Self {
            x: rect.x,
            y: rect.y,
            width: rect.width,
            height: rect.height,
        }
    }
}

impl From<wit::Rect> for newest::Rect {
    fn from(rect: wit::Rect) -> Self {
        Self {
            x: rect.x,
            y: rect.y,
            width: rect.width,
            height: rect.height,
        }
    }
}

impl From<wit::Arrangement> for newest::Arrangement {
    fn from(arrangement: wit::Arrangement) -> Self {
        Self {
            tiles: arrangement.tiles.into_iter().map(Into::into).collect(),
            reason: arrangement.reason,
            attributes: arrangement.attributes.into_iter().collect(),
        }
    }
}

impl From<wit::TileResult> for newest::Tile {
    fn from(tile: wit::TileResult) -> Self {
        Self {
            source: tile.source,
            part: tile.part.into(),
            area: tile.area.into(),
            z: tile.z,
            rotation: tile.rotation,
            alpha: tile.alpha,
            border: tile.border.map(|border| newest::Border {
                width: border.width,
                rgba: border.rgba,
            }),
            attributes: tile.attributes.into_iter().collect(),
        }
    }
}
