//! Files below the media folder: read by path, recorded by `file:///`.

use super::EndpointError;

/// Longest path of a file, in bytes.
pub const MAX_PATH_BYTES: usize = 512;

/// A file below the media folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative to the media folder: parts joined by `/`, none of them `.` or `..`.
    pub path: String,
}

impl File {
    /// The file at this path below the media folder.
    ///
    /// # Errors
    /// The path leads elsewhere, or has characters that no path of a file has here.
    pub fn below(path: &str) -> Result<Self, EndpointError> {
        match is_path_below(path) {
            true => Ok(Self {
                path: path.to_owned(),
            }),
            false => Err(EndpointError::BadPath),
        }
    }
}

/// A file that is recorded, below the media folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// As [`File::path`], with `%Y %m %d %H %M %S` for the time at which it begins.
    path: String,
}

impl Recording {
    /// The letters after a `%`: year, month, day, hour, minute and second.
    const FIELDS: &str = "YmdHMS";

    pub(super) fn parse(url: &str) -> Result<Self, EndpointError> {
        let path = url.strip_prefix("file:///").unwrap_or_default();
        let example = named(path, |field| match Self::FIELDS.contains(field) {
            true => "0".to_owned(),
            false => "%".to_owned(),
        });
        // Nothing else is ever written, whatever the folder holds beside media.
        let ends_well = path.len() <= MAX_PATH_BYTES && path.ends_with(".ts");
        match ends_well && is_path_below(&example) {
            true => Ok(Self {
                path: path.to_owned(),
            }),
            false => Err(EndpointError::BadRecording),
        }
    }

    /// The path, each `%` and its letter replaced.
    pub fn named(&self, field: impl Fn(char) -> String) -> String {
        named(&self.path, field)
    }
}

fn named(path: &str, field: impl Fn(char) -> String) -> String {
    let (mut named, mut rest) = (String::with_capacity(path.len()), path.chars());
    while let Some(c) = rest.next() {
        match c {
            '%' => named.push_str(&rest.next().map(&field).unwrap_or_else(|| "%".to_owned())),
            other => named.push(other),
        }
    }
    named
}

fn is_path_below(path: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " _-.@+()".contains(c);
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(plain);
    path.len() <= MAX_PATH_BYTES && path.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, EndpointError};
    use super::MAX_PATH_BYTES;

    #[test]
    fn a_recording_is_named_after_its_time_and_stays_below_the_media_folder() {
        let Ok(Endpoint::Recording(recording)) = "file:///a/%Y%m%d-%H%M%S b.ts".parse() else {
            panic!("a recording")
        };
        assert_eq!(recording.named(|field| field.to_string()), "a/Ymd-HMS b.ts");
        for bad in [
            "file://host/a.ts",
            "file:a.ts",
            "file:///",
            "file:///a.mp4",
            "file:///../a.ts",
            "file:///a/../b.ts",
            "file:////etc/a.ts",
            "file:///%2e%2e/a.ts",
            "file:///%s.ts",
            "file:///a.ts?x=1",
            "file:///a%.ts",
            "file:///a%%.ts",
            "file:///.ts/..",
            "file:///a\n.ts",
        ] {
            let parsed = bad.parse::<Endpoint>();
            assert_eq!(parsed, Err(EndpointError::BadRecording), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_recorded_or_read_leads_out_of_the_folder(path in "[a-z./%YmdHMS ]{0,24}") {
            let below = |path: &str| {
                !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
            };
            if let Ok(Endpoint::Recording(recording)) = format!("file:///{path}.ts").parse() {
                let named = recording.named(|_| "07".to_owned());
                proptest::prop_assert!(below(&named) && named.ends_with(".ts"), "{named}");
            }
            if let Ok(Endpoint::File(file)) = Endpoint::file(&path) {
                proptest::prop_assert!(below(&file.path), "{}", file.path);
            }
        }
    }

    #[test]
    fn a_path_stays_below_the_media_folder() {
        for good in ["a.ts", "shows/one (1).mp4", "ü/日.ts"] {
            assert!(Endpoint::file(good).is_ok(), "{good}");
        }
        let long = "a".repeat(MAX_PATH_BYTES + 1);
        for bad in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            "a\0b",
            "a\nb",
            "a:b",
            "%2e",
            &long,
        ] {
            assert_eq!(Endpoint::file(bad), Err(EndpointError::BadPath), "{bad:?}");
        }
    }
}
