//! What a host tells as it happens.

use crate::host::Http;
use crate::wait::until_some;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// The events of a host from a moment on (`GET /api/v1/events`).
#[derive(Debug)]
pub struct Events {
    told: Arc<Mutex<Vec<Value>>>,
    connection: TcpStream,
    listener: Option<JoinHandle<()>>,
}

impl Events {
    /// Listens; from its return on nothing is missed.
    ///
    /// # Panics
    /// When the host does not answer.
    pub fn of(http: &Http) -> Self {
        let address = http.base.trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).expect("the host answers");
        // HTTP/1.0, so that the answer comes in no chunks.
        let request = format!("GET /api/v1/events HTTP/1.0\r\nhost: {address}\r\n\r\n");
        connection
            .write_all(request.as_bytes())
            .expect("it is asked");
        let mut lines = BufReader::new(connection.try_clone().expect("a handle")).lines();
        let mut head = lines.by_ref().map_while(Result::ok);
        assert!(head.next().is_some_and(|line| line.contains(" 200 ")));
        assert!(head.any(|line| line.is_empty()), "the head ends");
        let told = Arc::<Mutex<Vec<Value>>>::default();
        let heard = Arc::clone(&told);
        let listener = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let data = line.strip_prefix("data:");
                let event = data.and_then(|data| serde_json::from_str(data).ok());
                heard.lock().unwrap().extend(event);
            }
        });
        Self {
            told,
            connection,
            listener: Some(listener),
        }
    }

    /// All that was told so far, oldest first.
    pub fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap().clone()
    }

    /// The first event of that type that is about this plugin or stream, once it is told.
    ///
    /// # Panics
    /// When it is not told in time.
    pub fn await_one(&self, kind: &str, about: &str) -> Value {
        until_some(&format!("{kind} of {about} is told"), || {
            let fits = |event: &Value| {
                event["type"] == kind && (event["plugin"] == about || event["stream"] == about)
            };
            self.told().into_iter().find(fits)
        })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // The host may have hung up before.
        let _ = self.connection.shutdown(Shutdown::Both);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}
