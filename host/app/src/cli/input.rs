//! `pointsman input ...`: streams that a running host declares.

use super::client::{Api, print_json, segment};
use super::table::{Table, bitrate, text};
use anyhow::bail;
use clap::{Args, Subcommand};
use model::StreamName;
use serde_json::{Map, Value, json};

const ADD_HELP: &str = "\
A source is tried in the order given: the first is on air while it delivers, the others stand in.

  udp                        MPEG-TS on a port that the host allots
  udp://127.0.0.1:5000       on this address; a multicast group is joined
  srt://192.0.2.7:9000       calls (mode=caller) or waits (mode=listener); latency in ms
  rtmp://192.0.2.8/app/name  played from an RTMP server; rtmps:// under TLS
  file:shows/one.ts          a file below [media] dir, over and over
  stream:live/cam2           another stream of this host
  test                       a test picture and a tone
  publish                    whoever publishes to the name over RTMP or SRT (the default)

Examples:
  pointsman input add live/cam1
  pointsman input add live/cam1 --source udp --source 'srt://192.0.2.7:9000?mode=caller'
  pointsman input add live/cam1 --label room=studio-2
";

/// What can be done with inputs.
#[derive(Debug, Subcommand)]
pub(super) enum InputCommand {
    /// List the inputs with what is on air.
    List(Shown),
    /// Show one input: where to send to it, where to watch it.
    Show {
        /// Its name.
        name: StreamName,
        /// How.
        #[command(flatten)]
        shown: Shown,
    },
    /// Declare an input.
    #[command(after_help = ADD_HELP)]
    Add(AddArgs),
    /// Take an input back: its stream ends, with all its outputs.
    Remove {
        /// Its name.
        name: StreamName,
        /// How.
        #[command(flatten)]
        shown: Shown,
    },
}

/// How an answer is shown.
#[derive(Debug, Args)]
pub(super) struct Shown {
    #[command(flatten)]
    pub(super) api: Api,
    /// JSON, as the API answers.
    #[arg(long)]
    pub(super) json: bool,
}

/// What to declare.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// The stream's name, for example live/cam1.
    name: StreamName,
    /// Where its media comes from; may be given again for those that stand in.
    #[arg(long = "source", value_name = "SOURCE")]
    sources: Vec<String>,
    /// NAME=VALUE, for policies to read; may be given again.
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<String>,
    #[command(flatten)]
    shown: Shown,
}

impl InputCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(shown) => list(&shown),
            Self::Show { name, shown } => {
                let input = shown
                    .api
                    .client()?
                    .get(&format!("inputs/{}", segment(&name)))?;
                show(&input, &shown)
            }
            Self::Add(arguments) => arguments.run(),
            Self::Remove { name, shown } => {
                let path = format!("inputs/{}", segment(&name));
                let answer = shown.api.client()?.delete(&path)?;
                if shown.json {
                    return print_json(&answer);
                }
                println!("{name} is taken back");
                Ok(())
            }
        }
    }
}

impl AddArgs {
    fn run(&self) -> anyhow::Result<()> {
        let sources: Vec<_> = self
            .sources
            .iter()
            .map(|source| source_spec(source))
            .collect::<Result<_, _>>()?;
        let mut labels = Map::new();
        for label in &self.labels {
            let Some((name, value)) = label.split_once('=') else {
                bail!("--label takes NAME=VALUE, not {label:?}")
            };
            labels.insert(name.to_owned(), value.into());
        }
        let body = json!({"name": self.name, "sources": sources, "labels": labels});
        show(
            &self.shown.api.client()?.post("inputs", &body)?,
            &self.shown,
        )
    }
}

fn source_spec(source: &str) -> anyhow::Result<Value> {
    Ok(match source.split_once("://") {
        None if source == "udp" => json!({"type": "udp"}),
        None if source == "publish" => json!({"type": "publish"}),
        Some(("udp", address)) => json!({"type": "udp", "address": address}),
        Some(("srt", _)) => json!({"type": "srt", "url": source}),
        Some(("rtmp" | "rtmps", _)) => json!({"type": "rtmp", "url": source}),
        Some(("rtsp" | "rtspu", _)) => json!({"type": "rtsp", "url": source}),
        None if source == "test" => json!({"type": "test"}),
        None if source.starts_with("file:") => {
            json!({"type": "file", "path": source.trim_start_matches("file:")})
        }
        None if source.starts_with("stream:") => {
            json!({"type": "stream", "name": source.trim_start_matches("stream:")})
        }
        _ => {
            bail!(
                "{source:?} is no source; give udp, udp://HOST:PORT, srt://HOST:PORT, \
                 rtmp://HOST/APP/NAME, rtsp://HOST/PATH, file:PATH, stream:NAME, test or publish"
            )
        }
    })
}

fn list(shown: &Shown) -> anyhow::Result<()> {
    let answer = shown.api.client()?.get("inputs")?;
    if shown.json {
        return print_json(&answer);
    }
    let inputs = answer.get("inputs").and_then(Value::as_array);
    let mut table = Table::new(["INPUT", "ON AIR", "BITRATE", "OUTPUTS", "READERS"]);
    for input in inputs.into_iter().flatten() {
        let outputs = input.get("outputs").and_then(Value::as_array);
        table.row([
            text(input, "name"),
            text(input, "on_air"),
            bitrate(input),
            outputs.map_or(0, Vec::len).to_string(),
            text(input, "readers"),
        ]);
    }
    print!("{table}");
    Ok(())
}

fn show(input: &Value, shown: &Shown) -> anyhow::Result<()> {
    if shown.json {
        return print_json(input);
    }
    println!("{}", text(input, "name"));
    let send = input.get("send").and_then(Value::as_array);
    for to in send.into_iter().flatten() {
        println!("  send   {}", text(to, "url"));
        println!("         {}", text(to, "ffmpeg"));
    }
    let watch = input.get("watch").and_then(Value::as_object);
    for (_, address) in watch.into_iter().flatten() {
        let address = address.as_str().unwrap_or_default();
        println!("  watch  {}", shown.api.absolute(address));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_word_or_a_url() {
        assert_eq!(source_spec("udp").unwrap(), json!({"type": "udp"}));
        let multicast = source_spec("udp://239.1.1.1:5000").unwrap();
        assert_eq!(multicast["address"], "239.1.1.1:5000");
        assert_eq!(
            source_spec("srt://h:1?mode=caller").unwrap()["url"],
            "srt://h:1?mode=caller"
        );
        assert_eq!(source_spec("file:a/b.ts").unwrap()["path"], "a/b.ts");
        assert_eq!(source_spec("stream:live/a").unwrap()["name"], "live/a");
        assert!(source_spec("ftp://h").is_err() && source_spec("5000").is_err());
    }
}
