//! Media in: a stream that is played from another RTMP server.

use super::caller::Caller;
use super::ingest::Intake;
use crate::context::Context;
use ::rtmp::session::{ClientEvent, Role};
use hub::Stream;
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use model::{Label, Protocol, endpoint};
use std::sync::Arc;

/// Plays `endpoint` into source `id` of the stream, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Rtmp) -> LinkHandle {
    let dial = Pull {
        context: context.clone(),
        stream: wiring.stream.clone(),
        id: wiring.label.clone(),
        endpoint,
    };
    link::spawn(wiring, dial)
}

struct Pull {
    context: Context,
    stream: Arc<Stream>,
    id: Label,
    endpoint: endpoint::Rtmp,
}

impl Dial for Pull {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let mut caller = tokio::select! {
            caller = Caller::connect(&self.context, &self.endpoint, Role::Play) => caller?,
            () = session.cancelled().cancelled() => return Ok(()),
        };
        let ended = tokio::select! {
            ended = self.play(&mut caller, session) => ended,
            () = session.cancelled().cancelled() => Ok(()),
        };
        caller.take_leave().await;
        ended
    }
}

impl Pull {
    /// Ends only with an error. A server that has no such stream yet sends nothing, and is tried
    /// again once the session has had enough of that.
    async fn play(&self, caller: &mut Caller, session: &Session) -> Result<(), LinkError> {
        caller.until_ready().await?;
        let (scheme, endpoint) = (
            if self.endpoint.tls { "rtmps" } else { "rtmp" },
            &self.endpoint,
        );
        let peer = Some(format!("{scheme}://{}:{}", endpoint.host, endpoint.port));
        let mut source = self.stream.connect_source(&self.id, Protocol::Rtmp, peer)?;
        session.live();
        let mut intake = Intake::default();
        loop {
            let mut bytes = 0;
            while let Some(event) = caller.next_event()? {
                if let ClientEvent::Media(media) = event {
                    bytes += media.payload.len();
                    intake.take_media(media);
                }
            }
            if bytes > 0 {
                session.moved(bytes);
                intake.push_into(&mut source);
            }
            caller.flush().await?;
            caller.converse().await?;
        }
    }
}
