//! What is taken as a video, what is not, and what is said of each.

use crate::support::{Host, PLAIN, clip, form, run, within};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;

/// What is said of a video, but for its size and time.
fn about(video: &Value) -> Value {
    let mut video = video.clone();
    for varying in ["bytes", "modified_unix_ms", "thumbnail", "format", "title"] {
        video.as_object_mut().unwrap().remove(varying).unwrap();
    }
    video
}

/// Width and height of a JPEG.
async fn size_of(jpeg: &[u8]) -> (u64, u64) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(jpeg).unwrap();
    let path = file.path().to_str().unwrap();
    let shown = [
        "-v",
        "error",
        "-show_entries",
        "stream=width,height",
        "-of",
        "csv=p=0",
        path,
    ];
    let size = String::from_utf8(run("ffprobe", &shown).await).unwrap();
    let (width, height) = size.trim().split_once(',').unwrap();
    (width.parse().unwrap(), height.parse().unwrap())
}

#[tokio::test]
async fn videos_of_all_kinds_are_taken_and_described() {
    let host = Host::start().await;
    let turned = {
        let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
        std::fs::write(&file, clip("p.mp4", PLAIN).await).unwrap();
        let copy = format!(
            "-i {} -c copy -metadata:s:v rotate=270",
            file.path().display()
        );
        clip("phone.mp4", &copy).await
    };
    let silent = "-f lavfi -i testsrc2=size=322x182:rate=30000/1001:duration=1 -an -c:v libx264 \
         -preset ultrafast -pix_fmt yuv420p10le";
    let odd = "-f lavfi -i testsrc=size=321x181:rate=5:duration=2 -f lavfi -i sine=duration=2 \
         -ac 6 -c:v libx264 -preset ultrafast -pix_fmt yuv444p -c:a aac";
    let sound =
        |channels: u32| json!([{"codec": "aac", "channels": channels, "sample_rate_hz": 44100}]);
    let cases = [
        (
            "Phone.MP4",
            turned,
            json!({"name": "Phone.mp4", "state": "ready", "duration_ms": 2020, "video_codec": "h264",
                "width": 180, "height": 320, "rotation_degrees": 90, "fps": 25.0,
                "pixel_format": "yuv420p", "audio": sound(1)}),
            (270, 480),
        ),
        (
            "ten bits.mkv",
            clip("a.mkv", silent).await,
            json!({"name": "ten-bits.mkv", "state": "ready", "duration_ms": 1001, "video_codec": "h264",
                "width": 322, "height": 182, "rotation_degrees": 0, "fps": 29.97,
                "pixel_format": "yuv420p10le", "audio": []}),
            (480, 270),
        ),
        (
            "odd.ts",
            clip("a.ts", odd).await,
            json!({"name": "odd.ts", "state": "ready", "duration_ms": 2000, "video_codec": "h264",
                "width": 321, "height": 181, "rotation_degrees": 0, "fps": 5.0,
                "pixel_format": "yuv444p", "audio": sound(6)}),
            (480, 270),
        ),
    ];
    for (name, bytes, mut expected, size) in cases {
        let taken = host.post(name, &bytes).await;
        assert_eq!(taken.status, 201, "{name}: {}", taken.text());
        let video = taken.json();
        // FFmpeg's containers round a little.
        let (said, duration) = (&video["duration_ms"], &mut expected["duration_ms"]);
        let apart = said.as_i64().unwrap() - duration.as_i64().unwrap();
        assert!(apart.abs() <= 60, "{name}: {said}");
        *duration = said.clone();
        assert_eq!(about(&video), expected, "{name}");
        assert_eq!(video["bytes"], bytes.len());
        let stem = name.rsplit_once('.').unwrap().0;
        assert_eq!(video["title"], stem);
        let kept = std::fs::read(host.folder.join(video["name"].as_str().unwrap())).unwrap();
        assert!(kept == bytes, "{name} is not what was sent");
        let picture = host.get(video["thumbnail"].as_str().unwrap()).await;
        assert_eq!(picture.header("content-type"), Some("image/jpeg"));
        assert_eq!(size_of(&picture.body).await, size, "{name}");
    }
    assert_eq!(host.listed(), ["Phone.mp4", "odd.ts", "ten-bits.mkv"]);
    assert_eq!(host.unfinished(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_video_is_refused_with_the_reason_and_leaves_nothing() {
    let host = Host::start().await;
    let plain = clip("a.mp4", PLAIN).await;
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let fast = clip("a.mp4", &format!("{PLAIN} -movflags faststart -x264-params nal-hrd=cbr:filler=1 -b:v 2M -minrate 2M -maxrate 2M -bufsize 500k -t 8")
        .replace("duration=2", "duration=8")).await;
    let matroska = clip("a.mkv", &PLAIN.replace("duration=2", "duration=8")).await;
    let sound = "-f lavfi -i sine=duration=1 -c:a aac";
    let frames = "-f lavfi -i testsrc2=size=64x64:duration=1 -frames:v 0 -c:v libx264";
    let many = "-f lavfi -i testsrc2=size=64x64:duration=1 -f s16le -ac 100 -i /dev/zero -t 1 \
         -c:v libx264 -c:a pcm_s16le";
    let list = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "text.mp4",
            b"Never mind the extension.".to_vec(),
            "cannot read",
        ),
        ("empty.mp4", Vec::new(), "cannot read"),
        ("list.ts", list.to_vec(), "cannot read"),
        (
            "concat.mkv",
            b"ffconcat version 1.0\nfile a.mp4\n".to_vec(),
            "cannot read",
        ),
        ("sound.mp4", clip("a.mp4", sound).await, "no video"),
        ("frames.mp4", clip("a.mp4", frames).await, "no video"),
        ("frames.mkv", clip("a.mkv", frames).await, ""),
        ("cut.mp4", cut(&plain), "cannot read"),
        ("fast.mp4", cut(&fast), "cut short"),
        ("cut.mkv", cut(&matroska), "cut short"),
        ("many.mkv", clip("a.mkv", many).await, "100 channels"),
    ];
    for (name, bytes, reason) in cases {
        let refused = host.post(name, &bytes).await;
        refused.is_problem(422, "video-refused");
        let detail = refused.json()["detail"].to_string();
        assert!(detail.contains(reason), "{name}: {detail}");
    }
    host.post("whole.mp4", &fast).await.json()["name"]
        .as_str()
        .unwrap();
    assert_eq!(
        (host.visible(), host.unfinished()),
        (vec!["whole.mp4".to_owned()], vec![])
    );
}

#[tokio::test]
async fn names_and_titles_of_any_script_do_no_harm() {
    let host = Host::start().await;
    let plain = clip("a.mp4", PLAIN).await;
    for (sent, name, title) in [
        ("../../../tmp/out.mp4", "out.mp4", "out"),
        ("-i.mp4", "i.mp4", "-i"),
        ("concat:a|b.mp4", "concat-a-b.mp4", "concat:a|b"),
        (
            "it's \"two\nlines\".mp4",
            "it-s-22two-0Alines-22.mp4",
            "it's %22two%0Alines%22",
        ),
        ("開幕式.mp4", "開幕式.mp4", "開幕式"),
        ("..mp4", "video.mp4", "."),
        ("-i.mp4", "i-2.mp4", "-i"),
    ] {
        let taken = host.post(sent, &plain).await;
        assert_eq!(taken.status, 201, "{sent:?}: {}", taken.text());
        let video = taken.json();
        assert_eq!(
            (&video["name"], &video["title"]),
            (&json!(name), &json!(title))
        );
        let one = host.get(taken.header("location").unwrap()).await;
        assert_eq!(one.json()["name"], name);
    }
    assert_eq!(host.visible().len(), 7);
}

/// curl is how most people will try it.
#[tokio::test]
async fn curl_uploads_a_form_with_a_title_before_the_file() {
    let host = Host::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Grand opening.mp4");
    std::fs::write(&path, clip("a.mp4", PLAIN).await).unwrap();
    let file = format!("video=@{}", path.display());
    let url = format!("http://{}/api/v1/videos", host.address);
    let curl = run(
        "curl",
        &["-sS", "-F", "title=Die Eröffnung", "-F", &file, &url],
    )
    .await;
    let video: Value = serde_json::from_slice(&curl).unwrap();
    assert_eq!(video["name"], "Grand-opening.mp4", "{video}");
    assert_eq!(video["title"], "Die Eröffnung");
    let (kind, body) = form("a.txt", b"x");
    let refused = host.ask("POST /api/v1/videos", &kind, &body).await;
    refused.is_problem(415, "unsupported-media");
    let mut played = tokio::process::Command::new("ffmpeg");
    played
        .args(["-v", "error", "-i"])
        .arg(host.folder.join("Grand-opening.mp4"));
    played.args(["-f", "null", "-"]).stdin(Stdio::null());
    assert!(within(played.status()).await.unwrap().success());
}
