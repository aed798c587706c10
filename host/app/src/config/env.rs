//! Environment variables over the file: `POINTSMAN_<SECTION>_<KEY>`.

use super::keys::{DOCUMENT, Node};
use super::{Config, ConfigError, Database};
use model::Limits;

const PREFIX: &str = "POINTSMAN_";

/// Lists of tables.
const LISTS: [&str; 6] = [
    "tenants",
    "policies",
    "inputs",
    "groups",
    "templates",
    "webhooks",
];

/// Where a key is: its sections, then itself.
type Path = Vec<&'static str>;

/// Scalar keys and lists, with the variable that sets each.
pub(super) fn variables() -> Vec<(String, Path)> {
    let mut found = Vec::new();
    // Lists of tables have no place in a variable.
    let settable = DOCUMENT.iter().filter(|(name, _)| !LISTS.contains(name));
    for (name, node) in settable {
        gather(vec![name], node, &mut found);
    }
    found
}

fn gather(path: Path, node: &'static Node, found: &mut Vec<(String, Path)>) {
    match node {
        Node::Scalar | Node::List => found.push((variable(&path), path)),
        Node::Table(keys) => {
            for (key, node) in *keys {
                let below = path.iter().copied().chain([*key]);
                gather(below.collect(), node, found);
            }
        }
        Node::Free | Node::Each(_) | Node::Tables(_) => {}
    }
}

fn variable(parts: &[&str]) -> String {
    format!("{PREFIX}{}", parts.join("_").to_ascii_uppercase())
}

/// Sets what the variables say.
///
/// A variable with the prefix that is no key is not an error: Kubernetes makes
/// `POINTSMAN_PORT` and the like for every service of that name.
pub(super) fn overlay(
    mut config: Config,
    given: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let given: Vec<_> = given
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    for (variable, path) in variables() {
        let Some((_, value)) = given.iter().find(|(name, _)| *name == variable) else {
            continue;
        };
        set(&mut config, &path, value)
            .map_err(|problem| ConfigError::Variable { variable, problem })?;
    }
    Ok(config)
}

fn set(config: &mut Config, path: &[&str], value: &str) -> Result<(), String> {
    match path {
        ["data_dir"] => config.data_dir = value.into(),
        ["database", "url"] => config.database = Database::parse(value)?,
        ["api", key] => set_api(config, key, value)?,
        ["audit", "max_age_days"] => config.audit.max_age_days = parsed(value, "days")?,
        ["audit", "max_rows"] => config.audit.max_rows = parsed(value, "a number")?,
        ["rtmp", "listen"] => config.rtmp.listen = parsed(value, "ADDRESS:PORT")?,
        ["rtmp", "tls_listen"] => {
            config.rtmp.tls_listen = given(value)
                .map(|it| parsed(it, "ADDRESS:PORT"))
                .transpose()?;
        }
        ["rtmp", "merge_ms"] => config.rtmp.merge_ms = parsed(value, "milliseconds")?,
        ["rtsp", key] => set_rtsp(config, key, value)?,
        ["webrtc", key] => set_webrtc(config, key, value)?,
        ["hls", key] => set_hls(config, key, value)?,
        ["mjpeg", key] => set_mjpeg(config, key, value)?,
        ["stages", key] => set_stages(config, key, value)?,
        ["videos", key] => set_videos(config, key, value)?,
        ["srt", "listen"] => config.srt.listen = parsed(value, "ADDRESS:PORT")?,
        ["otlp", "endpoint"] => {
            config.otlp.endpoint = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
        ["otlp", "interval_s"] => config.otlp.interval_s = parsed(value, "seconds")?,
        ["srt", "latency"] => config.srt.latency = parsed(value, "milliseconds")?,
        ["srt", "passphrase"] => config.srt.passphrase = given(value).map(str::to_owned),
        ["srt", "pbkeylen"] => config.srt.pbkeylen = parsed(value, "16, 24 or 32")?,
        ["limits", "inputs"] => config.limits.inputs = parsed(value, "a number")?,
        ["limits", "outputs_per_input"] => {
            config.limits.outputs_per_input = parsed(value, "a number")?;
        }
        ["limits", "outputs"] => config.limits.outputs = parsed(value, "a number")?,
        ["udp", "ports"] => config.udp.ports = parsed(value, "FIRST-LAST")?,
        ["media", "dir"] => config.media.dir = value.into(),
        ["egress", "allow"] => config.egress.allow = list(value, "NETWORK,HOST")?,
        ["egress", "deny"] => config.egress.deny = list(value, "NETWORK,HOST")?,
        ["egress", "link_local"] => config.egress.link_local = parsed(value, "true or false")?,
        ["plugins", key] => set_plugins(config, key, value)?,
        ["plugins", "limits", key] => set_limit(&mut config.plugins.limits, key, value)?,
        ["decisions", key] => set_decisions(config, key, value)?,
        ["log", key] => set_log(config, key, value)?,
        ["compat", "wall"] => config.compat.wall = Some(parsed(value, "true or false")?),
        ["compat", "mjpeg"] => config.compat.mjpeg = Some(parsed(value, "true or false")?),
        ["compat", "distribution"] => {
            config.compat.distribution = Some(parsed(value, "true or false")?);
        }
        ["shutdown", "drain_s"] => config.shutdown.drain_s = parsed(value, "seconds")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_api(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let api = &mut config.api;
    match key {
        "listen" => api.listen = parsed(value, "ADDRESS:PORT")?,
        "local_admin" => api.local_admin = parsed(value, "true or false")?,
        "certificate" => api.certificate = given(value).map(Into::into),
        "key" => api.key = given(value).map(Into::into),
        "self_signed" => api.self_signed = parsed(value, "true or false")?,
        "cors" => api.cors = list(value, "https://HOST,https://HOST")?,
        "rate" => api.rate = Some(parsed(value, "requests a second")?),
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

/// Set to nothing means not set.
fn given(value: &str) -> Option<&str> {
    Some(value).filter(|value| !value.is_empty())
}

fn set_plugins(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let plugins = &mut config.plugins;
    match key {
        "dir" => plugins.dir = value.into(),
        "trusted_keys" => plugins.trusted_keys = list(value, "KEY,KEY")?,
        "install_from" => plugins.install_from = list(value, "HOST,HOST")?,
        "instances" => plugins.instances = parsed(value, "a number")?,
        "component_bytes" => plugins.component_bytes = parsed(value, "bytes")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_limit(limits: &mut Limits, key: &str, value: &str) -> Result<(), String> {
    match key {
        "deadline_ms" => limits.deadline_ms = parsed(value, "milliseconds")?,
        "memory_bytes" => limits.memory_bytes = parsed(value, "bytes")?,
        "returned_bytes" => limits.returned_bytes = parsed(value, "bytes")?,
        "instances" => limits.instances = parsed(value, "a number")?,
        "log_lines_per_second" => limits.log_lines_per_second = parsed(value, "a number")?,
        "kv_keys" => limits.kv_keys = parsed(value, "a number")?,
        "kv_bytes" => limits.kv_bytes = parsed(value, "bytes")?,
        "http_ms" => limits.http_ms = parsed(value, "milliseconds")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_rtsp(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let rtsp = &mut config.rtsp;
    match key {
        "listen" => rtsp.listen = Some(parsed(value, "ADDRESS:PORT")?),
        "udp_port" => rtsp.udp_port = Some(parsed(value, "a port")?),
        "tls_listen" => {
            let address = given(value).map(|it| parsed(it, "ADDRESS:PORT"));
            rtsp.tls_listen = address.transpose()?;
        }
        "user" => rtsp.user = given(value).map(str::to_owned),
        "password" => rtsp.password = given(value).map(str::to_owned),
        "max_connections" => rtsp.max_connections = parsed(value, "a number")?,
        "setup_timeout_s" => rtsp.setup_timeout_s = parsed(value, "seconds")?,
        "session_timeout_s" => rtsp.session_timeout_s = parsed(value, "seconds")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_webrtc(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let webrtc = &mut config.webrtc;
    match key {
        "listen" => webrtc.listen = Some(parsed(value, "ADDRESS:PORT")?),
        "addresses" => webrtc.addresses = list(value, "ADDRESS,ADDRESS")?,
        "max_sessions" => webrtc.max_sessions = parsed(value, "a number")?,
        "connect_timeout_s" => webrtc.connect_timeout_s = parsed(value, "seconds")?,
        "media_timeout_s" => webrtc.media_timeout_s = parsed(value, "seconds")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_hls(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let hls = &mut config.hls;
    match key {
        "form" => hls.form = parsed(value, "cmaf or ts")?,
        "window_s" => hls.window_s = parsed(value, "seconds")?,
        "window_bytes" => hls.window_bytes = parsed(value, "bytes")?,
        "part_ms" => hls.part_ms = parsed(value, "milliseconds")?,
        "segment_s" => hls.segment_s = parsed(value, "seconds")?,
        "key_rotation" => hls.key_rotation = parsed(value, "segments")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_stages(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let stages = &mut config.stages;
    match key {
        "font" => stages.font = value.into(),
        "vaapi_device" => stages.vaapi_device = value.to_owned(),
        "poster_every_s" => stages.poster_every_s = parsed(value, "seconds")?,
        "poster_width" => stages.poster_width = parsed(value, "pixels")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_videos(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let videos = &mut config.videos;
    match key {
        "max_bytes" => videos.max_bytes = parsed(value, "bytes")?,
        "extensions" => videos.extensions = list(value, "mp4,mov")?,
        "max_unfinished" => videos.max_unfinished = parsed(value, "a number")?,
        "max_unfinished_bytes" => videos.max_unfinished_bytes = parsed(value, "bytes")?,
        "expires_s" => videos.expires_s = parsed(value, "seconds")?,
        "keep_free_bytes" => videos.keep_free_bytes = parsed(value, "bytes")?,
        "refresh_s" => videos.refresh_s = parsed(value, "seconds")?,
        "stall_s" => videos.stall_s = parsed(value, "seconds")?,
        "max_videos" => videos.max_videos = parsed(value, "a number")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_mjpeg(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let mjpeg = &mut config.mjpeg;
    match key {
        "max_publishers" => mjpeg.max_publishers = parsed(value, "a number")?,
        "max_frame_bytes" => mjpeg.max_frame_bytes = parsed(value, "bytes")?,
        "max_fps" => mjpeg.max_fps = parsed(value, "a number")?,
        "idle_s" => mjpeg.idle_s = parsed(value, "seconds")?,
        "picture_timeout_s" => mjpeg.picture_timeout_s = parsed(value, "seconds")?,
        "stall_s" => mjpeg.stall_s = parsed(value, "seconds")?,
        "view_fps" => mjpeg.view_fps = parsed(value, "a number")?,
        "view_quality" => mjpeg.view_quality = parsed(value, "1 to 100")?,
        "view_width" => mjpeg.view_width = parsed(value, "pixels")?,
        "view_streams" => mjpeg.view_streams = parsed(value, "a number")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_log(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let log = &mut config.log;
    match key {
        "file" => log.file = given(value).map(Into::into),
        "max_bytes" => log.max_bytes = parsed(value, "bytes")?,
        "daily" => log.daily = parsed(value, "true or false")?,
        "keep" => log.keep = parsed(value, "a number")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn set_decisions(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let decisions = &mut config.decisions;
    match key {
        "keep_secrets" => decisions.keep_secrets = parsed(value, "true or false")?,
        "history" => decisions.history = parsed(value, "true or false")?,
        "max_age_days" => decisions.max_age_days = parsed(value, "days")?,
        "max_lines" => decisions.max_lines = parsed(value, "a number")?,
        "max_bytes" => decisions.max_bytes = parsed(value, "bytes")?,
        _ => return Err("this key cannot be set by a variable".to_owned()),
    }
    Ok(())
}

fn parsed<T: std::str::FromStr>(value: &str, expected: &str) -> Result<T, String> {
    let shown: String = value.chars().take(40).collect();
    value
        .parse()
        .map_err(|_| format!("{shown:?} is not of the form {expected}"))
}

/// A list, parted by commas; nothing is an empty one.
fn list<T: std::str::FromStr>(value: &str, expected: &str) -> Result<Vec<T>, String> {
    let items = value.split(',').map(str::trim);
    let items = items.filter(|item| !item.is_empty());
    items.map(|item| parsed(item, expected)).collect()
}

/// The variable of a key written as in errors: `api.listen` is `POINTSMAN_API_LISTEN`.
pub fn variable_of(key: &str) -> String {
    variable(&key.split('.').collect::<Vec<_>>())
}
