//! A publisher: the clip in a loop, in real time, each frame stamped as it is sent.

use crate::clip::{Clip, DATA, Tag, VIDEO};
use crate::{marker, os};
use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use rtmp::message::{Kind, set_data_frame};
use rtmp::session::{Client, ClientConfig, ClientEvent, Role};
use rtmp::url::{Scheme, Url};
use rtmp::wire;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a server may keep anybody waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// One that publishes until it is told to stop.
pub(crate) struct Publisher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Publisher {
    /// Connects, publishes, and goes on in a thread of its own.
    pub(crate) fn start(
        clip: Arc<Clip>,
        server: SocketAddr,
        app: &str,
        name: &str,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut tcp, stream_id) = connect(server, app, name).context("publishing over RTMP")?;
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            play(&clip, stream_id, &stopped, |message| {
                Ok(tcp.write_all(&message)?)
            })
        });
        Ok(Self { stop, thread })
    }

    /// Stops; an error if it could not go on until now.
    pub(crate) fn finish(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(result) => result.context("publishing over RTMP"),
            Err(_) => bail!("the publisher's thread broke off"),
        }
    }
}

/// How a client of this program asks for a stream.
pub(super) fn config(server: SocketAddr, app: &str, name: &str, role: Role) -> ClientConfig {
    let url = Url {
        scheme: Scheme::Rtmp,
        host: server.ip().to_string(),
        port: server.port(),
        app: app.to_owned(),
        name: name.to_owned(),
        query: String::new(),
    };
    ClientConfig::new(url, role)
}

fn connect(server: SocketAddr, app: &str, name: &str) -> Result<(TcpStream, u32)> {
    let mut tcp = TcpStream::connect(server)?;
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    let config = config(server, app, name, Role::Publish);
    let mut client = Client::new(Instant::now(), config, 1)?;
    let mut input = BytesMut::zeroed(4096);
    loop {
        while let Some(output) = client.poll_output() {
            tcp.write_all(&output)?;
        }
        match client.poll_event() {
            Some(ClientEvent::Ready { stream_id, .. }) => return Ok((tcp, stream_id)),
            Some(ClientEvent::Closed(reason)) => bail!("the server closed: {reason:?}"),
            Some(_) => continue,
            None => {}
        }
        let count = tcp.read(&mut input)?;
        if count == 0 {
            bail!("the server hung up");
        }
        let read = Bytes::copy_from_slice(input.get(..count).unwrap_or_default());
        client.handle_input(Instant::now(), read)?;
    }
}

/// Hands out every message of the clip, again and again, when it is due and stamped.
pub(super) fn play(
    clip: &Clip,
    stream_id: u32,
    stop: &AtomicBool,
    mut send: impl FnMut(Bytes) -> Result<()>,
) -> Result<()> {
    os::sleep_precisely();
    for header in &clip.headers {
        send(message(header, 0, stream_id)?)?;
    }
    let began = Instant::now();
    for round in 0.. {
        for tag in &clip.media {
            let timestamp_ms = round * clip.duration_ms + tag.timestamp_ms;
            let due = began + Duration::from_millis(timestamp_ms.into());
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            send(message(tag, timestamp_ms, stream_id)?)?;
        }
    }
    Ok(())
}

fn message(tag: &Tag, timestamp_ms: u32, stream_id: u32) -> Result<Bytes> {
    let mut body = tag.body.clone();
    if let Some(sei) = tag.sei.and_then(|at| body.get_mut(at..)) {
        marker::stamp_sei(sei);
    }
    let (kind, body) = match tag.kind {
        VIDEO => (Kind::Video, body.into()),
        DATA => (Kind::DataAmf0, set_data_frame(&body)),
        _ => (Kind::Audio, body.into()),
    };
    Ok(wire::encode_message(
        kind,
        timestamp_ms,
        stream_id,
        body,
        wire::CHUNK_SIZE,
    )?)
}
