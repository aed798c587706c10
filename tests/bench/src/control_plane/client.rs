//! An HTTP/1.1 client that costs little: one connection, one request after another.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is kept.
pub(super) struct Client {
    connection: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Client {
    /// Connects.
    pub(super) fn connect(to: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(to).with_context(|| format!("connecting to {to}"))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            connection: BufReader::with_capacity(128 << 10, socket),
            body: Vec::new(),
        })
    }

    /// Sends a request, and returns the body of its answer.
    pub(super) fn send(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.connection.get_mut().write_all(request)?;
        let mut line = String::new();
        self.connection.read_line(&mut line)?;
        let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            line.clear();
            self.connection.read_line(&mut line)?;
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        self.body.resize(length, 0);
        self.connection.read_exact(&mut self.body)?;
        if !status.starts_with('2') {
            let text = String::from_utf8_lossy(&self.body);
            bail!("the answer is {status}: {}", text.trim());
        }
        Ok(&self.body)
    }
}

/// A request without a body.
pub(super) fn request(method: &str, path: &str, host: SocketAddr) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").into_bytes()
}

/// A request with a document.
pub(super) fn posting(path: &str, host: SocketAddr, document: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{document}",
        document.len()
    )
    .into_bytes()
}
