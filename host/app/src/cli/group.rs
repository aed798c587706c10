//! `pointsman group ...`: screens of a running host, and what they show together.

use super::client::{print_json, segment};
use super::input::Shown;
use super::table::{Table, bitrate, text};
use clap::{Args, Subcommand, ValueEnum};
use model::{Label, StreamName};
use serde_json::{Value, json};

const PLAY_HELP: &str = "\
A source is a stream of the host, or file:PATH, a file below its [media] dir. One source is shown
over all screens; several are shown beside each other.

Examples:
  pointsman group add lobby --screen left --screen right
  pointsman group play lobby live/cam1
  pointsman group play lobby live/cam1 live/cam2 file:shows/one.mp4 --layout horizontal
  pointsman group status lobby

Open http://HOST:8080/screen/lobby/left in a browser on each screen, or play
srt://HOST:8890?streamid=read:lobby/left.
";

/// What can be done with groups.
#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// List the groups with what they show.
    List(Shown),
    /// Declare a group of screens of 1920x1080; `pointsman apply` takes all that can be said.
    Add(AddArgs),
    /// Take a group back with its screens and their streams.
    Remove {
        /// Its name.
        name: StreamName,
        /// How.
        #[command(flatten)]
        shown: Shown,
    },
    /// Show something on a group, in place of what it shows.
    #[command(after_help = PLAY_HELP)]
    Play(PlayArgs),
    /// Show nothing on a group any more.
    Stop {
        /// Its name.
        name: StreamName,
        /// How.
        #[command(flatten)]
        shown: Shown,
    },
    /// Show how each screen of a group fares, and who stands behind it.
    Status {
        /// Its name.
        name: StreamName,
        /// How.
        #[command(flatten)]
        shown: Shown,
    },
}

/// What to declare.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Its name, for example lobby.
    name: StreamName,
    /// A screen; may be given again.
    #[arg(long = "screen", value_name = "ID")]
    screens: Vec<Label>,
    /// How the screens stand, in their order.
    #[arg(long, value_enum, default_value_t = Direction::Horizontal)]
    direction: Direction,
    /// So long after its time a picture is shown: what the slowest screen needs.
    #[arg(long, default_value_t = 1000)]
    delay_ms: u32,
    #[command(flatten)]
    shown: Shown,
}

/// What to show.
#[derive(Debug, Args)]
pub(super) struct PlayArgs {
    /// The group's name.
    name: StreamName,
    /// Streams, or file:PATH.
    #[arg(required = true)]
    sources: Vec<String>,
    /// How several stand beside each other, if no policy says otherwise.
    #[arg(long, value_enum, default_value_t = Direction::Grid)]
    layout: Direction,
    /// Distort one picture to fill the wall, rather than lose what stands out.
    #[arg(long)]
    stretch: bool,
    #[command(flatten)]
    shown: Shown,
}

/// How things stand beside each other.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Direction {
    Horizontal,
    Vertical,
    Grid,
}

impl Direction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Horizontal => "horizontal",
            Self::Vertical => "vertical",
            Self::Grid => "grid",
        }
    }
}

impl GroupCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(shown) => list(&shown),
            Self::Add(arguments) => arguments.run(),
            Self::Play(arguments) => arguments.run(),
            Self::Remove { name, shown } => {
                let path = format!("groups/{}", segment(&name));
                let answer = shown.api.client()?.delete(&path)?;
                tell(&shown, &answer, &format!("{name} is taken back"))
            }
            Self::Stop { name, shown } => {
                let path = format!("groups/{}/stop", segment(&name));
                let answer = shown.api.client()?.post(&path, &Value::Null)?;
                tell(&shown, &answer, &format!("{name} shows nothing"))
            }
            Self::Status { name, shown } => {
                let path = format!("groups/{}/status", segment(&name));
                let answer = shown.api.client()?.get(&path)?;
                if shown.json {
                    return print_json(&answer);
                }
                print!(
                    "{} is {}\n{}",
                    name,
                    text(&answer, "state"),
                    status(&answer)
                );
                Ok(())
            }
        }
    }
}

impl AddArgs {
    fn run(&self) -> anyhow::Result<()> {
        let screens: Vec<_> = self.screens.iter().map(|id| json!({ "id": id })).collect();
        let body = json!({
            "name": self.name, "screens": screens, "direction": self.direction.as_str(),
            "delay_ms": self.delay_ms,
        });
        let answer = self.shown.api.client()?.post("groups", &body)?;
        tell(&self.shown, &answer, &format!("{} is declared", self.name))
    }
}

impl PlayArgs {
    fn run(&self) -> anyhow::Result<()> {
        let path = format!("groups/{}/play", segment(&self.name));
        let answer = self.shown.api.client()?.post(&path, &self.playing())?;
        tell(&self.shown, &answer, &format!("{} plays", self.name))
    }

    fn playing(&self) -> Value {
        let source = |source: &String| match source.strip_prefix("file:") {
            Some(path) => json!({"type": "file", "path": path}),
            None => json!({"type": "stream", "name": source}),
        };
        let sources: Vec<_> = self.sources.iter().map(source).collect();
        match sources.as_slice() {
            [source] => {
                let fit = if self.stretch { "stretch" } else { "cover" };
                json!({"mode": "split", "source": source, "fit": fit})
            }
            sources => {
                json!({"mode": "multi", "sources": sources, "layout": self.layout.as_str()})
            }
        }
    }
}

fn tell(shown: &Shown, answer: &Value, text: &str) -> anyhow::Result<()> {
    match shown.json {
        true => print_json(answer)?,
        false => println!("{text}"),
    }
    Ok(())
}

fn list(shown: &Shown) -> anyhow::Result<()> {
    let answer = shown.api.client()?.get("groups")?;
    if shown.json {
        return print_json(&answer);
    }
    let mut table = Table::new(["NAME", "SCREENS", "PLAYS", "DELAY"]);
    for group in elements(&answer, "groups") {
        let plays = group
            .get("playing")
            .map(|playing| text(playing, "mode"))
            .unwrap_or_default();
        table.row([
            text(group, "name"),
            elements(group, "screens").count().to_string(),
            plays,
            format!("{} ms", text(group, "delay_ms")),
        ]);
    }
    print!("{table}");
    Ok(())
}

fn status(answer: &Value) -> Table<6> {
    let heads = ["SCREEN", "STREAM", "BIT RATE", "CLIENT", "STATE", "SKEW"];
    let mut table = Table::new(heads);
    for screen in elements(answer, "screens") {
        let of_screen = [text(screen, "id"), text(screen, "stream"), bitrate(screen)];
        let mut clients = elements(screen, "clients").peekable();
        if clients.peek().is_none() {
            let [id, stream, rate] = of_screen.clone();
            table.row([id, stream, rate, "-".into(), "-".into(), "-".into()]);
        }
        for client in clients {
            let state = match client.get("stale").and_then(Value::as_bool) {
                Some(true) => "gone".to_owned(),
                _ => text(client, "state"),
            };
            let skew = client.get("skew_ms").and_then(Value::as_f64);
            let skew = skew.map_or("-".to_owned(), |skew| format!("{skew:+.1} ms"));
            let [id, stream, rate] = of_screen.clone();
            table.row([id, stream, rate, text(client, "id"), state, skew]);
        }
    }
    table
}

fn elements<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_group_has_a_line_for_each_client_and_each_lonely_screen() {
        let answer = json!({"screens": [
            {"id": "l", "stream": "w/l", "bitrate_bps": 2_500_000, "clients": [
                {"id": "c1", "state": "playing", "stale": false, "skew_ms": -3.21},
                {"id": "c2", "state": "playing", "stale": true, "skew_ms": null}]},
            {"id": "r", "stream": "w/r", "bitrate_bps": 0, "clients": []}]});
        let told = status(&answer).to_string();
        let lines: Vec<Vec<_>> = told
            .lines()
            .map(|line| {
                line.split("  ")
                    .filter(|it| !it.is_empty())
                    .map(str::trim)
                    .collect()
            })
            .collect();
        assert_eq!(
            lines[1],
            ["l", "w/l", "2.5 Mb/s", "c1", "playing", "-3.2 ms"]
        );
        assert_eq!(lines[2], ["l", "w/l", "2.5 Mb/s", "c2", "gone", "-"]);
        assert_eq!(lines[3], ["r", "w/r", "-", "-", "-", "-"]);
    }
}
