//! One client of HTTP/1.1 on a connection that stays (RFC 9112).

use crate::os;
use anyhow::{Context, Result, bail, ensure};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Bytes of a response's head, or of a body that is kept.
const ROOM: usize = 64 << 10;

/// A connection and the answer that is on its way.
pub(super) struct Connection {
    tcp: TcpStream,
    server: SocketAddr,
    /// The head, and what is kept of the body.
    read: Vec<u8>,
    /// Bytes of the body that are still to come, once the head is whole.
    missing: Option<usize>,
    /// Where the body begins in what was read.
    body_at: usize,
    keeps: bool,
    /// All that was ever received.
    pub(super) received: u64,
}

impl Connection {
    pub(super) fn open(server: SocketAddr) -> Result<Self> {
        let tcp = TcpStream::connect(server)?;
        tcp.set_nodelay(true)?;
        tcp.set_nonblocking(true)?;
        Ok(Self {
            tcp,
            server,
            read: Vec::new(),
            missing: None,
            body_at: 0,
            keeps: true,
            received: 0,
        })
    }

    /// What to watch.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.tcp
    }

    /// Asks for this; the body is kept or only counted.
    pub(super) fn get(&mut self, path: &str, keeps: bool) -> Result<()> {
        (self.missing, self.keeps) = (None, keeps);
        self.read.clear();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.server);
        self.tcp.write_all(request.as_bytes())?;
        Ok(())
    }

    /// Reads what is there; whether the answer is whole.
    pub(super) fn advance(&mut self) -> Result<bool> {
        loop {
            let count = match self.missing {
                Some(0) => return Ok(true),
                Some(missing) if !self.keeps => match os::discard(&self.tcp, missing) {
                    Ok(count) => {
                        self.missing = Some(missing.saturating_sub(count));
                        count
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                    Err(error) => return Err(error.into()),
                },
                _ => match self.take()? {
                    Some(count) => count,
                    None => return Ok(false),
                },
            };
            ensure!(count > 0, "the server hung up");
            self.received += count as u64;
        }
    }

    /// The body that was kept.
    pub(super) fn body(&self) -> &[u8] {
        self.read.get(self.body_at..).unwrap_or_default()
    }

    /// Reads a piece of the head or of a body that is kept.
    fn take(&mut self) -> Result<Option<usize>> {
        let mut piece = [0; 4096];
        // Not beyond a head whose body is only counted.
        let most = self.missing.unwrap_or(piece.len()).min(piece.len());
        let room = piece.get_mut(..most).unwrap_or_default();
        let count = match self.tcp.read(room) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        self.read
            .extend_from_slice(piece.get(..count).unwrap_or_default());
        ensure!(self.read.len() <= ROOM, "the answer is too long");
        match &mut self.missing {
            Some(missing) => *missing = missing.saturating_sub(count),
            None => self.look_for_head()?,
        }
        Ok(Some(count))
    }

    fn look_for_head(&mut self) -> Result<()> {
        let Some(end) = memchr::memmem::find(&self.read, b"\r\n\r\n") else {
            return Ok(());
        };
        let head = std::str::from_utf8(self.read.get(..end).unwrap_or_default())?;
        if !head.starts_with("HTTP/1.1 200 ") {
            bail!("{}: {head}", self.server);
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim())
        });
        let length: usize = length.context("no content-length")?.parse()?;
        self.body_at = end + 4;
        self.missing = Some(length.saturating_sub(self.read.len() - self.body_at));
        Ok(())
    }
}
