//! What a thousand subscribers of the events cost, figures every second included.

use super::Stand;
use super::client::request;
use crate::report::{Figure, Spread};
use crate::{Options, machine, os};
use anyhow::Result;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const SUBSCRIBERS: usize = 1_000;
const WANTED_PERCENT: f64 = 10.0;

/// Connections made and first answers written.
const SETTLE: Duration = Duration::from_secs(3);

/// Percent of one core, beyond what the same host uses without subscribers.
pub(super) fn a_thousand(options: &Options, stand: &Stand) -> Result<Figure> {
    let (mut alone, mut watched, mut heard) =
        (Spread::default(), Spread::default(), Spread::default());
    for round in 1..=options.rounds {
        alone.add(percent_of_a_core(options, stand)?);
        let (percent, bytes) = with_subscribers(options, stand)?;
        watched.add(percent);
        heard.add(bytes / SUBSCRIBERS as f64);
        eprintln!(
            "  round {round}: {:.1} % of a core alone, {percent:.1} % with {SUBSCRIBERS} subscribers",
            alone.last()
        );
    }
    let cost = watched.median() - alone.median();
    Ok(Figure::new(
        format!("{SUBSCRIBERS} event subscribers: share of a core"),
        cost,
        "%",
        WANTED_PERCENT,
    )
    .note(format!(
        "{:.1} % with them, {:.1} % without; each heard {:.0} bytes in {} s",
        watched.median(),
        alone.median(),
        heard.median(),
        options.window.as_secs()
    )))
}

fn percent_of_a_core(options: &Options, stand: &Stand) -> Result<f64> {
    let before = machine::cpu_time(stand.host.pid())?;
    std::thread::sleep(options.window);
    let used = machine::cpu_time(stand.host.pid())? - before;
    Ok(100.0 * used.as_secs_f64() / options.window.as_secs_f64())
}

/// Also the bytes that all of them heard.
fn with_subscribers(options: &Options, stand: &Stand) -> Result<(f64, f64)> {
    let host = stand.host.http();
    let subscribe = |_| {
        let mut socket = TcpStream::connect(host)?;
        socket.write_all(&request("GET", "/api/v1/events", host))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    let subscribers = (0..SUBSCRIBERS)
        .map(subscribe)
        .collect::<Result<Vec<_>>>()?;
    let (over, heard) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let listener = scope.spawn(|| listen(&subscribers, &over, &heard));
        std::thread::sleep(SETTLE);
        let before = heard.load(Ordering::Relaxed);
        let percent = percent_of_a_core(options, stand);
        let bytes = heard.load(Ordering::Relaxed) - before;
        over.store(true, Ordering::Relaxed);
        let listened = listener.join();
        listened.map_err(|_| anyhow::anyhow!("the listeners' thread broke off"))??;
        Ok((percent?, bytes as f64))
    })
}

fn listen(subscribers: &[TcpStream], over: &AtomicBool, heard: &AtomicU64) -> Result<()> {
    const GLANCE: Duration = Duration::from_millis(50);
    let mut poller = os::Poller::new()?;
    for (token, socket) in subscribers.iter().enumerate() {
        poller.watch(socket, token)?;
    }
    while !over.load(Ordering::Relaxed) {
        for socket in poller.wait(GLANCE)?.filter_map(|at| subscribers.get(at)) {
            if let Ok(bytes) = os::discard(socket, 1 << 20) {
                heard.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}
