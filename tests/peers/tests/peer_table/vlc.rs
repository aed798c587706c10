//! VLC: decoded and encoded anew by VLC, into a file in which the clapper is looked for, or to the
//! host.

use crate::cell::{Media, Seen, Way};
use crate::judge::{self, SECONDS};
use crate::studio::{Studio, stream};
use peers::ffmpeg::Reader;
use peers::{Peer, processes};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// VLC plays for longer than is judged, since it takes its time to begin.
const PLAYS_SECONDS: u32 = SECONDS + 4;

pub(crate) fn plays(studio: &Studio, way: Way, media: Media) -> Result<Seen, String> {
    let folder = tempfile::tempdir().expect("a folder");
    // It refuses to run as root, and is nobody then.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("a folder of ours");
    let file = folder.path().join("played.ts");
    let encoded = "#transcode{vcodec=mp2v,vb=2000,acodec=mpga,ab=192}";
    let sout = format!("{encoded}:std{{access=file,mux=ts,dst={}}}", file.display());
    let mut command = vlc();
    command.args(["--intf", "dummy", "--no-interact", "--play-and-exit"]);
    command.arg(format!("--run-time={PLAYS_SECONDS}"));
    command.arg(format!("--sout={sout}"));
    command.args([&studio.play_url(way, stream(media)), "vlc://quit"]);
    command.env("HOME", folder.path()).stdout(Stdio::null());
    let ended = Peer::spawn(&mut command).wait(Duration::from_secs(40));
    if !ended.status.success() || !file.exists() {
        return Err(ended.said.join(" | "));
    }
    judge::of_counts(Reader::start(file.to_str().expect("UTF-8"), SECONDS), way)
}

/// Encodes the clapper and sends it as a stream of its own, as datagrams.
pub(crate) fn publishes(studio: &Studio, way: Way, media: Media) -> Result<Seen, String> {
    let name = studio.name();
    let url = studio.publish_url(way, &name);
    let to = url.trim_start_matches("udp://");
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("a folder of ours");
    let master = folder.path().join("master.mkv");
    fs::copy(studio.master(), &master).expect("a copy that VLC may read");
    let encoded = "#transcode{vcodec=h264,venc=x264{preset=ultrafast,tune=zerolatency,keyint=25},\
                   vb=1000,acodec=mp4a,ab=96,channels=2,samplerate=48000}";
    let mut command = vlc();
    command.args(["--intf", "dummy", "--no-interact", "--sout-mux-caching=100"]);
    command.arg(format!(
        "--sout={encoded}:std{{access=udp,mux=ts,dst='{to}'}}"
    ));
    command.arg(&master);
    command.env("HOME", folder.path()).stdout(Stdio::null());
    let _publisher = Peer::spawn(&mut command);
    judge::of_published_counts(studio, &name, media)
}

fn vlc() -> Command {
    if processes::is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "cvlc"]);
        command
    } else {
        Command::new("cvlc")
    }
}
