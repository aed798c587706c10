//! Lists that many ask for at the same time, written once for all of them.

use crate::problem::{Kind, Problem};
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use control::scene::Scene;
use model::StreamName;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// Different lists that are kept of one scene. Clients choose the host name in an answer, so it
/// has to be bounded; whoever asks for more gets it written for themselves.
const MOST: usize = 64;

/// What a list shows, besides the scene.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum List {
    /// All inputs, with addresses on this host.
    Inputs(String),
    /// All streams, with addresses on this host.
    Streams(String),
    /// The outputs of an input.
    Outputs(StreamName),
}

/// What was written of the newest scene.
#[derive(Default)]
pub(crate) struct Answers(Mutex<Option<Written>>);

struct Written {
    of: Arc<Scene>,
    lists: HashMap<List, Bytes>,
}

impl Answers {
    /// The list as JSON, written now if nobody else asked for it since the scene was taken.
    pub(crate) fn of<T: Serialize>(
        &self,
        scene: &Arc<Scene>,
        list: List,
        view: impl FnOnce(&Scene) -> T,
    ) -> Response {
        if !scene.is_whole() {
            // A tenant's own, which nobody else may get.
            return match serde_json::to_vec(&view(scene)) {
                Ok(bytes) => json(bytes.into()),
                Err(error) => Problem::new(Kind::Internal, error.to_string()).into_response(),
            };
        }
        // Held while it is written: those who ask meanwhile get the same.
        let mut newest = self.0.lock();
        let written = match newest.as_mut() {
            Some(written) if Arc::ptr_eq(&written.of, scene) => written,
            _ => newest.insert(Written {
                of: scene.clone(),
                lists: HashMap::new(),
            }),
        };
        if let Some(bytes) = written.lists.get(&list) {
            return json(bytes.clone());
        }
        let bytes = match serde_json::to_vec(&view(scene)) {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) => return Problem::new(Kind::Internal, error.to_string()).into_response(),
        };
        if written.lists.len() < MOST {
            written.lists.insert(list, bytes.clone());
        }
        json(bytes)
    }
}

fn json(bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}
