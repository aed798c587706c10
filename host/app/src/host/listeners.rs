//! Everything that waits for peers.

use crate::config::{Config, variable_of};
use anyhow::{Result, anyhow};
use control::ControlHandle;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What a component may take over the API; the plugin plane has the same bound.
const MAX_PLUGIN_BYTES: usize = 64 << 20;

type Listener = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// The ports, taken.
pub(super) struct Listeners {
    http: TcpListener,
    rtmp: TcpListener,
}

/// Takes the ports.
pub(super) async fn bind(config: &Config) -> Result<Listeners> {
    Ok(Listeners {
        http: tcp("api.listen", config.api.listen).await?,
        rtmp: tcp("rtmp.listen", config.rtmp.listen).await?,
    })
}

impl Listeners {
    /// Lets peers in. SRT's port is taken here, since libsrt opens its sockets itself.
    pub(super) fn serve(
        self,
        config: &Config,
        control: &ControlHandle,
        gateways: &gateway::Context,
        stop: &CancellationToken,
    ) -> Result<Vec<Listener>> {
        let http = api::serve(
            self.http,
            api::Settings {
                listen: config.api.listen,
                srt: Some(config.srt.listen),
                rtmp: Some(config.rtmp.listen),
                max_plugin_bytes: MAX_PLUGIN_BYTES,
            },
            control.clone(),
            gateways.registry().clone(),
            gateway::hls::router(gateways),
            stop.child_token(),
        );
        Ok(vec![Box::pin(async { Ok(http.await) })])
    }
}

async fn tcp(key: &'static str, listen: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .map_err(|error| refused("TCP", key, listen, &error))
}

/// One line: the port, its key, and what to do.
fn refused(transport: &str, key: &str, listen: SocketAddr, error: &io::Error) -> anyhow::Error {
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it (ss -lpn shows which)".to_owned(),
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege".to_owned(),
        _ => error.to_string(),
    };
    let variable = variable_of(key);
    anyhow!("cannot listen on {transport} {listen}: {reason}; stop it, or set {key} or {variable}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_told_in_one_line_with_its_key() {
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.api.listen = held.local_addr().unwrap();
        let error = bind(&config).await.err().unwrap().to_string();
        assert!(
            error.contains(&held.local_addr().unwrap().to_string()),
            "{error}"
        );
        assert!(
            error.contains("api.listen") && error.contains("POINTSMAN_API_LISTEN"),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
}
