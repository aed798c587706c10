//! Which renditions a stream gets; pure.

use model::Label;
use model::encode::Rendition;

/// The least that encoders take, pixels.
const LEAST: u32 = 16;

/// A rendition as it is made: never larger than its source, sides even (4:2:0 needs that), samples
/// square.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// What follows the `@` in its stream's name.
    pub name: Label,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bits a second of its pictures, in thousands.
    pub video_kbps: u32,
}

/// The renditions of a picture of `width` by `height` samples, each of the shape `sample_aspect`.
///
/// Those with more lines than the source are left out. If that is all of them, the smallest is made
/// with the source's lines, and bits in proportion to its area.
pub fn fit(
    wanted: &[Rendition],
    (width, height): (u32, u32),
    sample_aspect: (u16, u16),
) -> Vec<Level> {
    let height = height.max(1);
    let (across, down) = (
        u64::from(sample_aspect.0.max(1)),
        u64::from(sample_aspect.1.max(1)),
    );
    let level = |rendition: &Rendition, lines: u32, video_kbps| Level {
        name: rendition.name.clone(),
        width: {
            let exact = u64::from(width) * across * u64::from(lines);
            let pixels = rounded(exact, u64::from(height) * down);
            even(u32::try_from(pixels).unwrap_or(u32::MAX).min(16_384))
        },
        height: even(lines),
        video_kbps,
    };
    let fitting = wanted.iter().filter(|it| it.height <= height);
    let levels: Vec<_> = fitting
        .map(|it| level(it, it.height, it.video_kbps))
        .collect();
    if !levels.is_empty() {
        return levels;
    }
    let smallest = wanted.iter().min_by_key(|it| it.height).into_iter();
    let clamped = smallest.map(|it| {
        let (ours, theirs) = (u64::from(height).pow(2), u64::from(it.height).pow(2));
        let kbps = u64::from(it.video_kbps) * ours / theirs.max(1);
        level(
            it,
            height,
            u32::try_from(kbps).unwrap_or(it.video_kbps).max(50),
        )
    });
    clamped.collect()
}

const fn rounded(value: u64, by: u64) -> u64 {
    (value + by / 2) / by
}

fn even(side: u32) -> u32 {
    side.next_multiple_of(2).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::encode::EncodeSpec;

    fn fitted(size: (u32, u32), sample_aspect: (u16, u16)) -> Vec<(String, u32, u32, u32)> {
        let levels = fit(&EncodeSpec::default().wanted(), size, sample_aspect);
        let plain = |it: Level| (it.name.to_string(), it.width, it.height, it.video_kbps);
        levels.into_iter().map(plain).collect()
    }

    fn level(name: &str, width: u32, height: u32, kbps: u32) -> (String, u32, u32, u32) {
        (name.to_owned(), width, height, kbps)
    }

    #[test]
    fn levels_above_the_source_are_left_out_and_shapes_are_kept() {
        let full = level("1080p", 1920, 1080, 4_500);
        let (high, low) = (
            level("720p", 1280, 720, 2_500),
            level("480p", 854, 480, 1_000),
        );
        assert_eq!(
            fitted((1920, 1080), (1, 1)),
            [full, high.clone(), low.clone()]
        );
        assert_eq!(fitted((1280, 720), (1, 1)), [high, low]);
        // 720 by 576 samples that are shown as 16:9, and a telephone held upright.
        assert_eq!(
            fitted((720, 576), (64, 45)),
            [level("480p", 854, 480, 1_000)]
        );
        assert_eq!(
            fitted((1080, 1920), (1, 1))[2],
            level("480p", 270, 480, 1_000)
        );
    }

    #[test]
    fn a_source_below_all_levels_gets_one_of_its_own_size() {
        assert_eq!(fitted((640, 360), (1, 1)), [level("480p", 640, 360, 562)]);
        // Odd sides, and next to none.
        assert_eq!(fitted((321, 241), (1, 1)), [level("480p", 322, 242, 252)]);
        assert_eq!(fitted((2, 2), (0, 0)), [level("480p", 16, 16, 50)]);
    }
}
