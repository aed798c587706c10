use super::*;
use proptest::prelude::*;

/// The whole example of the design, which operators and tests outside rely on.
const EXAMPLE: &str = r#"
data_dir = "data"
[database]
url = "postgres://me@db.example/pointsman"
[api]
listen = "127.0.0.1:8080"
certificate = "cert.pem"
key = "key.pem"
cors = ["https://dash.example"]
rate = 50
[rtmp]
listen = "127.0.0.1:1935"
[srt]
listen = "127.0.0.1:8890"
latency = 120
passphrase = "0123456789"
[udp]
ports = "5000-5099"
[plugins]
dir = "plugins"
trusted_keys = ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]
install_from = ["plugins.example.org", "http://127.0.0.1:9000"]
instances = 32
component_bytes = 33554432
[plugins.limits]
deadline_ms = 20
[plugins.overrides.webhook]
deadline_ms = 100
http_ms = 1000
[plugins.grants]
webhook = ["hooks.example.org", "private:10.0.0.5"]
[decisions]
keep_secrets = true
max_age_days = 30
[log]
file = "host.log"
keep = 2
[shutdown]
drain_s = 5
[compat]
distribution = true
[[policies]]
kind = "routing"
streams = "live/*"
mode = "canary"
percent = 10
plugin = "fanout"
config = { anything = { goes = 1 } }
[otlp]
endpoint = "http://127.0.0.1:4318"
interval_s = 5
headers = { authorization = "Bearer x" }
[[webhooks]]
name = "pager"
url = "https://pager.example/hooks/7"
secret = "0123456789abcdef"
events = ["output_changed"]
streams = "live/*"
enabled = true
[[inputs]]
name = "live/cam1"
sources = [{ type = "udp", address = "127.0.0.1:5000", interface = "lo" }, { type = "srt", url = "srt://127.0.0.1:9000?mode=caller&latency=120" }, { type = "publish" }]
labels = { site = "north" }
    [[inputs.outputs]]
    name = "archive"
    url = "udp://127.0.0.1:6000"
    enabled = true
    schedule = { time_zone = "Europe/Berlin", windows = [{ start = "2026-01-31T18:00:00Z", stop = "2026-01-31T20:00:00Z" }], recurring = [{ start = "0 18 * * *", stop = "0 20 * * *" }, { start = "0 6 * * *", duration_s = 60 }] }
[[groups]]
name = "lobby"
screens = [{ id = "left", row = 0, column = 0, width = 1920, height = 1080, bezel = { left = 1.0, top = 2.0, right = 3.0, bottom = 4.0 }, rotation = 90 }]
direction = "grid"
delay_ms = 700
playing = { mode = "multi", sources = [{ type = "stream", name = "live/cam1" }, { type = "file", path = "a.mp4" }], layout = "vertical" }
labels = { floor = "1" }
[[groups]]
name = "hall"
screens = [{ id = "a" }]
playing = { mode = "split", source = { type = "stream", name = "live/cam1" }, fit = "stretch" }
[[templates]]
name = "social"
variables = [{ name = "key", secret = true }, { name = "server", default = "a.example" }]
outputs = [{ name = "social", url = "rtmp://{server}/live/{key}", enabled = true, schedule = { windows = [{ start = "2026-01-31T18:00:00Z" }] } }]
"#;

/// The file that operators start from, and the same with every setting that it only shows. A
/// setting follows its `#` at once, a sentence after a blank.
fn site() -> (&'static str, String) {
    let site = include_str!("../../../../examples/site.toml");
    let shown = site.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
        _ => line,
    });
    (site, shown.collect::<Vec<_>>().join("\n"))
}

fn with_variables(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    parse_with(
        "",
        pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string())),
    )
}

#[test]
fn nothing_is_the_default_and_the_default_is_loopback() {
    let config = parse("").unwrap();
    assert_eq!(config, Config::default());
    for listen in [config.api.listen, config.rtmp.listen, config.srt.listen] {
        assert!(listen.ip().is_loopback(), "{listen}");
    }
}

#[test]
fn the_whole_example_is_understood() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.srt.passphrase.as_deref(), Some("0123456789"));
    let site = config.site();
    assert_eq!((site.policies.len(), site.inputs.len()), (1, 1));
    assert_eq!(site.inputs[0].sources.len(), 3);
    assert_eq!(site.inputs[0].outputs[0].name.as_str(), "archive");
    let limits = config.plugins.limits();
    assert_eq!(limits.default.deadline_ms, 20);
    assert_eq!(limits.of("webhook").deadline_ms, 100);
    let memory = |name| limits.of(name).memory_bytes;
    assert_eq!(memory("webhook"), memory("other"), "as in [plugins.limits]");
    let grants = &config.plugins.grants["webhook"];
    assert_eq!(
        (grants.http.len(), grants.private[0].as_str()),
        (1, "10.0.0.5")
    );
    assert_eq!(config.plugins.install_from.len(), 2);
}

#[test]
fn the_site_to_start_from_shows_every_key_with_its_default() {
    let (plain, whole) = site();
    let plain = parse(plain).unwrap();
    let defaults = Config {
        inputs: plain.inputs.clone(),
        ..Config::default()
    };
    assert_eq!(plain, defaults, "it sets nothing but inputs");
    let shown = parse(&whole).unwrap();
    // What it shows for example, and all that is the default.
    let Plugins {
        trusted_keys,
        install_from,
        overrides,
        grants,
        ..
    } = shown.plugins.clone();
    let examples = [
        trusted_keys.len(),
        install_from.len(),
        overrides.len(),
        grants.len(),
        shown.policies.len(),
        shown.api.cors.len(),
        shown.groups.len(),
        shown.templates.len(),
        shown.tenants.len(),
        shown.webhooks.len(),
        usize::from(shown.otlp.endpoint.is_some()),
        usize::from(shown.database.url.is_some()),
        usize::from(shown.inputs[0].outputs[0].schedule.is_some()),
        usize::from(shown.rtsp.account().is_some()),
        shown.webrtc.ice_servers.len(),
    ];
    assert_eq!(examples, [1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    let mut expected = defaults;
    expected.api = Api {
        certificate: shown.api.certificate.clone(),
        key: shown.api.key.clone(),
        cors: shown.api.cors.clone(),
        rate: Some(1_000),
        ..expected.api
    };
    expected.compat.distribution = Some(true);
    expected.compat.mjpeg = Some(true);
    expected.compat.wall = Some(true);
    // What holds if they are not set, but for a port that is taken then.
    expected.rtmp.tls_listen = shown.rtmp.tls_listen;
    expected.rtsp.listen = Some(Rtsp::USUAL);
    expected.rtsp.udp_port = Some(8_000);
    expected.rtsp.tls_listen = shown.rtsp.tls_listen;
    expected.rtsp.user = shown.rtsp.user.clone();
    expected.rtsp.password = shown.rtsp.password.clone();
    expected.webrtc.listen = Some(Webrtc::USUAL);
    expected.webrtc.addresses = shown.webrtc.addresses.clone();
    expected.webrtc.ice_servers = shown.webrtc.ice_servers.clone();
    expected.log.file = shown.log.file.clone();
    expected.srt.passphrase = shown.srt.passphrase.clone();
    expected.policies = shown.policies.clone();
    let Egress { allow, deny, .. } = shown.egress.clone();
    assert_eq!((allow.len(), deny.len()), (2, 2));
    expected.egress = Egress {
        allow,
        deny,
        ..Egress::default()
    };
    let [.., other_sources, composite] = &shown.inputs[..] else {
        panic!("{:?}", shown.inputs);
    };
    assert_eq!(other_sources.sources.len(), 5);
    assert!(matches!(
        composite.sources[..],
        [model::SourceSpec::Composite(_)]
    ));
    expected
        .inputs
        .extend([other_sources, composite].map(Clone::clone));
    expected.groups = shown.groups.clone();
    expected.templates = shown.templates.clone();
    expected.tenants = shown.tenants.clone();
    expected.webhooks = shown.webhooks.clone();
    expected.otlp.endpoint = shown.otlp.endpoint.clone();
    expected.otlp.headers = shown.otlp.headers.clone();
    expected.database = shown.database.clone();
    expected.inputs[0].outputs[0].schedule = shown.inputs[0].outputs[0].schedule.clone();
    expected.plugins = Plugins {
        trusted_keys,
        install_from,
        overrides,
        grants,
        ..expected.plugins
    };
    assert_eq!(shown, expected);
    let document: toml::Table = toml::from_str(&whole).unwrap();
    for (variable, path) in env::variables() {
        let mut keys = path.iter();
        let top = keys.next().and_then(|key| document.get(*key));
        let found = keys.fold(top, |at, key| at.and_then(|at| at.get(*key)));
        assert!(found.is_some(), "{variable} is not shown");
    }
}

#[test]
fn errors_name_line_key_and_the_nearest_key() {
    let cases = [
        (
            "\n[api]\nlisten_on = \"x\"",
            "line 3, column 1",
            "api.listen_on",
            Some("api.listen"),
        ),
        (
            "data-dir = \"x\"",
            "line 1, column 1",
            "data-dir",
            Some("data_dir"),
        ),
        (
            "[rtpm]\nlisten = \"x\"",
            "line 1, column 2",
            "rtpm",
            Some("rtmp"),
        ),
        (
            "[[inputs]]\nnam = \"a\"",
            "line 2, column 1",
            "inputs.nam",
            Some("inputs.name"),
        ),
        (
            "[[inputs]]\nname = \"a\"\n[[inputs.outputs]]\nulr = \"x\"",
            "line 4, column 1",
            "inputs.outputs.ulr",
            Some("inputs.outputs.url"),
        ),
        (
            "[[inputs]]\nname = \"a\"\nsources = [{ type = \"udp\", adress = \"x\" }]",
            "line 3, column 28",
            "inputs.sources.adress",
            Some("inputs.sources.address"),
        ),
        (
            "[plugins.overrides.webhook]\ndeadline = 5",
            "line 2, column 1",
            "plugins.overrides.webhook.deadline",
            Some("plugins.overrides.webhook.deadline_ms"),
        ),
        (
            "[plugins.limits]\nmemory = 5",
            "line 2, column 1",
            "plugins.limits.memory",
            Some("plugins.limits.memory_bytes"),
        ),
        (
            "[decisions]\nkeep_secret = true",
            "line 2, column 1",
            "decisions.keep_secret",
            Some("decisions.keep_secrets"),
        ),
        ("zzz = 1", "line 1, column 1", "zzz", None),
    ];
    for (text, position, key, proposed) in cases {
        let error = parse(text).unwrap_err();
        let ConfigError::UnknownKey {
            at,
            key: found,
            nearest,
        } = &error
        else {
            panic!("{text}: {error}")
        };
        assert_eq!((at.to_string().as_str(), found.as_str()), (position, key));
        assert_eq!(nearest.as_deref(), proposed, "{text}");
    }
}

#[test]
fn values_that_do_not_fit_are_told_with_their_place() {
    let cases = [
        ("[api]\nlisten = 8080", "line 2"),
        ("[api]\nlisten = \"localhost\"", "line 2"),
        ("\n\n[udp]\nports = \"9-1\"", "line 4"),
        ("[[inputs]]\nname = \"a b\"", "line 2"),
        ("[[policies]]\nkind = \"rooting\"\nplugin = \"x\"", "line 2"),
        (
            "[[inputs]]\nname = \"a\"\nsources = [{ type = \"carrier-pigeon\" }]",
            "line 3",
        ),
        ("data_dir = \"unclosed", "line 1"),
        ("[database]\nurl = \"mysql://me:secret@db/x\"", "line 2"),
        ("[srt]\nlatency = 40000", "srt.latency"),
        ("[srt]\npassphrase = \"short\"", "srt.passphrase"),
        ("[srt]\npbkeylen = 128", "srt.pbkeylen"),
        (
            "[plugins.limits]\ndeadline_ms = 0",
            "plugins.limits.deadline_ms",
        ),
        (
            "[plugins.overrides.x]\ninstances = 0",
            "plugins.limits.instances",
        ),
        ("[plugins]\ninstall_from = [\"https://h/path\"]", "line 2"),
        ("[plugins.grants]\nx = [\"http://h\"]", "line 2"),
    ];
    for (text, place) in cases {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(place), "{text}: {error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}

#[test]
fn an_error_in_a_file_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.toml");
    std::fs::write(&path, "[api]\nlissen = 1").unwrap();
    let error = load(Some(&path)).unwrap_err().to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    assert!(
        error.contains("line 2") && error.contains("api.listen"),
        "{error}"
    );
    let missing = load(Some(Path::new("/nonexistent/x.toml")))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("--config"), "{missing}");
}

#[test]
fn every_scalar_key_is_also_a_variable() {
    for (variable, ..) in env::variables() {
        let value = match variable.as_str() {
            "POINTSMAN_STAGES_POSTER_WIDTH" => "320",
            "POINTSMAN_VIDEOS_EXTENSIONS" => "mp4,mov",
            "POINTSMAN_VIDEOS_MAX_UNFINISHED_BYTES" => "21474836480",
            name if name.contains("_VIDEOS_") && name.ends_with("_BYTES") => "2097152",
            name if name.contains("_VIDEOS_") => "170",
            name if name.ends_with("_LISTEN") => "127.0.0.1:9",
            name if name.ends_with("_DATABASE_URL") => "postgres://db.example/x",
            name if name.ends_with("_LATENCY") => "9",
            name if name.ends_with("_MERGE_MS") => "9",
            name if name.ends_with("_UDP_PORT") => "9998",
            name if name.ends_with("_ADDRESSES") => "192.0.2.1",
            name if name.ends_with("_FORM") => "ts",
            name if name.ends_with("_WINDOW_BYTES") => "33554432",
            name if name.ends_with("_PART_MS") => "500",
            name if name.ends_with("_SEGMENT_S") => "4",
            name if name.ends_with("_COMPAT_MJPEG") => "true",
            name if name.ends_with("_COMPAT_WALL") => "true",
            name if name.contains("_MJPEG_") && name.ends_with("_BYTES") => "65536",
            name if name.contains("_MJPEG_") => "17",
            name if name.ends_with("_PBKEYLEN") => "32",
            name if name.ends_with("_PORTS") => "9-9",
            name if name.ends_with("_INSTALL_FROM") => "https://plugins.example.com",
            name if name.ends_with("_SECRETS") => "true",
            name if name.ends_with("_LINK_LOCAL") => "true",
            name if name.ends_with("_LOCAL_ADMIN") => "true",
            name if name.ends_with("_SELF_SIGNED") => "true",
            name if name.ends_with("_DISTRIBUTION") => "true",
            name if name.ends_with("_DAILY") => "false",
            name if name.ends_with("_API_CORS") => "https://dash.example.org",
            name if name.ends_with("_OTLP_ENDPOINT") => "http://127.0.0.1:4318",
            name if name.ends_with("_RATE") => "17",
            name if name.ends_with("_KEEP") => "17",
            name if name.ends_with("_S") => "17",
            name if name.contains("_EGRESS_") => "10.0.0.0/8,a.example",
            name if name.ends_with("_HISTORY") => "false",
            name if name.ends_with("_COMPONENT_BYTES") => "1048576",
            name if name.ends_with("_BYTES") => "65536",
            name if name.contains("_PLUGINS_LIMITS_") => "17",
            name if name.starts_with("POINTSMAN_LIMITS_") => "17",
            name if name.ends_with("_INSTANCES") => "17",
            name if name.contains("_DECISIONS_") => "17",
            "POINTSMAN_HLS_KEY_ROTATION" => "17",
            "POINTSMAN_RTSP_MAX_CONNECTIONS" | "POINTSMAN_WEBRTC_MAX_SESSIONS" => "17",
            _ => "0123456789",
        };
        // A certificate and its key make sense together only, as do a user and a password.
        let partner = match variable.as_str() {
            "POINTSMAN_API_KEY" => Some("POINTSMAN_API_CERTIFICATE"),
            "POINTSMAN_API_CERTIFICATE" => Some("POINTSMAN_API_KEY"),
            "POINTSMAN_RTSP_USER" => Some("POINTSMAN_RTSP_PASSWORD"),
            "POINTSMAN_RTSP_PASSWORD" => Some("POINTSMAN_RTSP_USER"),
            _ => None,
        };
        let beside = partner.map(|partner| (partner, "beside.pem"));
        let given: Vec<_> = beside.into_iter().chain([(&*variable, value)]).collect();
        let config = with_variables(&given).unwrap();
        assert_ne!(config, Config::default(), "{variable} sets nothing");
    }
}

#[test]
fn variables_win_and_a_wrong_value_names_its_variable() {
    let variable = ("POINTSMAN_API_LISTEN".to_owned(), "0.0.0.0:80".to_owned());
    let config = parse_with("[api]\nlisten = \"127.0.0.1:1\"", [variable]).unwrap();
    assert_eq!(config.api.listen, "0.0.0.0:80".parse().unwrap());
    let error = with_variables(&[("POINTSMAN_SRT_LATENCY", "soon")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("POINTSMAN_SRT_LATENCY") && error.contains("soon"),
        "{error}"
    );
    assert_eq!(
        with_variables(&[("POINTSMAN_PORT", "tcp://10.0.0.1:80")]).unwrap(),
        Config::default()
    );
}

#[test]
fn the_keys_are_those_that_serde_knows() {
    // Serde lists what it knows when it meets what it does not.
    let listed = |text: &str| {
        let error = toml::from_str::<Config>(text)
            .unwrap_err()
            .message()
            .to_owned();
        let mut keys: Vec<_> = error
            .split('`')
            .skip(3)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        keys.sort();
        keys
    };
    let known = |keys: &[(&str, keys::Node)]| {
        let mut keys: Vec<_> = keys.iter().map(|(key, _)| key.to_string()).collect();
        keys.sort();
        keys
    };
    let below = |keys: &'static [(&'static str, keys::Node)], name: &str| match keys
        .iter()
        .find(|(key, _)| *key == name)
    {
        Some((_, keys::Node::Table(below))) => *below,
        _ => panic!("{name} is no table"),
    };
    assert_eq!(listed("x_ = 1"), known(keys::DOCUMENT));
    // Sections with a single key are told as "expected `key`", which `listed` reads as well.
    for section in [
        "api",
        "rtmp",
        "srt",
        "udp",
        "egress",
        "plugins",
        "decisions",
    ] {
        let keys = below(keys::DOCUMENT, section);
        assert_eq!(
            listed(&format!("[{section}]\nx_ = 1")),
            known(keys),
            "{section}"
        );
    }
    let limits = known(below(below(keys::DOCUMENT, "plugins"), "limits"));
    assert_eq!(listed("[plugins.limits]\nx_ = 1"), limits);
    assert_eq!(listed("[plugins.overrides.a]\nx_ = 1"), limits);
    let inputs = below(keys::DOCUMENT, "inputs");
    assert_eq!(
        listed("[[policies]]\nx_ = 1"),
        known(below(keys::DOCUMENT, "policies"))
    );
    assert_eq!(listed("[[inputs]]\nx_ = 1"), known(inputs));
    assert_eq!(
        listed("[[inputs]]\nname = 'a'\n[[inputs.outputs]]\nx_ = 1"),
        known(below(inputs, "outputs"))
    );
    assert_eq!(
        listed(
            "[[inputs]]\nname = 'a'\n[[inputs.outputs]]\nname = 'b'\nurl = ''\nretry = { x_ = 1 }"
        ),
        known(below(below(inputs, "outputs"), "retry"))
    );
}

proptest! {
    #[test]
    fn garbage_is_refused_without_a_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn a_mangled_document_is_read_or_refused_without_a_panic(
        at in 0..EXAMPLE.len(),
        cut in 0..40usize,
        put in "\\PC{0,6}",
    ) {
        let head = EXAMPLE.get(..at).unwrap_or_default();
        let tail = EXAMPLE.get(at + cut..).unwrap_or_default();
        let _ = parse(&format!("{head}{put}{tail}"));
    }
}
