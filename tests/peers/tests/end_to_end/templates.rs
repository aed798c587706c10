//! From nothing to a running plugin in every language, by the program alone.

use peers::herd::Herd;
use peers::{Host, product, until};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The longest pause at the sink while plugins take over.
const PAUSE: Duration = Duration::from_secs(2);

fn pointsman(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(product::pointsman());
    let ran = command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(
        ran.status.success(),
        "pointsman {}: {out}{err}",
        arguments.join(" ")
    );
    out.into_owned()
}

#[test]
fn a_template_in_every_language_is_built_tested_and_swapped_in_while_media_flows() {
    let mut herd = Herd::of(1);
    let host = Host::start(&herd.inputs());
    herd.start(&host);
    let desk = tempfile::tempdir().unwrap();
    for lang in ["rust", "js", "python"] {
        let name = format!("first-in-{lang}");
        pointsman(
            desk.path(),
            &["plugin", "new", &name, "--kind", "routing", "--lang", lang],
        );
        let (folder, file) = (desk.path().join(&name), format!("{name}.wasm"));
        let folder = folder.to_str().unwrap();
        pointsman(desk.path(), &["plugin", "build", folder, "--out", &file]);
        let fixtures = format!("{folder}/fixtures");
        let tested = pointsman(
            desk.path(),
            &["plugin", "test", &file, "--fixtures", &fixtures],
        );
        assert!(tested.contains(" 0 failed"), "{tested}");
        let api = ["--api", &host.http.base];
        let install = [&["plugin", "install", "mine", &file], &api[..]].concat();
        assert!(pointsman(desk.path(), &install).contains("mine is active"));
        let bind = [
            &["plugin", "bind", "routing", "mine", "--streams", "herd/*"],
            &api[..],
        ]
        .concat();
        pointsman(desk.path(), &bind);
        until(&format!("the policy in {lang} decides"), || {
            let plugin = host.http.json("/api/v1/plugins/mine").unwrap_or_default();
            let stream = host.http.json("/api/v1/streams/herd/0").unwrap_or_default();
            let decides = stream["decided_by"] == "mine" && stream["routing_error"].is_null();
            let heard = stream["reason"]
                .as_str()
                .is_some_and(|it| it.contains("heard"));
            plugin["calls"]["total"].as_u64().unwrap_or_default() > 0 && decides && heard
        });
        let shown = host.http.json("/api/v1/plugins").unwrap_or_default();
        assert!(shown.to_string().contains(&name), "{name} runs: {shown}");
    }
    let plugin = host.http.json("/api/v1/plugins/mine").unwrap_or_default();
    assert_eq!(
        plugin["versions"].as_array().map(Vec::len),
        Some(3),
        "{plugin}"
    );
    let log = ["plugin", "logs", "mine", "--api", &host.http.base];
    pointsman(desk.path(), &log);
    let unbind = [
        "plugin",
        "unbind",
        "routing",
        "--streams",
        "herd/*",
        "--api",
        &host.http.base,
    ];
    pointsman(desk.path(), &unbind);
    herd.assert_unharmed(PAUSE);
    host.stop();
}
