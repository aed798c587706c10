//! What the host offers: conversions only, the work is done in [`crate::hosting`].

use super::generated::Catalogue;
use super::generated::pointsman::policy::{clock, http, kv, library, log, random};
use crate::guest::{Guest, Level};
use crate::http::{Answer, HttpError, Request};
use crate::kv::KvError;
use model::selection as newest;
use wasmtime::component::{HasSelf, Linker, Resource};

pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    log::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    clock::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    random::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    kv::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    library::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    http::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl log::Host for Guest {
    fn write(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Trace => Level::Trace,
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        Guest::write(self, level, message);
    }
}

impl clock::Host for Guest {
    fn now_unix_ms(&mut self) -> u64 {
        self.hosting.now_unix_ms
    }
}

impl random::Host for Guest {
    fn next_u64(&mut self) -> u64 {
        self.hosting.random.next_u64()
    }

    fn bytes(&mut self, len: u32) -> Vec<u8> {
        self.hosting.random.bytes(len)
    }
}

impl kv::Host for Guest {
    fn get(&mut self, key: String) -> Option<kv::Entry> {
        let entry = self.hosting.kv_get(key)?;
        Some(kv::Entry {
            value: entry.value,
            revision: entry.revision,
        })
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<u64, kv::Error> {
        Ok(self.hosting.kv_set(key, value)?)
    }

    fn compare_and_set(
        &mut self,
        key: String,
        revision: u64,
        value: Vec<u8>,
    ) -> Result<u64, kv::Error> {
        Ok(self.hosting.kv_compare_and_set(key, revision, value)?)
    }

    fn delete(&mut self, key: String) -> bool {
        self.hosting.kv_delete(key)
    }

    fn keys(&mut self, prefix: String) -> Vec<String> {
        self.hosting.kv_keys(prefix)
    }
}

impl From<KvError> for kv::Error {
    fn from(error: KvError) -> Self {
        match error {
            KvError::Invalid(why) => Self::Invalid(why),
            KvError::Full => Self::Full,
            KvError::Conflict(revision) => Self::Conflict(revision),
        }
    }
}

impl library::Host for Guest {}

impl library::HostCatalogue for Guest {
    fn count(&mut self, _: Resource<Catalogue>, filter: library::Filter) -> u32 {
        self.hosting.library_count(filter.into())
    }

    fn page(
        &mut self,
        _: Resource<Catalogue>,
        filter: library::Filter,
        order: library::Order,
        offset: u32,
        limit: u32,
    ) -> Vec<library::Asset> {
        let order = match order {
            library::Order::LeastRecentlyPlayed => newest::AssetOrder::LeastRecentlyPlayed,
            library::Order::Id => newest::AssetOrder::Id,
            library::Order::Newest => newest::AssetOrder::Newest,
        };
        let assets = self
            .hosting
            .library_page(filter.into(), order, offset, limit);
        assets.into_iter().map(Into::into).collect()
    }

    fn get(&mut self, _: Resource<Catalogue>, id: String) -> Option<library::Asset> {
        self.hosting.library_get(id).map(Into::into)
    }

    fn drop(&mut self, _: Resource<Catalogue>) -> wasmtime::Result<()> {
        Ok(()) // the library goes with the call
    }
}

impl From<library::Filter> for newest::AssetFilter {
    fn from(filter: library::Filter) -> Self {
        Self {
            folder: filter.folder,
            tag: filter.tag,
        }
    }
}

impl From<newest::Asset> for library::Asset {
    fn from(asset: newest::Asset) -> Self {
        let segment = |segment: newest::PlayedSegment| library::PlayedSegment {
            start_ms: segment.start_ms,
            end_ms: segment.end_ms,
            played_unix_ms: segment.played_unix_ms,
        };
        Self {
            id: asset.id,
            title: asset.title,
            folder: asset.folder,
            duration_ms: asset.duration_ms,
            tags: asset.tags,
            last_played_unix_ms: asset.last_played_unix_ms,
            plays: asset.plays,
            segments: asset.segments.into_iter().map(segment).collect(),
            added_unix_ms: asset.added_unix_ms,
            attributes: asset.attributes.into_iter().collect(),
        }
    }
}

impl http::Host for Guest {
    async fn fetch(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        let request = Request {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body,
            timeout_ms: request.timeout_ms,
        };
        Ok(self.hosting.fetch(request).await?.into())
    }
}

impl From<Answer> for http::Response {
    fn from(answer: Answer) -> Self {
        Self {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        }
    }
}

impl From<HttpError> for http::Error {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied(why) => Self::Denied(why),
            HttpError::Invalid(why) => Self::Invalid(why),
            HttpError::Timeout => Self::Timeout,
            HttpError::Failed(why) => Self::Failed(why),
            HttpError::TooBig => Self::TooBig,
        }
    }
}
