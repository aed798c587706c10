//! Text as sprites. What it says is data: it is drawn letter by letter and read by nothing else.

use ab_glyph::{Font, FontArc, PxScale, ScaleFont};
use model::composite::TextStyle;
use raster::{MAX_SPRITE_SIDE, Sprite};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Lines that are kept drawn; then all are forgotten, which costs a millisecond each.
const KEPT: usize = 512;

/// Draws lines of text, and keeps those that it drew. Without a font it draws none.
#[derive(Default)]
pub(super) struct Lettering {
    font: Option<FontArc>,
    kept: HashMap<(String, TextStyle), Option<Arc<Sprite>>>,
}

/// Reads a TrueType or OpenType font.
pub(super) fn load(path: &Path) -> Result<FontArc, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    FontArc::try_from_vec(bytes).map_err(|error| error.to_string())
}

impl Lettering {
    pub(super) fn new(font: Option<FontArc>) -> Self {
        Self {
            font,
            kept: HashMap::new(),
        }
    }

    /// The line in its box; none if there is nothing to see.
    pub(super) fn line(&mut self, text: &str, style: TextStyle) -> Option<Arc<Sprite>> {
        let font = self.font.as_ref()?;
        let key = (text.to_owned(), style);
        if let Some(kept) = self.kept.get(&key) {
            return kept.clone();
        }
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        let drawn = draw(font, text, style).map(Arc::new);
        self.kept.insert(key, drawn.clone());
        drawn
    }

    /// The line in at most that width: smaller letters if it has to be.
    pub(super) fn fitted(
        &mut self,
        text: &str,
        style: TextStyle,
        width: u32,
    ) -> Option<Arc<Sprite>> {
        let line = self.line(text, style)?;
        if line.width() <= width {
            return Some(line);
        }
        let size = u64::from(style.size) * u64::from(width) / u64::from(line.width().max(1));
        // A tile that shrinks does not need every size there is.
        let size = (size as u32).saturating_sub(1) & !1;
        (size >= 6).then(|| self.line(text, TextStyle { size, ..style }))?
    }
}

/// A colour with its opacity, 0 to 1, multiplied in.
fn premultiplied(rgba: u32) -> [f32; 4] {
    let [r, g, b, a] = rgba.to_be_bytes();
    let opacity = f32::from(a) / 255.0;
    [r, g, b, 255].map(|value| f32::from(value) / 255.0 * opacity)
}

fn draw(font: &FontArc, text: &str, style: TextStyle) -> Option<Sprite> {
    let font = font.as_scaled(PxScale::from(style.size as f32));
    let margin = style.size.div_ceil(4);
    let (mut glyphs, mut x, mut last) = (Vec::new(), margin as f32, None);
    let baseline = font.ascent() + (margin / 2) as f32;
    for letter in text.chars() {
        let id = font.glyph_id(letter);
        x += last.map_or(0.0, |last| font.kern(last, id));
        if x + font.h_advance(id) + margin as f32 > MAX_SPRITE_SIDE as f32 {
            break;
        }
        glyphs.push(id.with_scale_and_position(font.scale(), ab_glyph::point(x, baseline)));
        x += font.h_advance(id);
        last = Some(id);
    }
    let width = (x.ceil() as u32 + margin).min(MAX_SPRITE_SIDE);
    let height = ((font.ascent() - font.descent()).ceil() as u32 + margin).min(MAX_SPRITE_SIDE);
    let mut pixels = vec![premultiplied(style.box_rgba); (width * height) as usize];
    let colour = premultiplied(style.rgba);
    for outline in glyphs
        .into_iter()
        .filter_map(|glyph| font.outline_glyph(glyph))
    {
        let bounds = outline.px_bounds();
        outline.draw(|dx, dy, cover| {
            let (x, y) = (bounds.min.x + dx as f32, bounds.min.y + dy as f32);
            // Parts of letters beyond the box are cut off.
            if x >= 0.0 && y >= 0.0 && x < width as f32 {
                let at = y as usize * width as usize + x as usize;
                if let Some(pixel) = pixels.get_mut(at) {
                    lay_over(pixel, colour, cover.clamp(0.0, 1.0));
                }
            }
        });
    }
    let bytes = pixels
        .iter()
        .flatten()
        .map(|value| (value * 255.0).round() as u8);
    Sprite::of_rgba(width, height, &bytes.collect::<Vec<_>>(), true).ok()
}

/// "Over" of premultiplied colours (Porter and Duff, 1984).
fn lay_over(pixel: &mut [f32; 4], colour: [f32; 4], cover: f32) {
    let through = 1.0 - colour[3] * cover;
    for (under, over) in pixel.iter_mut().zip(colour) {
        *under = over * cover + *under * through;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::Settings;

    fn lettering() -> Lettering {
        Lettering::new(Some(load(&Settings::default().font).unwrap()))
    }

    #[test]
    fn longer_text_is_wider_and_what_does_not_fit_is_drawn_smaller() {
        let (mut lettering, style) = (lettering(), TextStyle::default());
        let short = lettering.line("ab", style).unwrap();
        let long = lettering.line("ab ab ab ab", style).unwrap();
        assert!(long.width() > 3 * short.width() && long.height() == short.height());
        let fitted = lettering
            .fitted("ab ab ab ab", style, long.width() / 2)
            .unwrap();
        assert!(fitted.width() <= long.width() / 2 && fitted.height() < long.height());
        assert!(
            lettering.fitted("ab ab ab ab", style, 8).is_none(),
            "too small to be read"
        );
    }

    #[test]
    fn any_text_is_drawn_or_not_but_never_fails() {
        let mut lettering = lettering();
        for size in [8, 28, 512] {
            for text in [
                "",
                "'\"\\:%{pts}|;$(id)\n",
                "日本語 🎬 \u{202e}x",
                &"W".repeat(256),
            ] {
                let style = TextStyle {
                    size,
                    ..TextStyle::default()
                };
                if let Some(line) = lettering.line(text, style) {
                    assert!(line.width() <= MAX_SPRITE_SIDE);
                }
            }
        }
        assert!(
            Lettering::default()
                .line("no font", TextStyle::default())
                .is_none()
        );
    }
}
