//! `pointsman template ...`: sets of outputs that are added to an input in one go.

use super::client::{Api, print_json};
use super::input::Shown;
use super::output;
use super::table::{Table, text};
use crate::config;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use model::{Label, StreamName};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

const HELP: &str = "\
A template is written in a configuration file, as [[templates]]; see examples/site.toml.

Examples:
  pointsman template add -f social.toml
  pointsman template apply social live/cam1 key=abcd-1234
";

/// What can be done with templates.
#[derive(Debug, Subcommand)]
#[command(after_help = HELP)]
pub(super) enum TemplateCommand {
    /// List the templates with their variables.
    List(Shown),
    /// Show one template.
    Show {
        /// Its name.
        name: Label,
        /// How.
        #[command(flatten)]
        shown: Shown,
    },
    /// Add the templates of a file.
    Add {
        /// A configuration file (TOML); only its [[templates]] are looked at.
        #[arg(long, short, value_name = "FILE")]
        file: PathBuf,
        /// To which host.
        #[command(flatten)]
        api: Api,
    },
    /// Add all outputs of a template to an input, or none if anything is at fault.
    Apply(ApplyArgs),
    /// Take a template back; the outputs that were made of it stay.
    Remove {
        /// Its name.
        name: Label,
        /// Of which host.
        #[command(flatten)]
        api: Api,
    },
}

/// What to add to which input.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The template.
    name: Label,
    /// The input.
    input: StreamName,
    /// A value for each variable that has no default, and for others that shall differ.
    #[arg(value_name = "VARIABLE=VALUE")]
    values: Vec<String>,
    #[command(flatten)]
    shown: Shown,
}

impl TemplateCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(shown) => {
                let answer = shown.api.client()?.get("templates")?;
                if shown.json {
                    return print_json(&answer);
                }
                let templates = answer.get("templates").and_then(Value::as_array);
                print!("{}", table(templates.into_iter().flatten()));
                Ok(())
            }
            Self::Show { name, shown } => {
                let template = shown.api.client()?.get(&format!("templates/{name}"))?;
                if shown.json {
                    return print_json(&template);
                }
                print!("{}", toml::to_string(&json!({ "templates": [template] }))?);
                Ok(())
            }
            Self::Add { file, api } => add(&file, &api),
            Self::Apply(arguments) => arguments.run(),
            Self::Remove { name, api } => {
                api.client()?.delete(&format!("templates/{name}"))?;
                println!("template {name} is taken back");
                Ok(())
            }
        }
    }
}

fn add(file: &PathBuf, api: &Api) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    let config = config::parse(&text).with_context(|| file.display().to_string())?;
    if config.templates.is_empty() {
        bail!("{} has no [[templates]]", file.display())
    }
    let client = api.client()?;
    for template in config.templates {
        client.post("templates", &serde_json::to_value(&template)?)?;
        println!("template {} is added", template.name);
    }
    Ok(())
}

impl ApplyArgs {
    fn run(&self) -> anyhow::Result<()> {
        let mut variables = Map::new();
        for value in &self.values {
            let Some((name, value)) = value.split_once('=') else {
                bail!("variables are given as VARIABLE=VALUE, not {value:?}")
            };
            variables.insert(name.to_owned(), value.into());
        }
        let body = json!({ "input": self.input, "variables": variables });
        let path = format!("templates/{}/apply", self.name);
        let added = self.shown.api.client()?.post(&path, &body)?;
        if self.shown.json {
            return print_json(&added);
        }
        let outputs = added.get("outputs").and_then(Value::as_array);
        print!("{}", output::table(outputs.into_iter().flatten()));
        Ok(())
    }
}

/// Templates, for people. What has a default is in brackets.
fn table<'a>(templates: impl Iterator<Item = &'a Value>) -> Table<3> {
    let mut table = Table::new(["TEMPLATE", "VARIABLES", "OUTPUTS"]);
    let names = |template: &Value, list: &str| {
        let items = template.get(list).and_then(Value::as_array);
        let items = items.into_iter().flatten().map(|item| {
            let name = text(item, "name");
            match item.get("default") {
                Some(_) => format!("[{name}]"),
                None => name,
            }
        });
        items.collect::<Vec<_>>().join(" ")
    };
    for template in templates {
        table.row([
            text(template, "name"),
            names(template, "variables"),
            names(template, "outputs"),
        ]);
    }
    table
}
