//! Scaling against FFmpeg's, which is another's work.

#![allow(clippy::unwrap_used)] // A test that cannot go on says so.

use raster::{Area, Painter, Part, Picture, Stroke, Turn};
use std::io::Write;
use std::process::{Command, Stdio};

/// A frame of FFmpeg's test picture, or another scaled by it.
fn ffmpeg(arguments: &str, input: &[u8], size: (u32, u32)) -> Picture {
    let mut child = Command::new("ffmpeg")
        .args("-hide_banner -nostdin -loglevel error".split(' '))
        .args(arguments.split(' '))
        .args("-frames:v 1 -pix_fmt yuv420p -f rawvideo pipe:1".split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // FFmpeg reads no more than it needs.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let mut picture = Picture::new(size.0, size.1).unwrap();
    picture.bytes_mut().copy_from_slice(&output.stdout);
    picture
}

fn painted(source: &Picture, (width, height): (u32, u32)) -> Picture {
    let mut canvas = Picture::new(width, height).unwrap();
    let stroke = Stroke {
        part: Part::WHOLE,
        area: Area {
            x: 0,
            y: 0,
            width,
            height,
        },
        turn: Turn::None,
        opacity: 256,
    };
    Painter::default().paint(&mut canvas, source, &stroke);
    canvas
}

#[test]
fn pictures_are_scaled_as_swscale_scales_them() {
    let size = (640, 360);
    let source = ffmpeg("-f lavfi -i testsrc2=s=640x360", &[], size);
    for (flags, to) in [
        ("area", (320, 180)),
        ("area", (480, 270)),
        ("area", (214, 122)),
        ("bilinear", (1280, 720)),
        ("bilinear", (900, 500)),
    ] {
        let (width, height) = to;
        let line = format!(
            "-f rawvideo -pix_fmt yuv420p -s 640x360 -i pipe:0 -vf scale={width}:{height}:flags={flags}+accurate_rnd"
        );
        let theirs = ffmpeg(&line, source.bytes(), to);
        let ours = painted(&source, to);
        let pairs = || ours.bytes().iter().zip(theirs.bytes());
        let off: Vec<f64> = pairs().map(|(a, b)| f64::from(a.abs_diff(*b))).collect();
        let mean = off.iter().sum::<f64>() / off.len() as f64;
        let squares = off.iter().map(|off| off * off).sum::<f64>() / off.len() as f64;
        let psnr = 10.0 * (255.0 * 255.0 / squares.max(1e-9)).log10();
        assert!(
            mean < 1.0 && psnr > 38.0,
            "{flags} {to:?}: off by {mean:.2} in the mean, {psnr:.1} dB"
        );
    }
}
