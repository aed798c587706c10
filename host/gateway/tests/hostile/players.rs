//! Players spoken by hand, which may stop reading.

use crate::house::{House, bounded};
use crate::tls_support::connect;
use ::rtmp::session::{Client, ClientConfig, ClientEvent, MediaKind, Role};
use bytes::{Buf, BytesMut};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// The bytes of a player, whatever it speaks.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// An RTMP player that notes the numbers of the frames it is sent.
pub(crate) struct Listener {
    socket: Box<dyn Socket>,
    client: Client,
    pub(crate) heard: Vec<u32>,
}

impl Listener {
    pub(crate) async fn join(house: &House, name: &str) -> Self {
        let tcp = TcpStream::connect(house.rtmp).await.unwrap();
        Self::over(Box::new(tcp), house.rtmp, name).await
    }

    async fn over(socket: Box<dyn Socket>, address: SocketAddr, name: &str) -> Self {
        let url = format!("rtmp://{address}/{name}").parse().unwrap();
        let client = Client::new(Instant::now(), ClientConfig::new(url, Role::Play), 7);
        let mut player = Self {
            socket,
            client: client.unwrap(),
            heard: Vec::new(),
        };
        bounded("play", async {
            while !player.step().await.expect("it is let in") {}
        })
        .await;
        player
    }

    /// Writes and looks, and reads if there was nothing to see; true once it plays, none at the
    /// end.
    pub(crate) async fn step(&mut self) -> Option<bool> {
        while let Some(mut output) = self.client.poll_output() {
            while output.has_remaining() {
                self.socket.write_all_buf(&mut output).await.ok()?;
            }
            self.socket.flush().await.ok()?;
        }
        let (mut ready, before) = (false, self.heard.len());
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Ready { .. } => ready = true,
                ClientEvent::Closed(_) => return None,
                // Behind a sequence header there is none.
                ClientEvent::Media(it)
                    if it.kind == MediaKind::Audio && it.payload.get(1) == Some(&1) =>
                {
                    let number = it.payload.get(2..6).unwrap();
                    let number = u32::from_be_bytes(number.try_into().unwrap());
                    self.heard.push(number);
                }
                _ => {}
            }
        }
        if !ready && self.heard.len() == before {
            let mut input = BytesMut::with_capacity(64 << 10);
            match self.socket.read_buf(&mut input).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => self
                    .client
                    .handle_input(Instant::now(), input.freeze())
                    .ok()?,
            }
        }
        Some(ready)
    }

    pub(crate) async fn hears(&mut self, number: u32) {
        bounded("a frame", async {
            while self.heard.last().is_none_or(|last| *last < number) {
                self.step().await.expect("the player is not hung up on");
            }
        })
        .await;
    }

    /// Whether it was sent every frame since it came.
    pub(crate) fn missed_nothing(&self) -> bool {
        self.heard.windows(2).all(|pair| pair[1] == pair[0] + 1)
    }
}

/// One player of each form, playing: its name, and what it is sent.
pub(crate) async fn one_of_each(house: &House, name: &str) -> Vec<(&'static str, Box<dyn Socket>)> {
    let tcp = async |address| TcpStream::connect(address).await.unwrap();
    let tls = async |address| connect(house.dir.path(), address).await;
    let rtmp = async |socket| Listener::over(socket, house.rtmp, name).await.socket;
    vec![
        ("RTMP", rtmp(Box::new(tcp(house.rtmp).await)).await),
        ("RTMPS", rtmp(Box::new(tls(house.rtmps).await)).await),
        (
            "RTSP",
            rtsp(Box::new(tcp(house.rtsp).await), house, name).await,
        ),
        (
            "RTSPS",
            rtsp(Box::new(tls(house.rtsps).await), house, name).await,
        ),
        ("MP4", mp4(tcp(house.http).await, name, ONCE).await),
        ("WebSocket", mp4(tcp(house.http).await, name, UPGRADE).await),
    ]
}

async fn rtsp(mut socket: Box<dyn Socket>, house: &House, name: &str) -> Box<dyn Socket> {
    let url = format!("rtsp://{}/{name}", house.rtsp);
    for (number, request) in [
        format!("DESCRIBE {url} RTSP/1.0\r\n"),
        format!(
            "SETUP {url}/trackID=0 RTSP/1.0\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        ),
        format!("PLAY {url} RTSP/1.0\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let request = format!("{request}CSeq: {number}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        // Under TLS what was written may wait in the stream until then.
        socket.flush().await.unwrap();
        let head = head(&mut socket).await;
        assert!(head.starts_with("RTSP/1.0 200"), "{request}{head}");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        socket.read_exact(&mut body).await.unwrap();
    }
    socket
}

/// The end of the file is the end of the connection.
const ONCE: &str = "connection: close\r\n";

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn mp4(mut socket: TcpStream, name: &str, more: &str) -> Box<dyn Socket> {
    let request = format!("GET /live/{name}.mp4 HTTP/1.1\r\nhost: x\r\n{more}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let head = head(&mut socket).await;
    let status = head.split(' ').nth(1).unwrap();
    assert!(["101", "200"].contains(&status), "{head}");
    Box::new(socket)
}

/// An answer up to its empty line.
pub(crate) async fn head(socket: &mut (impl Socket + ?Sized)) -> String {
    let mut head = Vec::new();
    bounded("an answer", async {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
    })
    .await;
    String::from_utf8(head).unwrap()
}
