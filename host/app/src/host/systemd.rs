//! Tells the service manager how this host fares: the protocol of sd_notify(3).
//!
//! Whoever started this process and wants to know names a datagram socket in `NOTIFY_SOCKET`.
//! Without one nothing is said. A message that cannot be sent is lost: the manager has its own
//! time limits.

use crate::sys;
use control::ControlHandle;
use model::LinkState;
use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Between two reports of how many streams there are.
const REPORT: Duration = Duration::from_secs(5);

/// The way to the service manager, if there is one.
pub(super) struct Manager {
    way: Option<(UnixDatagram, SocketAddr)>,
    /// Within this it wants a sign of life.
    watchdog: Option<Duration>,
}

impl Manager {
    /// As the environment says.
    pub(super) fn of_environment() -> Self {
        let way = std::env::var_os("NOTIFY_SOCKET").and_then(|name| match open(&name) {
            Ok(way) => Some(way),
            Err(error) => {
                tracing::warn!(%error, "NOTIFY_SOCKET cannot be used; the service manager is told nothing");
                None
            }
        });
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let meant = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|period| meant && *period > 0);
        Self {
            way,
            watchdog: watchdog.map(Duration::from_micros),
        }
    }

    fn tell(&self, message: &str) {
        if let Some((socket, manager)) = &self.way {
            // See above.
            let _ = socket.send_to_addr(message.as_bytes(), manager);
        }
    }

    /// Everything listens.
    pub(super) fn ready(&self) {
        self.tell("READY=1");
    }

    /// The configuration is being read again, until [`Manager::ready`].
    pub(super) fn reloading(&self) {
        let now = sys::monotonic_us();
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={now}"));
    }

    /// The end has begun; it may take this long.
    pub(super) fn stopping(&self, at_most: Duration) {
        let us = at_most.as_micros();
        self.tell(&format!(
            "STOPPING=1\nSTATUS=Stopping; viewers see the end of their streams\nEXTEND_TIMEOUT_USEC={us}"
        ));
    }

    /// Reports, and gives signs of life as long as the control plane does, until `stop`.
    pub(super) async fn keep_up(&self, control: ControlHandle, stop: CancellationToken) {
        if self.way.is_none() {
            return stop.cancelled().await;
        }
        let period = self.watchdog.map_or(REPORT, |limit| REPORT.min(limit / 3));
        let mut tick = tokio::time::interval(period.max(Duration::from_millis(10)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = stop.cancelled() => return,
            }
            // A control plane that hangs gives no answer, and so no sign of life.
            if let Some(status) = status(&control).await {
                self.tell(&format!("WATCHDOG=1\nSTATUS={status}"));
            }
        }
    }
}

async fn status(control: &ControlHandle) -> Option<String> {
    control.ping().await.ok()?;
    let scene = control.scene().await.ok()?;
    let streams = scene.streams();
    let outputs = || streams.iter().flat_map(|stream| &stream.outputs);
    let wanted = outputs().filter(|output| output.enabled).count();
    let live = outputs().filter(|output| output.link.state == LinkState::Live);
    Some(format!(
        "{} streams, {} of {wanted} outputs live",
        streams.len(),
        live.count()
    ))
}

/// A path, or an abstract name with `@` for its zero byte.
fn open(name: &OsString) -> io::Result<(UnixDatagram, SocketAddr)> {
    let manager = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, manager))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(listener: &UnixDatagram) -> String {
        listener
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut buffer = [0; 512];
        let read = listener.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    }

    fn manager(name: &str) -> Manager {
        Manager {
            way: Some(open(&name.into()).unwrap()),
            watchdog: None,
        }
    }

    #[test]
    fn a_manager_is_reached_by_a_path_and_by_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        manager(path.to_str().unwrap()).ready();
        assert_eq!(said(&by_path), "READY=1");

        let name = format!("pointsman-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        manager(&format!("@{name}")).reloading();
        let told = said(&by_name);
        let time = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        let time: u64 = time.parse().unwrap();
        assert!(time > 0 && time <= sys::monotonic_us());
    }

    #[test]
    fn a_manager_that_is_gone_stops_nothing() {
        manager("/nonexistent/notify").ready();
    }
}
