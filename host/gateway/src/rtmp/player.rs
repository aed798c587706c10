//! What one player is sent of a stream's messages, and what it must be told before.

use super::tell_left_out;
use bytes::Bytes;
use hub::{Preface, RtmpMessage};
use media::flv::{Abilities, Need};
use model::StreamName;
use std::net::SocketAddr;
use std::sync::Arc;

/// A player's place in the stream.
#[derive(Debug)]
pub(super) struct Player {
    /// What it was told last.
    preface: Arc<Preface>,
    state: State,
    /// What it understands.
    abilities: Abilities,
    peer: SocketAddr,
    stream: StreamName,
    /// Something was left out, and said so.
    told: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Playing,
    Paused,
    /// Goes on with the next key frame. What passed meanwhile was live, and is gone.
    Resuming,
}

impl Player {
    /// Has been told nothing yet, and begins with a key frame.
    pub(super) fn new(abilities: Abilities, peer: SocketAddr, stream: StreamName) -> Self {
        Self {
            preface: Arc::default(),
            state: State::Resuming,
            abilities,
            peer,
            stream,
            told: false,
        }
    }

    /// Stops it, or lets it go on.
    pub(super) fn pause(&mut self, paused: bool) {
        match (&self.state, paused) {
            (_, true) => self.state = State::Paused,
            (State::Paused, false) => self.state = State::Resuming,
            (_, false) => {}
        }
    }

    /// What it was told may not have reached it: it begins anew with the next key frame.
    pub(super) fn restart(&mut self) {
        self.preface = Arc::default();
        if self.state == State::Playing {
            self.state = State::Resuming;
        }
    }

    /// Whether it gets every message of those needs under that preface just as it is.
    pub(super) fn is_in_step(&self, preface: &Arc<Preface>, needs: &[Need]) -> bool {
        self.state == State::Playing
            && Arc::ptr_eq(&self.preface, preface)
            && needs.iter().all(|need| self.abilities.meet(*need))
    }

    /// What the player gets of a message: what it must be told before, if anything, and the
    /// message. None if it gets nothing.
    pub(super) fn take(&mut self, message: &RtmpMessage) -> Option<(Option<Bytes>, Bytes)> {
        if self.state == State::Resuming && message.random_access {
            self.state = State::Playing;
        }
        if self.state != State::Playing {
            return None;
        }
        if !self.abilities.meet(message.need) {
            if !std::mem::replace(&mut self.told, true) {
                tell_left_out(&self.peer, &self.stream, message.need);
            }
            return None;
        }
        let told = Arc::ptr_eq(&self.preface, &message.preface);
        let preface = (!told).then(|| {
            self.preface = message.preface.clone();
            self.preface.wire(message.timestamp_ms, self.abilities)
        });
        Some((preface, message.wire.clone()))
    }
}
