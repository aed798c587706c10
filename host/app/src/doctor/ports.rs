//! Whether the addresses this host is told to listen on are free.

use super::Finding;
use crate::config::{Config, Rtsp};
use std::net::{SocketAddr, TcpListener, UdpSocket};

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let tcp = |listen| TcpListener::bind(listen).map(drop);
    let udp = |listen| UdpSocket::bind(listen).map(drop);
    vec![
        listener(
            "api.listen",
            "TCP",
            config.api.listen,
            tcp(config.api.listen),
        ),
        listener(
            "rtmp.listen",
            "TCP",
            config.rtmp.listen,
            tcp(config.rtmp.listen),
        ),
        listener(
            "rtsp.listen",
            "TCP",
            config.rtsp.listen.unwrap_or(Rtsp::USUAL),
            tcp(config.rtsp.listen.unwrap_or(Rtsp::USUAL)),
        ),
        listener(
            "srt.listen",
            "UDP",
            config.srt.listen,
            udp(config.srt.listen),
        ),
        allotted(config),
    ]
}

fn listener(
    key: &'static str,
    transport: &str,
    listen: SocketAddr,
    bound: std::io::Result<()>,
) -> Finding {
    match bound {
        Ok(()) => Finding::ok(key, format!("{transport} {listen} is free")),
        Err(error) => {
            let port = listen.port();
            let advice = format!(
                "see who has it (ss -lpn 'sport = :{port}'; a running pointsman counts), or set \
                 {key} or {} to another address",
                crate::config::variable_of(key)
            );
            Finding::fail(key, format!("{transport} {listen}: {error}"), advice)
        }
    }
}

fn allotted(config: &Config) -> Finding {
    let all: Vec<u16> = config.udp.ports.range().collect();
    let taken: Vec<_> = all
        .iter()
        .filter(|port| UdpSocket::bind(("127.0.0.1", **port)).is_err())
        .map(u16::to_string)
        .collect();
    if taken.is_empty() {
        return Finding::ok("udp.ports", format!("all {} are free", all.len()));
    }
    let shown = taken.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
    let found = format!("{} of {} are taken: {shown}", taken.len(), all.len());
    let advice = "inputs that are allotted one of these will wait; widen or move udp.ports";
    Finding::warn("udp.ports", found, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_port_in_use_is_told_with_its_key_and_variable() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.api.listen = held.local_addr().unwrap();
        let finding = examine(&config).remove(0);
        assert_eq!(
            (finding.verdict, finding.what),
            (Verdict::Fail, "api.listen")
        );
        assert!(finding.advice.contains("POINTSMAN_API_LISTEN"), "{finding}");
    }
}
