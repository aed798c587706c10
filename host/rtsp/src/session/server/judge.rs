//! What a request asks for, and whether it may be asked now.

use super::{Asked, Server, Setup, State, Target};
use crate::message::{Headers, Request};
use crate::sdp;
use crate::transport::Transport;
use rtsp_types::{Method, StatusCode};

impl Server {
    /// What has to be asked about a request; none if it can be answered at once.
    pub(super) fn judge(&self, request: &Request) -> Result<Option<Asked>, StatusCode> {
        if request.text("CSeq").is_none() {
            return Err(StatusCode::BadRequest);
        }
        if request.text("Require").is_some() {
            return Err(StatusCode::OptionNotSupported);
        }
        let session = request
            .text("Session")
            .and_then(|text| text.split(';').next());
        if session.is_some_and(|id| id.trim() != self.id) {
            return Err(StatusCode::SessionNotFound);
        }
        let any_set_up = self.transports().flatten().next().is_some();
        let target = || Target::of(request);
        match (request.method(), self.state) {
            (Method::Options | Method::GetParameter | Method::SetParameter, _) => Ok(None),
            (Method::Teardown, _) => Ok(None),
            (Method::Describe, State::Idle | State::Known { record: false }) => {
                Ok(Some(Asked::Describe(target())))
            }
            (Method::Announce, State::Idle) => {
                let tracks = sdp::parse(request.body()).map_err(|_| StatusCode::BadRequest)?;
                Ok(Some(Asked::Announce(target(), tracks)))
            }
            (Method::Setup, State::Known { record }) => self
                .judge_setup(request, record)
                .map(Asked::Setup)
                .map(Some),
            (Method::Play, State::Known { record: false } | State::Paused) if any_set_up => {
                Ok(Some(Asked::Play))
            }
            (Method::Play, State::Playing) => Ok(Some(Asked::Play)),
            (Method::Record, State::Known { record: true }) if any_set_up => {
                Ok(Some(Asked::Record))
            }
            (Method::Pause, State::Playing | State::Paused) => Ok(None),
            (
                Method::Describe
                | Method::Announce
                | Method::Setup
                | Method::Play
                | Method::Record
                | Method::Pause,
                _,
            ) => Err(StatusCode::MethodNotValidInThisState),
            _ => Err(StatusCode::NotImplemented),
        }
    }

    fn judge_setup(&self, request: &Request, record: bool) -> Result<Setup, StatusCode> {
        let target = Target::of(request);
        let mut tracks = self.tracks.iter();
        let track = tracks
            .position(|track| target.is_track(&self.presentation, &track.control))
            // A presentation of one track may be named itself.
            .or((self.tracks.len() == 1 && target.path == self.presentation.path).then_some(0))
            .ok_or(StatusCode::NotFound)?;
        let already = self
            .tracks
            .get(track)
            .is_some_and(|track| track.transport.is_some());
        if already {
            return Err(StatusCode::MethodNotValidInThisState);
        }
        let offers = Transport::parse_all(request.text("Transport").unwrap_or_default());
        // All tracks travel the same way.
        let settled = self.transports().flatten().next().map(|other| other.tcp);
        let offer = offers.into_iter().find(|offer| {
            !offer.names_another(self.peer)
                && settled.is_none_or(|tcp| tcp == offer.tcp)
                && (offer.tcp || (self.udp && offer.client_port.is_some_and(usable)))
        });
        let offer = offer.ok_or(StatusCode::UnsupportedTransport)?;
        let channels = offer
            .tcp
            .then(|| self.channels(track, offer.interleaved, record));
        let transport = Transport {
            tcp: offer.tcp,
            interleaved: channels,
            client_port: offer.client_port.filter(|_| !offer.tcp),
            record,
            ..Transport::default()
        };
        Ok(Setup { track, transport })
    }

    /// Players get the channels that the shared packets are framed with, twice the track's
    /// number and the next; publishers those they want, if they are free.
    fn channels(&self, track: usize, wanted: Option<(u8, u8)>, record: bool) -> (u8, u8) {
        let first = (2 * track) as u8; // there are at most 16 tracks
        let usual = (first, first.saturating_add(1));
        let taken = |channel: u8| {
            let mut pairs = self
                .transports()
                .flatten()
                .filter_map(|other| other.interleaved);
            pairs.any(|(rtp, rtcp)| rtp == channel || rtcp == channel)
        };
        match wanted {
            Some((rtp, rtcp)) if record && rtp != rtcp && !taken(rtp) && !taken(rtcp) => {
                (rtp, rtcp)
            }
            _ => usual,
        }
    }
}

/// Neither the same port twice nor one of those that services of a system have.
const fn usable((rtp, rtcp): (u16, u16)) -> bool {
    rtp != rtcp && rtp >= 1024 && rtcp >= 1024
}
