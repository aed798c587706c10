//! `pointsman plugin test`: a component and its fixtures, through the real engine.

use super::fixtures::{self, Named, Subject};
use super::{figures, json_argument};
use clap::Args;
use plugin::{Desk, Fixture, FixtureError};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Calls of a fixture whose time is taken, and the time that they may take together.
const CALLS: usize = 100;
const TIME: Duration = Duration::from_millis(250);

const HELP: &str = "\
A fixture is a JSON file: what is asked, what is configured, and the answer that is right.

  {
    \"question\": { \"kind\": \"routing\", \"input\": { \"stream\": \"live/cam1\", \"sources\": [] } },
    \"config\": { \"max_age_ms\": 2000 },
    \"expect\": { \"output\": { \"on_air\": null } }
  }

`library` are the assets of a selection, `kv` the plugin's entries, `http` what the world
answers: [{ \"url\": \"https://hooks.example.com/\", \"status\": 200, \"body\": { \"allow\": true } }].
`expect` may hold an \"error\" instead: a text that is in the policy's error. A field that the
expected output leaves out stands for its default; a reason that is left out may be anything.
The clock is the question's, random numbers are the same each time.

A line of GET /api/v1/decisions has \"question\" and \"config\" in this form already.

Examples:
  pointsman plugin test my-policy                 build the folder, run my-policy/fixtures
  pointsman plugin test my-policy.wasm --fixtures more-fixtures
";

/// What to test.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct TestArgs {
    /// A plugin's folder, which is built first, or a component.
    #[arg(default_value = ".", value_name = "DIR|FILE.wasm")]
    subject: PathBuf,
    /// Where the fixtures are, if not in `fixtures` in the folder or beside the component.
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Configuration for fixtures that bring none, as JSON or @FILE.
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
}

/// What came of a fixture.
struct Tested {
    wrong: Vec<String>,
    median: Duration,
    memory_bytes: usize,
    fuel: Option<u64>,
}

impl TestArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.config.as_deref().map(json_argument).transpose()?;
        let subject = Subject::find(&self.subject).await?;
        let folder = self.fixtures.as_ref().unwrap_or(&subject.fixtures);
        let fixtures = fixtures::of_folder(folder, config.as_ref())?;
        let desk = Desk::open(&subject.component, false).await?;
        // Counting instructions slows a guest down, so it is done by another engine.
        let counting = Desk::open(&subject.component, true).await?;
        let mut all = Vec::with_capacity(fixtures.len());
        for Named { name, fixture } in &fixtures {
            let tested = test(&desk, &counting, fixture).await;
            print(name, &tested);
            all.push(tested);
        }
        let failed = all.iter().filter(|tested| !tested.wrong.is_empty()).count();
        println!("{}", summary(&all, failed));
        Ok(match failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}

async fn test(desk: &Desk, counting: &Desk, fixture: &Fixture) -> Tested {
    match ask(desk, counting, fixture).await {
        Ok(tested) => tested,
        Err(error) => Tested {
            wrong: vec![error.to_string()],
            median: Duration::ZERO,
            memory_bytes: 0,
            fuel: None,
        },
    }
}

async fn ask(desk: &Desk, counting: &Desk, fixture: &Fixture) -> Result<Tested, FixtureError> {
    let first = desk.ask(fixture).await?;
    let mut wrong = fixture.judge(&first.result);
    let (mut times, mut memory_bytes) = (vec![first.took], first.memory_bytes);
    let began = Instant::now();
    while wrong.is_empty() && times.len() < CALLS && began.elapsed() < TIME {
        let again = desk.ask(fixture).await?;
        if again.result != first.result {
            wrong.push(
                "asked again, it answers otherwise: a policy must keep nothing in itself"
                    .to_owned(),
            );
        }
        memory_bytes = memory_bytes.max(again.memory_bytes);
        times.push(again.took);
    }
    Ok(Tested {
        wrong,
        median: figures::quantile(&mut times, 0.5),
        memory_bytes,
        fuel: counting.ask(fixture).await?.fuel,
    })
}

fn print(name: &str, tested: &Tested) {
    let verdict = if tested.wrong.is_empty() {
        "ok"
    } else {
        "FAILED"
    };
    let fuel = tested
        .fuel
        .map_or_else(String::new, |fuel| format!("{fuel} fuel"));
    println!(
        "{verdict:<7} {name:<52} {:>10} {:>9} {fuel:>16}",
        figures::time(tested.median),
        figures::bytes(tested.memory_bytes),
    );
    for line in &tested.wrong {
        println!("        {line}");
    }
}

fn summary(all: &[Tested], failed: usize) -> String {
    let mut times: Vec<_> = all.iter().map(|tested| tested.median).collect();
    let memory = all.iter().map(|tested| tested.memory_bytes).max();
    let fuel = all.iter().filter_map(|tested| tested.fuel).max();
    format!(
        "{} passed, {failed} failed; median {}, at most {} and {} fuel",
        all.len() - failed,
        figures::time(figures::quantile(&mut times, 0.5)),
        figures::bytes(memory.unwrap_or_default()),
        fuel.unwrap_or_default(),
    )
}
