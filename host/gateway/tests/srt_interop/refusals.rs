//! Who may not connect learns it before any media, and why.

use crate::peers::{MAKERS, Maker, Peer, Url, free_port};
use crate::support::{KEYS, SECRET, any_port, bounded, encryption, listen};
use gateway::srt::backend::{
    Backend, ConnectConfig, Connection, Error, KeyLength, ListenConfig, Listener, Passphrase,
    RejectReason, Request, Verdict, Why,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

const WRONG: &str = "wrong-horse-battery";

/// Plays or feeds nothing: only the handshake counts.
fn peer(maker: Maker, url: &str) -> Peer {
    match maker {
        Maker::Ffmpeg => Peer::ffmpeg_source(url),
        Maker::SrtLiveTransmit => Peer::transmit(&format!("udp://{}", free_port()), url),
    }
}

/// Refused, ffmpeg fails and says so. srt-live-transmit ends without a word, as if all were
/// well, and now and then does not notice at all: its end proves nothing.
async fn gives_up(maker: Maker, peer: Peer, what: &str) {
    if maker == Maker::Ffmpeg {
        let (well, _, said) = bounded(what, peer.end()).await;
        assert!(!well && said.contains("failed"), "{what}: {said}");
    }
}

pub(crate) async fn secrets(backend: &impl Backend) {
    for maker in MAKERS {
        for (ours, theirs) in [
            (Some(KeyLength::Aes128), Some((WRONG, KeyLength::Aes128))),
            (Some(KeyLength::Aes256), Some((WRONG, KeyLength::Aes256))),
            (Some(KeyLength::Aes128), None),
            (None, Some((WRONG, KeyLength::Aes128))),
        ] {
            let (mut listener, record) = listen(backend, |config| {
                config.encryption = ours.map(encryption);
            })
            .await;
            let mut url = Url::asking("publish:a");
            url.secret = theirs.map(|(secret, key)| (secret.to_owned(), key));
            let to = url.text(maker, listener.local_addr());
            let peer = peer(maker, &to);
            let refusals = tokio::select! {
                refusals = bounded(&to, record.refusals()) => refusals,
                _ = listener.accept() => panic!("{to} was accepted"),
            };
            assert_eq!(refusals[0], (b"publish:a".to_vec(), Why::Handshake), "{to}");
            gives_up(maker, peer, &to).await;
        }
    }
}

pub(crate) async fn unknown_stream(backend: &impl Backend) {
    let (mut listener, record) = listen(backend, |_| {}).await;
    let address = listener.local_addr();
    let mut config = ConnectConfig::new(address);
    for (stream_id, reason) in [
        ("read:nobody", RejectReason::NOTFOUND),
        ("#!::r=nobody,m=publish", RejectReason::NOTFOUND),
        ("#!::r=a,m=bidirectional", RejectReason::BAD_MODE),
        ("a", RejectReason::BAD_REQUEST),
    ] {
        config.stream_id = stream_id.to_owned();
        let outcome = tokio::select! {
            outcome = backend.connect(&config) => outcome,
            _ = listener.accept() => panic!("{stream_id} was accepted"),
        };
        match outcome.map(|_| ()) {
            Err(Error::Rejected { reason: given, .. }) => assert_eq!(given, reason),
            other => panic!("{stream_id}: {other:?}"),
        }
        let expected = (stream_id.as_bytes().to_vec(), Why::Denied(reason));
        assert_eq!(record.refusals().await, [expected]);
    }
    for maker in MAKERS {
        let to = Url::asking("publish:nobody").text(maker, address);
        let peer = peer(maker, &to);
        let refusals = tokio::select! {
            refusals = bounded(&to, record.refusals()) => refusals,
            _ = listener.accept() => panic!("{to} was accepted"),
        };
        let expected = (
            b"publish:nobody".to_vec(),
            Why::Denied(RejectReason::NOTFOUND),
        );
        assert_eq!(refusals[0], expected);
        gives_up(maker, peer, &to).await;
    }
}

pub(crate) async fn calls(backend: &impl Backend) {
    // Nobody there: the timeout holds.
    let mut config = ConnectConfig::new(free_port());
    config.timeout = Duration::from_millis(500);
    let start = Instant::now();
    let outcome = backend.connect(&config).await.map(|_| ());
    assert!(
        matches!(outcome, Err(Error::TimedOut { .. })),
        "{outcome:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(3));

    // A wrong passphrase, and one too many or too few.
    for (theirs, ours, reason) in [
        (Some(SECRET), Some(WRONG), RejectReason::BADSECRET),
        (Some(SECRET), None, RejectReason::UNSECURE),
        (None, Some(WRONG), RejectReason::UNSECURE),
    ] {
        let mut url = Url::listening();
        url.secret = theirs.map(|secret| (secret.to_owned(), KeyLength::Aes128));
        let address = free_port();
        let from = url.text(Maker::SrtLiveTransmit, address);
        let _peer = Peer::transmit(&from, &format!("udp://{}", free_port()));
        let mut config = ConnectConfig::new(address);
        config.timeout = Duration::from_secs(10);
        config.encryption = ours.map(|secret| {
            let mut encryption = encryption(KeyLength::Aes128);
            encryption.passphrase = Passphrase::new(secret).unwrap();
            encryption
        });
        match backend.connect(&config).await.map(|_| ()) {
            Err(Error::Rejected { reason: given, .. }) => assert_eq!(given, reason),
            other => panic!("{theirs:?} called with {ours:?}: {other:?}"),
        }
    }
}

pub(crate) async fn own_secret(backend: &impl Backend) {
    let admission = |request: &Request<'_>| {
        let passphrase = match request.stream_id {
            b"read:a" => None,
            _ => Some(Passphrase::new(SECRET).unwrap()),
        };
        Verdict::Accept { passphrase }
    };
    let config = ListenConfig::new(any_port());
    let listening = backend.listen(&config, Arc::new(admission)).await;
    let mut listener = listening.unwrap();
    for key in KEYS {
        let mut config = ConnectConfig::new(listener.local_addr());
        config.encryption = key.map(encryption);
        config.stream_id = match key {
            Some(_) => "read:b".to_owned(),
            None => "read:a".to_owned(),
        };
        let (call, accepted) = tokio::join!(
            backend.connect(&config),
            bounded("a caller", listener.accept())
        );
        call.unwrap();
        assert_eq!(accepted.unwrap().stream_id(), config.stream_id.as_bytes());
    }
    let mut config = ConnectConfig::new(listener.local_addr());
    config.stream_id = "read:b".to_owned();
    let outcome = tokio::select! {
        outcome = backend.connect(&config) => outcome,
        _ = listener.accept() => panic!("accepted without its passphrase"),
    };
    match outcome.map(|_| ()) {
        Err(Error::Rejected { reason, .. }) => assert_eq!(reason, RejectReason::UNSECURE),
        other => panic!("{other:?}"),
    }
}
