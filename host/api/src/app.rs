//! Puts the routes, the guards and the server together.

use crate::answers::Answers;
use crate::door::door;
use crate::guard::{Guard, guard};
use crate::machine::{InterfaceAddresses, Machine};
use crate::problem::{Kind, Problem};
use crate::refusals::Refusals;
use crate::view::Addresses;
use crate::{routes, server};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, header, uri::Authority};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use control::ControlHandle;
use control::desired::Limits;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What JSON bodies may take.
const BODY_BYTES: usize = 1 << 20;

/// A request is to be read and answered within this. HLS may wait 10 s for a first segment.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Installing a plugin waits for its compiler, which has the lowest priority and 300 s.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(320);

/// What the API is told about this host.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where SRT readers call, for the addresses that the API shows.
    pub srt: Option<SocketAddr>,
    /// Where RTMP players call, for the addresses that the API shows.
    pub rtmp: Option<SocketAddr>,
    /// What a plugin's component may take, in bytes.
    pub max_plugin_bytes: usize,
    /// How much may be declared, for who asks how much is left.
    pub limits: Limits,
    /// When the host was started, Unix milliseconds.
    pub started_unix_ms: u64,
    /// The addresses of this machine's interfaces.
    pub addresses: InterfaceAddresses,
    /// Folders that the host writes to, by what they are for.
    pub folders: Vec<(&'static str, PathBuf)>,
}

/// Why there is no API.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for HTTP: {source}; choose another with [api] listen")]
    Listen {
        /// The address wanted.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) control: ControlHandle,
    pub(crate) edges: gateway::Context,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) answers: Arc<Answers>,
    pub(crate) server: Arc<server::Figures>,
    pub(crate) machine: Arc<Machine>,
    /// Places for those who listen to events.
    pub(crate) listeners: Arc<Semaphore>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) stop: CancellationToken,
}

/// Takes the port, so that a taken one is known before anything else is started.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(listen)
        .await
        .map_err(|source| ServeError::Listen {
            address: listen,
            source,
        })
}

/// Serves until `stop`, and for less than a second more.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    control: ControlHandle,
    edges: gateway::Context,
    stop: CancellationToken,
) {
    let app = App {
        machine: Arc::new(Machine::new(settings.addresses, settings.folders.clone())),
        control,
        refusals: Refusals::new(),
        answers: Arc::default(),
        server: Arc::new(server::Figures::default()),
        listeners: Arc::new(Semaphore::new(routes::events::MAX_LISTENERS)),
        settings: Arc::new(settings),
        edges: edges.clone(),
        stop: stop.clone(),
    };
    let figures = app.server.clone();
    let counting = app.refusals.count(edges.registry().events());
    let router = router(app).merge(gateway::hls::router(&edges));
    tokio::select! {
        () = server::run(listener, router, figures, server::MAX_CONNECTIONS, stop) => {}
        () = counting => {}
    }
}

/// Every route but the media.
pub(crate) fn router(app: App) -> Router {
    let checks = Guard::new(app.settings.listen);
    routes::table(app.settings.max_plugin_bytes)
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(route.path, route.methods)
        })
        .fallback(async || {
            Problem::new(
                Kind::NotFound,
                "see /api/openapi.json for the paths there are",
            )
        })
        .method_not_allowed_fallback(async |request: Request| {
            let detail = format!("{} is not among the methods of this path", request.method());
            Problem::new(Kind::MethodNotAllowed, detail)
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(app.clone(), door))
        .layer(from_fn_with_state(checks, guard))
        .layer(from_fn(in_time))
        .with_state(app)
}

async fn in_time(request: Request, next: Next) -> Response {
    let installs = request.uri().path().starts_with("/api/v1/plugins/");
    let limit = match installs && !request.method().is_safe() {
        true => INSTALL_TIMEOUT,
        false => REQUEST_TIMEOUT,
    };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("it was not read and answered within {} s", limit.as_secs());
            Problem::new(Kind::Timeout, detail).into_response()
        }
    }
}

impl App {
    /// Where viewers reach this host: under the name that the client itself used.
    pub(crate) fn addresses(&self, headers: &HeaderMap) -> Addresses {
        let asked = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok()?.parse::<Authority>().ok())
            .map(|authority| authority.host().to_owned());
        Addresses {
            host: asked.unwrap_or_else(|| self.settings.listen.ip().to_string()),
            srt_port: self.settings.srt.map(|address| address.port()),
            rtmp_port: self.settings.rtmp.map(|address| address.port()),
        }
    }
}
