//! Media in: a camera, or a presentation of another server, played by `retina`, which knows the
//! ways of cameras. Packets are taken as they come; what is in them is read as a publisher's are.

use super::intake::Intake;
use crate::context::Context;
use ::rtsp::sdp;
use bytes::Bytes;
use futures_util::StreamExt;
use hub::Stream;
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use model::{Label, Protocol, endpoint};
use retina::client::{
    Credentials, Described, InitialTimestampPolicy, PacketItem, PlayOptions, Playing,
    SessionOptions, SetupOptions, TeardownPolicy, Transport, UnknownRtcpSsrcPolicy,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a camera may take from the connection to its first packets.
const SETUP_TIMEOUT: Duration = Duration::from_secs(20);

/// A camera that sends nothing for this long has gone; over UDP nothing else tells.
const SILENT: Duration = Duration::from_secs(10);

/// Plays `endpoint` into source `id` of the stream, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Rtsp) -> LinkHandle {
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
    endpoint: endpoint::Rtsp,
}

impl Dial for Pull {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        // Dropped, retina's session says goodbye by itself.
        tokio::select! {
            ended = self.play(session) => ended,
            () = session.cancelled().cancelled() => Ok(()),
        }
    }
}

impl Pull {
    async fn play(&self, session: &Session) -> Result<(), LinkError> {
        let endpoint = &self.endpoint;
        let address = link::one_to_call(&self.context, &endpoint.host, endpoint.port).await?;
        let setting_up = tokio::time::timeout(SETUP_TIMEOUT, self.set_up(address)).await;
        let (mut playing, mut intake) = setting_up.map_err(|_| {
            let seconds = SETUP_TIMEOUT.as_secs();
            LinkError::Passing(format!(
                "the camera did not begin to play within {seconds} s"
            ))
        })??;
        let scheme = if endpoint.udp { "rtspu" } else { "rtsp" };
        let peer = Some(format!("{scheme}://{}:{}", endpoint.host, endpoint.port));
        let mut source = self.stream.connect_source(&self.id, Protocol::Rtsp, peer)?;
        session.live();
        loop {
            let wait = intake
                .poll_timeout()
                .map(|at| at.saturating_duration_since(Instant::now()));
            let patience = wait.unwrap_or(SILENT).min(SILENT);
            match tokio::time::timeout(patience, playing.next()).await {
                Ok(Some(Ok(item))) => session.moved(take(&mut intake, &item)),
                Ok(Some(Err(error))) => return Err(link_error(&error)),
                Ok(None) => return Err(LinkError::Ended),
                Err(_) if wait.is_some() => intake.handle_timeout(Instant::now()),
                Err(_) => {
                    let seconds = SILENT.as_secs();
                    return Err(LinkError::Passing(format!("nothing came for {seconds} s")));
                }
            }
            intake.push_into(&mut source);
        }
    }

    async fn set_up(
        &self,
        address: SocketAddr,
    ) -> Result<(retina::client::Session<Playing>, Intake), LinkError> {
        let mut described = self.describe(address).await?;
        let (tracks, indices) = tracks_of(&described)?;
        let intake = Intake::new(Instant::now(), &tracks)
            .map_err(|error| LinkError::Passing(error.to_string()))?;
        for (track, index) in indices.into_iter().enumerate() {
            // Only what is understood is asked for.
            if let Some(index) = index.filter(|_| intake.wants(track)) {
                let transport = match self.endpoint.udp {
                    true => Transport::Udp(Default::default()),
                    false => Transport::Tcp(Default::default()),
                };
                let options = SetupOptions::default().transport(transport);
                let done = described.setup(index, options).await;
                done.map_err(|error| link_error(&error))?;
            }
        }
        let options = PlayOptions::default()
            .initial_timestamp(InitialTimestampPolicy::Ignore)
            .unknown_rtcp_ssrc(UnknownRtcpSsrcPolicy::ProcessPackets);
        let playing = described.play(options).await;
        Ok((playing.map_err(|error| link_error(&error))?, intake))
    }

    /// The name is replaced by the address that was allowed: a second look-up could find others.
    async fn describe(
        &self,
        address: SocketAddr,
    ) -> Result<retina::client::Session<Described>, LinkError> {
        let misconfigured = |what: String| LinkError::Misconfigured {
            what,
            remedy: "correct the url",
        };
        let mut url: url::Url = self
            .endpoint
            .url
            .parse()
            .map_err(|error| misconfigured(format!("{error}")))?;
        url.set_ip_host(address.ip())
            .map_err(|()| misconfigured("the url has no host".to_owned()))?;
        let account = self.endpoint.user.clone().map(|username| Credentials {
            username,
            password: self.endpoint.password.clone().unwrap_or_default(),
        });
        let options = SessionOptions::default()
            .creds(account)
            .user_agent("Pointsman".to_owned())
            .teardown(TeardownPolicy::Auto);
        let described = retina::client::Session::describe(url, options).await;
        described.map_err(|error| link_error(&error))
    }
}

/// The tracks of a description, and which of retina's streams each is.
fn tracks_of(
    described: &retina::client::Session<Described>,
) -> Result<(Vec<sdp::Track>, Vec<Option<usize>>), LinkError> {
    let tracks = sdp::parse(described.sdp());
    let tracks = tracks.map_err(|error| LinkError::Passing(error.to_string()))?;
    // Numbers are retina's: one that it left out is not set up either.
    let mut padded = Vec::new();
    let mut indices = Vec::new();
    let mut rest = tracks.into_iter().peekable();
    for (index, stream) in described.streams().iter().enumerate() {
        let same = |track: &sdp::Track| {
            track.media == stream.media() && track.payload_type == stream.rtp_payload_type()
        };
        let track = rest.next_if(same);
        indices.push(track.is_some().then_some(index));
        padded.push(track.unwrap_or_default());
    }
    Ok((padded, indices))
}

/// How many bytes came.
fn take(intake: &mut Intake, item: &PacketItem) -> usize {
    let now = Instant::now();
    let (track, rtcp, raw) = match item {
        PacketItem::Rtp(packet) => (packet.stream_id(), false, packet.raw()),
        PacketItem::Rtcp(packet) => (packet.stream_id(), true, packet.raw()),
        _ => return 0,
    };
    intake.take(now, track, rtcp, Bytes::copy_from_slice(raw));
    raw.len()
}

fn link_error(error: &retina::Error) -> LinkError {
    match error.status_code() {
        Some(401) => LinkError::Rejected(
            "the camera wants a user and a password; those of the url are missing or wrong"
                .to_owned(),
        ),
        _ => LinkError::Passing(error.to_string()),
    }
}
