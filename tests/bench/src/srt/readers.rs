//! Many readers of one SRT stream in one thread.

use super::{caller, library};
use crate::marked::{GLANCE, Reception, Schedule, Watch};
use crate::marker::{DATAGRAM, mark_of};
use anyhow::Result;
use srt_sys::{BoolOption, Epoll, Events, Socket, SocketId};
use std::collections::HashMap;
use std::net::SocketAddr;

/// Connects so many; they read from then on.
pub(super) fn join(
    server: SocketAddr,
    stream_id: &str,
    count: usize,
    schedule: &Schedule,
) -> Result<Watch> {
    let library = library()?;
    let epoll = Epoll::new(library)?;
    let mut places = HashMap::new();
    let mut sockets = Vec::with_capacity(count);
    for place in 0..count {
        let socket = caller(library, server, stream_id)?;
        socket.set_bool(BoolOption::ReceiveBlocks, false)?;
        epoll.add(&socket)?;
        places.insert(socket.id(), place);
        sockets.push(socket);
    }
    Ok(Watch::start(count, schedule, move |reception| {
        read(&epoll, &sockets, &places, reception)
    }))
}

fn read(
    epoll: &Epoll,
    sockets: &[Socket],
    places: &HashMap<SocketId, usize>,
    reception: &mut Reception,
) -> Result<()> {
    let mut events = Events::with_capacity(64);
    let mut message = Vec::with_capacity(2 * DATAGRAM);
    while !reception.is_over() {
        epoll.wait(&mut events, GLANCE)?;
        for event in events.iter().filter(|event| event.readable) {
            let Some(&place) = places.get(&event.id) else {
                continue;
            };
            // Edge-triggered: until nothing is left.
            while let Some(socket) = sockets.get(place) {
                message.clear();
                if socket.receive(&mut message).is_err() {
                    break;
                }
                reception.note(place, mark_of(&message).into_iter());
            }
        }
    }
    Ok(())
}
