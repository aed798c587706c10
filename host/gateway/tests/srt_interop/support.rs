//! What the cases share: listeners that keep a record, numbered messages, bounded waits.

use bytes::Bytes;
use gateway::srt::backend::{
    Admission, Backend, Connection, Encryption, KeyLength, ListenConfig, Listener, Passphrase,
    Refused, RejectReason, Request, Verdict, Why,
};
use gateway::srt::stream_id;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Bound on every wait: only a broken case reaches it.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

pub(crate) const SECRET: &str = "correct-horse-battery";

/// No encryption, and each key length.
pub(crate) const KEYS: [Option<KeyLength>; 4] = [
    None,
    Some(KeyLength::Aes128),
    Some(KeyLength::Aes192),
    Some(KeyLength::Aes256),
];

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(crate) fn encryption(key_length: KeyLength) -> Encryption {
    Encryption {
        passphrase: Passphrase::new(SECRET).unwrap(),
        key_length,
    }
}

pub(crate) async fn bounded<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(BOUND, wait).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("not within {BOUND:?}: {what}"),
    }
}

/// Admits `publish:` and `read:` of the stream `a`, and keeps a record.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) asked: AtomicUsize,
    pub(crate) refused: Mutex<Vec<(Vec<u8>, Why)>>,
    changed: Notify,
}

impl Admission for Record {
    fn admit(&self, request: &Request<'_>) -> Verdict {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match stream_id::parse(request.stream_id) {
            Ok(id) if id.stream.as_str() == "a" => Verdict::Accept { passphrase: None },
            Ok(_) => Verdict::Reject(RejectReason::NOTFOUND),
            Err(error) => Verdict::Reject(RejectReason::from(&error)),
        }
    }

    fn refused(&self, refused: &Refused<'_>) {
        let stream_id = refused.request.stream_id.to_vec();
        self.refused.lock().push((stream_id, refused.why));
        self.changed.notify_one();
    }
}

impl Record {
    /// Waits until a refusal is recorded, and takes all there are.
    pub(crate) async fn refusals(&self) -> Vec<(Vec<u8>, Why)> {
        loop {
            let taken = std::mem::take(&mut *self.refused.lock());
            if !taken.is_empty() {
                return taken;
            }
            self.changed.notified().await;
        }
    }
}

pub(crate) async fn listen<B: Backend>(
    backend: &B,
    change: impl FnOnce(&mut ListenConfig),
) -> (B::Listener, Arc<Record>) {
    let mut config = ListenConfig::new(any_port());
    change(&mut config);
    let record = Arc::new(Record::default());
    let admission: Arc<dyn Admission> = Arc::clone(&record) as _;
    let listener = backend.listen(&config, admission).await.unwrap();
    assert_ne!(listener.local_addr().port(), 0);
    (listener, record)
}

/// Seven null TS packets, the first with a number in its payload.
pub(crate) fn numbered(number: u32) -> Bytes {
    let mut message = vec![0xff; 1316];
    for packet in message.chunks_exact_mut(188) {
        packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    }
    message[4..8].copy_from_slice(&number.to_be_bytes());
    message.into()
}

pub(crate) fn number_of(message: &[u8]) -> u32 {
    assert_eq!(message.len(), 1316, "a message changed its length");
    u32::from_be_bytes(message[4..8].try_into().unwrap())
}

/// Receives `count` messages and checks that none is missing among them.
pub(crate) async fn receive_numbered(connection: &mut impl Connection, count: usize) {
    let mut messages = Vec::new();
    while messages.len() < count {
        let received = connection.recv(&mut messages);
        bounded("numbered messages", received).await.unwrap();
    }
    let numbers: Vec<u32> = messages.iter().map(|message| number_of(message)).collect();
    let expected: Vec<u32> = (numbers[0]..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
}

/// About 3.5 Mb/s: fast enough for short tests, slow enough for a busy machine.
pub(crate) const PACE: Duration = Duration::from_millis(3);

/// Sends numbered messages until the peer leaves or the task is aborted.
pub(crate) async fn send_numbered(mut connection: impl Connection) {
    let mut tick = tokio::time::interval(PACE);
    for number in 0.. {
        tick.tick().await;
        if connection.send(&numbered(number)).await.is_err() {
            return;
        }
    }
}
