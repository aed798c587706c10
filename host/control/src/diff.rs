//! What has to change for the running shape to become the wanted one.
//!
//! Pure, and minimal: what is the same on both sides appears in no change, so it is not
//! touched.

use crate::desired::{Made, Merged};
use media::still;
use model::{Endpoint, Label, Protocol, Retry, StreamName};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One stream, reduced to what can be started, stopped or altered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamShape {
    /// Declared as an input; otherwise it lives and dies with its publisher.
    pub declared: bool,
    /// The source that publishers of its name fill.
    pub publisher: Option<Label>,
    /// Declared sources.
    pub sources: BTreeMap<Label, SourceShape>,
    /// Outputs that run.
    pub outputs: BTreeMap<Label, OutputShape>,
    /// Sources that carry the same transport stream.
    pub merged: Option<Merged>,
    /// When pictures are called frozen or black.
    pub pictures: still::Limits,
    /// Streams that are made of it.
    pub made: Option<Made>,
    /// The source on air, or about to be; wanted: `None` leaves it as it is.
    pub on_air: Option<Label>,
    /// Protocols that viewers may use; `None`: all.
    pub serve: Option<Vec<Protocol>>,
}

/// A declared source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceShape {
    /// How its media comes.
    pub protocol: Protocol,
    /// Where from; `None`: a publisher brings it.
    pub endpoint: Option<Endpoint>,
    /// When to try again.
    pub retry: Retry,
}

/// An output that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputShape {
    /// Where it sends.
    pub endpoint: Endpoint,
    /// When to try again.
    pub retry: Retry,
}

/// What is kept up by a link.
trait Kept: PartialEq {
    /// Whether one link can be both, one after the other, while media flows.
    fn same_link(&self, other: &Self) -> bool;
}

impl Kept for SourceShape {
    fn same_link(&self, other: &Self) -> bool {
        match (&self.endpoint, &other.endpoint) {
            // It becomes the other one from one frame to the next.
            (Some(Endpoint::Composite(_)), Some(Endpoint::Composite(_))) => true,
            (ours, theirs) => (self.protocol, ours) == (other.protocol, theirs),
        }
    }
}

impl Kept for OutputShape {
    fn same_link(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint
    }
}

/// Every stream by name.
pub type Shape = BTreeMap<StreamName, StreamShape>;

/// One step from the running shape towards the wanted one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// An input is no longer declared: its stream ends with all its links.
    WithdrawStream {
        /// Which.
        stream: StreamName,
    },
    /// An input is declared, or its publisher source differs.
    DeclareStream {
        /// Which.
        stream: StreamName,
        /// The source that publishers fill.
        publisher: Option<Label>,
    },
    /// A source is no longer declared.
    StopSource {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        source: Label,
    },
    /// A source is new.
    StartSource {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        source: Label,
        /// What it shall be.
        #[serde(skip)]
        to: SourceShape,
    },
    /// A source's address or options differ: its link is replaced, its place kept.
    AlterSource {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        source: Label,
        /// What it shall be.
        #[serde(skip)]
        to: SourceShape,
    },
    /// A source's rules about tries differ, or what a composite is made of: its link goes on.
    TuneSource {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        source: Label,
        /// What it shall be.
        #[serde(skip)]
        to: SourceShape,
    },
    /// An output shall not run.
    StopOutput {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        output: Label,
    },
    /// An output shall run.
    StartOutput {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        output: Label,
        /// Where to send.
        #[serde(skip)]
        to: OutputShape,
    },
    /// An output's address or options differ: its link is replaced.
    AlterOutput {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        output: Label,
        /// Where to send.
        #[serde(skip)]
        to: OutputShape,
    },
    /// An output's rules about tries differ: its link goes on under them.
    TuneOutput {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        output: Label,
        /// What it shall be.
        #[serde(skip)]
        to: OutputShape,
    },
    /// Other sources are merged, or none.
    MergeSources {
        /// Of which stream.
        stream: StreamName,
        /// Which, and how far apart they may be.
        #[serde(skip)]
        to: Option<Merged>,
    },
    /// Pictures are called frozen or black after another time, or never.
    WatchPictures {
        /// Of which stream.
        stream: StreamName,
        /// After which times.
        #[serde(skip)]
        to: still::Limits,
    },
    /// Other streams are made of it, or none.
    Make {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        #[serde(skip)]
        to: Option<Made>,
    },
    /// Another source goes on air at its next random access point.
    Take {
        /// Of which stream.
        stream: StreamName,
        /// Which.
        source: Label,
    },
    /// Viewers may use other protocols.
    Serve {
        /// Of which stream.
        stream: StreamName,
        /// Which; `None`: all.
        over: Option<Vec<Protocol>>,
    },
}

/// All changes, stream by stream; within a stream what ends comes first.
pub fn diff(running: &Shape, wanted: &Shape) -> Vec<Change> {
    let names: BTreeSet<_> = running.keys().chain(wanted.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        stream(name, running.get(name), wanted.get(name), &mut changes);
    }
    changes
}

/// The changes of one stream, appended to `changes`.
pub fn stream(
    name: &StreamName,
    running: Option<&StreamShape>,
    wanted: Option<&StreamShape>,
    changes: &mut Vec<Change>,
) {
    let nothing = StreamShape::default();
    let (is, shall) = (running.unwrap_or(&nothing), wanted.unwrap_or(&nothing));
    if is.declared && !shall.declared {
        return changes.push(Change::WithdrawStream {
            stream: name.clone(),
        });
    }
    if shall.declared && (!is.declared || is.publisher != shall.publisher) {
        let publisher = shall.publisher.clone();
        changes.push(Change::DeclareStream {
            stream: name.clone(),
            publisher,
        });
    }
    sources(name, is, shall, changes);
    outputs(name, is, shall, changes);
    if is.merged != shall.merged {
        changes.push(Change::MergeSources {
            stream: name.clone(),
            to: shall.merged.clone(),
        });
    }
    if wanted.is_some() && is.pictures != shall.pictures {
        changes.push(Change::WatchPictures {
            stream: name.clone(),
            to: shall.pictures,
        });
    }
    if is.made != shall.made {
        changes.push(Change::Make {
            stream: name.clone(),
            to: shall.made.clone(),
        });
    }
    if let Some(source) = shall.on_air.as_ref().filter(|_| is.on_air != shall.on_air) {
        changes.push(Change::Take {
            stream: name.clone(),
            source: source.clone(),
        });
    }
    if wanted.is_some() && is.serve != shall.serve {
        changes.push(Change::Serve {
            stream: name.clone(),
            over: shall.serve.clone(),
        });
    }
}

fn sources(name: &StreamName, is: &StreamShape, shall: &StreamShape, changes: &mut Vec<Change>) {
    for (id, step) in steps(&is.sources, &shall.sources) {
        let (stream, source) = (name.clone(), id.clone());
        changes.push(match step {
            Step::Stop => Change::StopSource { stream, source },
            Step::Start(to) => Change::StartSource {
                stream,
                source,
                to: to.clone(),
            },
            Step::Alter(to) => Change::AlterSource {
                stream,
                source,
                to: to.clone(),
            },
            Step::Tune(to) => Change::TuneSource {
                stream,
                source,
                to: to.clone(),
            },
        });
    }
}

fn outputs(name: &StreamName, is: &StreamShape, shall: &StreamShape, changes: &mut Vec<Change>) {
    for (id, step) in steps(&is.outputs, &shall.outputs) {
        let (stream, output) = (name.clone(), id.clone());
        changes.push(match step {
            Step::Stop => Change::StopOutput { stream, output },
            Step::Start(to) => Change::StartOutput {
                stream,
                output,
                to: to.clone(),
            },
            Step::Alter(to) => Change::AlterOutput {
                stream,
                output,
                to: to.clone(),
            },
            Step::Tune(to) => Change::TuneOutput {
                stream,
                output,
                to: to.clone(),
            },
        });
    }
}

enum Step<'a, T> {
    Stop,
    Start(&'a T),
    Alter(&'a T),
    Tune(&'a T),
}

fn steps<'a, T: Kept>(
    is: &'a BTreeMap<Label, T>,
    shall: &'a BTreeMap<Label, T>,
) -> impl Iterator<Item = (&'a Label, Step<'a, T>)> {
    let gone = is
        .keys()
        .filter(|id| !shall.contains_key(*id))
        .map(|id| (id, Step::Stop));
    let rest = shall.iter().filter_map(|(id, to)| match is.get(id) {
        None => Some((id, Step::Start(to))),
        Some(now) if now == to => None,
        Some(now) if now.same_link(to) => Some((id, Step::Tune(to))),
        Some(_) => Some((id, Step::Alter(to))),
    });
    gone.chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Endpoint;

    fn udp(port: u16) -> Endpoint {
        format!("udp://127.0.0.1:{port}").parse().unwrap()
    }

    fn label(text: &str) -> Label {
        text.parse().unwrap()
    }

    /// `cam` with one source and the given outputs.
    fn shape(source_port: u16, outputs: &[(&str, u16)]) -> Shape {
        let source = SourceShape {
            protocol: Protocol::Udp,
            endpoint: Some(udp(source_port)),
            retry: Retry::default(),
        };
        let stream = StreamShape {
            declared: true,
            sources: BTreeMap::from([(label("in"), source)]),
            outputs: outputs
                .iter()
                .map(|(name, port)| {
                    let shape = OutputShape {
                        endpoint: udp(*port),
                        retry: Retry::default(),
                    };
                    (label(name), shape)
                })
                .collect(),
            ..StreamShape::default()
        };
        Shape::from([("cam".parse().unwrap(), stream)])
    }

    fn altered(edit: impl FnOnce(&mut StreamShape)) -> Shape {
        let mut shape = shape(5000, &[("a", 1), ("b", 2)]);
        edit(shape.get_mut("cam").unwrap());
        shape
    }

    /// Changes as JSON lines without the stream, which is always `cam`.
    fn told(running: &Shape, wanted: &Shape) -> Vec<String> {
        let tell = |change: &Change| {
            let mut json = serde_json::to_value(change).unwrap();
            assert_eq!(
                json.as_object_mut().unwrap().remove("stream").unwrap(),
                "cam"
            );
            json.to_string()
        };
        diff(running, wanted).iter().map(tell).collect()
    }

    #[test]
    fn equal_shapes_need_no_change() {
        let shape = shape(5000, &[("a", 1), ("b", 2)]);
        assert_eq!(diff(&shape, &shape), []);
    }

    #[test]
    fn a_new_input_is_declared_then_fed_then_sent() {
        assert_eq!(
            told(&Shape::new(), &shape(5000, &[("a", 1)])),
            [
                r#"{"change":"declare_stream","publisher":null}"#,
                r#"{"change":"start_source","source":"in"}"#,
                r#"{"change":"start_output","output":"a"}"#,
            ]
        );
    }

    #[test]
    fn a_withdrawn_input_needs_one_change() {
        let running = shape(5000, &[("a", 1), ("b", 2)]);
        assert_eq!(
            told(&running, &Shape::new()),
            [r#"{"change":"withdraw_stream"}"#]
        );
    }

    #[test]
    fn only_the_output_that_differs_is_touched() {
        let running = shape(5000, &[("a", 1), ("b", 2), ("c", 3)]);
        let wanted = shape(5000, &[("a", 1), ("b", 20), ("d", 4)]);
        assert_eq!(
            told(&running, &wanted),
            [
                r#"{"change":"stop_output","output":"c"}"#,
                r#"{"change":"alter_output","output":"b"}"#,
                r#"{"change":"start_output","output":"d"}"#,
            ]
        );
    }

    #[test]
    fn other_rules_about_tries_leave_every_link_in_place() {
        let running = shape(5000, &[("a", 1), ("b", 2)]);
        let wanted = altered(|stream| {
            let patient = Retry {
                attempts: Some(3),
                ..Retry::default()
            };
            stream.outputs.get_mut("b").unwrap().retry = patient;
            stream.sources.get_mut("in").unwrap().retry = patient;
        });
        assert_eq!(
            told(&running, &wanted),
            [
                r#"{"change":"tune_source","source":"in"}"#,
                r#"{"change":"tune_output","output":"b"}"#,
            ]
        );
    }

    #[test]
    fn another_address_replaces_the_source_and_leaves_the_outputs() {
        let running = shape(5000, &[("a", 1), ("b", 2)]);
        let wanted = shape(5001, &[("a", 1), ("b", 2)]);
        assert_eq!(
            told(&running, &wanted),
            [r#"{"change":"alter_source","source":"in"}"#]
        );
    }

    #[test]
    fn an_unannounced_stream_loses_its_outputs_when_it_ends_and_is_not_withdrawn() {
        let running = altered(|stream| stream.declared = false);
        let outputs_only = |stream: &mut StreamShape| {
            stream.declared = false;
            stream.sources.clear();
        };
        let running_without_sources = altered(outputs_only);
        assert_eq!(diff(&running, &running), []);
        assert_eq!(
            told(&running_without_sources, &Shape::new()),
            [
                r#"{"change":"stop_output","output":"a"}"#,
                r#"{"change":"stop_output","output":"b"}"#,
            ]
        );
    }

    #[test]
    fn the_air_changes_only_when_another_source_is_asked_for() {
        let on = |id: Option<&str>| altered(|stream| stream.on_air = id.map(label));
        assert_eq!(told(&on(Some("in")), &on(None)), [""; 0]);
        assert_eq!(told(&on(Some("in")), &on(Some("in"))), [""; 0]);
        assert_eq!(
            told(&on(None), &on(Some("in"))),
            [r#"{"change":"take","source":"in"}"#]
        );
    }

    #[test]
    fn serving_over_nothing_differs_from_serving_over_all() {
        let over = |only: Option<Vec<Protocol>>| altered(|stream| stream.serve = only);
        assert_eq!(
            told(&over(None), &over(Some(vec![]))),
            [r#"{"change":"serve","over":[]}"#]
        );
        assert_eq!(
            told(&over(Some(vec![Protocol::Hls])), &over(None)),
            [r#"{"change":"serve","over":null}"#]
        );
    }
}
