//! The imports' stand-ins, with the same signatures as the generated ones.

use crate::http::{Error, Request, Response};
use crate::kv::Entry;
use crate::log::Level;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// One thread's host.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) now_unix_ms: u64,
    pub(crate) random: u64,
    pub(crate) entries: BTreeMap<String, Entry>,
    pub(crate) lines: Vec<(Level, String)>,
    pub(crate) web: Option<Web>,
}

type Web = Box<dyn FnMut(&Request) -> Result<Response, Error>>;

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

pub(crate) fn with<T>(act: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with_borrow_mut(act)
}

pub(crate) mod log {
    use crate::bindings::host::pointsman::policy::log as wit;
    use crate::log::Level;

    pub(crate) fn write(level: wit::Level, message: &str) {
        let level = match level {
            wit::Level::Trace => Level::Trace,
            wit::Level::Debug => Level::Debug,
            wit::Level::Info => Level::Info,
            wit::Level::Warn => Level::Warn,
            wit::Level::Error => Level::Error,
        };
        eprintln!("{level:?}: {message}");
        super::with(|host| host.lines.push((level, message.to_owned())));
    }
}

pub(crate) mod clock {
    pub(crate) fn now_unix_ms() -> u64 {
        super::with(|host| host.now_unix_ms)
    }
}

pub(crate) mod random {
    /// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
    pub(crate) fn next_u64() -> u64 {
        super::with(|host| {
            host.random = host.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = host.random;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        })
    }

    pub(crate) fn bytes(len: u32) -> Vec<u8> {
        let len = len.min(4_096) as usize;
        let mut bytes: Vec<u8> = (0..len.div_ceil(8))
            .flat_map(|_| next_u64().to_le_bytes())
            .collect();
        bytes.truncate(len);
        bytes
    }
}

pub(crate) mod kv {
    use crate::bindings::host::pointsman::policy::kv::{Entry, Error};
    use std::collections::BTreeMap;

    // The host's defaults.
    const KEY_BYTES: usize = 128;
    const VALUE_BYTES: usize = 64 << 10;
    const KEYS: usize = 1_024;
    const BYTES: usize = 256 << 10;

    pub(crate) fn get(key: &str) -> Option<Entry> {
        super::with(|host| host.entries.get(key).cloned())
    }

    pub(crate) fn set(key: &str, value: &[u8]) -> Result<u64, Error> {
        super::with(|host| write(&mut host.entries, key, value))
    }

    pub(crate) fn compare_and_set(key: &str, revision: u64, value: &[u8]) -> Result<u64, Error> {
        super::with(|host| {
            let now = host.entries.get(key).map_or(0, |entry| entry.revision);
            if now != revision {
                return Err(Error::Conflict(now));
            }
            write(&mut host.entries, key, value)
        })
    }

    pub(crate) fn delete(key: &str) -> bool {
        super::with(|host| host.entries.remove(key).is_some())
    }

    pub(crate) fn keys(prefix: &str) -> Vec<String> {
        super::with(|host| {
            let keys = host.entries.keys().filter(|key| key.starts_with(prefix));
            keys.take(1_024).cloned().collect()
        })
    }

    fn write(entries: &mut BTreeMap<String, Entry>, key: &str, value: &[u8]) -> Result<u64, Error> {
        if key.is_empty() || key.len() > KEY_BYTES {
            return Err(Error::Invalid(format!("a key has 1 to {KEY_BYTES} bytes")));
        }
        if value.len() > VALUE_BYTES {
            return Err(Error::Invalid(format!(
                "a value has at most {VALUE_BYTES} bytes"
            )));
        }
        let others = entries.iter().filter(|(other, _)| *other != key);
        let (keys, bytes) = others.fold((0, 0), |(keys, bytes), (key, entry)| {
            (keys + 1, bytes + key.len() + entry.value.len())
        });
        if keys >= KEYS || bytes + key.len() + value.len() > BYTES {
            return Err(Error::Full);
        }
        let entry = entries.entry(key.to_owned()).or_default();
        entry.revision += 1;
        entry.value = value.to_vec();
        Ok(entry.revision)
    }
}

pub(crate) mod http {
    use crate::bindings::host::pointsman::policy::http as wit;
    use crate::http::{Error, Request, Response};

    pub(crate) fn fetch(request: &Request) -> Result<Response, wit::Error> {
        // Taken out meanwhile, so that whoever answers may use the host.
        let Some(mut web) = super::with(|host| host.web.take()) else {
            let hint = "nobody answers: see testing::http::answer";
            return Err(wit::Error::Denied(hint.to_owned()));
        };
        let answer = web(request);
        super::with(|host| {
            host.web.get_or_insert(web);
        });
        answer.map_err(|error| match error {
            Error::Denied(reason) => wit::Error::Denied(reason),
            Error::Invalid(reason) => wit::Error::Invalid(reason),
            Error::Timeout => wit::Error::Timeout,
            Error::Failed(reason) => wit::Error::Failed(reason),
            Error::TooBig => wit::Error::TooBig,
        })
    }
}
