//! An output: a stream's packets to one address.

use super::fanout;
use super::member::Member;
use super::socket;
use crate::context::Context;
use hub::Stream;
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use model::{Protocol, endpoint};
use std::sync::Arc;

/// Sends the stream to `endpoint`, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Udp) -> LinkHandle {
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
    endpoint: endpoint::Udp,
}

impl Dial for Push {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let (socket, address) = socket::connect(&self.context, &self.endpoint).await?;
        self.context.counters().of(Protocol::Udp).connections.add(1);
        let (member, mut ended) = Member::new(socket, format!("udp://{address}"), session.clone());
        let fanout = fanout::join(&self.context, &self.stream, member).await;
        tokio::select! {
            end = &mut ended => match end {
                Ok(error) => Err(error),
                // Dropped with the stream.
                Err(_) => Ok(()),
            },
            () = session.cancelled().cancelled() => {
                fanout.wake();
                // Resolves once the socket is closed.
                let _ = ended.await;
                Ok(())
            }
        }
    }
}
