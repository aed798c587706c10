//! SRT connections, second by second.

use crate::extract::Scoped;
use crate::problem::{Kind, Problem};
use crate::view::SrtView;
use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use control::view as from;
use gateway::srt::{History, Sample};
use model::StreamName;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::{IntoParams, ToSchema};

/// Of which stream.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The stream that the connections feed or take.
    #[param(value_type = String, example = "live/cam1")]
    stream: StreamName,
}

/// The last ten minutes of a stream's SRT connections.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connections {
    /// Those that ended first, then those there are.
    connections: Vec<ConnectionView>,
}

/// One SRT connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionView {
    /// Unique within the life of the host's process.
    id: u64,
    /// The peer's address.
    #[schema(value_type = String, example = "192.0.2.7:51000")]
    peer: SocketAddr,
    /// `publisher`, `viewer`, `source` or `output`.
    #[schema(example = "viewer")]
    role: &'static str,
    /// For how long it has been gone; none while it is there.
    ended_ms_ago: Option<u64>,
    /// One a second, oldest first, at most 600.
    samples: Vec<SampleView>,
}

/// One second of a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SampleView {
    /// How long ago it was taken.
    age_ms: u64,
    /// Media bytes since the connection began.
    bytes: u64,
    /// Their rate then.
    bitrate_bps: u64,
    /// As libsrt counts, since the connection began.
    srt: SrtView,
}

/// The last ten minutes of a stream's SRT connections, second by second, those that ended included:
/// of these the newest 128 of the host. Empty for a stream without any.
#[utoipa::path(get, path = "/api/v1/srt", tag = "streams", params(Which), responses(
    (status = 200, body = Connections),
    (status = 400, description = "The query is at fault", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    Scoped(app): Scoped,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Connections>, Problem> {
    let Query(which) = which.map_err(|fault| Problem::new(Kind::BadRequest, fault.body_text()))?;
    let histories = app.control.srt_histories(&which.stream).into_iter();
    let connections = histories.map(ConnectionView::from).collect();
    Ok(Json(Connections { connections }))
}

impl From<History> for ConnectionView {
    fn from(history: History) -> Self {
        Self {
            id: history.id,
            peer: history.peer,
            role: history.role.as_str(),
            ended_ms_ago: history.ended_ms_ago,
            samples: history.samples.into_iter().map(SampleView::from).collect(),
        }
    }
}

impl From<Sample> for SampleView {
    fn from(sample: Sample) -> Self {
        Self {
            age_ms: sample.age_ms,
            bytes: sample.bytes,
            bitrate_bps: sample.bitrate_bps,
            srt: from::SrtView::from(sample.srt).into(),
        }
    }
}
