//! The filters that make a region of a picture; pure.

use model::layout::Rect;
use model::split::Region;

/// Cuts out its part, turns it clockwise, and stretches it to its size. Numbers only: no name
/// reaches the graph.
pub fn filters(region: &Region) -> String {
    let part = within(region.part);
    let Rect {
        x,
        y,
        width,
        height,
    } = part;
    let turned = match region.rotation {
        90 => "transpose=clock,",
        180 => "hflip,vflip,",
        270 => "transpose=cclock,",
        _ => "",
    };
    let (across, down) = (region.width, region.height);
    format!("crop=iw*{width}:ih*{height}:iw*{x}:ih*{y},{turned}scale={across}:{down}")
}

/// Whether its part of such a picture has at least a sample of colour (4:2:0).
pub(super) fn shows_anything(region: &Region, (width, height): (u32, u32)) -> bool {
    let part = within(region.part);
    part.width * f64::from(width) >= 2.0 && part.height * f64::from(height) >= 2.0
}

/// Fractions may be off by what rounding leaves.
fn within(part: Rect) -> Rect {
    let (x, y) = (part.x.clamp(0.0, 1.0), part.y.clamp(0.0, 1.0));
    Rect {
        x,
        y,
        width: part.width.clamp(0.0, 1.0 - x),
        height: part.height.clamp(0.0, 1.0 - y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(part: [f64; 4], rotation: u32) -> Region {
        let [x, y, width, height] = part;
        Region {
            stream: "wall/a".parse().unwrap(),
            part: Rect {
                x,
                y,
                width,
                height,
            },
            rotation,
            width: 640,
            height: 360,
            video_kbps: 900,
            audio: false,
        }
    }

    #[test]
    fn a_region_is_cut_out_turned_and_stretched() {
        for (part, rotation, graph) in [
            (
                [0.0, 0.0, 1.0, 1.0],
                0,
                "crop=iw*1:ih*1:iw*0:ih*0,scale=640:360",
            ),
            (
                [0.5, 0.25, 0.25, 0.125],
                90,
                "crop=iw*0.25:ih*0.125:iw*0.5:ih*0.25,transpose=clock,scale=640:360",
            ),
            (
                [0.0, 0.0, 0.5, 0.5],
                180,
                "crop=iw*0.5:ih*0.5:iw*0:ih*0,hflip,vflip,scale=640:360",
            ),
            (
                [-1e-9, 0.0, 0.0000001, 1.0000001],
                270,
                "crop=iw*0.0000001:ih*1:iw*0:ih*0,transpose=cclock,scale=640:360",
            ),
        ] {
            assert_eq!(filters(&region(part, rotation)), graph);
        }
    }

    #[test]
    fn a_part_of_less_than_a_sample_shows_nothing() {
        assert!(shows_anything(
            &region([0.0, 0.0, 0.01, 1.0], 0),
            (200, 100)
        ));
        assert!(!shows_anything(
            &region([0.0, 0.0, 0.01, 1.0], 0),
            (199, 100)
        ));
    }
}
