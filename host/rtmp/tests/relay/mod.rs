//! The smallest router there is, on blocking sockets: for real peers to talk to the sessions.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtmp::session::{Limits, Media, MediaKind, Server, ServerEvent};
use rtmp::wire;

/// What all connections share: one stream, whatever its name.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// The names that were asked for.
    pub names: Vec<String>,
    /// Metadata and codec headers, for players that join.
    headers: Vec<(MediaKind, Bytes)>,
    players: Vec<Sender<Bytes>>,
    /// Media that came.
    pub media: Vec<Media>,
    /// Why sessions ended badly.
    pub errors: Vec<String>,
}

pub(crate) type Shared = Arc<Mutex<Stream>>;

/// Serves on a free port until the process ends.
pub(crate) fn serve() -> (SocketAddr, Shared) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Shared::default();
    let connections = shared.clone();
    std::thread::spawn(move || {
        for (seed, socket) in listener.incoming().enumerate() {
            let (shared, socket) = (connections.clone(), socket.unwrap());
            std::thread::spawn(move || {
                if let Err(error) = connection(socket, &shared, seed as u64) {
                    shared.lock().unwrap().errors.push(error.to_string());
                }
            });
        }
    });
    (address, shared)
}

fn connection(
    mut socket: TcpStream,
    shared: &Shared,
    seed: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    socket.set_read_timeout(Some(Duration::from_millis(5)))?;
    socket.set_nodelay(true)?;
    let mut session = Server::new(Instant::now(), Limits::default(), seed);
    let mut feed: Option<Receiver<Bytes>> = None;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => {
                session.handle_input(Instant::now(), Bytes::copy_from_slice(&buffer[..len]))?
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
        session.handle_timeout(Instant::now());
        while let Some(event) = session.poll_event() {
            match event {
                ServerEvent::Media(media) => shared.lock().unwrap().pass_on(media),
                ServerEvent::Publish(publish) => {
                    shared.lock().unwrap().names.push(publish.stream_name());
                }
                ServerEvent::Play(_) => feed = Some(shared.lock().unwrap().join()),
                _ => {}
            }
            session.accept(Instant::now())?;
        }
        while let Some(bytes) = session.poll_output() {
            socket.write_all(&bytes)?;
        }
        if session.is_closed() {
            break;
        }
        for bytes in feed.iter().flat_map(Receiver::try_iter) {
            if socket.write_all(&bytes).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

impl Stream {
    fn pass_on(&mut self, media: Media) {
        let header = match media.kind {
            MediaKind::Data => true,
            MediaKind::Audio => media.payload[0] >> 4 == 10 && media.payload[1] == 0,
            MediaKind::Video => media.payload[0] & 15 == 7 && media.payload[1] == 0,
        };
        if header {
            self.headers.push((media.kind, media.payload.clone()));
        }
        let bytes = encode(media.kind, media.timestamp_ms, media.payload.clone());
        self.players
            .retain(|player| player.send(bytes.clone()).is_ok());
        self.media.push(media);
    }

    fn join(&mut self) -> Receiver<Bytes> {
        let (player, feed) = channel();
        // Codec headers at the time of what follows, or players would wait out the gap; metadata
        // at zero, where alone FFmpeg does not take it for a subtitle.
        let now_ms = self.media.last().map_or(0, |media| media.timestamp_ms);
        for (kind, payload) in &self.headers {
            let time_ms = if *kind == MediaKind::Data { 0 } else { now_ms };
            player
                .send(encode(*kind, time_ms, payload.clone()))
                .unwrap();
        }
        self.players.push(player);
        feed
    }
}

/// Encodes for all players.
pub(crate) fn encode(kind: MediaKind, timestamp_ms: u32, payload: Bytes) -> Bytes {
    let (stream_id, size) = (wire::STREAM_ID, wire::CHUNK_SIZE);
    wire::encode_message(kind.into(), timestamp_ms, stream_id, payload, size).unwrap()
}
