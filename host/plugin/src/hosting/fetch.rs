//! Requests in a call.

use super::Hosting;
use crate::home::Home;
use crate::http::{Answer, Client, HttpError, Request};
use crate::tape::HostCall;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What becomes of a call's requests.
pub(super) enum Http {
    /// They are sent, if both sides granted them.
    Open {
        client: Arc<Client>,
        /// What the component's metadata asks for.
        asked: Arc<[String]>,
        /// What is left of the time for all of them.
        left: Duration,
    },
    /// They are not.
    Closed,
    /// They are answered by a fixture: method, URL and answer.
    Scripted(Vec<(String, String, Result<Answer, HttpError>)>),
}

impl Http {
    pub(super) fn open(home: &Home, asked: &Arc<[String]>) -> Self {
        Self::Open {
            client: Arc::clone(&home.http),
            asked: Arc::clone(asked),
            left: Duration::from_millis(home.limits.http_ms),
        }
    }
}

impl Hosting {
    pub(crate) async fn fetch(&mut self, request: Request) -> Result<Answer, HttpError> {
        let (method, url) = (request.method.clone(), request.url.clone());
        let played = self.player.as_mut().map(|player| {
            let played = player.answer(|call| match call {
                HostCall::HttpFetch {
                    method: m,
                    url: u,
                    result,
                } if (m, u) == (&method, &url) => Some(result),
                _ => None,
            });
            played.unwrap_or_else(|| {
                closed("the decision is made again, and its tape has no answer to this request")
            })
        });
        let result = match played {
            Some(result) => result,
            None => self.send(request).await,
        };
        self.recorder.record(|| HostCall::HttpFetch {
            method,
            url,
            result: result.clone(),
        });
        result
    }

    async fn send(&mut self, request: Request) -> Result<Answer, HttpError> {
        let (client, asked, left) = match &mut self.http {
            Http::Open {
                client,
                asked,
                left,
            } => (client, asked, left),
            Http::Closed => return closed("nothing is sent while a component is tried"),
            Http::Scripted(answers) => return scripted(answers, &request),
        };
        let began = Instant::now();
        let _waiting = self.pause.begin();
        let result = client.fetch(request, asked, *left).await;
        *left = left.saturating_sub(began.elapsed());
        result
    }
}

fn closed(why: &str) -> Result<Answer, HttpError> {
    Err(HttpError::Failed(format!("not sent: {why}")))
}

fn scripted(
    answers: &[(String, String, Result<Answer, HttpError>)],
    request: &Request,
) -> Result<Answer, HttpError> {
    let fits =
        |(method, url, _): &&(String, String, _)| (method, url) == (&request.method, &request.url);
    match answers.iter().find(fits) {
        Some((_, _, answer)) => answer.clone(),
        None => Err(HttpError::Denied(format!(
            "the fixture has no answer to {} {}",
            request.method, request.url
        ))),
    }
}
