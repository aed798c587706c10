//! The keys there are. Serde would refuse unknown ones too, but would not know the nearest.

use super::error::{ConfigError, Position};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What may stand under a key.
pub(super) enum Node {
    /// A single value.
    Scalar,
    /// A list of single values.
    List,
    /// Keys of the operator's own choice.
    Free,
    /// A table, or an array of such tables.
    Table(&'static [(&'static str, Node)]),
    /// A list of such tables, which has no place in a variable.
    Tables(&'static [(&'static str, Node)]),
    /// Such tables under keys of the operator's own choice.
    Each(&'static [(&'static str, Node)]),
}

use Node::{Each, Free, List, Scalar, Table, Tables};

/// What a plugin may take.
const LIMITS: &[(&str, Node)] = &[
    ("deadline_ms", Scalar),
    ("memory_bytes", Scalar),
    ("returned_bytes", Scalar),
    ("instances", Scalar),
    ("log_lines_per_second", Scalar),
    ("kv_keys", Scalar),
    ("kv_bytes", Scalar),
    ("http_ms", Scalar),
];

/// Renditions of an input.
const ENCODE: &[(&str, Node)] = &[
    ("ladder", Scalar),
    (
        "renditions",
        Table(&[("name", Scalar), ("height", Scalar), ("video_kbps", Scalar)]),
    ),
    ("hardware", Scalar),
    ("key_frame_ms", Scalar),
    (
        "audio",
        Table(&[("codec", Scalar), ("kbps", Scalar), ("gain_db", Scalar)]),
    ),
];

/// What a composite shows.
const COMPOSITE_SOURCE: &[(&str, Node)] = &[
    ("id", Scalar),
    ("title", Scalar),
    ("from", Table(&[("stream", Scalar), ("file", Scalar)])),
    ("gain_db", Scalar),
    ("mute", Scalar),
    ("labels", Free),
];

/// What is drawn over a composite's tiles.
const OVERLAY: &[(&str, Node)] = &[
    ("type", Scalar),
    ("file", Scalar),
    ("text", Scalar),
    ("x", Scalar),
    ("y", Scalar),
    ("width", Scalar),
    ("alpha", Scalar),
    ("style", Table(TEXT_STYLE)),
];

/// How text on a composite looks.
const TEXT_STYLE: &[(&str, Node)] = &[("size", Scalar), ("rgba", Scalar), ("box_rgba", Scalar)];

/// When a connection is tried again.
const RETRY: &[(&str, Node)] = &[
    ("initial_ms", Scalar),
    ("factor", Scalar),
    ("cap_ms", Scalar),
    ("jitter_percent", Scalar),
    ("attempts", Scalar),
    ("stable_after_ms", Scalar),
];

/// When an output is wanted.
const SCHEDULE: &[(&str, Node)] = &[
    ("time_zone", Scalar),
    ("windows", Table(&[("start", Scalar), ("stop", Scalar)])),
    (
        "recurring",
        Table(&[("start", Scalar), ("stop", Scalar), ("duration_s", Scalar)]),
    ),
];

/// The document. Keys that serde knows and this does not, or the other way round, fail the test
/// `the_keys_are_those_that_serde_knows`.
pub(super) const DOCUMENT: &[(&str, Node)] = &[
    ("data_dir", Scalar),
    ("database", Table(&[("url", Scalar)])),
    (
        "api",
        Table(&[
            ("listen", Scalar),
            ("local_admin", Scalar),
            ("certificate", Scalar),
            ("key", Scalar),
            ("self_signed", Scalar),
            ("cors", List),
            ("rate", Scalar),
        ]),
    ),
    (
        "rtmp",
        Table(&[
            ("listen", Scalar),
            ("tls_listen", Scalar),
            ("merge_ms", Scalar),
        ]),
    ),
    (
        "rtsp",
        Table(&[
            ("listen", Scalar),
            ("udp_port", Scalar),
            ("tls_listen", Scalar),
            ("user", Scalar),
            ("password", Scalar),
            ("max_connections", Scalar),
            ("setup_timeout_s", Scalar),
            ("session_timeout_s", Scalar),
        ]),
    ),
    (
        "hls",
        Table(&[
            ("form", Scalar),
            ("window_s", Scalar),
            ("window_bytes", Scalar),
            ("part_ms", Scalar),
            ("segment_s", Scalar),
            ("key_rotation", Scalar),
        ]),
    ),
    (
        "webrtc",
        Table(&[
            ("listen", Scalar),
            ("addresses", List),
            ("max_sessions", Scalar),
            ("connect_timeout_s", Scalar),
            ("media_timeout_s", Scalar),
            (
                "ice_servers",
                Tables(&[
                    ("url", Scalar),
                    ("username", Scalar),
                    ("credential", Scalar),
                ]),
            ),
        ]),
    ),
    (
        "mjpeg",
        Table(&[
            ("max_publishers", Scalar),
            ("max_frame_bytes", Scalar),
            ("max_fps", Scalar),
            ("idle_s", Scalar),
            ("picture_timeout_s", Scalar),
            ("stall_s", Scalar),
            ("view_fps", Scalar),
            ("view_quality", Scalar),
            ("view_width", Scalar),
            ("view_streams", Scalar),
        ]),
    ),
    (
        "stages",
        Table(&[
            ("font", Scalar),
            ("vaapi_device", Scalar),
            ("poster_every_s", Scalar),
            ("poster_width", Scalar),
        ]),
    ),
    (
        "videos",
        Table(&[
            ("max_bytes", Scalar),
            ("extensions", List),
            ("max_unfinished", Scalar),
            ("max_unfinished_bytes", Scalar),
            ("expires_s", Scalar),
            ("keep_free_bytes", Scalar),
            ("refresh_s", Scalar),
            ("stall_s", Scalar),
            ("max_videos", Scalar),
        ]),
    ),
    (
        "srt",
        Table(&[
            ("listen", Scalar),
            ("latency", Scalar),
            ("passphrase", Scalar),
            ("pbkeylen", Scalar),
        ]),
    ),
    ("udp", Table(&[("ports", Scalar)])),
    (
        "limits",
        Table(&[
            ("inputs", Scalar),
            ("outputs_per_input", Scalar),
            ("outputs", Scalar),
        ]),
    ),
    (
        "egress",
        Table(&[("allow", List), ("deny", List), ("link_local", Scalar)]),
    ),
    ("media", Table(&[("dir", Scalar)])),
    (
        "plugins",
        Table(&[
            ("dir", Scalar),
            ("trusted_keys", List),
            ("install_from", List),
            ("instances", Scalar),
            ("component_bytes", Scalar),
            ("limits", Table(LIMITS)),
            ("overrides", Each(LIMITS)),
            ("grants", Free),
        ]),
    ),
    (
        "decisions",
        Table(&[
            ("keep_secrets", Scalar),
            ("history", Scalar),
            ("max_age_days", Scalar),
            ("max_lines", Scalar),
            ("max_bytes", Scalar),
        ]),
    ),
    (
        "audit",
        Table(&[("max_age_days", Scalar), ("max_rows", Scalar)]),
    ),
    (
        "log",
        Table(&[
            ("file", Scalar),
            ("max_bytes", Scalar),
            ("daily", Scalar),
            ("keep", Scalar),
        ]),
    ),
    ("shutdown", Table(&[("drain_s", Scalar)])),
    (
        "compat",
        Table(&[
            ("distribution", Scalar),
            ("mjpeg", Scalar),
            ("wall", Scalar),
        ]),
    ),
    (
        "tenants",
        Table(&[
            ("name", Scalar),
            ("inputs", Scalar),
            ("outputs", Scalar),
            ("bitrate_bps", Scalar),
        ]),
    ),
    (
        "policies",
        Table(&[
            ("kind", Scalar),
            ("streams", Scalar),
            ("mode", Scalar),
            ("percent", Scalar),
            ("plugin", Scalar),
            ("config", Free),
        ]),
    ),
    (
        "otlp",
        Table(&[
            ("endpoint", Scalar),
            ("interval_s", Scalar),
            ("headers", Free),
        ]),
    ),
    (
        "webhooks",
        Table(&[
            ("name", Scalar),
            ("url", Scalar),
            ("secret", Scalar),
            ("events", List),
            ("streams", Scalar),
            ("enabled", Scalar),
        ]),
    ),
    (
        "inputs",
        Table(&[
            ("name", Scalar),
            (
                "sources",
                Table(&[
                    ("type", Scalar),
                    ("name", Scalar),
                    ("path", Scalar),
                    ("address", Scalar),
                    ("interface", Scalar),
                    ("url", Scalar),
                    ("retry", Table(RETRY)),
                    // Of a composite.
                    ("width", Scalar),
                    ("height", Scalar),
                    ("fps_milli", Scalar),
                    ("sources", Table(COMPOSITE_SOURCE)),
                    ("overlays", Table(OVERLAY)),
                    ("name_tags", Table(TEXT_STYLE)),
                    ("background_rgb", Scalar),
                    ("transition", Table(&[("ms", Scalar), ("easing", Scalar)])),
                    ("hold_ms", Scalar),
                    (
                        "ducking",
                        Table(&[
                            ("by", Scalar),
                            ("threshold_db", Scalar),
                            ("reduce_db", Scalar),
                        ]),
                    ),
                    (
                        "encoding",
                        Table(&[
                            ("video_kbps", Scalar),
                            ("audio_kbps", Scalar),
                            ("preset", Scalar),
                            ("keyframe_ms", Scalar),
                        ]),
                    ),
                ]),
            ),
            (
                "outputs",
                Table(&[
                    ("name", Scalar),
                    ("url", Scalar),
                    ("enabled", Scalar),
                    ("retry", Table(RETRY)),
                    ("schedule", Table(SCHEDULE)),
                ]),
            ),
            ("merge_ms", Scalar),
            ("freeze_ms", Scalar),
            ("black_ms", Scalar),
            ("encode", Table(ENCODE)),
            (
                "hls",
                Table(&[
                    ("form", Scalar),
                    ("window_s", Scalar),
                    ("key_rotation", Scalar),
                ]),
            ),
            ("labels", Free),
        ]),
    ),
    (
        "groups",
        Table(&[
            ("name", Scalar),
            (
                "screens",
                Table(&[
                    ("id", Scalar),
                    ("row", Scalar),
                    ("column", Scalar),
                    ("width", Scalar),
                    ("height", Scalar),
                    (
                        "bezel",
                        Table(&[
                            ("left", Scalar),
                            ("top", Scalar),
                            ("right", Scalar),
                            ("bottom", Scalar),
                        ]),
                    ),
                    ("rotation", Scalar),
                ]),
            ),
            ("direction", Scalar),
            ("delay_ms", Scalar),
            (
                "playing",
                Table(&[
                    ("mode", Scalar),
                    ("source", Table(WALL_SOURCE)),
                    ("fit", Scalar),
                    ("sources", Table(WALL_SOURCE)),
                    ("layout", Scalar),
                ]),
            ),
            ("labels", Free),
        ]),
    ),
    (
        "templates",
        Table(&[
            ("name", Scalar),
            (
                "variables",
                Table(&[("name", Scalar), ("default", Scalar), ("secret", Scalar)]),
            ),
            (
                "outputs",
                Table(&[
                    ("name", Scalar),
                    ("url", Scalar),
                    ("enabled", Scalar),
                    ("retry", Table(RETRY)),
                    ("schedule", Table(SCHEDULE)),
                ]),
            ),
        ]),
    ),
];

const WALL_SOURCE: &[(&str, Node)] = &[("type", Scalar), ("name", Scalar), ("path", Scalar)];

/// Resemblance (Jaro-Winkler) from which on a key is worth proposing.
const RESEMBLES: f64 = 0.7;

/// Refuses the first unknown key of a document.
pub(super) fn check(text: &str) -> Result<(), ConfigError> {
    let document = DeTable::parse(text).map_err(|error| ConfigError::syntax(text, &error))?;
    check_table(text, document.get_ref(), DOCUMENT, "")
}

fn check_table(
    text: &str,
    table: &DeTable<'_>,
    known: &'static [(&'static str, Node)],
    path: &str,
) -> Result<(), ConfigError> {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, Table(below) | Tables(below))) => {
                check_value(text, value, below, &format!("{path}{name}."))?;
            }
            Some((_, Each(below))) => check_each(text, value, below, &format!("{path}{name}."))?,
            Some(_) => {}
            None => {
                return Err(ConfigError::UnknownKey {
                    at: Position::of(text, key.span().start),
                    key: format!("{path}{}", name.chars().take(64).collect::<String>()),
                    nearest: nearest(name, known, path),
                });
            }
        }
    }
    Ok(())
}

fn check_each(
    text: &str,
    value: &Spanned<DeValue<'_>>,
    known: &'static [(&'static str, Node)],
    path: &str,
) -> Result<(), ConfigError> {
    let DeValue::Table(table) = value.get_ref() else {
        return Ok(()); // serde says so better
    };
    for (key, value) in table {
        let name: String = key.get_ref().chars().take(64).collect();
        check_value(text, value, known, &format!("{path}{name}."))?;
    }
    Ok(())
}

fn check_value(
    text: &str,
    value: &Spanned<DeValue<'_>>,
    known: &'static [(&'static str, Node)],
    path: &str,
) -> Result<(), ConfigError> {
    match value.get_ref() {
        DeValue::Table(table) => check_table(text, table, known, path),
        DeValue::Array(items) => items
            .iter()
            .try_for_each(|item| check_value(text, item, known, path)),
        // Of the wrong kind: serde says so better.
        _ => Ok(()),
    }
}

fn nearest(name: &str, known: &[(&'static str, Node)], path: &str) -> Option<String> {
    let name: String = name.chars().take(64).collect();
    let scored = known.iter().map(|(key, _)| (resemblance(&name, key), key));
    scored
        .filter(|(score, _)| *score >= RESEMBLES)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| format!("{path}{key}"))
}

/// 0 to 1. One slip of the finger is a slip however short the key: Jaro-Winkler alone sees
/// little of `url` in `ulr`.
fn resemblance(name: &str, key: &str) -> f64 {
    let slips = strsim::osa_distance(name, key);
    let similar = strsim::jaro_winkler(name, key);
    if slips <= 1 {
        similar.max(0.9)
    } else {
        similar
    }
}
