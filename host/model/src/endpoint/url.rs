//! What all URLs have in common.

use super::EndpointError;
use std::str::FromStr;
use url::Url;

pub(super) fn parse_url(text: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(text).map_err(|error| EndpointError::NotAUrl(error.to_string()))?;
    // SRT stream ids begin with "#!::": unescaped, name and token would be lost without a word.
    if url.fragment().is_some() {
        return Err(EndpointError::Fragment);
    }
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(url),
        _ => Err(EndpointError::Missing("a host, as in udp://127.0.0.1:6000")),
    }
}

pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}

pub(super) fn port_of(url: &Url) -> Result<u16, EndpointError> {
    match url.port() {
        Some(port) if port > 0 => Ok(port),
        _ => Err(EndpointError::Missing("a port from 1 to 65535")),
    }
}

pub(super) fn number<T: FromStr + PartialOrd>(
    key: &'static str,
    value: &str,
    range: std::ops::RangeInclusive<T>,
    expected: &'static str,
) -> Result<T, EndpointError> {
    match value.parse() {
        Ok(n) if range.contains(&n) => Ok(n),
        _ => Err(EndpointError::BadParameter { key, expected }),
    }
}
