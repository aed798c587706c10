//! Media gets through, whoever calls and however it is encrypted.

use crate::peers::{MAKERS, Maker, Peer, Url, free_port};
use crate::support::{
    BOUND, KEYS, PACE, SECRET, bounded, encryption, listen, number_of, numbered, receive_numbered,
    send_numbered,
};
use bytes::Bytes;
use gateway::srt::backend::{Backend, ConnectConfig, Connection, Error, KeyLength, Listener};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

const MESSAGES: usize = 200;

pub(crate) async fn publishing(backend: &impl Backend) {
    for (index, key) in KEYS.into_iter().enumerate() {
        for maker in MAKERS {
            let stream_id = ["publish:a", "#!::r=a,m=publish"][index % 2];
            let (mut listener, _) = listen(backend, |config| {
                config.encryption = key.map(encryption);
            })
            .await;
            let url = Url::asking(stream_id).with_key(SECRET, key);
            let to = url.text(maker, listener.local_addr());
            let what = format!("{to} from {maker:?}");
            let feed = Feed::new().await;
            let _peer = match maker {
                Maker::Ffmpeg => Peer::ffmpeg_source(&to),
                Maker::SrtLiveTransmit => Peer::transmit(&feed.url(), &to),
            };
            let mut connection = bounded(&what, listener.accept()).await.unwrap();
            assert_eq!(connection.stream_id(), stream_id.as_bytes(), "{what}");
            match maker {
                Maker::Ffmpeg => receive_ts(&mut connection, MESSAGES / 4).await,
                Maker::SrtLiveTransmit => {
                    let _feeding = feed.start();
                    receive_numbered(&mut connection, MESSAGES).await;
                }
            }
            assert_eq!(connection.stats().unwrap().undecrypted_packets, 0, "{what}");
        }
    }
}

pub(crate) async fn reading(backend: &impl Backend) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (made, _, error) = bounded("a file", Peer::ffmpeg_file(file.path()).end()).await;
    assert!(made, "{error}");
    let path = file.path().to_str().unwrap();
    let expected = hashes(Peer::ffmpeg_hashes(path, FRAMES)).await;
    let media: Bytes = std::fs::read(file.path()).unwrap().into();
    for (index, key) in KEYS.into_iter().enumerate() {
        for maker in MAKERS {
            let stream_id = ["read:a", "#!::r=a"][index % 2];
            let (mut listener, _) = listen(backend, |config| {
                config.encryption = key.map(encryption);
            })
            .await;
            let url = Url::asking(stream_id).with_key(SECRET, key);
            let from = url.text(maker, listener.local_addr());
            let sink = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let to = format!("udp://{}", sink.local_addr().unwrap());
            let peer = match maker {
                Maker::Ffmpeg => Peer::ffmpeg_hashes(&from, FRAMES),
                Maker::SrtLiveTransmit => Peer::transmit(&from, &to),
            };
            let connection = bounded(&from, listener.accept()).await.unwrap();
            let mut sending = JoinSet::new();
            match maker {
                Maker::Ffmpeg => {
                    sending.spawn(send_media(connection, media.clone()));
                    assert_eq!(hashes(peer).await, expected, "{from}");
                }
                Maker::SrtLiveTransmit => {
                    sending.spawn(send_numbered(connection));
                    receive_datagrams(&sink).await;
                }
            }
        }
    }
}

pub(crate) async fn calling(backend: &impl Backend) {
    for key in KEYS {
        let address = free_port();
        let sink = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let to = format!("udp://{}", sink.local_addr().unwrap());
        let url = Url::listening().with_key(SECRET, key);
        let from = url.text(Maker::SrtLiveTransmit, address);
        let _peer = Peer::transmit(&from, &to);
        let mut config = ConnectConfig::new(address);
        config.encryption = key.map(encryption);
        config.timeout = BOUND; // the peer may take a while to listen
        let connection = backend.connect(&config).await.unwrap();
        assert_eq!(connection.peer(), address);
        let mut sending = JoinSet::new();
        sending.spawn(send_numbered(connection));
        receive_datagrams(&sink).await;
    }
    for key in [None, Some(KeyLength::Aes256)] {
        let address = free_port();
        let url = Url::listening().with_key(SECRET, key);
        let _peer = Peer::ffmpeg_source(&url.text(Maker::Ffmpeg, address));
        let mut config = ConnectConfig::new(address);
        config.encryption = key.map(encryption);
        config.timeout = BOUND;
        let mut connection = backend.connect(&config).await.unwrap();
        receive_ts(&mut connection, MESSAGES / 4).await;
    }
}

pub(crate) async fn latency(backend: &impl Backend) {
    for maker in MAKERS {
        for (ours, theirs) in [(120, 400), (500, 200)] {
            let (mut listener, _) = listen(backend, |config| config.latency_ms = ours).await;
            let mut url = Url::asking("publish:a");
            url.latency_ms = Some(theirs);
            let to = url.text(maker, listener.local_addr());
            let feed = Feed::new().await;
            let _peer = match maker {
                Maker::Ffmpeg => Peer::ffmpeg_source(&to),
                Maker::SrtLiveTransmit => Peer::transmit(&feed.url(), &to),
            };
            let connection = bounded(&to, listener.accept()).await.unwrap();
            let stats = connection.stats().unwrap();
            assert_eq!(stats.latency_ms, ours.max(theirs), "{to}");
        }
    }
}

pub(crate) async fn many_readers(backend: &impl Backend) {
    const READERS: usize = 20;
    let (mut listener, _) = listen(backend, |_| {}).await;
    let mut config = ConnectConfig::new(listener.local_addr());
    config.stream_id = "read:a".to_owned();
    let mut senders = JoinSet::new();
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let call = backend.connect(&config);
        let (caller, accepted) = tokio::join!(call, bounded("a reader", listener.accept()));
        senders.spawn(send_numbered(accepted.unwrap()));
        let mut caller = caller.unwrap();
        readers.spawn(async move { receive_numbered(&mut caller, MESSAGES).await });
    }
    let done = bounded("all readers", readers.join_all()).await;
    assert_eq!(done.len(), READERS);
}

pub(crate) async fn leaving(backend: &impl Backend) {
    let (mut listener, _) = listen(backend, |_| {}).await;
    let mut config = ConnectConfig::new(listener.local_addr());
    config.stream_id = "publish:a".to_owned();
    let (caller, accepted) = tokio::join!(backend.connect(&config), listener.accept());
    let (mut caller, mut accepted) = (caller.unwrap(), accepted.unwrap());
    for number in 0..10 {
        caller.send(&numbered(number)).await.unwrap();
    }
    receive_numbered(&mut accepted, 10).await;
    drop(caller);
    let mut late = Vec::new();
    let end = bounded("the end", accepted.recv(&mut late)).await;
    assert!(matches!(end, Err(Error::Closed { .. })), "{end:?}");
    let end = bounded("the end again", accepted.closed()).await;
    assert!(matches!(end, Error::Closed { .. }), "{end}");
}

const FRAMES: usize = 40;

/// The hash column of ffmpeg's framemd5.
async fn hashes(peer: Peer) -> Vec<String> {
    let (_, out, error) = bounded("hashes", peer.end()).await;
    let hashes: Vec<String> = out
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit(',').next())
        .map(|hash| hash.trim().to_owned())
        .collect();
    assert_eq!(hashes.len(), FRAMES, "{error}");
    hashes
}

/// Sends a transport stream at about its own pace, until the peer has seen enough.
async fn send_media(mut connection: impl Connection, media: Bytes) {
    let start = Instant::now();
    for (index, at) in (0..media.len()).step_by(1316).enumerate() {
        let due = start + Duration::from_millis(8) * u32::try_from(index).unwrap();
        tokio::time::sleep_until(due.into()).await;
        let message = media.slice(at..media.len().min(at + 1316));
        if connection.send(&message).await.is_err() {
            return;
        }
    }
    connection.closed().await;
}

async fn receive_ts(connection: &mut impl Connection, count: usize) {
    let mut messages = Vec::new();
    while messages.len() < count {
        let received = connection.recv(&mut messages);
        bounded("a transport stream", received).await.unwrap();
    }
    for packet in messages.iter().flat_map(|message| message.chunks(188)) {
        assert_eq!((packet.len(), packet[0]), (188, 0x47));
    }
}

async fn receive_datagrams(sink: &UdpSocket) {
    let mut buffer = [0; 2048];
    let mut next = None;
    for _ in 0..MESSAGES {
        let len = bounded("datagrams", sink.recv(&mut buffer)).await.unwrap();
        let number = number_of(&buffer[..len]);
        assert_eq!(number, next.unwrap_or(number));
        next = Some(number + 1);
    }
}

/// Feeds srt-live-transmit with numbered datagrams.
struct Feed {
    socket: UdpSocket,
    to: std::net::SocketAddr,
}

impl Feed {
    async fn new() -> Self {
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            to: free_port(),
        }
    }

    fn url(&self) -> String {
        format!("udp://{}", self.to)
    }

    fn start(self) -> JoinSet<()> {
        let mut feeding = JoinSet::new();
        feeding.spawn(async move {
            let mut tick = tokio::time::interval(PACE);
            for number in 0.. {
                tick.tick().await;
                // Refused until the peer has its socket: then nothing is lost yet.
                let _ = self.socket.send_to(&numbered(number), self.to).await;
            }
        });
        feeding
    }
}
