//! `pointsman audit`: who changed what in a running host.

use super::client::print_json;
use super::input::Shown;
use super::table::{Table, text};
use clap::Args;
use serde_json::Value;

/// Which lines.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// In this name only: `local`, `key NAME`, `user NAME`.
    #[arg(long)]
    who: Option<String>,
    /// Done to this item only, and to what belongs to it: `input live/cam1`.
    #[arg(long)]
    item: Option<String>,
    /// Of this kind only: added, changed, removed, installed, logged_in, ...
    #[arg(long)]
    action: Option<String>,
    /// That ended so only: done, refused or failed.
    #[arg(long)]
    outcome: Option<String>,
    /// How many at most, the newest.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    shown: Shown,
}

impl AuditArgs {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let client = self.shown.api.client()?;
        let mut request = client.agent.get(client.url("audit"));
        let limit = self.limit.to_string();
        let wanted = [
            ("who", self.who.as_deref()),
            ("item", self.item.as_deref()),
            ("action", self.action.as_deref()),
            ("outcome", self.outcome.as_deref()),
            ("limit", Some(limit.as_str())),
        ];
        for (key, value) in wanted {
            if let Some(value) = value {
                request = request.query(key, value);
            }
        }
        let answer = client.answer(request.call())?;
        if self.shown.json {
            return print_json(&answer);
        }
        let mut table = Table::new(["AT (UNIX MS)", "WHO", "FROM", "ACTION", "ITEM", "OUTCOME"]);
        let lines = answer.get("lines").and_then(Value::as_array);
        for line in lines.into_iter().flatten().rev() {
            let keys = ["at_unix_ms", "who", "peer", "action", "item", "outcome"];
            table.row(keys.map(|key| text(line, key)));
        }
        print!("{table}");
        Ok(())
    }
}
