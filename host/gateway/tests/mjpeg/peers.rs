//! Programs that people use.

use crate::support::{Host, pictures, run, until};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};

async fn file_of(folder: &TempDir, picture: &[u8]) -> String {
    let file = folder.path().join("frame.jpg");
    tokio::fs::write(&file, picture).await.unwrap();
    file.to_str().unwrap().to_owned()
}

fn start(program: &str, arguments: &str, url: &str) -> Child {
    let mut command = Command::new(program);
    command.args(arguments.split_whitespace()).arg(url);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.kill_on_drop(true).spawn().unwrap()
}

fn frames(host: &Host, name: &str) -> u64 {
    let found = host.service.publisher(&name.parse().unwrap());
    found.map_or(0, |it| it.frames)
}

#[tokio::test]
async fn curl_publishes_a_form_and_a_raw_body() {
    let (host, picture) = (Host::start().await, pictures("320x180", 1).await);
    let folder = TempDir::new().unwrap();
    let file = file_of(&folder, &picture[0]).await;
    let url = host.url("/publish/live/curl");
    let form = format!("frame=@{file};type=image/jpeg");
    let told = run("curl", &["-sS", "--fail", "-F", &form, &url]).await;
    assert!(told.contains("\"status\":\"success\""), "{told}");
    let raw = format!("@{file}");
    run("curl", &["-sS", "--fail", "--data-binary", &raw, &url]).await;
    assert_eq!(frames(&host, "live/curl"), 2);
}

#[tokio::test]
async fn ffmpeg_publishes_either_form_and_ffmpeg_decodes_what_is_served() {
    let host = Host::start().await;
    for (name, format) in [("parts", "mpjpeg"), ("run", "mjpeg")] {
        let arguments = format!(
            "-v error -nostdin -re -f lavfi -i testsrc2=size=320x180:rate=25 -c:v mjpeg \
             -f {format} -method POST"
        );
        let publisher = start("ffmpeg", &arguments, &host.url(&format!("/publish/{name}")));
        until("frames come", || frames(&host, name) > 0).await;
        let url = host.url(&format!("/stream/{name}"));
        let probe = "-v error -f mpjpeg -count_frames -read_intervals %+#20 \
                     -show_entries stream=codec_name,width,height,nb_read_frames -of csv=p=0";
        let mut arguments: Vec<_> = probe.split_whitespace().collect();
        arguments.push(&url);
        let told = run("ffprobe", &arguments).await;
        assert_eq!(told.trim(), "mjpeg,320,180,20");
        drop(publisher);
        until("it goes with its connection", || frames(&host, name) == 0).await;
    }
}

#[tokio::test]
async fn gstreamer_decodes_what_is_served_and_publishes() {
    let host = Host::start().await;
    let arguments = "-q videotestsrc is-live=true ! video/x-raw,width=320,height=180 ! jpegenc \
                     ! multipartmux boundary=gst ! curlhttpsink content-type=multipart/x-mixed-replace;boundary=gst";
    let location = format!("location={}", host.url("/publish/gst"));
    let publisher = start("gst-launch-1.0", arguments, &location);
    until("frames come", || frames(&host, "gst") > 0).await;
    let from = format!("location={}", host.url("/stream/gst"));
    let pipeline = "! multipartdemux ! jpegdec ! fakesink num-buffers=10";
    let mut arguments = vec!["-q", "souphttpsrc", &from];
    arguments.extend(pipeline.split_whitespace());
    run("gst-launch-1.0", &arguments).await;
    drop(publisher);
}

#[tokio::test]
async fn python_publishes_single_pictures() {
    let (host, pictures) = (Host::start().await, pictures("160x90", 3).await);
    let folder = TempDir::new().unwrap();
    for (at, picture) in pictures.iter().enumerate() {
        let file = folder.path().join(format!("{at}.jpg"));
        tokio::fs::write(file, picture).await.unwrap();
    }
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/python");
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "pointsman_publish",
        "--name",
        "live/py",
        "--rate",
        "50",
        "--url",
    ]);
    command.arg(host.url("")).arg(folder.path());
    command.env("PYTHONPATH", sdk).kill_on_drop(true);
    let output = crate::support::within(command.output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(frames(&host, "live/py"), 3, "{said}");
}

/// A page with the stream in an `<img>`, which says in its title what colours it has seen.
const PAGE: &str = r#"<!doctype html><title></title><canvas width=1 height=1></canvas>
<script>
const img = new Image(), seen = new Set();
img.crossOrigin = 'anonymous';
img.src = 'URL';
const canvas = document.querySelector('canvas').getContext('2d', { willReadFrequently: true });
const look = setInterval(() => {
  if (!img.naturalWidth) return;
  canvas.drawImage(img, 0, 0, 1, 1);
  const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
  if (r + g + b > 100) seen.add(r > g && r > b ? 'red' : g > b ? 'green' : 'blue');
  if (seen.size === 3) { clearInterval(look); fetch('TELL?seen=' + [...seen].sort() + '&width=' + img.naturalWidth, { mode: 'no-cors' }); }
}, 10);
</script>"#;

#[tokio::test]
async fn chromium_shows_the_pictures_in_an_img() {
    let host = Host::start().await;
    let mut colours = Vec::new();
    for colour in ["red", "lime", "blue"] {
        let made =
            format!("-f lavfi -i color={colour}:size=320x180 -frames:v 1 -c:v mjpeg -f mjpeg");
        colours.push(crate::support::ffmpeg(&made).await);
    }
    assert_eq!(host.post("cam", &colours[0]).await.status, 200);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tell = format!("http://{}/", listener.local_addr().unwrap());
    let page = PAGE
        .replace("URL", &host.url("/stream/cam"))
        .replace("TELL", &tell);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    tokio::fs::write(&file, page).await.unwrap();
    let profile = format!(
        "--user-data-dir={}",
        folder.path().join("profile").display()
    );
    let mut command = Command::new("chromium");
    command.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
    ]);
    command.args(["--disable-dev-shm-usage", &profile]);
    command.arg(format!("file://{}", file.display()));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let browser = command.kill_on_drop(true).spawn();
    let _browser = browser.expect("chromium is needed; see scripts/setup.sh");
    let posting = async {
        for picture in colours.iter().cycle() {
            host.post("cam", picture).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let told = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let read = tokio::io::AsyncReadExt::read(&mut socket, &mut request);
        let read = read.await.unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    };
    let told = tokio::select! {
        () = posting => panic!("endless"),
        told = tokio::time::timeout(Duration::from_secs(60), told) => told.unwrap(),
    };
    assert!(
        told.starts_with("GET /?seen=blue,green,red&width=320 "),
        "{told}"
    );
}
