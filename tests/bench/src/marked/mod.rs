//! Datagrams that tell their place in a stream and when they were sent: paced, sent, received.

mod pace;
mod runs;
mod sender;
mod sinks;
mod watch;

pub(crate) use pace::{Schedule, pace};
pub(crate) use runs::Runs;
pub(crate) use sender::Sender;
pub(crate) use sinks::Sinks;
pub(crate) use watch::{GLANCE, Reception, Tally, Watch};
