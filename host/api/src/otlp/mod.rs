//! Figures and traces for a collector, by OTLP over HTTP in JSON
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>), while the operator names one.
//!
//! The figures are those of `/metrics`. A trace is made of what is known anyway: requests, decisions
//! (from their log) and installations of plugins (from the journal). Nobody waits for the
//! collector: what it does not take in time is dropped.

mod figures;
mod post;
mod requests;
mod span;

pub(crate) use requests::{Requests, watch};

use crate::app::App;
use control::journal::{Cursor, Filter, Item};
use control::log;
use model::{Event, Who};
use post::Collector;
use span::Span;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Spans sent at once; beyond, the oldest are dropped.
const MAX_SPANS: usize = 2_048;

/// Installations that are followed at once.
const MAX_INSTALLS: usize = 256;

/// Where figures and traces go: `[otlp]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otlp {
    /// The collector's address, without `/v1/traces`; for example `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// Sent with every request; values may be secret.
    pub headers: BTreeMap<String, String>,
    /// How often.
    pub interval: Duration,
}

/// Sends until it is dropped.
pub(crate) async fn run(app: App, otlp: Otlp) {
    let mut ticks = tokio::time::interval(otlp.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut installs = Installs::default();
    let mut collector = Collector::new(&otlp);
    let mut cursor = app.control.journal().listen(plugin_events(), None);
    let mut last_decision = newest_decision(&app);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            item = cursor.next() => {
                installs.follow(item);
                continue;
            }
        }
        drain(&mut cursor, &mut installs).await;
        let mut spans = app.requests.take();
        spans.append(&mut installs.ended);
        spans.extend(decisions(&app, &mut last_decision));
        let surplus = spans.len().saturating_sub(MAX_SPANS);
        spans.drain(..surplus);
        if !spans.is_empty() {
            collector.send("/v1/traces", span::document(&spans)).await;
        }
        if let Ok(text) = crate::metrics::text(&app).await {
            let started = app.settings.started_unix_ms;
            let document = figures::document(&text, started, control::clock::unix_ms());
            collector.send("/v1/metrics", document).await;
        }
    }
}

fn plugin_events() -> Filter {
    let types = ["plugin_step", "plugin_activated", "plugin_refused"];
    Filter::of(Who::host()).events(&types.map(str::to_owned))
}

async fn drain(cursor: &mut Cursor, installs: &mut Installs) {
    while let Ok(item) = tokio::time::timeout(Duration::ZERO, cursor.next()).await {
        installs.follow(item);
    }
}

fn newest_decision(app: &App) -> u64 {
    let newest = app.control.decider().recent(&log::Filter::default());
    newest.last().map_or(0, |decision| decision.id)
}

fn decisions(app: &App, last: &mut u64) -> Vec<Span> {
    let filter = log::Filter {
        after: Some(*last),
        limit: Some(MAX_SPANS),
        ..log::Filter::default()
    };
    let decisions = app.control.decider().recent(&filter);
    *last = decisions.last().map_or(*last, |decision| decision.id);
    let span = |decision: &Arc<log::Decision>| {
        let end = decision.at_unix_ms * 1_000_000;
        let plugin = decision.plugin().map(ToString::to_string);
        let kind = decision.kind();
        Span::new(
            format!("decide {kind}"),
            end - (decision.duration_us * 1_000).min(end),
            end,
        )
        .with("pointsman.stream", decision.stream.clone())
        .with(
            "pointsman.plugin",
            plugin.unwrap_or_else(|| "built-in".to_owned()),
        )
        .failed(
            decision
                .error
                .as_ref()
                .map(|failure| failure.code.to_string()),
        )
    };
    decisions.iter().map(span).collect()
}

/// Installations under way, from their first step on.
#[derive(Default)]
struct Installs {
    begun: HashMap<String, u64>,
    ended: Vec<Span>,
}

impl Installs {
    fn follow(&mut self, item: Item) {
        let Item::Event(told) = item else { return };
        let now = told.unix_ms * 1_000_000;
        let (plugin, error) = match &told.event {
            Event::PluginStep { plugin, .. } => {
                if self.begun.len() < MAX_INSTALLS {
                    self.begun.entry(plugin.to_string()).or_insert(now);
                }
                return;
            }
            Event::PluginActivated { plugin, .. } => (plugin.to_string(), None),
            Event::PluginRefused { plugin, code, .. } => (plugin.to_string(), Some(code.clone())),
            _ => return,
        };
        let begun = self.begun.remove(&plugin).unwrap_or(now);
        if self.ended.len() < MAX_SPANS {
            let span = Span::new("install plugin".to_owned(), begun, now);
            self.ended
                .push(span.with("pointsman.plugin", plugin).failed(error));
        }
    }
}
