//! The commands of clients, as FFmpeg, OBS, librtmp, GStreamer and Flash send them.

use std::time::Instant;

use super::{Connect, Play, Publish, PublishKind, Question, Server, ServerEvent, State};
use crate::amf::Value;
use crate::message::Command;
use crate::session::{Error, reply};
use crate::url;
use crate::wire::STREAM_ID;

impl Server {
    pub(super) fn on_command(&mut self, now: Instant, command: &Command) -> Result<(), Error> {
        match command.name.as_str() {
            "connect" => self.on_connect(now, command),
            "createStream" => self.answer(command, f64::from(STREAM_ID).into()),
            "publish" => self.on_publish(now, command),
            "play" => self.on_play(now, command),
            "deleteStream" | "closeStream" => {
                self.leave(now);
                Ok(())
            }
            "FCUnpublish" => self.on_fc_unpublish(now, command),
            "FCPublish" => {
                self.fc_publish = true;
                self.answer(command, Value::Undefined)
            }
            "FCSubscribe" => {
                const CODE: &str = "NetStream.Play.Start";
                self.link
                    .send_command(&reply::fc("onFCSubscribe", CODE, "Subscribed."))
            }
            "releaseStream" | "_checkbw" => self.answer(command, Value::Undefined),
            "getStreamLength" => self.answer(command, 0.0.into()),
            "pause" | "pauseRaw" => self.on_pause(command),
            "seek" => {
                const CODE: &str = "NetStream.Seek.Failed";
                self.link
                    .send_status(STREAM_ID, &reply::failure(CODE, "A live stream."))
            }
            _ => {
                // Unanswered, as by nginx-rtmp: FFmpeg takes an `_error` to a call it does not
                // expect one for as the end.
                self.link.count_ignored();
                Ok(())
            }
        }
    }

    /// Answers a call, if it waits for an answer.
    fn answer(&mut self, command: &Command, value: Value) -> Result<(), Error> {
        if command.transaction == 0.0 {
            return Ok(());
        }
        self.link
            .send_command(&reply::result(command.transaction, value))
    }

    fn on_connect(&mut self, now: Instant, command: &Command) -> Result<(), Error> {
        if self.state != State::Greeted {
            return Err(Error::OutOfOrder {
                command: "connect",
                needed: "a new connection",
            });
        }
        let connect = Connect::new(command.argument(0).as_object().cloned().unwrap_or_default());
        self.check_len("app", connect.app.len() + connect.query.len())?;
        self.check_len("tcUrl", connect.tc_url.len())?;
        self.app.clone_from(&connect.app);
        self.app_query.clone_from(&connect.query);
        let encoding = connect
            .properties
            .get("objectEncoding")
            .and_then(Value::as_f64);
        let question = Question::Connect {
            transaction: command.transaction,
            object_encoding: encoding.unwrap_or_default(),
            is_enhanced: connect.enhanced.is_announced(),
        };
        self.ask(now, question, ServerEvent::Connect(connect));
        Ok(())
    }

    fn on_publish(&mut self, now: Instant, command: &Command) -> Result<(), Error> {
        if !self.may_take_role("publish")? {
            return Ok(());
        }
        let (name, query) = self.stream_key(command)?;
        let kind = PublishKind::from(command.argument(2).as_str().unwrap_or_default());
        let publish = Publish {
            app: self.app.clone(),
            name,
            query,
            kind,
        };
        self.ask(now, Question::Publish, ServerEvent::Publish(publish));
        Ok(())
    }

    fn on_play(&mut self, now: Instant, command: &Command) -> Result<(), Error> {
        if !self.may_take_role("play")? {
            return Ok(());
        }
        let (name, query) = self.stream_key(command)?;
        // Milliseconds by the habit of all clients, seconds by RTMP 1.0 §7.2.2.1. The cast
        // saturates.
        let start_ms = command.argument(2).as_f64().unwrap_or(-2000.0) as i64;
        let reset = command.argument(4).as_bool().unwrap_or(true);
        let play = Play {
            app: self.app.clone(),
            name,
            query,
            start_ms,
        };
        self.ask(now, Question::Play { reset }, ServerEvent::Play(play));
        Ok(())
    }

    fn on_pause(&mut self, command: &Command) -> Result<(), Error> {
        if self.state != State::Playing {
            return Ok(());
        }
        let paused = command.argument(1).as_bool().unwrap_or(true);
        self.events.push_back(ServerEvent::Pause(paused));
        let status = match paused {
            true => reply::status("NetStream.Pause.Notify", "Paused."),
            false => reply::status("NetStream.Unpause.Notify", "Playing again."),
        };
        self.link.send_status(STREAM_ID, &status)
    }

    fn on_fc_unpublish(&mut self, now: Instant, command: &Command) -> Result<(), Error> {
        const CODE: &str = "NetStream.Unpublish.Success";
        self.answer(command, Value::Undefined)?;
        if self.state == State::Publishing {
            let stopped = reply::fc("onFCUnpublish", CODE, "Stopped publishing.");
            self.link.send_status(STREAM_ID, &stopped)?;
            self.link
                .send_status(STREAM_ID, &reply::status(CODE, "Stopped publishing."))?;
        }
        self.leave(now);
        Ok(())
    }

    /// Gives up the connection's role, if it has one.
    fn leave(&mut self, now: Instant) {
        let event = match self.state {
            State::Publishing => ServerEvent::Unpublish,
            State::Playing => ServerEvent::Stop,
            _ => return,
        };
        self.events.push_back(event);
        self.enter(now, State::Idle);
    }

    fn ask(&mut self, now: Instant, question: Question, event: ServerEvent) {
        self.events.push_back(event);
        self.enter(now, State::Deciding(question));
    }

    /// Whether the connection is free for a role. One that has one is told, and goes on.
    fn may_take_role(&mut self, command: &'static str) -> Result<bool, Error> {
        match self.state {
            State::Idle => Ok(true),
            State::Publishing | State::Playing => {
                let failure = reply::failure(
                    "NetStream.Failed",
                    "This connection publishes or plays already; open another.",
                );
                self.link.send_status(STREAM_ID, &failure)?;
                Ok(false)
            }
            _ => Err(Error::OutOfOrder {
                command,
                needed: "connect",
            }),
        }
    }

    /// The name that `publish` or `play` calls, and the queries of it and of the app.
    fn stream_key(&self, command: &Command) -> Result<(String, String), Error> {
        let key = command.argument(1).as_str().unwrap_or_default();
        self.check_len("stream name", key.len())?;
        let (name, query) = url::split_query(key);
        let queries = [self.app_query.as_str(), query];
        let queries: Vec<_> = queries
            .into_iter()
            .filter(|query| !query.is_empty())
            .collect();
        Ok((name.to_owned(), queries.join("&")))
    }

    fn check_len(&self, field: &'static str, len: usize) -> Result<(), Error> {
        let max = self.limits.max_name_len;
        if len > max {
            return Err(Error::NameTooLong { field, len, max });
        }
        Ok(())
    }
}
