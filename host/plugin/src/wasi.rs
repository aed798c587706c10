//! A closed WASI, for guests whose language runtime cannot do without one, Python's above all.
//!
//! There is nothing behind it: no files, no environment, no arguments, no sockets and no names. The time is
//! the decision's and stands still, random bytes are those of the call's seed, and what goes to standard
//! output and error is logged. So a replay comes to the same here, too.

use crate::guest::Guest;
use crate::hosting::Random;
use bytes::Bytes;
use parking_lot::Mutex;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWrite;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};

/// Bytes that are kept of each output; the rest is dropped.
const OUTPUT_BYTES: usize = 16 << 10;
/// Handles that a guest may hold at a time.
const HANDLES: usize = 1_024;
/// Random bytes that one call brings.
const RANDOM_BYTES: u64 = 64 << 10;

/// Beginnings of the names of interfaces that are offered.
const OFFERED: &[&str] = &[
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

/// Whether an import is one of these.
pub(crate) fn offers(import: &str) -> bool {
    import.contains("@0.2.") && OFFERED.iter().any(|begin| import.starts_with(begin))
}

/// Offers them.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

/// What one instance has of WASI.
pub(crate) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
    output: Output,
    error: Output,
}

impl Wasi {
    fn new(now_unix_ms: u64, random: &mut Random) -> Self {
        let (output, error) = (Output::default(), Output::default());
        let mut next = || Drawn(Random::new(random.next_u64()));
        let context = WasiCtxBuilder::new()
            .stdout(output.clone())
            .stderr(error.clone())
            .wall_clock(Still(now_unix_ms))
            .monotonic_clock(Still(now_unix_ms))
            .secure_random(next())
            .insecure_random(next())
            .insecure_random_seed(next().0.next_u64().into())
            .max_random_size(RANDOM_BYTES)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self {
            context,
            table,
            output,
            error,
        }
    }

    /// What it wrote to standard output and error.
    pub(crate) fn into_output(self) -> (String, String) {
        (self.output.text(), self.error.text())
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let hosting = &mut self.hosting;
        let wasi = self
            .wasi
            .get_or_insert_with(|| Box::new(Wasi::new(hosting.now_unix_ms, &mut hosting.random)));
        WasiCtxView {
            ctx: &mut wasi.context,
            table: &mut wasi.table,
        }
    }
}

/// A clock that shows the time of the decision, Unix milliseconds.
struct Still(u64);

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        self.0.saturating_mul(1_000_000)
    }
}

/// The call's random numbers, as WASI's host wants them.
struct Drawn(Random);

impl rand_core::TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.0.next_u64() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

/// Where a guest's output gathers until its end. It takes everything and keeps the beginning: a
/// guest that writes too much shall not fail for it.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn take(&self, bytes: &[u8]) {
        let mut kept = self.0.lock();
        let room = OUTPUT_BYTES - kept.len();
        kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(OUTPUT_BYTES)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
