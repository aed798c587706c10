//! What the headers of tus say.

use crate::error::Error;
use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

pub(super) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");

/// The digests that may be asked for; SHA-1 is the one that every server has.
pub(super) const CHECKSUMS: &str = "sha1,sha256";

/// Metadata is not longer.
const MAX_METADATA_BYTES: usize = 4 << 10;

/// What a request says of itself.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) content_length: Option<u64>,
    pub(super) length: Option<u64>,
    pub(super) offset: Option<u64>,
    pub(super) metadata: Option<String>,
    pub(super) checksum: Option<Checksum>,
}

/// What the body of a request has to come to.
#[derive(Debug)]
pub(super) struct Checksum {
    pub(super) algorithm: &'static Algorithm,
    pub(super) value: Vec<u8>,
}

/// What a file is called where it comes from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// `filename`, or as some clients call it `name`.
    pub(super) file: Option<String>,
    /// `title`
    pub(super) title: Option<String>,
}

impl Told {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Error> {
        Ok(Self {
            content_length: number(headers, &header::CONTENT_LENGTH)?,
            length: number(headers, &LENGTH)?,
            offset: number(headers, &OFFSET)?,
            metadata: metadata(headers)?,
            checksum: checksum(headers)?,
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Error> {
    let text = headers.get(name).map(|value| value.to_str());
    text.transpose().map_err(|_| malformed(name.as_str()))
}

fn malformed(name: &str) -> Error {
    Error::BadRequest(format!("the header {name} cannot be understood"))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Error> {
    let Some(text) = text(headers, name)? else {
        return Ok(None);
    };
    // Rust would take a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.map(Some).ok_or_else(|| malformed(name.as_str()))
}

fn metadata(headers: &HeaderMap) -> Result<Option<String>, Error> {
    match text(headers, &METADATA)? {
        Some(text) if text.len() > MAX_METADATA_BYTES => Err(Error::BadRequest(format!(
            "Upload-Metadata has more than {MAX_METADATA_BYTES} bytes"
        ))),
        text => Ok(text.map(str::to_owned)),
    }
}

/// `sha1 BASE64`
fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Error> {
    let Some(text) = text(headers, &CHECKSUM)? else {
        return Ok(None);
    };
    let (name, value) = text.split_once(' ').unwrap_or((text, ""));
    let algorithm = match name {
        "sha1" => &SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => &SHA256,
        _ => {
            let detail = format!("checksums may be {CHECKSUMS}");
            return Err(Error::BadRequest(detail));
        }
    };
    let value = BASE64_STANDARD.decode(value);
    let value = value.map_err(|_| malformed(CHECKSUM.as_str()))?;
    Ok(Some(Checksum { algorithm, value }))
}

/// The names among pairs of a key and a value in base64: `filename d29ybGQ=,is_confidential`.
pub(super) fn names(metadata: &str) -> Result<Names, Error> {
    let mut names = Names::default();
    for pair in metadata.split(',') {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let place = match key {
            "filename" | "name" => &mut names.file,
            "title" => &mut names.title,
            _ => continue,
        };
        let value = BASE64_STANDARD.decode(value.trim()).ok();
        let value = value.and_then(|value| String::from_utf8(value).ok());
        let value = value.ok_or_else(|| malformed("Upload-Metadata"))?;
        // The first counts: `filename` comes before `name` in those that send both.
        place.get_or_insert(value);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&'static str, &'static str)]) -> Result<Told, Error> {
        let headers = pairs
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        Told::of(&headers.collect())
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        assert_eq!(told(&[("upload-length", "12")]).unwrap().length, Some(12));
        for bad in [
            "",
            "-1",
            "+1",
            "1.0",
            " 1",
            "0x1",
            "18446744073709551616",
            "1,1",
        ] {
            assert!(told(&[("upload-offset", bad)]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn checksums_are_of_known_kinds() {
        let sum = told(&[("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")]);
        assert_eq!(sum.unwrap().checksum.unwrap().value.len(), 20);
        for bad in ["md5 Kq5s", "sha1", "sha1 ???"] {
            let sum = told(&[("upload-checksum", bad)]);
            assert!(
                sum.is_err() || sum.unwrap().checksum.unwrap().value.is_empty(),
                "{bad}"
            );
        }
    }

    #[test]
    fn names_are_found_among_other_metadata() {
        let file = Some("a.mp4".to_owned());
        for pairs in [
            "filename YS5tcDQ=",
            "filetype dmlkZW8vbXA0,filename YS5tcDQ=,secret",
            "name YS5tcDQ=",
            " filename  YS5tcDQ= ",
        ] {
            assert_eq!(names(pairs).unwrap().file, file, "{pairs:?}");
        }
        assert_eq!(names("").unwrap(), Names::default());
        for bad in ["filename", "filename /w=="] {
            let named = names(bad);
            assert!(
                named.is_err() || named.unwrap().file.unwrap().is_empty(),
                "{bad:?}"
            );
        }
    }
}
