//! Groups, their screens and clients.

use super::addresses::{Addresses, Watch};
use control::clients::{Client, Media, Task};
use control::scene::Scene;
use model::layout::{Bezel, Rect};
use model::wall::{Direction, Playing, Region, Wall};
use model::{GroupSpec, ScreenSpec, StreamName};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A group of screens, as it is wanted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupView {
    /// Begins the names of its streams.
    #[schema(value_type = String, example = "lobby")]
    name: StreamName,
    /// In their order.
    screens: Vec<ScreenView>,
    /// How screens stand that have no place of their own: `horizontal`, `vertical` or `grid`.
    #[schema(value_type = String, example = "horizontal")]
    direction: Direction,
    /// So long after its time by the host's clock a picture is shown.
    #[schema(example = 1000)]
    delay_ms: u32,
    /// What it shows; null: nothing.
    #[schema(value_type = Option<Object>, example = json!({"mode": "split", "source": {"type": "stream", "name": "live/cam1"}}))]
    playing: Option<Playing>,
    /// For policies to read.
    labels: BTreeMap<String, String>,
}

/// A screen of a group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScreenView {
    /// Unique in its group.
    #[schema(example = "left")]
    id: String,
    /// Row in the wall, from 0 at the top; null: it stands in its order.
    row: Option<u32>,
    /// Column in the wall, from 0 at the left.
    column: Option<u32>,
    /// Pixels.
    #[schema(example = 1920)]
    width: u32,
    /// Pixels.
    #[schema(example = 1080)]
    height: u32,
    /// The frame around its picture, pixels.
    #[schema(value_type = Object, example = json!({"left": 12.0, "top": 0.0, "right": 12.0, "bottom": 0.0}))]
    bezel: Bezel,
    /// How far it is turned where it hangs, clockwise, degrees.
    rotation: u32,
    /// Its part of the picture, as a stream.
    #[schema(value_type = String, example = "lobby/left")]
    stream: String,
    /// A page for any browser that shows it.
    #[schema(example = "/screen/lobby/left")]
    page: String,
    /// Where players get its stream, by protocol.
    #[schema(value_type = Object)]
    watch: Watch,
}

/// How a group fares.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupStatus {
    /// The group.
    #[schema(value_type = String, example = "lobby")]
    name: StreamName,
    /// `stopped`: it shows nothing; `starting`: it does not have all of its streams yet; `playing`.
    #[schema(example = "playing")]
    state: &'static str,
    /// What it shows; null: nothing.
    #[schema(value_type = Option<Object>)]
    playing: Option<Playing>,
    /// Its screens.
    screens: Vec<ScreenStatus>,
}

/// How a screen fares.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScreenStatus {
    /// The screen.
    id: String,
    /// Its stream.
    #[schema(value_type = String)]
    stream: String,
    /// Bits per second of its stream; 0: there is nothing to show.
    bitrate_bps: u64,
    /// The part of the picture that it shows, fractions of its size.
    #[schema(value_type = Object, example = json!({"x": 0.0, "y": 0.0, "width": 0.5, "height": 1.0}))]
    part: Rect,
    /// How far that part is turned clockwise, degrees.
    turn: u32,
    /// Who shows it.
    clients: Vec<ClientView>,
}

/// A client: a player that stands behind a screen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClientView {
    /// Names it.
    #[schema(example = "k3j5h2g1f9")]
    id: String,
    /// What it calls itself.
    name: Option<String>,
    /// Its group; null: it belongs to none yet.
    #[schema(value_type = Option<String>, example = "lobby")]
    group: Option<StreamName>,
    /// Its screen.
    #[schema(example = "left")]
    screen: Option<String>,
    /// From where it registered.
    peer: Option<String>,
    /// When it registered.
    registered_unix_ms: u64,
    /// It has a line to this host (`GET /api/v1/clients/{id}/clock`).
    connected: bool,
    /// Nothing was heard of it for ten seconds. It is forgotten after ten minutes.
    stale: bool,
    /// Since something was heard of it.
    silent_ms: u64,
    /// What it does: `idle`, `waiting`, `playing` or `failed`.
    #[schema(value_type = String, example = "playing")]
    state: Media,
    /// Where it is in its stream, media time.
    position_ms: Option<f64>,
    /// Pictures that came too late to be shown.
    dropped_frames: u64,
    /// How far its picture is ahead of the group's clock; behind: below 0.
    skew_ms: Option<f64>,
    /// How far its own clock is behind the host's.
    offset_ms: Option<f64>,
    /// There and back.
    rtt_ms: Option<f64>,
    /// What is wrong, in its own words.
    fault: Option<String>,
}

/// What a new client gets. The token is not shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClientRegistered {
    /// Names it.
    #[schema(example = "k3j5h2g1f9")]
    id: String,
    /// It shows this on its line to the host.
    token: String,
    /// Where its line is: a WebSocket with the host's clock, what it is to show, and its reports.
    #[schema(example = "/api/v1/clients/k3j5h2g1f9/clock")]
    clock: String,
    /// The host's time.
    now_unix_ms: u64,
    /// What it is to show; null: it belongs to no screen yet.
    task: Option<TaskView>,
}

/// What a client is to show, and when.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct TaskView {
    /// Its group.
    #[schema(value_type = String, example = "lobby")]
    group: StreamName,
    /// Its screen.
    #[schema(example = "left")]
    screen: String,
    /// Its stream; null: nothing is shown.
    #[schema(value_type = Option<String>, example = "lobby/left")]
    stream: Option<StreamName>,
    /// Where players get it, by protocol.
    #[schema(value_type = Object)]
    watch: Watch,
    /// A picture of media time `t` is shown when the host's clock says
    /// `zero_unix_ms + t + delay_ms`.
    #[schema(example = 1000)]
    delay_ms: u32,
    /// Null while there is no media.
    zero_unix_ms: Option<f64>,
}

impl GroupView {
    pub(crate) fn new(spec: GroupSpec, addresses: &Addresses) -> Self {
        let screens = spec.screens.iter().map(|screen| {
            let stream = spec.stream_of(&screen.id).ok();
            ScreenView::new(screen.clone(), stream, addresses)
        });
        Self {
            screens: screens.collect(),
            name: spec.name,
            direction: spec.direction,
            delay_ms: spec.delay_ms,
            playing: spec.playing,
            labels: spec.labels,
        }
    }
}

impl ScreenView {
    /// The name of a checked group's stream is sound.
    pub(crate) fn new(spec: ScreenSpec, stream: Option<StreamName>, addresses: &Addresses) -> Self {
        let watch = stream.as_ref().map(|stream| addresses.of(stream, None));
        let stream = stream.map(|stream| stream.to_string()).unwrap_or_default();
        Self {
            id: spec.id.into(),
            row: spec.row,
            column: spec.column,
            width: spec.width,
            height: spec.height,
            bezel: spec.bezel,
            rotation: spec.rotation,
            page: format!("/screen/{stream}"),
            stream,
            watch: watch.unwrap_or_default(),
        }
    }
}

impl GroupStatus {
    pub(crate) fn new(group: &GroupSpec, scene: &Scene, clients: &[Client]) -> Self {
        let size_of = |name: &StreamName| scene.stream(name).and_then(|it| it.video.clone());
        let wanted = control::wall::wanted(group, |source| match source {
            model::wall::WallSource::Stream { name } => {
                size_of(name).and_then(|video| video.width.zip(video.height))
            }
            model::wall::WallSource::File { .. } => None,
        });
        // What each would show of a picture that fills the wall, while nothing is shown.
        let hanging = || Wall::of(group).map(|wall| wall.regions(None, Default::default()));
        let regions = wanted.map(|wanted| wanted.regions).or_else(hanging);
        let screens = regions.into_iter().flatten().map(|region| {
            let own = clients.iter().filter(|client| {
                let place = client.place.as_ref();
                place.is_some_and(|it| it.group == group.name && it.screen == region.screen)
            });
            let clients = own.cloned().map(ClientView::from).collect();
            ScreenStatus::new(region, scene, clients)
        });
        let screens: Vec<ScreenStatus> = screens.collect();
        let all = screens.iter().all(|screen| screen.bitrate_bps > 0);
        Self {
            name: group.name.clone(),
            state: match (&group.playing, all) {
                (None, _) => "stopped",
                (Some(_), false) => "starting",
                (Some(_), true) => "playing",
            },
            playing: group.playing.clone(),
            screens,
        }
    }

    pub(crate) const fn state(&self) -> &'static str {
        self.state
    }
}

impl ScreenStatus {
    fn new(region: Region, scene: &Scene, clients: Vec<ClientView>) -> Self {
        let live = scene.stream(&region.stream);
        Self {
            id: region.screen.into(),
            bitrate_bps: live.map_or(0, |live| live.bitrate_bps),
            stream: region.stream.to_string(),
            part: region.part,
            turn: region.turn,
            clients,
        }
    }
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        let (group, screen) = client.place.map(|it| (it.group, it.screen)).unzip();
        let report = client.report;
        Self {
            id: client.id,
            name: client.name,
            group,
            screen: screen.map(String::from),
            peer: client.peer.map(|peer| peer.to_string()),
            registered_unix_ms: client.registered_unix_ms,
            connected: client.connected,
            stale: client.stale,
            silent_ms: client.silent_ms,
            state: report.state,
            position_ms: report.position_ms,
            dropped_frames: report.dropped_frames,
            skew_ms: report.skew_ms,
            offset_ms: report.offset_ms,
            rtt_ms: report.rtt_ms,
            fault: report.fault,
        }
    }
}

impl ClientRegistered {
    pub(crate) fn new(
        registered: control::clients::Registered,
        task: Option<Task>,
        now_unix_ms: u64,
        addresses: &Addresses,
    ) -> Self {
        Self {
            clock: format!("/api/v1/clients/{}/clock", registered.id),
            id: registered.id,
            token: registered.token,
            now_unix_ms,
            task: task.map(|task| TaskView::new(task, addresses)),
        }
    }
}

impl TaskView {
    pub(crate) fn new(task: Task, addresses: &Addresses) -> Self {
        let watch = task.stream.as_ref().map(|it| addresses.of(it, None));
        Self {
            group: task.place.group,
            screen: task.place.screen.into(),
            watch: watch.unwrap_or_default(),
            stream: task.stream,
            delay_ms: task.delay_ms,
            zero_unix_ms: task.zero_unix_ms,
        }
    }
}
