//! The active speaker.
//!
//! Who is shown now, and since when, is kept in attributes of that tile: a tile comes back with
//! the next scene, and keeps its attributes while other tiles come and go.

use crate::cells::NoRoom;
use crate::config::{Config, Speaker, Style};
use crate::{featured, frame, pip};
use pointsman_sdk::layout::{Scene, Source, Tile};
use pointsman_sdk::value_of;

/// Attribute of the speaker's tile: since when it is shown, milliseconds since 1970.
const SINCE: &str = "speaker-since-unix-ms";

/// Whoever speaks as the first source, and why.
pub(crate) fn arrange(
    scene: &Scene,
    sources: &[&Source],
    config: &Config,
) -> Result<(Vec<Tile>, String), NoRoom> {
    let Some(choice) = choose(scene, sources, &config.speaker) else {
        return Ok((Vec::new(), "no source is connected".to_owned()));
    };
    let others = sources
        .iter()
        .copied()
        .filter(|it| it.id != choice.source.id);
    let order: Vec<&Source> = std::iter::once(choice.source).chain(others).collect();
    let mut tiles = match config.speaker.style {
        Style::Featured => featured::arrange(&scene.canvas, &order, config)?,
        Style::Pip => pip::arrange(&scene.canvas, &order, config),
        Style::Alone => {
            let area = frame::within(scene.canvas.area(), config.margin());
            vec![frame::tile(choice.source, area, config.fit, config.border)]
        }
    };
    if let Some(tile) = tiles.first_mut() {
        tile.attributes = vec![(SINCE.to_owned(), choice.since_unix_ms.to_string())];
        if let Some(border) = config.speaker.border {
            tile.border = Some(border.into());
        }
    }
    Ok((tiles, format!("{}: {}", choice.source.id, choice.why)))
}

struct Choice<'a> {
    source: &'a Source,
    since_unix_ms: u64,
    why: &'static str,
}

fn choose<'a>(scene: &Scene, sources: &[&'a Source], config: &Speaker) -> Option<Choice<'a>> {
    let now = scene.now_unix_ms;
    let anew = |source, why| {
        Some(Choice {
            source,
            since_unix_ms: now,
            why,
        })
    };
    let loudest = sources
        .iter()
        .copied()
        .filter(|it| level(it) > config.silence_db);
    let loudest = loudest.max_by(|a, b| level(a).total_cmp(&level(b)));
    let Some((current, since_unix_ms)) = shown(scene, sources) else {
        return match loudest {
            Some(source) => anew(source, "is the loudest"),
            None => anew(sources.first().copied()?, "nobody speaks"),
        };
    };
    let stay = |why| {
        Some(Choice {
            source: current,
            since_unix_ms,
            why,
        })
    };
    match loudest {
        None => stay("nobody speaks"),
        Some(other) if other.id == current.id => stay("is the loudest"),
        Some(other) if level(other) < level(current) + config.margin_db => {
            stay("nobody is louder by enough")
        }
        Some(_) if now.saturating_sub(since_unix_ms) < config.hold_ms => stay("was taken just now"),
        Some(other) => anew(other, "took over"),
    }
}

/// Who is shown as the speaker, and since when; none if it is gone.
fn shown<'a>(scene: &Scene, sources: &[&'a Source]) -> Option<(&'a Source, u64)> {
    scene.tiles.iter().find_map(|tile| {
        let since_unix_ms = value_of(&tile.attributes, SINCE)?.parse().ok()?;
        let source = sources
            .iter()
            .copied()
            .find(|source| source.id == tile.source)?;
        Some((source, since_unix_ms))
    })
}

fn level(source: &Source) -> f64 {
    source.audio_level_db.unwrap_or(f64::NEG_INFINITY)
}
