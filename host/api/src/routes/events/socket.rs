//! Events on a WebSocket (RFC 6455).

use super::{End, Listener};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use control::journal::Item;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// A listener that does not take a message within this is too slow.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// How often it is asked whether it is there.
const PING: Duration = Duration::from_secs(20);

/// One that said nothing for so long, not even that it is there, is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// Nothing is taken from a listener but control frames, which have 125 bytes at most.
const FRAME_BYTES: usize = 1 << 10;

/// What is read at once; it is held as long as the connection.
const READ_BYTES: usize = 1 << 10;

/// Why it ends.
struct Farewell(u16, &'static str);

pub(super) fn answer(
    upgrade: WebSocketUpgrade,
    listener: Listener,
    end: impl Future<Output = End> + Send + 'static,
) -> Response {
    upgrade
        .max_frame_size(FRAME_BYTES)
        .max_message_size(FRAME_BYTES)
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .on_upgrade(|socket| serve(socket, listener, end))
}

async fn serve(
    mut socket: WebSocket,
    mut listener: Listener,
    end: impl Future<Output = End> + Send,
) {
    // A connection that broke needs no farewell.
    let Some(Farewell(code, reason)) = talk(&mut socket, &mut listener, end).await else {
        return;
    };
    let frame = CloseFrame {
        code,
        reason: Utf8Bytes::from_static(reason),
    };
    let _ = send(&mut socket, Message::Close(Some(frame))).await;
}

async fn talk(
    socket: &mut WebSocket,
    listener: &mut Listener,
    end: impl Future<Output = End> + Send,
) -> Option<Farewell> {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let mut end = std::pin::pin!(end);
    loop {
        tokio::select! {
            item = listener.cursor.next() => {
                let text = Utf8Bytes::try_from(item.message().json()).ok()?;
                send(socket, Message::Text(text)).await?;
                if matches!(item, Item::TooSlow(_)) {
                    return Some(Farewell(close_code::POLICY, "too slow"));
                }
            }
            // Pings are answered below, in the course of reading.
            frame = socket.recv() => match frame?.ok()? {
                Message::Ping(_) | Message::Pong(_) => heard = Instant::now(),
                Message::Close(_) => return None,
                Message::Text(_) | Message::Binary(_) => {
                    return Some(Farewell(close_code::UNSUPPORTED, "events only, no messages"));
                }
            },
            _ = pings.tick() => {
                if heard.elapsed() > SILENCE {
                    return None;
                }
                send(socket, Message::Ping(Default::default())).await?;
            }
            end = end.as_mut() => return Some(match end {
                End::Stopping => Farewell(close_code::AWAY, "this host is shutting down"),
                End::Revoked => Farewell(close_code::POLICY, "who listens may no longer"),
            }),
        }
    }
}

/// None: the peer is gone, or does not take it.
async fn send(socket: &mut WebSocket, message: Message) -> Option<()> {
    timeout(WRITE_LIMIT, socket.send(message)).await.ok()?.ok()
}
