//! Real peers on loopback: FFmpeg, GStreamer, VLC and nginx-rtmp, as publishers, players and servers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]
#![allow(clippy::disallowed_methods, reason = "real peers live in real time")]

mod relay;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtmp::message::set_data_frame;
use rtmp::session::{Client, ClientConfig, ClientEvent, Media, MediaKind, Role};

/// A child that is killed when the test is over, however it ends.
struct Peer(Child);

impl Peer {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{program} must be installed: {error}")))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "{what}: not within 20 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn url(address: SocketAddr) -> String {
    format!("rtmp://{address}/live/cam")
}

/// FFmpeg publishes a picture and a tone, in real time, without end.
fn ffmpeg_publishes(url: &str) -> Peer {
    let inputs = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x180:rate=25",
        "-f",
        "lavfi",
        "-i",
        "sine",
    ];
    let video = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-g",
        "25",
    ];
    let rest = ["-c:a", "aac", "-f", "flv", url];
    Peer::start(
        "ffmpeg",
        &[&["-loglevel", "error"], &inputs[..], &video, &rest].concat(),
    )
}

/// GStreamer publishes the same, through `sink`.
fn gstreamer_publishes(sink: &str, url: &str) -> Peer {
    let location = format!("location={url}");
    let video = "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1 ! \
                 openh264enc gop-size=25 ! h264parse ! flvmux name=mux streamable=true";
    let audio = "audiotestsrc is-live=true ! avenc_aac ! aacparse ! mux.";
    let pipeline = format!("{video} ! {sink} {location} {audio}");
    let arguments: Vec<_> = pipeline.split_whitespace().collect();
    Peer::start("gst-launch-1.0", &arguments)
}

/// Frames that FFmpeg decodes from `url` in three seconds of media: video, audio. Part of that
/// passes until a picture can be decoded, since the relay lets players join amid a GOP.
fn ffmpeg_decodes(url: &str) -> (usize, usize) {
    let input = [
        "-loglevel",
        "error",
        "-rw_timeout",
        "15000000",
        "-i",
        url,
        "-t",
        "2",
    ];
    let output = ["-map", "0:v", "-map", "0:a", "-f", "framecrc", "-"];
    let Output { stdout, stderr, .. } = Command::new("ffmpeg")
        .args(input)
        .args(output)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned();
    let count = |stream| text.lines().filter(|line| line.starts_with(stream)).count();
    let counts = (count("0,"), count("1,"));
    assert!(counts.0 > 0, "{}", String::from_utf8_lossy(&stderr));
    counts
}

/// Runs our client on a blocking socket until `step` says that it is enough. `step` gets each
/// event, and returns what to write.
fn run_client(
    address: SocketAddr,
    role: Role,
    mut step: impl FnMut(Option<ClientEvent>) -> Option<Vec<Bytes>>,
) -> Client {
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(10)))
        .unwrap();
    let config = ClientConfig::new(url(address).parse().unwrap(), role);
    let mut client = Client::new(Instant::now(), config, 77).unwrap();
    let mut buffer = vec![0; 64 << 10];
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < end, "the client waits for ever");
        while let Some(bytes) = client.poll_output() {
            socket.write_all(&bytes).unwrap();
        }
        match socket.read(&mut buffer) {
            Ok(0) => return client,
            Ok(len) => {
                let input = Bytes::copy_from_slice(&buffer[..len]);
                client.handle_input(Instant::now(), input).unwrap();
            }
            Err(error) => assert!(matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut
            )),
        }
        loop {
            let event = client.poll_event();
            let last = event.is_none();
            let Some(output) = step(event) else {
                return client;
            };
            for bytes in output {
                socket.write_all(&bytes).unwrap();
            }
            if last {
                break;
            }
        }
    }
}

#[test]
fn publishers_of_three_makes_are_played_by_players_of_four() {
    type Publish = fn(&str) -> Peer;
    let publishers: [(&str, Publish); 3] = [
        ("ffmpeg", ffmpeg_publishes),
        ("rtmp2sink", |url| gstreamer_publishes("rtmp2sink", url)),
        ("librtmp", |url| gstreamer_publishes("rtmpsink", url)),
    ];
    for (name, publish) in publishers {
        let (address, shared) = relay::serve();
        let url = url(address);
        let _publisher = publish(&url);
        wait_until(name, || shared.lock().unwrap().media.len() > 50);
        let (video, audio) = ffmpeg_decodes(&url);
        assert!(
            video >= 20 && audio >= 60,
            "{name}: {video} pictures, {audio} audio frames"
        );
        for player in ["rtmp2src", "rtmpsrc"] {
            gstreamer_decodes(player, &url);
        }
        vlc_records(&url);
        let shared = shared.lock().unwrap();
        assert_eq!(shared.names, ["live/cam"], "{name}");
        assert!(
            shared
                .media
                .iter()
                .any(|media| media.kind == MediaKind::Data),
            "{name}"
        );
        assert_eq!(shared.errors, [""; 0], "{name}");
    }
}

fn gstreamer_decodes(source: &str, url: &str) {
    let location = format!("location={url}");
    let pipeline = "num-buffers=120 ! flvdemux name=demux \
                    demux.video ! queue ! h264parse ! avdec_h264 ! fakesink \
                    demux.audio ! queue ! aacparse ! avdec_aac ! fakesink";
    let run = Command::new("timeout")
        .args(["20", "gst-launch-1.0", source, &location])
        .args(pipeline.split_whitespace())
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{source}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// VLC refuses to be root, and is nobody then.
fn vlc_records(url: &str) {
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let nobody = [
        "setpriv",
        "--reuid",
        "65534",
        "--clear-groups",
        "env",
        "HOME=/tmp",
    ];
    let run = Command::new("timeout")
        .arg("30")
        .args(nobody.iter().filter(|_| root))
        .args([
            "cvlc",
            "-q",
            "--no-interact",
            "--run-time=2",
            "--play-and-exit",
            url,
        ])
        .args(["--sout", "#std{access=file,mux=ts,dst=-}", "vlc://quit"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let packets = run
        .stdout
        .chunks(188)
        .filter(|packet| packet[0] == 0x47)
        .count();
    assert!(
        packets > 100,
        "VLC wrote {packets} packets: {}",
        String::from_utf8_lossy(&run.stderr)
    );
}

#[test]
fn nginx_takes_our_push_and_feeds_our_pull() {
    let (source, shared) = relay::serve();
    let _publisher = ffmpeg_publishes(&url(source));
    wait_until("first media", || shared.lock().unwrap().media.len() > 50);
    let nginx = Nginx::start();

    let (pushed, enough) = (shared.clone(), Arc::new(AtomicBool::new(false)));
    let stop = enough.clone();
    let address = nginx.address;
    let push = std::thread::spawn(move || {
        let mut next = None;
        run_client(address, Role::Publish, |event| {
            if let Some(ClientEvent::Ready { stream_id, .. }) = event {
                assert_eq!(stream_id, 1);
                next = Some(0);
            }
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let Some(next) = next.as_mut() else {
                return Some(Vec::new());
            };
            let stream = pushed.lock().unwrap();
            let fresh = &stream.media[*next..];
            *next = stream.media.len();
            Some(fresh.iter().map(as_pushed).collect())
        })
    });

    let mut pulled: Vec<Media> = Vec::new();
    wait_until("nginx has our push", || nginx_has_stream(address));
    let (video, audio) = ffmpeg_decodes(&url(address));
    assert!(
        video >= 20 && audio >= 40,
        "{video} pictures, {audio} audio frames by way of nginx"
    );
    run_client(address, Role::Play, |event| {
        if let Some(ClientEvent::Media(media)) = event {
            pulled.push(media);
        }
        (pulled.len() < 100).then(Vec::new)
    });
    let sent = &shared.lock().unwrap().media;
    let last = pulled.last().unwrap();
    assert!(
        sent.iter().any(|media| media.payload == last.payload),
        "bytes must pass unchanged"
    );
    enough.store(true, Ordering::Relaxed);
    let mut client = push.join().unwrap();
    assert!(!client.is_closed(), "nginx must hold the push to its end");
    client.finish().unwrap();
}

fn as_pushed(media: &Media) -> Bytes {
    let payload = match media.kind {
        MediaKind::Data => set_data_frame(&media.payload),
        _ => media.payload.clone(),
    };
    relay::encode(media.kind, media.timestamp_ms, payload)
}

fn nginx_has_stream(address: SocketAddr) -> bool {
    let mut media = 0;
    let end = Instant::now() + Duration::from_millis(500);
    run_client(address, Role::Play, |event| {
        media += usize::from(matches!(event, Some(ClientEvent::Media(_))));
        (media == 0 && Instant::now() < end).then(Vec::new)
    });
    media > 0
}

/// nginx with Debian's libnginx-mod-rtmp, in a directory of its own.
struct Nginx {
    address: SocketAddr,
    _peer: Peer,
    directory: std::path::PathBuf,
}

impl Nginx {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let directory =
            std::env::temp_dir().join(format!("rtmp-nginx-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let module = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
        assert!(
            Path::new(module).exists(),
            "libnginx-mod-rtmp must be installed"
        );
        let config = format!(
            "load_module {module};\ndaemon off;\nmaster_process off;\npid {0}/pid;\n\
             error_log {0}/error.log;\nevents {{}}\nrtmp {{ server {{ listen 127.0.0.1:{port}; \
             application live {{ live on; }} }} }}\n",
            directory.display(),
        );
        let file = directory.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let peer = Peer::start(
            "nginx",
            &[
                "-c",
                file.to_str().unwrap(),
                "-p",
                directory.to_str().unwrap(),
            ],
        );
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_until("nginx listens", || TcpStream::connect(address).is_ok());
        Self {
            address,
            _peer: peer,
            directory,
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
