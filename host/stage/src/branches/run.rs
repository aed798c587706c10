//! One FFmpeg from its start to its end.

use super::arguments::{Plan, arguments};
use super::feed::feed;
use super::outlets::Outlets;
use bytes::{Bytes, BytesMut};
use ffmpeg::{Ffmpeg, Job, Output};
use futures_util::future::select_all;
use hub::{Source, Stream};
use link::{LinkError, Session};
use media::ts::framer::Framer;
use std::fs::File;
use std::process::Stdio;
use std::sync::Arc;

/// What is on FFmpeg's standard input.
pub(crate) enum Intake<'a> {
    /// A stream's packets.
    Stream(&'a Arc<Stream>),
    /// A file.
    File(File),
}

/// How it ended where nothing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// What it was begun for is no longer so.
    Changed,
    /// The session has to end.
    Cancelled,
}

/// A child that is ready to be started: what for, its arguments, and what it makes.
pub(crate) type Prepared = (Job, Vec<String>, Vec<Output>);

/// Makes the pipes of a plan's branches.
///
/// # Errors
/// The system gives no more pipes.
pub(crate) fn prepare(mut job: Job, plan: &Plan<'_>) -> Result<Prepared, LinkError> {
    let outputs: Result<Vec<_>, _> = plan.branches.iter().map(|_| job.output()).collect();
    let outputs = outputs?;
    let names: Vec<_> = outputs.iter().map(Output::name).collect();
    Ok((job, arguments(plan, &names), outputs))
}

/// Fills the outlets until something ends; `outputs` are theirs, in their order.
///
/// # Errors
/// FFmpeg ended, or the stream did.
pub(crate) async fn run(
    (job, arguments, outputs): Prepared,
    intake: Intake<'_>,
    outlets: &mut Outlets,
    session: &Session,
    changed: impl Future<Output = ()>,
) -> Result<End, LinkError> {
    let (stdin, stream) = match intake {
        Intake::Stream(stream) => (Stdio::piped(), Some(stream)),
        Intake::File(file) => (Stdio::from(file), None),
    };
    let mut ffmpeg = job.start(arguments, stdin)?;
    let feeding = async {
        match (stream, ffmpeg.stdin()) {
            (Some(stream), Ok(stdin)) => feed(stream, stdin).await,
            _ => std::future::pending().await,
        }
    };
    let pumps = outputs.into_iter().zip(outlets.sources());
    let pumps: Vec<_> = pumps
        .map(|(output, source)| Box::pin(pump(output, source, session)))
        .collect();
    session.live();
    let ended = tokio::select! {
        _ = select_all(pumps) => return Err(explain(ffmpeg).await),
        () = feeding => Err(LinkError::Ended),
        () = changed => Ok(End::Changed),
        () = session.cancelled().cancelled() => Ok(End::Cancelled),
    };
    ffmpeg.end().await;
    ended
}

async fn explain(ffmpeg: Ffmpeg) -> LinkError {
    ffmpeg.explain().await.into()
}

/// Pushes what FFmpeg makes, until it makes no more.
async fn pump(mut output: Output, source: &mut Source, session: &Session) {
    let (mut framer, mut block) = (Framer::stream(), BytesMut::new());
    let mut runs: Vec<Bytes> = Vec::new();
    while let Ok(1..) = output.read(&mut block).await {
        session.moved(block.len());
        framer.push(block.split().freeze(), &mut runs);
        source.push_ts(runs.drain(..));
    }
}
