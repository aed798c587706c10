//! An output: the stream published to another RTSP server.

use super::connection::until;
use crate::context::Context;
use crate::tcp::{Wire, WriteError};
use ::rtsp::auth::Account;
use ::rtsp::message::{FRAME_HEADER_BYTES, frames};
use ::rtsp::session::{Client, ClientError, ClientEvent};
use bytes::{Bytes, BytesMut};
use hub::{ReadError, RtpPackets, RtpSession, Start, Stream};
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use model::{Protocol, endpoint};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio::net::UdpSocket;

/// Access units taken at a time.
const BATCH: usize = 256;

/// How often a pair of ports is looked for.
const TRIES: usize = 32;

/// Publishes the stream to `endpoint`, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Rtsp) -> LinkHandle {
    let dial = Push {
        context: context.clone(),
        stream: wiring.stream.clone(),
        endpoint,
    };
    link::spawn(wiring, dial)
}

struct Push {
    context: Context,
    stream: Arc<Stream>,
    endpoint: endpoint::Rtsp,
}

impl Dial for Push {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let mut publisher = tokio::select! {
            publisher = self.connect() => publisher?,
            () = session.cancelled().cancelled() => return Ok(()),
        };
        let ended = tokio::select! {
            ended = publisher.run(&self.stream, session) => ended,
            () = session.cancelled().cancelled() => Ok(()),
        };
        publisher.take_leave().await;
        ended
    }
}

impl Push {
    /// Connects once there is something to announce.
    async fn connect(&self) -> Result<Publisher, LinkError> {
        let mut reader = self.stream.read_rtp(Start::RandomAccess);
        let first = loop {
            match reader.recv().await {
                Ok(first) => break first,
                Err(ReadError::Lagged(_)) => {}
                Err(ReadError::Closed) => return Err(LinkError::Ended),
            }
        };
        let endpoint = &self.endpoint;
        let connected = Wire::connect(&self.context, &endpoint.host, endpoint.port, endpoint.tls);
        let connection = connected.await?;
        let counters = self.context.counters().of(Protocol::Rtsp);
        counters.connections.add(1);
        let what = LinkError::io("the RTSP server's connection");
        let local = connection.local_addr().map_err(what)?.ip();
        let lines = match endpoint.udp {
            true => Some(Line::open(local, first.session.tracks.len()).await?),
            false => None,
        };
        let ports = lines
            .as_ref()
            .map(|lines| lines.iter().map(|line| line.ports).collect());
        let account = endpoint.user.clone().map(|user| Account {
            user,
            password: endpoint.password.clone().unwrap_or_default(),
        });
        let client = Client::new(
            Instant::now(),
            &endpoint.url,
            account,
            local,
            &first.session.tracks,
            ports,
            RandomState::new().hash_one(&endpoint.host),
        );
        Ok(Publisher {
            connection,
            client,
            session: first.session,
            lines,
            input: BytesMut::new(),
            wire: Vec::new(),
        })
    }
}

/// The two sockets of one track over UDP.
struct Line {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    ports: (u16, u16),
}

impl Line {
    async fn open(local: IpAddr, count: usize) -> Result<Vec<Self>, LinkError> {
        let mut lines = Vec::new();
        for _ in 0..TRIES + count {
            if lines.len() == count {
                break;
            }
            let what = "cannot open UDP ports for RTP";
            let rtp = UdpSocket::bind((local, 0))
                .await
                .map_err(LinkError::io(what))?;
            let port = rtp.local_addr().map_err(LinkError::io(what))?.port();
            let next = (local, port.saturating_add(1));
            if let (0, Ok(rtcp)) = (port % 2, UdpSocket::bind(next).await) {
                let ports = (port, port + 1);
                lines.push(Self { rtp, rtcp, ports });
            }
        }
        match lines.len() == count {
            true => Ok(lines),
            false => Err(LinkError::Passing(format!(
                "no two UDP ports in a row are free on {local}"
            ))),
        }
    }
}

struct Publisher {
    connection: Wire,
    client: Client,
    /// What was announced.
    session: Arc<RtpSession>,
    lines: Option<Vec<Line>>,
    input: BytesMut,
    wire: Vec<Bytes>,
}

impl Publisher {
    async fn run(&mut self, stream: &Arc<Stream>, session: &Session) -> Result<(), LinkError> {
        self.until_ready().await?;
        session.live();
        let mut reader = stream.read_rtp(Start::RandomAccess);
        let mut units = Vec::with_capacity(BATCH);
        loop {
            self.flush().await?;
            tokio::select! {
                read = reader.recv_many(&mut units, BATCH) => match read {
                    Ok(_) => {
                        let bytes = self.send(&mut units).await?;
                        session.moved(bytes);
                    }
                    Err(ReadError::Lagged(lost)) => session.dropped(lost),
                    Err(ReadError::Closed) => return Ok(()),
                },
                conversed = self.converse() => conversed?,
            }
            // Receiver reports; nothing depends on them.
            while self.client.poll_event().is_some() {}
        }
    }

    async fn until_ready(&mut self) -> Result<(), LinkError> {
        loop {
            self.flush().await?;
            self.converse().await?;
            while let Some(event) = self.client.poll_event() {
                if let ClientEvent::Ready(agreed) = event {
                    return self.aim(&agreed).await;
                }
            }
        }
    }

    /// Packets go to the very server that is connected to, whatever its answers name.
    async fn aim(&self, agreed: &[::rtsp::transport::Transport]) -> Result<(), LinkError> {
        let Some(lines) = &self.lines else {
            let usual = (0_u8..).step_by(2).map(|first| Some((first, first + 1)));
            let framed = agreed
                .iter()
                .zip(usual)
                .all(|(one, usual)| one.interleaved == usual);
            return match framed {
                true => Ok(()),
                false => Err(LinkError::Passing(
                    "the server wants other channels than those offered".to_owned(),
                )),
            };
        };
        let what = "the RTSP server's connection";
        let server = self
            .connection
            .peer_addr()
            .map_err(LinkError::io(what))?
            .ip();
        for (line, agreed) in lines.iter().zip(agreed) {
            let (rtp, rtcp) = agreed.server_port.unwrap_or_default();
            for (socket, port) in [(&line.rtp, rtp), (&line.rtcp, rtcp)] {
                let to = SocketAddr::new(server, port);
                let connected = socket.connect(to).await;
                connected.map_err(LinkError::io(format!("cannot send RTP to {to}")))?;
            }
        }
        Ok(())
    }

    /// Waits for something from the server, or for the session's own deadline. Cancel safe.
    async fn converse(&mut self) -> Result<(), LinkError> {
        tokio::select! {
            read = self.connection.read(&mut self.input) => {
                if read.map_err(LinkError::io("the RTSP server's connection"))? == 0 {
                    return Err(LinkError::Ended);
                }
                let input = self.input.split();
                self.client.handle_input(Instant::now(), input).map_err(link_error)
            }
            () = until(self.client.poll_timeout()) => {
                self.client.handle_timeout(Instant::now()).map_err(link_error)
            }
        }
    }

    async fn flush(&mut self) -> Result<(), LinkError> {
        while let Some(output) = self.client.poll_output() {
            self.connection
                .write(&[output])
                .await
                .map_err(write_error)?;
        }
        Ok(())
    }

    async fn send(&mut self, units: &mut Vec<RtpPackets>) -> Result<usize, LinkError> {
        for unit in units.drain(..) {
            if !Arc::ptr_eq(&self.session, &unit.session) {
                if !self.session.continues(&unit.session) {
                    return Err(LinkError::Passing(
                        "the tracks are not those announced any more; announced anew".to_owned(),
                    ));
                }
                self.session = unit.session;
            }
            self.wire.push(unit.wire);
        }
        let bytes = self.wire.iter().map(Bytes::len).sum();
        match &self.lines {
            None => {
                let written = self.connection.write(&self.wire).await;
                written.map_err(write_error)?;
            }
            Some(lines) => send_datagrams(lines, &self.wire).await,
        }
        self.wire.clear();
        Ok(bytes)
    }

    /// A farewell lets the server free the name at once; whether it hears it is its affair.
    async fn take_leave(&mut self) {
        self.client.finish();
        let _ = self.flush().await;
    }
}

/// What the system does not take is lost, as others are on their way.
async fn send_datagrams(lines: &[Line], wire: &[Bytes]) {
    for (channel, frame) in wire.iter().flat_map(frames) {
        if let Some(line) = lines.get(usize::from(channel / 2)) {
            let socket = if channel % 2 == 1 {
                &line.rtcp
            } else {
                &line.rtp
            };
            let packet = frame.get(FRAME_HEADER_BYTES..).unwrap_or_default();
            let _ = socket.send(packet).await;
        }
    }
}

fn link_error(error: ClientError) -> LinkError {
    match error {
        ClientError::Unauthorized => LinkError::Rejected(error.to_string()),
        other => LinkError::Passing(other.to_string()),
    }
}

fn write_error(error: WriteError) -> LinkError {
    error.on("the RTSP server's connection")
}
