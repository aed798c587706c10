//! What of a URL may be shown.

use url::Url;

/// Replaces passphrases, stream keys and tokens in a URL by `***`, for logs and the API.
pub fn redact(text: &str) -> String {
    if text.starts_with("file:") {
        return text.to_owned();
    }
    let Ok(mut url) = Url::parse(text) else {
        return "***".to_owned();
    };
    if url.password().is_some() {
        let _ = url.set_password(Some("***"));
    } else if !url.username().is_empty() {
        // Alone it is a token.
        let _ = url.set_username("***");
    }
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(key, value)| match key.as_ref() {
                "mode" | "latency" | "pbkeylen" | "timeout" | "interface" | "ttl" | "loop" => {
                    (key.into_owned(), value.into_owned())
                }
                _ => (key.into_owned(), "***".to_owned()),
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    if url.fragment().is_some() {
        url.set_fragment(Some("***"));
    }
    if matches!(url.scheme(), "rtmp" | "rtmps") {
        let mut parts: Vec<&str> = url.path().split('/').collect();
        if parts.len() > 2 {
            parts.pop();
            let path = format!("{}/***", parts.join("/"));
            url.set_path(&path);
        }
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn redaction_hides_keys_and_passphrases() {
        let shown = redact("srt://h:1?latency=120&passphrase=0123456789&streamid=publish:a");
        assert_eq!(shown, "srt://h:1?latency=120&passphrase=***&streamid=***");
        assert_eq!(redact("rtmp://h/live/secret"), "rtmp://h/live/***");
        assert_eq!(redact("rtmps://h/live/secret"), "rtmps://h/live/***");
        for (url, shown) in [
            (
                "https://u:pw@h/a/i.m3u8?cid=k",
                "https://u:***@h/a/i.m3u8?cid=***",
            ),
            ("https://token@h/i.m3u8", "https://***@h/i.m3u8"),
            ("file:///a/%Y b.ts", "file:///a/%Y b.ts"),
        ] {
            assert_eq!(redact(url), shown);
        }
    }
}
