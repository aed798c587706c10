//! The program as a person or an init system meets it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Site {
    dir: tempfile::TempDir,
    api: SocketAddr,
    rtmp: SocketAddr,
    srt: SocketAddr,
}

impl Site {
    /// A folder of its own, and ports that are free now.
    fn new() -> Self {
        let tcp = || {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
        };
        let udp = || {
            UdpSocket::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
        };
        let dir = tempfile::tempdir().unwrap();
        Self {
            dir,
            api: tcp(),
            rtmp: tcp(),
            srt: udp(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env("POINTSMAN_API_LISTEN", self.api.to_string())
            .env("POINTSMAN_RTMP_LISTEN", self.rtmp.to_string())
            .env("POINTSMAN_WEBRTC_LISTEN", "127.0.0.1:0")
            .env("POINTSMAN_RTSP_LISTEN", "127.0.0.1:0")
            .env("POINTSMAN_RTSP_UDP_PORT", "0")
            .env("POINTSMAN_SRT_LISTEN", self.srt.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

/// A running host; killed if the test fails before it is stopped.
struct Host(Child);

impl Host {
    fn start(site: &Site, arguments: &[&str]) -> Self {
        let mut host = Self(site.command(arguments).spawn().unwrap());
        let stderr = BufReader::new(host.0.stderr.take().unwrap());
        let mut lines = stderr.lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("pointsman is up")),
            "it never comes up"
        );
        // Keep the pipe drained, so that no log line blocks the host.
        std::thread::spawn(move || lines.for_each(drop));
        host
    }

    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// The exit code, if it ends within the limit.
    fn ends_within(&mut self, limit: Duration) -> Option<i32> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_host_comes_up_with_nothing_configured_and_ends_in_order_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let site = Site::new();
        let mut host = Host::start(&site, &["run"]);
        // Somebody who connects and says nothing does not hold it up.
        let _idle = [site.api, site.rtmp].map(|address| TcpStream::connect(address).unwrap());
        host.signal(signal);
        assert_eq!(
            host.ends_within(Duration::from_secs(3)),
            Some(0),
            "{signal}"
        );
        assert!(
            TcpListener::bind(site.api).is_ok(),
            "the port is free again"
        );
    }
}

#[test]
fn a_port_in_use_is_one_clear_line_and_exit_code_1() {
    let site = Site::new();
    for (address, key) in [(site.api, "api.listen"), (site.rtmp, "rtmp.listen")] {
        let _held = TcpListener::bind(address).unwrap();
        let output = site.output(&["run"]);
        let told = String::from_utf8(output.stderr).unwrap();
        let last = told.lines().last().unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            last.starts_with("pointsman: ") && last.contains(key),
            "{told}"
        );
        assert!(last.contains(&address.to_string()), "{told}");
    }
}

#[test]
fn a_wrong_key_is_told_with_file_line_and_the_nearest_key() {
    let site = Site::new();
    let file = site.dir.path().join("site.toml");
    std::fs::write(&file, "[api]\nlisen = \"127.0.0.1:1\"\n").unwrap();
    let output = site.output(&["run", "--config", "site.toml"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        told.trim(),
        "pointsman: site.toml: line 2, column 1: unknown key \"api.lisen\"; did you mean \"api.listen\"?"
    );
}

#[test]
fn a_document_at_fault_names_the_item_and_nothing_stays_behind() {
    let site = Site::new();
    let file = site.dir.path().join("site.toml");
    std::fs::write(
        &file,
        "[[policies]]\nkind = \"routing\"\nplugin = \"nowhere\"\n",
    )
    .unwrap();
    let output = site.output(&["run", "--config", "site.toml"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("policy routing for *: plugin nowhere"),
        "{told}"
    );
}

#[test]
fn doctor_fails_when_a_port_is_taken_and_says_by_which_key() {
    let site = Site::new();
    let _held = TcpListener::bind(site.rtmp).unwrap();
    let output = site.output(&["doctor"]);
    let report = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(report.contains("FAIL  rtmp.listen"), "{report}");
}

#[test]
fn help_teaches_by_example() {
    let output = Site::new().output(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(
        help.contains("pointsman demo") && help.contains("ffmpeg -re"),
        "{help}"
    );
    assert!(!help.contains("compile"), "hidden commands stay hidden");
}

/// The inputs that a host declares, as its API shows them, without what changes by itself.
fn inputs(site: &Site) -> serde_json::Value {
    let url = format!("http://{}/api/v1/inputs", site.api);
    let mut answer = ureq::get(url).call().unwrap();
    let shown: serde_json::Value = answer.body_mut().read_json().unwrap();
    let inputs = shown["inputs"].as_array().unwrap().iter();
    let kept = |input: &serde_json::Value| {
        let outputs = input["outputs"].as_array().unwrap().iter();
        let outputs: Vec<_> = outputs
            .map(|output| {
                (
                    output["name"].clone(),
                    output["url"].clone(),
                    output["enabled"].clone(),
                )
            })
            .collect();
        serde_json::json!([input["name"], input["sources"], input["labels"], outputs])
    };
    inputs.map(kept).collect()
}

fn post(site: &Site, path: &str, body: serde_json::Value) {
    let url = format!("http://{}/api/v1/{path}", site.api);
    let answer = ureq::post(url).send_json(body).unwrap();
    assert_eq!(answer.status(), 201);
}

#[test]
fn what_was_wanted_is_there_again_after_a_kill() {
    use serde_json::json;
    let site = Site::new();
    let file = site.dir.path().join("site.toml");
    let with = |label: &str| {
        let text = format!("[[inputs]]\nname = \"file\"\nlabels = {{ room = \"{label}\" }}\n");
        std::fs::write(&file, text).unwrap();
    };
    with("1");
    let run = ["run", "--config", "site.toml"];
    let mut host = Host::start(&site, &run);
    post(
        &site,
        "inputs",
        json!({"name": "live/cam1", "sources": [{"type": "udp"}]}),
    );
    post(
        &site,
        "inputs",
        json!({"name": "live/cam2", "sources": [{"type": "udp"}]}),
    );
    let secret = json!({"name": "hall", "url": "srt://127.0.0.1:9?passphrase=hunter2hunter2"});
    post(&site, "inputs/live/cam1/outputs", secret);
    let url = format!("http://{}/api/v1/inputs/live/cam1", site.api);
    assert_eq!(ureq::delete(url).call().unwrap().status(), 204);
    post(
        &site,
        "inputs/live/cam2/outputs",
        json!({"name": "wall", "url": "udp://127.0.0.1:9", "enabled": false}),
    );
    let before = inputs(&site);
    assert_eq!(before.as_array().unwrap().len(), 2, "{before}");

    host.signal("-KILL");
    host.ends_within(Duration::from_secs(10));
    let mut host = Host::start(&site, &run);
    assert_eq!(inputs(&site), before);

    // What the file says anew holds, and what was added stays.
    host.signal("-KILL");
    host.ends_within(Duration::from_secs(10));
    with("2");
    let _host = Host::start(&site, &run);
    let after = inputs(&site);
    assert_eq!(after[0][2]["room"], "2", "{after}");
    assert_eq!(after[1], before[1]);
}

#[test]
fn a_database_that_cannot_be_opened_lets_nothing_be_changed_and_heals_by_itself() {
    use serde_json::json;
    let site = Site::new();
    let mut host = Host::start(&site, &["run"]);
    post(&site, "inputs", json!({"name": "live/cam1"}));
    let before = inputs(&site);
    host.signal("-TERM");
    assert_eq!(host.ends_within(Duration::from_secs(3)), Some(0));

    // A folder stands where its file was.
    let file = site.dir.path().join("data/pointsman.db");
    let aside = site.dir.path().join("data/aside.db");
    std::fs::rename(&file, &aside).unwrap();
    std::fs::create_dir(&file).unwrap();
    let mut host = Host::start(&site, &["run"]);
    let url = format!("http://{}/api/v1/inputs", site.api);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let refused = agent.post(url).send_json(json!({"name": "live/cam2"}));
    assert_eq!(refused.unwrap().status(), 503);
    assert_eq!(inputs(&site), json!([]));

    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&aside, &file).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while inputs(&site) != before {
        assert!(Instant::now() < deadline, "it never heals");
        std::thread::sleep(Duration::from_millis(50));
    }
    post(&site, "inputs", json!({"name": "live/cam2"}));
    assert_eq!(host.0.try_wait().unwrap(), None, "it runs on");
}

#[test]
fn https_with_a_certificate_of_its_own_is_spoken_to_by_curl_and_the_verbs() {
    let site = Site::new();
    std::fs::write(
        site.dir.path().join("site.toml"),
        "[api]\nself_signed = true\n",
    )
    .unwrap();
    let mut host = Host::start(&site, &["run", "--config", "site.toml"]);
    let url = format!("https://localhost:{}", site.api.port());
    let ca = "data/tls/certificate.pem";
    let status = |arguments: &[&str]| {
        let told = site.output(&[&["status", "--json", "--api", &url], arguments].concat());
        let text = String::from_utf8_lossy(&told.stderr).into_owned();
        (told.status.success(), text)
    };
    assert_eq!(status(&["--ca", ca]), (true, String::new()));
    assert_eq!(status(&["--insecure"]), (true, String::new()));
    let (trusted, told) = status(&[]);
    assert!(!trusted && told.contains("certificate"), "{told}");
    let curl = Command::new("curl")
        .args(["-sS", "--cacert", ca, &format!("{url}/health")])
        .current_dir(site.dir.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&curl.stdout).into_owned();
    assert!(told.contains("\"status\":\"ok\""), "{told} {curl:?}");
    host.signal("-TERM");
    assert_eq!(host.ends_within(Duration::from_secs(3)), Some(0));
}
