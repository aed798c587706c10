//! The pipes that media goes through, into a child and out of it.

use crate::vitals::Vitals;
use bytes::BytesMut;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tokio::process::ChildStdin;

/// Output is taken in blocks of at most this size.
const BLOCK_BYTES: usize = 64 << 10;

/// What a child reads. Closed when dropped, which it takes for an end.
#[derive(Debug)]
pub struct Input {
    end: WriteEnd,
    number: i32,
    vitals: Arc<Vitals>,
    /// The last write waits for the child.
    waits: bool,
}

#[derive(Debug)]
enum WriteEnd {
    Stdin(ChildStdin),
    Pipe(pipe::Sender),
}

/// What a child writes.
#[derive(Debug)]
pub struct Output {
    end: pipe::Receiver,
    number: i32,
    vitals: Arc<Vitals>,
}

impl Input {
    pub(crate) fn stdin(end: ChildStdin, vitals: Arc<Vitals>) -> Self {
        Self::new(WriteEnd::Stdin(end), 0, vitals)
    }

    pub(crate) fn pipe(end: pipe::Sender, number: i32, vitals: Arc<Vitals>) -> Self {
        Self::new(WriteEnd::Pipe(end), number, vitals)
    }

    fn new(end: WriteEnd, number: i32, vitals: Arc<Vitals>) -> Self {
        Self {
            end,
            number,
            vitals,
            waits: false,
        }
    }

    /// What its arguments call it, `pipe:N`.
    pub fn name(&self) -> String {
        format!("pipe:{}", self.number)
    }

    /// Keeps count of writers that wait, and of what was taken.
    fn note(&mut self, written: &Poll<io::Result<usize>>) {
        let waits = written.is_pending();
        if std::mem::replace(&mut self.waits, waits) != waits {
            match waits {
                true => self.vitals.waiting.fetch_add(1, Ordering::Relaxed),
                false => self.vitals.waiting.fetch_sub(1, Ordering::Relaxed),
            };
        }
        if let Poll::Ready(Ok(bytes)) = written {
            Vitals::add(&self.vitals.taken, *bytes);
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if self.waits {
            self.vitals.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl AsyncWrite for Input {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.end {
            WriteEnd::Stdin(end) => Pin::new(end).poll_write(cx, data),
            WriteEnd::Pipe(end) => Pin::new(end).poll_write(cx, data),
        };
        self.note(&written);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A pipe holds nothing back.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Output {
    pub(crate) fn new(end: pipe::Receiver, number: i32, vitals: Arc<Vitals>) -> Self {
        Self {
            end,
            number,
            vitals,
        }
    }

    /// What its arguments call it, `pipe:N`.
    pub fn name(&self) -> String {
        format!("pipe:{}", self.number)
    }

    /// Appends what the child has made; 0 once it has ended, or closed this pipe.
    ///
    /// # Errors
    /// The system's.
    pub async fn read(&mut self, to: &mut BytesMut) -> io::Result<usize> {
        to.reserve(BLOCK_BYTES);
        self.read_buf(to).await
    }
}

impl AsyncRead for Output {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = to.filled().len();
        let read = Pin::new(&mut self.end).poll_read(cx, to);
        Vitals::add(&self.vitals.made, to.filled().len() - before);
        read
    }
}
