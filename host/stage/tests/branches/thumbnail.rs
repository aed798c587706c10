//! Posters.

use crate::support::{Host, ffmpeg, within};
use stage::thumbnail::{PosterError, Posters, Settings};
use std::time::Duration;

/// Ten bits, samples that are not square, B pictures, and a colour that tells.
const CAMERA: &str = "-re -f lavfi -i color=red:size=360x288:rate=25 -re -f lavfi -i sine \
    -vf setsar=16/9 -pix_fmt yuv420p10le -c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac";

const SOUND: &str = "-re -f lavfi -i sine -c:a aac";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poster_shows_what_is_on_air_and_is_made_once_for_all_who_ask() {
    let mut host = Host::start();
    host.feed("live/cam", CAMERA);
    let name = "live/cam".parse().unwrap();
    let settings = Settings {
        every: Duration::from_secs(60),
        width: 320,
        ..Settings::default()
    };
    let posters = Posters::new(&host.context, settings);
    let (one, other) = within(async { tokio::join!(posters.get(&name), posters.get(&name)) }).await;
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(
        (one.made, one.jpeg.as_ptr()),
        (other.made, other.jpeg.as_ptr())
    );
    assert!(one.jpeg.starts_with(&[0xff, 0xd8]) && one.jpeg.ends_with(&[0xff, 0xd9]));

    let (raw, _) = ffmpeg(
        &one.jpeg,
        "-f mjpeg -i pipe:0 -f rawvideo -pix_fmt rgb24 pipe:1",
    )
    .await;
    assert_eq!(raw.len(), 320 * 144 * 3, "shown 640x288, so half of it");
    for place in [0, raw.len() / 3 / 2 * 3, raw.len() - 3] {
        let [red, green, blue] = [raw[place], raw[place + 1], raw[place + 2]];
        assert!(red > 230 && green < 25 && blue < 25, "{red} {green} {blue}");
    }

    let later = within(posters.get(&name)).await.unwrap();
    assert_eq!(later.made, one.made, "it is good for a minute");
    let eager = Settings {
        every: Duration::ZERO,
        ..settings
    };
    let posters = Posters::new(&host.context, eager);
    let first = within(posters.get(&name)).await.unwrap();
    assert!(within(posters.get(&name)).await.unwrap().made > first.made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_pictures_there_is_an_error_that_says_so() {
    let mut host = Host::start();
    host.feed("live/radio", SOUND);
    let posters = Posters::new(&host.context, Settings::default());
    let error = within(posters.get(&"live/radio".parse().unwrap()))
        .await
        .unwrap_err();
    assert!(matches!(error, PosterError::NoPicture { .. }), "{error}");
    let error = within(posters.get(&"live/gone".parse().unwrap()))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no stream is called live/gone");
}
