//! Puts the routes, the guards and the server together.

use crate::answers::Answers;
use crate::cors::{Origin, Origins, cors};
use crate::door::{Door, door};
use crate::guard::{Guard, guard, guard_publishers};
use crate::machine::{InterfaceAddresses, Machine};
use crate::otlp::{self, Otlp, Requests};
use crate::problem::{Kind, Problem};
use crate::rate::{Rates, rate};
use crate::refusals::Refusals;
use crate::tls::Tls;
use crate::view::Addresses;
use crate::{compat, routes, server};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, Method, header, uri::Authority};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use control::ControlHandle;
use control::desired::Limits;
use model::{Label, Role};
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
    /// Where RTSP players call, for the addresses that the API shows.
    pub rtsp: Option<SocketAddr>,
    /// The routes of WebRTC, if it has its port.
    pub webrtc: Option<Router>,
    /// The routes of videos that are uploaded, if there is a folder for them.
    pub videos: Option<Router>,
    /// How JPEG pictures are taken and shown.
    pub mjpeg: gateway::mjpeg::Settings,
    /// Whoever works on this machine is an admin, keys and users or not.
    pub local_admin: bool,
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
    /// Where figures and traces go, if anywhere.
    pub otlp: Option<Otlp>,
    /// Speaks TLS only, if it is there.
    pub tls: Option<Tls>,
    /// Sites whose pages may speak to this API from a browser.
    pub cors: Vec<Origin>,
    /// Requests a second of one address or key, 0 for no limit. If it is not set, 1000, and none
    /// for programs on this machine.
    pub rate: Option<u32>,
    /// Routes of other systems.
    pub compat: Compat,
}

impl Settings {
    /// The defaults of a server that listens here.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            srt: None,
            rtmp: None,
            rtsp: None,
            webrtc: None,
            videos: None,
            mjpeg: gateway::mjpeg::Settings::default(),
            local_admin: false,
            max_plugin_bytes: 64 << 20,
            tls: None,
            cors: Vec::new(),
            rate: None,
            compat: Compat::default(),
            limits: Limits::default(),
            started_unix_ms: control::clock::unix_ms(),
            addresses: Vec::new,
            folders: Vec::new(),
            otlp: None,
        }
    }
}

/// Which other systems' routes are served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compat {
    /// Those of the stream distribution manager.
    pub distribution: bool,
    /// Those of the HTTP video streaming system.
    pub mjpeg: bool,
    /// Those of the multi-screen streaming server.
    pub wall: bool,
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
    pub(crate) mjpeg: gateway::mjpeg::Service,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) answers: Arc<Answers>,
    pub(crate) server: Arc<server::Figures>,
    pub(crate) machine: Arc<Machine>,
    pub(crate) requests: Arc<Requests>,
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
    let tls = settings.tls.clone();
    let app = App {
        mjpeg: gateway::mjpeg::Service::new(&edges, settings.mjpeg),
        machine: Arc::new(Machine::new(settings.addresses, settings.folders.clone())),
        requests: Arc::new(Requests::new(settings.otlp.is_some())),
        control,
        refusals: Refusals::new(),
        answers: Arc::default(),
        server: Arc::new(server::Figures::default()),
        listeners: Arc::new(Semaphore::new(routes::events::MAX_LISTENERS)),
        settings: Arc::new(settings),
        edges: edges.clone(),
        stop: stop.clone(),
    };
    let server = server::Server {
        figures: app.server.clone(),
        limit: server::MAX_CONNECTIONS,
        tls,
    };
    let counting = app.refusals.count(edges.registry().events());
    let otlp = app.settings.otlp.clone();
    let telling = {
        let app = app.clone();
        async move {
            match otlp {
                Some(otlp) => otlp::run(app, otlp).await,
                None => std::future::pending().await,
            }
        }
    };
    let media = gateway::hls::router(&edges)
        .merge(gateway::dash::router(&edges))
        .merge(gateway::mp4::router(&edges))
        .merge(gateway::mjpeg::router(&app.mjpeg))
        .merge(app.settings.webrtc.clone().unwrap_or_default())
        .layer(from_fn_with_state(
            Guard::of(&app.settings),
            guard_publishers,
        ));
    let router = router(app.clone()).merge(uploads(app)).merge(media);
    tokio::select! {
        () = server.run(listener, router, stop) => {}
        () = counting => {}
        () = telling => {}
    }
}

/// What takes and shows videos. An upload may last: it has bounds of its own.
fn uploads(app: App) -> Router {
    let needs = [
        (Method::GET, routes::Need::Host(Role::Viewer)),
        (Method::OPTIONS, routes::Need::Host(Role::Viewer)),
        (Method::POST, routes::Need::Host(Role::Operator)),
        (Method::PATCH, routes::Need::Host(Role::Operator)),
        (Method::DELETE, routes::Need::Host(Role::Operator)),
    ];
    let door = Door {
        app: app.clone(),
        needs: needs.into(),
    };
    let routes = app.settings.videos.clone().unwrap_or_default();
    if !routes.has_routes() {
        return routes;
    }
    routes
        .route_layer(from_fn_with_state(door, self::door))
        .route_layer(from_fn_with_state(Guard::of(&app.settings), guard))
        .route_layer(from_fn_with_state(Rates::new(app.settings.rate), rate))
        .layer(from_fn_with_state(Origins::new(&app.settings.cors), cors))
}

/// Every route but the media.
pub(crate) fn router(app: App) -> Router {
    let origins = Origins::new(&app.settings.cors);
    let checks = Guard::of(&app.settings);
    let rates = Rates::new(app.settings.rate);
    let others = compat::table(app.settings.compat);
    let guarded = |route: routes::Route| {
        let (app, needs) = (app.clone(), route.needs.into());
        let door = from_fn_with_state(Door { app, needs }, door);
        (route.path, route.methods.route_layer(door))
    };
    routes::table(app.settings.max_plugin_bytes)
        .into_iter()
        .chain(others)
        .map(guarded)
        .fold(Router::new(), |router, (path, methods)| {
            router.route(path, methods)
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
        .route_layer(from_fn_with_state(app.clone(), otlp::watch))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(checks, guard))
        .layer(from_fn_with_state(rates, rate))
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(origins, cors))
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
    /// The tenants that there are.
    pub(crate) fn tenants(&self) -> Vec<Label> {
        let tenants = self.control.tenants().into_iter();
        tenants.map(|tenant| tenant.name).collect()
    }

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
            webrtc: self.settings.webrtc.is_some(),
            rtsp_port: self.settings.rtsp.map(|address| address.port()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::routing::post;
    use futures_util::stream;
    use tower::ServiceExt;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_a_problem_after_a_minute() {
        let router = Router::new()
            .route("/", post(async |_: axum::body::Bytes| {}))
            .layer(from_fn(in_time));
        let body = Body::from_stream(stream::pending::<io::Result<&'static str>>());
        let request = Request::post("/").body(body).unwrap();
        let started = tokio::time::Instant::now();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 408);
        assert_eq!(started.elapsed(), REQUEST_TIMEOUT);
        let problem = to_bytes(response.into_body(), 4096).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap();
        assert_eq!(problem["type"], "/problems/timeout");
    }
}
