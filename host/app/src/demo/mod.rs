//! `pointsman demo`: something to watch within a few seconds, with nothing to set up.

use crate::config::{self, Config};
use crate::host;
use anyhow::{Context, bail};
use clap::Args;
use model::{
    InputSpec, Label, PolicyKind, PolicyMode, PolicySpec, SourceSpec, StreamName, StreamPattern,
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The demo's stream.
const STREAM: &str = "demo";
/// The shipped plugin that routes it.
const PLUGIN: &str = "fanout";
/// Where its UDP output goes.
const UDP_OUTPUT: &str = "127.0.0.1:6000";

/// What the demo is told.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder with the shipped plugin, fanout.wasm; watched, so replace it and see the swap.
    #[arg(long, value_name = "DIR", env = "POINTSMAN_PLUGINS_DIR")]
    plugins: Option<PathBuf>,
}

/// Runs the demo until Ctrl-C.
///
/// # Errors
/// When the plugin or FFmpeg is missing, or as [`host::run`].
pub async fn run(arguments: DemoArgs) -> anyhow::Result<()> {
    let mut config = config::load(None)?;
    config.plugins.dir = plugin_folder(arguments.plugins)?;
    // Without it there would be a host, and nothing to watch.
    ffmpeg::check_ffmpeg().await?;
    declare(&mut config)?;
    let welcome = welcome(&config);
    let extras = host::Extras {
        ready: Some(Box::new(move || println!("{welcome}"))),
    };
    host::run(config, None, extras).await
}

/// Adds the demo's input and policy to what the environment says.
fn declare(config: &mut Config) -> anyhow::Result<()> {
    let stream: StreamName = STREAM.parse()?;
    let streams: StreamPattern = STREAM.parse()?;
    let plugin: Label = PLUGIN.parse()?;
    config.inputs.push(InputSpec {
        sources: vec![SourceSpec::Test {}],
        labels: [("shown".to_owned(), "test picture".to_owned())].into(),
        ..InputSpec::new(stream)
    });
    let rule = json!({
        "streams": STREAM,
        "serve": ["hls", "srt", "rtmp"],
        "outputs": [{ "name": "udp", "url": format!("udp://{UDP_OUTPUT}") }],
    });
    config.policies.push(PolicySpec {
        kind: PolicyKind::Routing,
        streams,
        mode: PolicyMode::Active,
        percent: None,
        plugin,
        config: json!({ "rules": [rule] }),
    });
    Ok(())
}

/// The folder given, else the first likely one that holds the plugin.
fn plugin_folder(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let holds = |folder: &Path| folder.join(format!("{PLUGIN}.wasm")).is_file();
    if let Some(folder) = given {
        if !holds(&folder) {
            bail!(
                "{} holds no {PLUGIN}.wasm; build it: pointsman plugin build plugins/{PLUGIN} --out {}",
                folder.display(),
                folder.display()
            );
        }
        return Ok(folder);
    }
    let program = std::env::current_exe().context("where is this program?")?;
    let beside = program.parent().unwrap_or(Path::new("."));
    // Beside the program, as in a release archive and in Cargo's target/{debug,release}; under
    // its prefix, as packages install it; and where `make` puts it.
    let likely = [
        beside.join("plugins"),
        beside.join("../plugins"),
        beside.join("../share/pointsman/plugins"),
        PathBuf::from("target/plugins"),
    ];
    likely
        .iter()
        .find(|folder| holds(folder))
        .cloned()
        .with_context(|| {
            format!(
                "no {PLUGIN}.wasm beside this program; build it with: pointsman plugin build \
             plugins/{PLUGIN} --out target/plugins, or name its folder with --plugins"
            )
        })
}

fn welcome(config: &Config) -> String {
    let (api, rtmp, srt) = (config.api.listen, config.rtmp.listen, config.srt.listen);
    format!(
        "
  A test picture is on its way: FFmpeg -> pointsman, routed by the plugin {PLUGIN}.

  Player page   http://{api}/
  HLS           ffplay http://{api}/hls/{STREAM}/index.m3u8
  SRT           ffplay 'srt://{srt}?streamid=read:{STREAM}'
  RTMP          ffplay rtmp://{rtmp}/{STREAM}
  UDP           ffplay udp://{UDP_OUTPUT}

  What was decided, and why: http://{api}/api/v1/decisions
  Replace the plugin while you watch:
    pointsman plugin install {PLUGIN} other.wasm --api http://{api}

  Ctrl-C stops everything.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_plugin_is_refused_with_the_way_to_fill_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = plugin_folder(Some(dir.path().to_owned()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("pointsman plugin build"), "{error}");
        std::fs::write(dir.path().join("fanout.wasm"), "").unwrap();
        assert_eq!(
            plugin_folder(Some(dir.path().to_owned())).unwrap(),
            dir.path()
        );
    }

    #[test]
    fn the_demo_declares_a_sound_document() {
        let mut config = Config::default();
        declare(&mut config).unwrap();
        let desired = control::desired::Desired::check(
            config.site(),
            &config.rules(),
            &model::Site::default(),
            |_| Ok(()),
        )
        .unwrap();
        assert!(desired.inputs().contains_key("demo"));
    }

    #[test]
    fn the_welcome_names_every_way_to_watch() {
        let text = welcome(&Config::default());
        for way in [
            "http://127.0.0.1:8080/\n",
            "http://127.0.0.1:8080/hls/demo/index.m3u8",
            "srt://127.0.0.1:8890?streamid=read:demo",
            "rtmp://127.0.0.1:1935/demo",
        ] {
            assert!(text.contains(way), "{way} is missing from {text}");
        }
    }
}
