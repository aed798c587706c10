//! `pointsman key ...`: what programs, and this command line, show to a host.

use super::client::{Api, print_json, segment};
use super::table::{Table, text};
use super::{RunArgs, client};
use crate::host::Offline;
use clap::{Args, Subcommand};
use control::access::KeyDraft;
use control::clock::unix_ms;
use model::accounts::Rights;
use model::{Label, Role, StreamPattern, Who};
use serde_json::{Value, json};
use std::process::ExitCode;

const ADD_HELP: &str = "\
The key alone goes to standard output, once: it is not kept, and cannot be shown again.
Show it with --token or POINTSMAN_TOKEN; programs send it as Authorization: Bearer, or X-API-Key.

Once there is a key or a user, whoever shows nothing is refused, also on this machine (unless
[api] local_admin is set). So the first one has to be an admin's.

Examples:
  pointsman key add me --role admin --offline          before the host listens for others
  pointsman key add ci --role operator --streams 'live/*' --expires-days 90
";

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key, and print it.
    #[command(after_help = ADD_HELP)]
    Add(AddArgs),
    /// List the keys, without their secrets.
    List {
        /// JSON, as the API answers.
        #[arg(long)]
        json: bool,
        /// Where.
        #[command(flatten)]
        place: Place,
    },
    /// Take a key back: from now on it is refused.
    Remove {
        /// Its id or name.
        key: String,
        /// Where.
        #[command(flatten)]
        place: Place,
    },
}

/// A host that runs, or the database of one that does not.
#[derive(Debug, Args)]
pub(super) struct Place {
    #[command(flatten)]
    api: Api,
    /// Work on the database of a host that does not run, and ask nobody.
    #[arg(long)]
    offline: bool,
    /// Which host.
    #[command(flatten)]
    run: RunArgs,
}

/// What to make.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// For people; no two keys have the same.
    name: Label,
    /// viewer looks, operator changes inputs and outputs, admin everything.
    #[arg(long)]
    role: Role,
    /// The tenant it belongs to.
    #[arg(long)]
    tenant: Option<Label>,
    /// The only streams it has to do with, a pattern.
    #[arg(long, value_name = "PATTERN")]
    streams: Option<StreamPattern>,
    /// It is refused after so many days.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    expires_days: Option<u64>,
    /// JSON, as the API answers.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl KeyCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let offline = match &self {
            Self::Add(arguments) => arguments.place.offline,
            Self::List { place, .. } | Self::Remove { place, .. } => place.offline,
        };
        if !offline {
            return client(move || self.ask()).await;
        }
        self.work().await?;
        Ok(ExitCode::SUCCESS)
    }

    /// Over the API.
    fn ask(self) -> anyhow::Result<()> {
        match self {
            Self::Add(arguments) => {
                let draft = arguments.draft();
                let body = json!({
                    "name": draft.name, "role": draft.rights.role, "tenant": draft.rights.tenant,
                    "streams": draft.rights.streams, "expires_unix_ms": draft.expires_unix_ms,
                });
                let made = arguments.place.api.client()?.post("keys", &body)?;
                show_made(&made, arguments.json)
            }
            Self::List { json, place } => {
                let answer = place.api.client()?.get("keys")?;
                show_list(&answer, json)
            }
            Self::Remove { key, place } => {
                let path = format!("keys/{}", segment(&key));
                place.api.client()?.delete(&path)?;
                println!("{key} is taken back");
                Ok(())
            }
        }
    }

    /// On the database.
    async fn work(self) -> anyhow::Result<()> {
        match self {
            Self::Add(arguments) => {
                let (draft, json) = (arguments.draft(), arguments.json);
                let offline = arguments.place.open().await?;
                let made = offline.access.add_key(&Who::local(), draft).await;
                offline.close().await;
                show_made(&serde_json::to_value(made?)?, json)
            }
            Self::List { json, place } => {
                let offline = place.open().await?;
                let keys = json!({ "keys": offline.access.keys() });
                offline.close().await;
                show_list(&keys, json)
            }
            Self::Remove { key, place } => {
                let offline = place.open().await?;
                let removed = offline.access.remove_key(&Who::local(), &key).await;
                offline.close().await;
                removed?;
                println!("{key} is taken back");
                Ok(())
            }
        }
    }
}

impl AddArgs {
    fn draft(&self) -> KeyDraft {
        let in_ms = |days: u64| unix_ms().saturating_add(days * 24 * 3600 * 1000);
        KeyDraft {
            name: self.name.clone(),
            rights: Rights {
                role: self.role,
                tenant: self.tenant.clone(),
                streams: self.streams.clone(),
            },
            expires_unix_ms: self.expires_days.map(in_ms),
            disabled: false,
        }
    }
}

impl Place {
    async fn open(self) -> anyhow::Result<Offline> {
        Offline::open(&self.run.load()?).await
    }
}

fn show_made(made: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(made);
    }
    eprintln!(
        "key {} ({}) is made; it is shown this once:",
        text(made, "name"),
        text(made, "role")
    );
    println!("{}", text(made, "key"));
    Ok(())
}

fn show_list(answer: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(answer);
    }
    let mut table = Table::new(["ID", "NAME", "ROLE", "TENANT", "STREAMS", "STATE"]);
    let keys = answer.get("keys").and_then(Value::as_array);
    for key in keys.into_iter().flatten() {
        let expires = key.get("expires_unix_ms").and_then(Value::as_u64);
        let state = if key.get("disabled") == Some(&Value::Bool(true)) {
            "disabled"
        } else if expires.is_some_and(|end| end <= unix_ms()) {
            "expired"
        } else {
            "good"
        };
        let cell = |name| text(key, name);
        table.row([
            cell("id"),
            cell("name"),
            cell("role"),
            cell("tenant"),
            cell("streams"),
            state.to_owned(),
        ]);
    }
    print!("{table}");
    Ok(())
}
