//! Everything that waits for peers.

use super::certificate;
use crate::config::{Config, Rtsp, variable_of};
use crate::sys;
use anyhow::{Result, anyhow};
use api::Router;
use control::ControlHandle;
use gateway::srt::backend::{KeyLength, Passphrase};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The HTTP port, taken before anything is started that would have to be stopped again.
pub(super) struct Http(TcpListener);

pub(super) async fn bind(config: &Config) -> Result<Http> {
    let listen = config.api.listen;
    let bound = TcpListener::bind(listen).await;
    Ok(Http(bound.map_err(|error| {
        refused("HTTP", "api.listen", listen, &error)
    })?))
}

/// Lets peers in; the future returned is the HTTP server, with what watches its certificate.
pub(super) async fn serve(
    Http(http): Http,
    config: &Config,
    control: &ControlHandle,
    gateways: &gateway::Context,
    stop: &CancellationToken,
) -> Result<impl Future<Output = ()> + Send + 'static> {
    let rtmp = gateway::rtmp::Config {
        merge: gateway::rtmp::Merge {
            cap: Duration::from_millis(config.rtmp.merge_ms.into()),
        },
        ..gateway::rtmp::Config::new(config.rtmp.listen)
    };
    gateway::rtmp::serve(gateways, rtmp)
        .await
        .map_err(|error| anyhow!("{error} Stop it, or set {}", settings_of("rtmp.listen")))?;
    gateway::srt::serve(gateways, srt(config)?)
        .await
        .map_err(|error| anyhow!("{error} Stop it, or set {}", settings_of("srt.listen")))?;
    let rtsp = rtsp(config, gateways).await?;
    let webrtc = webrtc(config, gateways)?;
    let tls = certificate::open(config).await?;
    rtmps(config, rtmp, tls.as_ref(), gateways).await?;
    rtsps(config, tls.as_ref(), gateways).await?;
    let settings = api::Settings {
        srt: Some(config.srt.listen),
        rtmp: Some(config.rtmp.listen),
        rtsp,
        webrtc,
        videos: super::videos::open(config, gateways, control).await,
        mjpeg: config.mjpeg.settings(),
        local_admin: config.api.local_admin,
        max_plugin_bytes: config.plugins.component_bytes,
        limits: config.limits,
        started_unix_ms: control::clock::unix_ms(),
        addresses: sys::interface_addresses,
        otlp: config.otlp.wanted(),
        folders: vec![
            ("data_dir", config.data_dir.clone()),
            ("plugins", config.plugins.dir.clone()),
        ],
        tls: tls.clone(),
        cors: config.api.cors.clone(),
        rate: config.api.rate,
        compat: api::Compat {
            distribution: config
                .compat
                .distribution
                .unwrap_or(config.api.listen.ip().is_loopback()),
            mjpeg: config
                .compat
                .mjpeg
                .unwrap_or(config.api.listen.ip().is_loopback()),
            wall: config
                .compat
                .wall
                .unwrap_or(config.api.listen.ip().is_loopback()),
        },
        ..api::Settings::new(config.api.listen)
    };
    let stop = stop.child_token();
    let watched = stop.clone();
    let server = api::serve(http, settings, control.clone(), gateways.clone(), stop);
    Ok(async move {
        let watching = async {
            if let Some(tls) = tls {
                tls.watch(watched).await;
            }
        };
        tokio::join!(server, watching);
    })
}

async fn rtmps(
    config: &Config,
    rtmp: gateway::rtmp::Config,
    tls: Option<&api::tls::Tls>,
    gateways: &gateway::Context,
) -> Result<()> {
    let Some(listen) = config.rtmp.tls_listen else {
        return Ok(());
    };
    let tls = certified(tls, "[rtmp]")?;
    let config = gateway::rtmp::Config { listen, ..rtmp };
    let served = gateway::rtmp::serve_tls(gateways, config, tls.for_streams()?).await;
    served
        .map(drop)
        .map_err(|error| anyhow!("{error} Stop it, or set {}", settings_of("rtmp.tls_listen")))
}

async fn rtsps(
    config: &Config,
    tls: Option<&api::tls::Tls>,
    gateways: &gateway::Context,
) -> Result<()> {
    let Some(listen) = config.rtsp.tls_listen else {
        return Ok(());
    };
    let tls = certified(tls, "[rtsp]")?;
    let served = gateway::rtsp::serve_tls(gateways, rtsp_on(listen, config), tls.for_streams()?);
    served
        .await
        .map(drop)
        .map_err(|error| anyhow!("{error} Stop it, or set {}", settings_of("rtsp.tls_listen")))
}

fn certified<'a>(tls: Option<&'a api::tls::Tls>, section: &str) -> Result<&'a api::tls::Tls> {
    tls.ok_or_else(|| {
        anyhow!(
            "{section} tls_listen needs a certificate: set api.certificate and api.key, or \
             api.self_signed"
        )
    })
}

fn rtsp_on(listen: SocketAddr, config: &Config) -> gateway::rtsp::Config {
    gateway::rtsp::Config {
        udp_port: config.rtsp.udp_port.or(Some(8_000)),
        max_connections: config.rtsp.max_connections,
        limits: config.rtsp.limits(),
        account: config.rtsp.account(),
        ..gateway::rtsp::Config::new(listen)
    }
}

/// Where RTSP is spoken. A port that nobody asked for is not worth a host that does not start.
async fn rtsp(config: &Config, gateways: &gateway::Context) -> Result<Option<SocketAddr>> {
    let wanted = rtsp_on(config.rtsp.listen.unwrap_or(Rtsp::USUAL), config);
    let mut bound = gateway::rtsp::serve(gateways, wanted.clone()).await;
    if bound.is_err() && config.rtsp.udp_port.is_none() {
        let udp_port = Some(0);
        let any = gateway::rtsp::Config { udp_port, ..wanted };
        bound = gateway::rtsp::serve(gateways, any).await;
    }
    match bound {
        Ok(bound) => Ok(Some(bound.address)),
        Err(error) if config.rtsp.listen.is_none() => {
            let key = settings_of("rtsp.listen");
            tracing::warn!("{error} This host goes on without RTSP; set {key}");
            Ok(None)
        }
        Err(error) => Err(anyhow!(
            "{error} Stop it, or set {}",
            settings_of("rtsp.listen")
        )),
    }
}

/// The routes of WebRTC, its port being open.
fn webrtc(config: &Config, gateways: &gateway::Context) -> Result<Option<Router>> {
    match gateway::webrtc::serve(gateways, config.webrtc.settings()) {
        Ok((router, _)) => Ok(Some(router)),
        Err(error) if config.webrtc.listen.is_none() => {
            let key = settings_of("webrtc.listen");
            tracing::warn!("{error} This host goes on without WebRTC; set {key}");
            Ok(None)
        }
        Err(error) => Err(anyhow!("{error} Set {}", settings_of("webrtc.listen"))),
    }
}

fn srt(config: &Config) -> Result<gateway::srt::Config> {
    let passphrase = config
        .srt
        .passphrase
        .clone()
        .map(Passphrase::new)
        .transpose()?;
    Ok(gateway::srt::Config {
        latency_ms: config.srt.latency,
        passphrase,
        pbkeylen: KeyLength::from_bytes(config.srt.pbkeylen)?,
        ..gateway::srt::Config::new(config.srt.listen)
    })
}

/// One line: the port, its key, and what to do.
fn refused(what: &str, key: &str, listen: SocketAddr, error: &io::Error) -> anyhow::Error {
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => "another program has the port (ss -lpn shows which)".to_owned(),
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege".to_owned(),
        _ => error.to_string(),
    };
    anyhow!(
        "cannot listen for {what} on {listen}: {reason}; stop it, or set {}",
        settings_of(key)
    )
}

fn settings_of(key: &str) -> String {
    format!("{key} in the configuration, or {}", variable_of(key))
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
