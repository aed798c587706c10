//! RTMP: the connection waits for the doorman, and is told by `onStatus`.

use crate::{House, bounded, refusal, sound, until};
use ::rtmp::session::{Client, ClientConfig, ClientEvent, Error, Role};
use bytes::{Buf, BytesMut};
use gateway::rtmp;
use model::{Intent, Protocol};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn open(house: &House) -> SocketAddr {
    let config = rtmp::Config::new(([127, 0, 0, 1], 0).into());
    rtmp::serve(&house.context, config).await.unwrap()
}

/// One connection of ours.
struct Peer {
    tcp: TcpStream,
    client: Client,
}

impl Peer {
    async fn dial(address: SocketAddr, path: &str, role: Role) -> Self {
        let url = format!("rtmp://{address}/{path}").parse().unwrap();
        let config = ClientConfig::new(url, role);
        Self {
            tcp: TcpStream::connect(address).await.unwrap(),
            client: Client::new(Instant::now(), config, 7).unwrap(),
        }
    }

    /// Goes on until the server agrees; or refuses, with its code.
    async fn let_in(&mut self) -> Result<(), String> {
        bounded("an answer", async {
            loop {
                self.flush().await;
                while let Some(event) = self.client.poll_event() {
                    if let ClientEvent::Ready { .. } = event {
                        return Ok(());
                    }
                }
                self.take_in().await?;
            }
        })
        .await
    }

    /// Reads until the server hangs up.
    async fn hung_up(&mut self) {
        bounded("the end", async {
            loop {
                let mut input = BytesMut::new();
                match self.tcp.read_buf(&mut input).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => drop(self.client.handle_input(Instant::now(), input.freeze())),
                }
            }
        })
        .await;
    }

    async fn take_in(&mut self) -> Result<(), String> {
        let mut input = BytesMut::new();
        let read = self.tcp.read_buf(&mut input).await.unwrap();
        assert_ne!(read, 0, "hung up without a word");
        match self.client.handle_input(Instant::now(), input.freeze()) {
            Ok(()) => Ok(()),
            Err(Error::Refused { code, .. }) => Err(code),
            Err(other) => panic!("{other}"),
        }
    }

    async fn flush(&mut self) {
        while let Some(mut output) = self.client.poll_output() {
            while output.has_remaining() {
                self.tcp.write_all_buf(&mut output).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_and_players_are_turned_away_in_rtmps_own_words() {
    let house = House::new();
    let address = open(&house).await;
    let _source = house.publish("closed/b");
    let cases = [
        ("closed/a", Role::Publish, "NetStream.Publish.Unauthorized"),
        (
            "closed/a?token=bad",
            Role::Publish,
            "NetStream.Publish.Unauthorized",
        ),
        ("closed/b", Role::Play, "NetStream.Play.Failed"),
        ("closed/b?token=bad", Role::Play, "NetStream.Play.Failed"),
    ];
    for (n, (path, role, code)) in (1..).zip(cases) {
        let mut peer = Peer::dial(address, path, role).await;
        assert_eq!(peer.let_in().await, Err(code.to_owned()), "{path}");
        until("it is counted", || house.refused(Protocol::Rtmp) == n).await;
    }
    assert_eq!(house.streams(), ["closed/b"], "asking makes no stream");
    for (path, role) in [
        ("closed/a?token=good", Role::Publish),
        ("closed/b?x=1&key=good", Role::Play),
    ] {
        let mut peer = Peer::dial(address, path, role).await;
        assert_eq!(peer.let_in().await, Ok(()), "{path}");
    }
    let asked = house.clerk.asked();
    let last = asked.last().unwrap();
    assert_eq!((last.intent, last.protocol), (Intent::Read, Protocol::Rtmp));
    assert_eq!(last.query[0], ("x".to_owned(), "1".to_owned()));
    assert!(last.agent.as_ref().unwrap().contains("Pointsman"));
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_place_of_a_name_feeds_the_stream_that_it_stands_for() {
    let house = House::new();
    let address = open(&house).await;
    let mut publisher = Peer::dial(address, "key/s3cret", Role::Publish).await;
    assert_eq!(publisher.let_in().await, Ok(()));
    assert_eq!(house.streams(), ["live/cam1"]);
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_stayed_long_enough_or_is_not_renewed_is_cut_off() {
    let house = House::new();
    let address = open(&house).await;
    house.clerk.lease(2);
    for (path, code) in [
        ("brief/a", "cut-off-duration"),
        ("leased/a", "cut-off-renewal"),
    ] {
        let mut events = house.events();
        let mut publisher = Peer::dial(address, path, Role::Publish).await;
        assert_eq!(publisher.let_in().await, Ok(()));
        publisher.hung_up().await;
        assert_eq!(refusal(&mut events).await, code);
    }
    let renewals = house.clerk.asked();
    assert_eq!(renewals.iter().filter(|ask| ask.renewal).count(), 3);
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_of_more_than_its_bitrate_is_cut_off_and_others_play_on() {
    let house = House::new();
    let address = open(&house).await;
    let mut source = house.publish("thin/a");
    source.push_frames(sound(0, 160));
    let mut player = Peer::dial(address, "thin/a", Role::Play).await;
    assert_eq!(player.let_in().await, Ok(()));
    let mut events = house.events();
    let feeding = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
        for second in 1.. {
            ticks.tick().await;
            // Ten times as fast as it plays: 1.6 Mbit/s.
            source.push_frames(sound(second, 160));
        }
    });
    player.hung_up().await;
    assert_eq!(refusal(&mut events).await, "cut-off-bitrate");
    feeding.abort();
    house.context.close().await;
}
