//! Every pixel against an obvious reference: slow, in floating point, one sample at a time.

#![allow(clippy::unwrap_used)] // A test that cannot go on says so.

use proptest::prelude::*;
use raster::{Area, Colour, Painter, Part, Picture, Sprite, Stroke, Turn};

/// A sample of a plane: 0 luma, 1 and 2 chroma.
fn sample(picture: &Picture, plane: usize, x: i64, y: i64) -> f64 {
    let (width, height) = (i64::from(picture.width()), i64::from(picture.height()));
    let (from, width) = match plane {
        0 => (0, width),
        1 => (width * height, width / 2),
        _ => (width * height * 5 / 4, width / 2),
    };
    f64::from(picture.bytes()[(from + y * width + x) as usize])
}

fn size(picture: &Picture, plane: usize) -> (i64, i64) {
    let shift = u32::from(plane > 0);
    (
        i64::from(picture.width() >> shift),
        i64::from(picture.height() >> shift),
    )
}

/// What is at `at` of `count` samples made of `samples[from..to]` (fractions of samples).
fn weights(from: f64, to: f64, count: i64, at: i64) -> Vec<(i64, f64)> {
    let step = (to - from) / count as f64;
    let (first, last) = (from.floor() as i64, to.ceil() as i64 - 1);
    if step > 1.0 {
        let (left, right) = (from + at as f64 * step, from + (at + 1) as f64 * step);
        let covered = |it: i64| (right.min((it + 1) as f64) - left.max(it as f64)).max(0.0);
        return (first..=last).map(|it| (it, covered(it) / step)).collect();
    }
    let middle = from + (at as f64 + 0.5) * step - 0.5;
    let middle = middle.clamp(first as f64, last as f64);
    let near = |it: i64| (1.0 - (middle - it as f64).abs()).max(0.0);
    (first..=last).map(|it| (it, near(it))).collect()
}

fn window(part: (f64, f64), samples: i64) -> (f64, f64) {
    let whole = samples as f64;
    let edge = |fraction: f64| (fraction * whole * 65_536.0).round() / 65_536.0;
    let from = edge(part.0).clamp(0.0, whole - 1.0);
    let to = edge(part.0 + part.1).clamp(0.0, whole);
    (from, to.max(from + 1.0))
}

/// One sample of the source as it would be at `(x, y)` of the area, turned and scaled.
fn shown(source: &Picture, plane: usize, stroke: &Stroke, area: (i64, i64), x: i64, y: i64) -> f64 {
    let (width, height) = area;
    let (scaled, x, y) = match stroke.turn {
        Turn::None => ((width, height), x, y),
        Turn::Quarter => ((height, width), y, width - 1 - x),
        Turn::Half => ((width, height), width - 1 - x, height - 1 - y),
        Turn::ThreeQuarters => ((height, width), height - 1 - y, x),
    };
    let (columns, rows) = size(source, plane);
    let across = window((stroke.part.x, stroke.part.width), columns);
    let down = window((stroke.part.y, stroke.part.height), rows);
    let mut sum = 0.0;
    for (row, vertical) in weights(down.0, down.1, scaled.1, y) {
        if vertical > 0.0 {
            for (column, horizontal) in weights(across.0, across.1, scaled.0, x) {
                if horizontal > 0.0 {
                    sum += vertical * horizontal * sample(source, plane, column, row);
                }
            }
        }
    }
    sum
}

/// The largest difference between what is painted and what should be; exact where nothing is.
fn worst(before: &Picture, source: &Picture, stroke: &Stroke, painted: &Picture) -> f64 {
    let area = stroke.area.aligned();
    let opacity = f64::from(stroke.opacity) / 256.0;
    let mut worst: f64 = 0.0;
    for plane in 0..3 {
        let shift = u32::from(plane > 0);
        let (left, top) = (i64::from(area.x) >> shift, i64::from(area.y) >> shift);
        let extent = (
            i64::from(area.width >> shift),
            i64::from(area.height >> shift),
        );
        let (columns, rows) = size(before, plane);
        for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
            let under = sample(before, plane, x, y);
            let (dx, dy) = (x - left, y - top);
            let inside = (0..extent.0).contains(&dx) && (0..extent.1).contains(&dy);
            let wanted = match inside {
                true => {
                    let over = shown(source, plane, stroke, extent, dx, dy);
                    over * opacity + under * (1.0 - opacity)
                }
                false => under,
            };
            let off = (sample(painted, plane, x, y) - wanted).abs();
            worst = worst.max(if inside { off } else { off * 1_000.0 });
        }
    }
    worst
}

fn noise(width: u32, height: u32, seed: u64) -> Picture {
    let mut picture = Picture::new(width, height).unwrap();
    let mut state = seed | 1;
    for byte in picture.bytes_mut() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    picture
}

prop_compose! {
    fn pictures()(w in 1_u32..20, h in 1_u32..20, cw in 1_u32..24, ch in 1_u32..24, seed: u64)
        -> (Picture, Picture)
    {
        (noise(2 * w, 2 * h, seed), noise(2 * cw, 2 * ch, !seed))
    }
}

prop_compose! {
    fn strokes()(
        part in (0.0..0.9_f64, 0.0..0.9_f64, 0.1..1.0_f64, 0.1..1.0_f64),
        whole in any::<bool>(),
        at in (-40..60_i32, -40..60_i32),
        extent in (0_u32..60, 0_u32..60),
        degrees in 0_u32..4,
        opacity in prop_oneof![Just(256_u16), 0_u16..=256],
    ) -> Stroke {
        let (x, y, width, height) = part;
        Stroke {
            part: if whole { Part::WHOLE } else { Part { x, y, width, height } },
            area: Area { x: at.0, y: at.1, width: extent.0, height: extent.1 },
            turn: Turn::of_degrees(degrees * 90).unwrap(),
            opacity,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Weights of 256ths, twice, are off by less than 3 of 255 even in noise.
    #[test]
    fn any_part_at_any_size_place_turn_and_opacity_is_as_the_reference_has_it(
        (source, canvas) in pictures(), stroke in strokes(),
    ) {
        let mut painted = canvas.clone();
        Painter::default().paint(&mut painted, &source, &stroke);
        let worst = worst(&canvas, &source, &stroke, &painted);
        prop_assert!(worst <= 3.0, "off by {worst}");
    }

    /// What is not scaled is not changed by a single step.
    #[test]
    fn equal_sizes_are_copied(
        (source, canvas) in pictures(), at in (-20..20_i32, -20..20_i32), degrees in 0_u32..4,
    ) {
        let turn = Turn::of_degrees(degrees * 90).unwrap();
        let (mut width, mut height) = (source.width(), source.height());
        if turn.is_sideways() {
            std::mem::swap(&mut width, &mut height);
        }
        let area = Area { x: at.0 * 2, y: at.1 * 2, width, height };
        let stroke = Stroke { part: Part::WHOLE, area, turn, opacity: 256 };
        let mut painted = canvas.clone();
        Painter::default().paint(&mut painted, &source, &stroke);
        prop_assert_eq!(worst(&canvas, &source, &stroke, &painted), 0.0);
    }

    /// Whatever a layout says: no panic, and never a pixel outside of the canvas or the area.
    #[test]
    fn nonsense_is_painted_nowhere_or_somewhere_but_never_fails(
        (source, canvas) in pictures(),
        part in (any::<f64>(), any::<f64>(), any::<f64>(), any::<f64>()),
        at in (any::<i32>(), any::<i32>()), extent in (0_u32..40_000, 0_u32..8), opacity: u16,
    ) {
        let stroke = Stroke {
            part: Part { x: part.0, y: part.1, width: part.2, height: part.3 },
            area: Area { x: at.0, y: at.1, width: extent.0, height: extent.1 },
            turn: Turn::None,
            opacity,
        };
        let mut painted = canvas.clone();
        Painter::default().paint(&mut painted, &source, &stroke);
        let everywhere = Area { x: i32::MIN, y: i32::MAX, width: u32::MAX, height: u32::MAX };
        painted.fill(everywhere, Colour::BLACK, opacity);
        painted.frame(stroke.area, extent.1, Colour::BLACK, opacity);
    }

    #[test]
    fn a_fill_colours_what_is_inside_and_nothing_else(
        (_, canvas) in pictures(), at in (-30..40_i32, -30..40_i32), extent in (0_u32..40, 0_u32..40),
    ) {
        let area = Area { x: at.0 * 2, y: at.1 * 2, width: extent.0 * 2, height: extent.1 * 2 };
        let mut painted = canvas.clone();
        painted.fill(area, Colour { y: 77, u: 88, v: 99 }, 256);
        for plane in 0..3_usize {
            let shift = u32::from(plane > 0);
            let (columns, rows) = size(&canvas, plane);
            for (x, y) in (0..columns).flat_map(|x| (0..rows).map(move |y| (x, y))) {
                let within = |at: i64, from: i32, extent: u32| {
                    at >= i64::from(from >> shift) && at < i64::from(from >> shift) + i64::from(extent >> shift)
                };
                let inside = within(x, area.x, area.width) && within(y, area.y, area.height);
                let wanted = if inside { [77.0, 88.0, 99.0][plane] } else { sample(&canvas, plane, x, y) };
                prop_assert_eq!(sample(&painted, plane, x, y), wanted);
            }
        }
    }

    /// Premultiplied or not, what is laid over a picture is what the definition of "over" says
    /// (Porter and Duff, 1984), within a step of rounding in each of two multiplications.
    #[test]
    fn a_sprite_is_laid_over_what_is_below(
        (_, canvas) in pictures(), pixels in prop::collection::vec(any::<[u8; 4]>(), 35),
        at in (-12..30_i32, -12..30_i32), opacity in prop_oneof![Just(256_u16), 0_u16..=256],
    ) {
        let rgba: Vec<u8> = pixels.iter().flatten().copied().collect();
        let sprite = Sprite::of_rgba(5, 7, &rgba, false).unwrap();
        let mut painted = canvas.clone();
        painted.lay(&sprite, at.0 * 2, at.1 * 2, opacity);
        let (columns, rows) = size(&canvas, 0);
        for (x, y) in (0..columns).flat_map(|x| (0..rows).map(move |y| (x, y))) {
            let (dx, dy) = (x - i64::from(at.0 * 2), y - i64::from(at.1 * 2));
            let under = sample(&canvas, 0, x, y);
            let wanted = match (0..5).contains(&dx) && (0..7).contains(&dy) {
                true => {
                    let [r, g, b, a] = pixels[(dy * 5 + dx) as usize];
                    let over = f64::from(Colour::of_rgb([r, g, b]).y);
                    let share = f64::from(a) / 255.0 * f64::from(opacity) / 256.0;
                    over * share + under * (1.0 - share)
                }
                false => under,
            };
            let off = (sample(&painted, 0, x, y) - wanted).abs();
            prop_assert!(off <= 2.0, "{x},{y} is off by {off}");
        }
    }
}

#[test]
fn a_line_around_an_area_leaves_its_middle_alone() {
    let canvas = noise(40, 40, 5);
    let mut painted = canvas.clone();
    let area = Area {
        x: 4,
        y: 6,
        width: 20,
        height: 16,
    };
    painted.frame(area, 2, Colour::of_rgb([255, 0, 0]), 256);
    let red = f64::from(Colour::of_rgb([255, 0, 0]).y);
    for (x, y) in (0..40).flat_map(|x| (0..40).map(move |y| (x, y))) {
        let inside = (4..24).contains(&x) && (6..22).contains(&y);
        let middle = (6..22).contains(&x) && (8..20).contains(&y);
        let wanted = if inside && !middle {
            red
        } else {
            sample(&canvas, 0, x, y)
        };
        assert_eq!(sample(&painted, 0, x, y), wanted, "{x},{y}");
    }
}
