//! An output: the packets of a stream to a peer that is called, or to all who call its port.

use super::backend::{Backend, Connection, Libsrt, Listener, Verdict};
use super::connections::{self, Account, LOOK, Place};
use super::listener::Door;
use super::serve::send;
use super::{call, link_error, port};
use crate::context::Context;
use hub::Stream;
use link::{Details, Dial, LinkError, LinkHandle, Session, Wiring};
use model::Protocol;
use model::endpoint::{self, SrtMode};
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Sends the stream to `endpoint`, until stopped.
///
/// As a listener it serves all who call its port, whatever their stream id; its figures are
/// then those of all of them together.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Srt) -> LinkHandle {
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
    endpoint: endpoint::Srt,
}

impl Dial for Push {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        tokio::select! {
            ended = async {
                match self.endpoint.mode {
                    SrtMode::Caller | SrtMode::Rendezvous => self.send_to_one(session).await,
                    SrtMode::Listener => self.send_to_callers(session).await,
                }
            } => ended,
            () = session.cancelled().cancelled() => Ok(()),
        }
    }
}

impl Push {
    async fn send_to_one(&self, session: &Session) -> Result<(), LinkError> {
        let mut connection = call(&self.context, &self.endpoint).await?;
        session.live();
        let place = self.place(&connection, Account::Output(session.clone()));
        send(&self.context, &mut connection, &self.stream, place)
            .await
            .map_err(link_error)
    }

    async fn send_to_callers(&self, session: &Session) -> Result<(), LinkError> {
        let config = port(&self.endpoint).await?;
        let door = Door::new(&self.context, |_| Verdict::Accept { passphrase: None });
        let backend = Libsrt::new().map_err(link_error)?;
        let listening = backend.listen(&config, Arc::new(door)).await;
        let mut listener = listening.map_err(link_error)?;
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Dropped, the set aborts its tasks: they end with the session.
        let (mut tasks, mut peers) = (JoinSet::new(), Vec::new());
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let mut connection = accepted.map_err(link_error)?;
                    session.live();
                    let place = self.place(&connection, Account::OneOfMany(session.clone()));
                    peers.push(Arc::downgrade(place.figures()));
                    let (context, stream) = (self.context.clone(), self.stream.clone());
                    tasks.spawn(async move {
                        // Why a caller left is its own affair.
                        let _ = send(&context, &mut connection, &stream, place).await;
                    });
                }
                Some(_) = tasks.join_next() => {
                    peers.retain(|figures| figures.strong_count() > 0);
                    if tasks.is_empty() {
                        session.vacant();
                    }
                }
                _ = looks.tick() => {
                    session.show(Details::Srt(connections::of_all(&peers)));
                }
            }
        }
    }

    fn place(&self, connection: &impl Connection, account: Account) -> Place {
        self.context.counters().of(Protocol::Srt).connections.add(1);
        Place::take(
            &self.context,
            self.stream.name(),
            connection.peer(),
            account,
        )
    }
}
