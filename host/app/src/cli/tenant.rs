//! `pointsman tenant ...`: who shares a running host.

use super::client::{Api, print_json, segment};
use super::input::Shown;
use super::table::{Table, text};
use clap::{Args, Subcommand};
use model::Label;
use serde_json::{Value, json};

/// What can be done with tenants.
#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// List the tenants with their quotas.
    List(Shown),
    /// Declare a tenant, or replace its quotas. The streams below NAME/ are its own.
    Set(SetArgs),
    /// Take a tenant back that declares nothing any more.
    Remove {
        /// Its name.
        name: Label,
        /// Of which host.
        #[command(flatten)]
        api: Api,
    },
}

/// A tenant and its quotas; what is left out has no limit.
#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// Its name.
    name: Label,
    /// Inputs it may declare.
    #[arg(long)]
    inputs: Option<u32>,
    /// Outputs of all its inputs together.
    #[arg(long)]
    outputs: Option<u32>,
    /// Bits per second that its streams take in and its outputs send, together.
    #[arg(long)]
    bitrate_bps: Option<u64>,
    #[command(flatten)]
    shown: Shown,
}

impl TenantCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(shown) => list(&shown),
            Self::Set(arguments) => arguments.run(),
            Self::Remove { name, api } => {
                api.client()?
                    .delete(&format!("tenants/{}", segment(&name)))?;
                println!("{name} is taken back");
                Ok(())
            }
        }
    }
}

impl SetArgs {
    fn run(&self) -> anyhow::Result<()> {
        let body = json!({
            "inputs": self.inputs, "outputs": self.outputs, "bitrate_bps": self.bitrate_bps,
        });
        let client = self.shown.api.client()?;
        let path = format!("tenants/{}", segment(&self.name));
        let answer = client.put(&path, &body)?;
        if self.shown.json {
            return print_json(&answer);
        }
        println!("{} is declared", self.name);
        Ok(())
    }
}

fn list(shown: &Shown) -> anyhow::Result<()> {
    let answer = shown.api.client()?.get("tenants")?;
    if shown.json {
        return print_json(&answer);
    }
    let mut table = Table::new(["NAME", "INPUTS", "OUTPUTS", "BITS/S"]);
    let tenants = answer.get("tenants").and_then(Value::as_array);
    for tenant in tenants.into_iter().flatten() {
        let keys = ["name", "inputs", "outputs", "bitrate_bps"];
        table.row(keys.map(|key| text(tenant, key)));
    }
    print!("{table}");
    Ok(())
}
