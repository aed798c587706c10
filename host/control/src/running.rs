//! What runs: the links this host keeps up, and the streams they belong to. Only
//! [`Running::apply`] starts or stops anything.

use crate::desired::{Desired, Input, Made, Merged};
use crate::diff::{Change, OutputShape, Shape, SourceShape, StreamShape};
use crate::error::ControlError;
use crate::links::{Link, LinkReport};
use gateway::srt::ConnectionFigures;
use hub::{Registry, Stream};
use model::composite::CompositeSpec;
use model::{Endpoint, Label, Protocol, StreamName};
use stage::Stages;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Links that do not end within this are left to end by themselves: they were told to.
const STOP_LIMIT: Duration = Duration::from_millis(1_500);

/// One stream with its links.
struct Entry {
    stream: Arc<Stream>,
    /// `on_air` is not kept here: the hub knows.
    shape: StreamShape,
    sources: BTreeMap<Label, Link>,
    outputs: BTreeMap<Label, Link>,
    made: Option<Link>,
}

/// Every stream that runs, declared or not.
pub(crate) struct Running {
    registry: Registry,
    context: gateway::Context,
    stages: Stages,
    entries: BTreeMap<StreamName, Entry>,
    /// Inputs the hub had no room for; told once each.
    refused: BTreeSet<StreamName>,
}

impl Running {
    pub(crate) fn new(registry: Registry, context: gateway::Context, stages: Stages) -> Self {
        Self {
            registry,
            context,
            stages,
            entries: BTreeMap::new(),
            refused: BTreeSet::new(),
        }
    }

    /// What the diff starts from.
    pub(crate) fn shape(&self) -> Shape {
        self.entries
            .keys()
            .filter_map(|name| Some((name.clone(), self.shape_of(name)?)))
            .collect()
    }

    /// One stream of it.
    pub(crate) fn shape_of(&self, name: &StreamName) -> Option<StreamShape> {
        let entry = self.entries.get(name)?;
        let (on_air, wanted) = entry.stream.on_air();
        Some(StreamShape {
            on_air: wanted.or(on_air),
            ..entry.shape.clone()
        })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &StreamName> {
        self.entries.keys()
    }

    pub(crate) fn stream(&self, name: &StreamName) -> Option<&Arc<Stream>> {
        self.entries.get(name).map(|entry| &entry.stream)
    }

    /// What the links of a stream's declared sources report.
    pub(crate) fn sources(&self, name: &StreamName) -> BTreeMap<Label, LinkReport> {
        self.entries
            .get(name)
            .map(|entry| reports(&entry.sources))
            .unwrap_or_default()
    }

    /// What the links of a stream's outputs report.
    pub(crate) fn outputs(&self, name: &StreamName) -> BTreeMap<Label, LinkReport> {
        self.entries
            .get(name)
            .map(|entry| reports(&entry.outputs))
            .unwrap_or_default()
    }

    /// Has an output try again at once. A declared output that is off has nothing to try.
    pub(crate) fn retry(&self, name: &StreamName, output: &Label) -> Result<(), ControlError> {
        let entry = self.entries.get(name);
        let entry = entry.ok_or_else(|| ControlError::UnknownStream(name.clone()))?;
        let link = entry.outputs.get(output);
        let link = link.ok_or_else(|| ControlError::NotRunning {
            input: name.clone(),
            output: output.clone(),
        })?;
        link.retry();
        Ok(())
    }

    /// The SRT connections of the host, whoever called.
    pub(crate) fn srt_connections(&self) -> Vec<ConnectionFigures> {
        self.context.srt().snapshot(Instant::now())
    }

    /// Follows the hub: knows a stream that came by itself, forgets one that ended. True if
    /// that changed anything.
    pub(crate) async fn follow(&mut self, name: &StreamName) -> bool {
        let alive = self.registry.get(name.as_str());
        let known = self.entries.get(name).map(|entry| &entry.stream);
        match (alive, known) {
            (Some(alive), Some(known)) if Arc::ptr_eq(&alive, known) => return false,
            (None, None) => return false,
            (alive, _) => {
                if let Some(entry) = self.entries.remove(name) {
                    stop_all(entry.into_links()).await;
                }
                if let Some(stream) = alive {
                    self.entries.insert(name.clone(), Entry::new(stream));
                }
            }
        }
        true
    }

    /// Makes the changes: first everything that ends, so that its ports are free, then
    /// everything that begins.
    pub(crate) async fn apply(&mut self, changes: &[Change]) {
        let ending: Vec<Link> = changes.iter().flat_map(|change| self.end(change)).collect();
        stop_all(ending.into_iter()).await;
        for change in changes {
            self.begin(change);
        }
    }

    /// Stops every link and ends every stream.
    pub(crate) async fn shut_down(&mut self) {
        let entries = std::mem::take(&mut self.entries).into_values();
        stop_all(entries.flat_map(Entry::into_links)).await;
        self.registry.shut_down();
    }

    /// Takes out the links that a change ends.
    fn end(&mut self, change: &Change) -> Vec<Link> {
        match change {
            Change::WithdrawStream { stream } => {
                let Some(entry) = self.entries.remove(stream) else {
                    return Vec::new();
                };
                tracing::info!(%stream, "input withdrawn");
                self.registry.withdraw(stream);
                entry.into_links().collect()
            }
            Change::StopSource { stream, source } | Change::AlterSource { stream, source, .. } => {
                let Some(entry) = self.entries.get_mut(stream) else {
                    return Vec::new();
                };
                if matches!(change, Change::StopSource { .. }) {
                    entry.stream.remove_source(source);
                }
                entry.shape.sources.remove(source);
                tracing::info!(%stream, %source, "source stops");
                entry.sources.remove(source).into_iter().collect()
            }
            Change::StopOutput { stream, output } | Change::AlterOutput { stream, output, .. } => {
                let Some(entry) = self.entries.get_mut(stream) else {
                    return Vec::new();
                };
                entry.shape.outputs.remove(output);
                tracing::info!(%stream, %output, "output stops");
                entry.outputs.remove(output).into_iter().collect()
            }
            Change::Make { stream, .. } => {
                let entry = self.entries.get_mut(stream);
                let link = entry.and_then(|entry| entry.made.take());
                link.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, change: &Change) {
        match change {
            Change::DeclareStream { stream, publisher } => self.declare(stream, publisher.clone()),
            Change::StartSource { stream, source, to }
            | Change::AlterSource { stream, source, to } => self.start_source(stream, source, to),
            Change::StartOutput { stream, output, to }
            | Change::AlterOutput { stream, output, to } => self.start_output(stream, output, to),
            Change::TuneSource { stream, source, to } => self.tune_source(stream, source, to),
            Change::TuneOutput { stream, output, to } => self.tune_output(stream, output, to),
            Change::Take { stream, source } => {
                let Some(entry) = self.entries.get(stream) else {
                    return;
                };
                tracing::info!(%stream, %source, "source is to go on air");
                entry.stream.take(source);
            }
            Change::Serve { stream, over } => self.serve(stream, over.clone()),
            Change::MergeSources { stream, to } => self.merge_sources(stream, to.clone()),
            Change::WatchPictures { stream, to } => {
                if let Some(entry) = self.entries.get_mut(stream) {
                    entry.stream.watch_pictures(*to);
                    entry.shape.pictures = *to;
                }
            }
            Change::Make { stream, to } => self.make(stream, to.clone()),
            Change::WithdrawStream { .. }
            | Change::StopSource { .. }
            | Change::StopOutput { .. } => {}
        }
    }

    fn declare(&mut self, name: &StreamName, publisher: Option<Label>) {
        match self.registry.declare(name, publisher.clone()) {
            Ok(stream) => {
                self.refused.remove(name);
                let entry = self
                    .entries
                    .entry(name.clone())
                    .or_insert_with(|| Entry::new(stream));
                entry.shape.declared = true;
                entry.shape.publisher = publisher;
            }
            Err(refusal) => {
                if self.refused.insert(name.clone()) {
                    tracing::warn!(stream = %name, %refusal, "input cannot be started yet");
                }
            }
        }
    }

    /// How streams are packaged that are not packaged as usual.
    pub(crate) fn package(&self, desired: &Desired) {
        let own = |(name, input): (&StreamName, &Input)| Some((name.clone(), input.hls?));
        let own = desired.inputs().iter().filter_map(own);
        self.context.packages().distinguish(own.collect());
    }

    fn start_source(&mut self, name: &StreamName, source: &Label, to: &SourceShape) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        entry.stream.declare_source(source, to.protocol);
        if let Some(endpoint) = &to.endpoint {
            tracing::info!(stream = %name, %source, from = address(endpoint), "source starts");
            let (context, stages) = (&self.context, &self.stages);
            let (stream, retry) = (&entry.stream, to.retry);
            let link = Link::source(context, stages, stream, source, endpoint, retry);
            entry.sources.insert(source.clone(), link);
        }
        entry.shape.sources.insert(source.clone(), to.clone());
    }

    fn start_output(&mut self, name: &StreamName, output: &Label, to: &OutputShape) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        tracing::info!(stream = %name, %output, to = address(&to.endpoint), "output starts");
        let link = Link::output(&self.context, &entry.stream, output, to);
        entry.outputs.insert(output.clone(), link);
        entry.shape.outputs.insert(output.clone(), to.clone());
    }

    fn tune_source(&mut self, name: &StreamName, source: &Label, to: &SourceShape) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        if let (Some(link), Some(endpoint)) = (entry.sources.get(source), &to.endpoint) {
            link.tune(endpoint, to.retry);
        }
        entry.shape.sources.insert(source.clone(), to.clone());
        if let Some(Endpoint::Composite(spec)) = &to.endpoint {
            self.change_composite(name, spec);
        }
    }

    fn make(&mut self, name: &StreamName, to: Option<Made>) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        entry.made = to.clone().and_then(|made| {
            tracing::info!(stream = %name, "streams are made of it");
            Link::make(&self.context, &self.stages, &entry.stream, made)
        });
        entry.shape.made = to;
    }

    /// It becomes another one from one frame to the next.
    fn change_composite(&self, name: &StreamName, spec: &CompositeSpec) {
        let Some(composite) = self.stages.composites.get(name.as_str()) else {
            return;
        };
        if let Err(error) = composite.update(spec.clone()) {
            tracing::warn!(stream = %name, %error, "the composite stays as it was");
        }
    }

    fn tune_output(&mut self, name: &StreamName, output: &Label, to: &OutputShape) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        if let Some(link) = entry.outputs.get(output) {
            link.tune(&to.endpoint, to.retry);
        }
        entry.shape.outputs.insert(output.clone(), to.clone());
    }

    fn merge_sources(&mut self, name: &StreamName, to: Option<Merged>) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        let (sources, hold) = match &to {
            Some(merged) => (&merged.sources[..], merged.hold),
            None => (&[][..], Duration::ZERO),
        };
        entry.stream.merge_sources(sources, hold);
        entry.shape.merged = to;
    }

    fn serve(&mut self, name: &StreamName, over: Option<Vec<Protocol>>) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        entry.stream.serve_over(over.clone());
        entry.shape.serve = over;
    }
}

impl Entry {
    fn new(stream: Arc<Stream>) -> Self {
        let shape = StreamShape::default();
        Self {
            stream,
            shape,
            sources: BTreeMap::new(),
            outputs: BTreeMap::new(),
            made: None,
        }
    }

    fn into_links(self) -> impl Iterator<Item = Link> {
        let sources = self.sources.into_values();
        sources.chain(self.outputs.into_values()).chain(self.made)
    }
}

fn reports(links: &BTreeMap<Label, Link>) -> BTreeMap<Label, LinkReport> {
    links
        .iter()
        .map(|(name, link)| (name.clone(), link.report()))
        .collect()
}

/// An endpoint for the log, without what may be secret.
fn address(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Udp(udp) => format!("udp://{}:{}", udp.host, udp.port),
        Endpoint::Srt(srt) => format!("srt://{}:{}", srt.host, srt.port),
        Endpoint::Rtmp(rtmp) => format!("{}://{}:{}", endpoint.scheme(), rtmp.host, rtmp.port),
        Endpoint::Rtsp(rtsp) => format!("{}://{}:{}", endpoint.scheme(), rtsp.host, rtsp.port),
        Endpoint::File(file) => format!("file {}", file.path),
        Endpoint::Slate(file) => format!("slate {}", file.path),
        Endpoint::Stream(name) => format!("stream {name}"),
        Endpoint::Http(http) => format!("{}://{}:{}", endpoint.scheme(), http.host, http.port),
        other => other.scheme().to_owned(),
    }
}

/// Stops links side by side; one that hangs holds up nobody for longer than [`STOP_LIMIT`].
async fn stop_all(links: impl Iterator<Item = Link>) {
    let mut stopping: JoinSet<()> = links.map(Link::stop).collect();
    let all = async { while stopping.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_LIMIT, all).await.is_err() {
        tracing::warn!("a link took too long to stop and is left to end by itself");
        stopping.detach_all();
    }
}
