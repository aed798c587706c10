//! The engine, over its socket.

use crate::found::GROUP;
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ContainerSummary;
use bollard::query_parameters::{EventsOptions, ListContainersOptions};
use futures_util::{Stream, StreamExt};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::UnixStream;

/// How long the engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Events are asked for from a little before now on: clocks may differ, and one too many only
/// makes the list anew.
const OVERLAP: Duration = Duration::from_secs(5);

/// What of an engine's words is told.
const MAX_WORDS: usize = 300;

/// Why there is no engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// There is no socket.
    #[error("there is no Docker socket {0}; is the engine installed and running?")]
    Missing(String),
    /// There is a socket that this host may not use.
    #[error("this host may not use the Docker socket {0}; add its user to the group docker")]
    Denied(String),
    /// There is a socket that nobody listens on.
    #[error("nobody listens on the Docker socket {0}; is the engine running?")]
    Refused(String),
    /// The engine has an objection, or ended.
    #[error("the Docker engine at {socket}: {why}")]
    Failed {
        /// Its socket.
        socket: String,
        /// What it said.
        why: String,
    },
}

impl Trouble {
    /// Stable short name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "docker-missing",
            Self::Denied(_) => "docker-denied",
            Self::Refused(_) => "docker-refused",
            Self::Failed { .. } => "docker-failed",
        }
    }
}

/// An engine that answered.
pub(crate) struct Client {
    docker: Docker,
    socket: String,
    /// What it is.
    pub(crate) version: String,
}

impl Client {
    pub(crate) async fn connect(socket: &Path) -> Result<Self, Trouble> {
        let shown = socket.display().to_string();
        knock(socket).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Trouble::Missing(shown.clone()),
            io::ErrorKind::PermissionDenied => Trouble::Denied(shown.clone()),
            io::ErrorKind::ConnectionRefused => Trouble::Refused(shown.clone()),
            _ => failed(&shown, error),
        })?;
        let seconds = PATIENCE.as_secs();
        let asking = async {
            let docker = Docker::connect_with_unix(&shown, seconds, bollard::API_DEFAULT_VERSION)?;
            let docker = docker.negotiate_version().await?;
            let version = docker.version().await?.version;
            Ok::<_, Error>((docker, version.unwrap_or_default()))
        };
        let (docker, version) = within(&shown, asking).await?;
        Ok(Self {
            docker,
            version: plain(&version),
            socket: shown,
        })
    }

    /// Containers that run and have a group, at most so many.
    pub(crate) async fn containers(&self, most: usize) -> Result<Vec<ContainerSummary>, Trouble> {
        let options = ListContainersOptions {
            limit: i32::try_from(most).ok(),
            filters: Some(HashMap::from([
                ("label".to_owned(), vec![GROUP.to_owned()]),
                (
                    "status".to_owned(),
                    vec!["running".to_owned(), "paused".to_owned()],
                ),
            ])),
            ..ListContainersOptions::default()
        };
        let listing = self.docker.list_containers(Some(options));
        within(&self.socket, listing).await
    }

    /// Something happened to such a container, again and again; ends with the engine.
    pub(crate) fn events(&self) -> impl Stream<Item = Result<(), Trouble>> {
        let since = SystemTime::now().checked_sub(OVERLAP);
        let since = since.and_then(|since| since.duration_since(UNIX_EPOCH).ok());
        let options = EventsOptions {
            since: Some(since.unwrap_or_default().as_secs().to_string()),
            filters: Some(HashMap::from([
                ("type".to_owned(), vec!["container".to_owned()]),
                ("label".to_owned(), vec![GROUP.to_owned()]),
            ])),
            ..EventsOptions::default()
        };
        let events = self.docker.events(Some(options));
        events.map(|event| match event {
            Ok(_) => Ok(()),
            Err(error) => Err(failed(&self.socket, error)),
        })
    }

    /// The engine ended without a word.
    pub(crate) fn ended(&self) -> Trouble {
        failed(&self.socket, "it ended the connection")
    }
}

/// Whether there is somebody at all; what bollard says of it is less.
async fn knock(socket: &Path) -> io::Result<()> {
    let connecting = tokio::time::timeout(PATIENCE, UnixStream::connect(socket));
    connecting.await??;
    Ok(())
}

async fn within<T>(
    socket: &str,
    asking: impl Future<Output = Result<T, Error>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer.map_err(|error| failed(socket, error)),
        Err(_) => Err(failed(
            socket,
            format!("it did not answer within {} s", PATIENCE.as_secs()),
        )),
    }
}

fn failed(socket: &str, why: impl ToString) -> Trouble {
    Trouble::Failed {
        socket: socket.to_owned(),
        why: plain(&why.to_string()),
    }
}

fn plain(words: &str) -> String {
    let plain = words.chars().filter(|c| !c.is_control());
    plain.take(MAX_WORDS).collect()
}
