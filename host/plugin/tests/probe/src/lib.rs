//! Asks the host for what its configuration lists, and tells each answer as an attribute.

use pointsman_sdk::auth::{self, Auth, Verdict};
use pointsman_sdk::http::{self, Request};
use pointsman_sdk::library::{Filter, Library, Order};
use pointsman_sdk::routing::{Plan, Routing, State};
use pointsman_sdk::selection::{self, Clip, Selection};
use pointsman_sdk::{Error, clock, export, kv, random};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    Now,
    Random,
    Bytes(u32),
    Get(String),
    Set(String, String),
    CompareAndSet(String, u64, String),
    Delete(String),
    Keys(String),
    Fetch(Fetch),
    Count(String),
    Page(u32, u32),
    Asset(String),
    /// Loops for good.
    Loop,
    Panic,
}

#[derive(Deserialize)]
struct Fetch {
    url: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    timeout_ms: Option<u32>,
}

fn get() -> String {
    "GET".to_owned()
}

#[derive(Deserialize)]
struct Config {
    steps: Vec<Step>,
}

struct Probe;

impl Routing for Probe {
    type Config = Config;

    fn route(_: State, config: Config) -> Result<Plan, Error> {
        Ok(Plan {
            attributes: answers(config, None),
            ..Plan::default()
        })
    }
}

impl Auth for Probe {
    type Config = Config;

    fn authorize(_: auth::Request, config: Config) -> Result<Verdict, Error> {
        Ok(Verdict {
            attributes: answers(config, None),
            ..Verdict::allow("")
        })
    }
}

impl Selection for Probe {
    type Config = Config;

    fn select(_: selection::Request, library: Library<'_>, config: Config) -> Result<Clip, Error> {
        Ok(Clip {
            asset: "none".to_owned(),
            attributes: answers(config, Some(library)),
            ..Clip::default()
        })
    }
}

fn answers(config: Config, library: Option<Library<'_>>) -> Vec<(String, String)> {
    let steps = config.steps.into_iter().enumerate();
    steps.map(|(number, step)| (format!("{number:02}"), step.answer(library))).collect()
}

impl Step {
    fn answer(self, library: Option<Library<'_>>) -> String {
        let filter = |folder: &str| match folder {
            "" => Filter::all(),
            folder => Filter::folder(folder),
        };
        match (self, library) {
            (Self::Now, _) => clock::now_unix_ms().to_string(),
            (Self::Random, _) => random::next_u64().to_string(),
            (Self::Bytes(len), _) => random::bytes(len).len().to_string(),
            (Self::Get(key), _) => match kv::get(&key) {
                Some(entry) => {
                    format!("{} {}", entry.revision, String::from_utf8_lossy(&entry.value))
                }
                None => "none".to_owned(),
            },
            (Self::Set(key, value), _) => format!("{:?}", kv::set(&key, value.as_bytes())),
            (Self::CompareAndSet(key, revision, value), _) => {
                format!("{:?}", kv::compare_and_set(&key, revision, value.as_bytes()))
            }
            (Self::Delete(key), _) => kv::delete(&key).to_string(),
            (Self::Keys(prefix), _) => kv::keys(&prefix).join(" "),
            (Self::Fetch(fetch), _) => fetch.answer(),
            (Self::Count(folder), Some(library)) => library.count(&filter(&folder)).to_string(),
            (Self::Page(offset, limit), Some(library)) => {
                let page = library.page(&Filter::all(), Order::LeastRecentlyPlayed, offset, limit);
                let ids: Vec<_> = page.iter().map(|asset| asset.id.as_str()).collect();
                format!("{}: {}", ids.len(), ids.iter().take(3).copied().collect::<Vec<_>>().join(" "))
            }
            (Self::Asset(id), Some(library)) => format!("{:?}", library.get(&id).map(|it| it.title)),
            (Self::Count(_) | Self::Page(..) | Self::Asset(_), None) => "no library".to_owned(),
            (Self::Loop, _) => loop {
                std::hint::black_box(());
            },
            (Self::Panic, _) => panic!("asked to"),
        }
    }
}

impl Fetch {
    fn answer(self) -> String {
        let answer = http::fetch(&Request {
            method: self.method,
            url: self.url,
            headers: self.headers,
            body: self.body.map(String::into_bytes),
            timeout_ms: self.timeout_ms,
        });
        match answer {
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body).chars().take(200).collect::<String>();
                format!("{} {body}", answer.status)
            }
            Err(error) => format!("{error:?}").chars().take(900).collect(),
        }
    }
}

export!(
    Probe,
    kinds: [routing, auth, selection],
    schema: r#"{ "type": "object", "required": ["steps"] }"#,
    grants: ["http"],
);
