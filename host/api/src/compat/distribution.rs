//! The routes of the stream distribution manager: inputs that get a UDP port, and their outputs.
//!
//! An input's id is its stream's name, an output's id its own name, so both stay the same over
//! restarts. A name that no stream can have is kept as the label `name`, and the stream is called
//! by what is left of it: `Main Stage` becomes `Main-Stage`.

use crate::app::App;
use crate::extract::{Json as Body, Named, OfInput, Scoped};
use crate::fields;
use crate::problem::{Kind, Problem};
use crate::routes::table::{Need, Route, at};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use control::view::{OutputView, StreamView};
use control::{ControlError, Expect};
use model::Role::{Operator, Viewer};
use model::endpoint::redact;
use model::{Endpoint, InputSpec, Label, LinkState, OutputSpec, StreamName};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

use Need::{Host, Nothing, Own};

/// The label under which a name is kept that no stream can have.
const NAME: &str = "name";

/// Every route.
pub(crate) fn table() -> [Route; 9] {
    [
        at("/api/inputs")
            .get(Own(Viewer), list)
            .post(Own(Operator), add),
        at("/api/inputs/{id}")
            .get(Own(Viewer), one)
            .patch(Own(Operator), change)
            .delete(Own(Operator), remove),
        at("/api/inputs/{id}/outputs")
            .get(Own(Viewer), outputs)
            .post(Own(Operator), add_output),
        at("/api/inputs/{id}/outputs/{out}")
            .get(Own(Viewer), one_output)
            .delete(Own(Operator), remove_output),
        at("/api/inputs/{id}/outputs/{out}/start").post(Own(Operator), start),
        at("/api/inputs/{id}/outputs/{out}/stop").post(Own(Operator), stop),
        at("/api/health").get(Nothing, health),
        at("/api/system/status").get(Host(Viewer), system),
        at("/api/system/mediamtx/status").get(Host(Viewer), router),
    ]
}

/// What an input may be told. Other members were there and mean nothing here.
#[derive(Debug, Deserialize)]
struct InputBody {
    name: Option<String>,
    #[serde(alias = "port")]
    udp_port: Option<u16>,
    description: Option<String>,
}

/// What an output may be told: its URL, or the parts of one.
#[derive(Debug, Deserialize)]
struct OutputBody {
    name: Option<String>,
    #[serde(alias = "destination", alias = "target")]
    url: Option<String>,
    #[serde(rename = "type", alias = "protocol")]
    kind: Option<String>,
    #[serde(alias = "address")]
    host: Option<String>,
    port: Option<u16>,
    mode: Option<String>,
    path: Option<String>,
    stream_key: Option<String>,
    latency: Option<u32>,
    passphrase: Option<String>,
    #[serde(alias = "streamid")]
    stream_id: Option<String>,
}

async fn list(Scoped(app): Scoped) -> Result<Json<Value>, Problem> {
    let scene = app.control.scene().await?;
    let inputs = scene.site.inputs.iter();
    let inputs = inputs.map(|spec| input_json(spec, scene.stream(&spec.name)));
    Ok(Json(inputs.collect()))
}

async fn add(
    Scoped(app): Scoped,
    Body(body): Body<InputBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let missing = || Problem::new(Kind::InvalidBody, "name: is missing");
    let given = body.name.clone().ok_or_else(missing)?;
    let name = super::slug(&given);
    let mut source = json!({"type": "udp"});
    if let Some(port) = body.udp_port {
        source["address"] = json!(at_port(&app, port));
    }
    let mut labels = json!({});
    if name != given {
        labels[NAME] = json!(given);
    }
    if let Some(description) = body.description {
        labels["description"] = json!(description);
    }
    let spec = fields::input(json!({"name": name, "sources": [source], "labels": labels}))?;
    let spec = app.control.add_input(spec).await?;
    Ok((StatusCode::CREATED, Json(shown(&app, &spec).await)))
}

async fn one(Scoped(app): Scoped, Named(name): Named<StreamName>) -> Result<Json<Value>, Problem> {
    let spec = app.control.input(&name)?;
    Ok(Json(shown(&app, &spec).await))
}

async fn change(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    Body(body): Body<InputBody>,
) -> Result<Json<Value>, Problem> {
    let address = body.udp_port.map(|port| at_port(&app, port));
    let changed = app.control.edit_input(name, Expect::Anything, |input| {
        patched(input, body, address).map_err(ControlError::Invalid)
    });
    let spec = changed.await?;
    Ok(Json(shown(&app, &spec).await))
}

async fn remove(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
) -> Result<Json<Value>, Problem> {
    app.control
        .remove_input(name.clone(), Expect::Anything)
        .await?;
    Ok(success(format!("input {name} is deleted")))
}

async fn outputs(
    Scoped(app): Scoped,
    OfInput(name, ()): OfInput<()>,
) -> Result<Json<Value>, Problem> {
    let spec = app.control.input(&name)?;
    let stream = app.control.stream(name).await.ok();
    Ok(Json(outputs_json(&spec, stream.as_ref())))
}

async fn add_output(
    Scoped(app): Scoped,
    OfInput(input, ()): OfInput<()>,
    Body(body): Body<OutputBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let before = app.control.input(&input)?;
    let taken: Vec<_> = before.outputs.iter().map(|it| it.name.clone()).collect();
    let mut document = json!({"url": url_of(&body)?, "enabled": true});
    if let Some(name) = &body.name {
        document["name"] = json!(super::slug(name).replace('/', "-"));
    }
    let spec = fields::output(input.as_str(), document, &taken)?;
    let spec = app.control.add_output(input.clone(), spec).await?;
    let shown = output_shown(&app, input, &spec).await;
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn one_output(
    Scoped(app): Scoped,
    OfInput(input, output): OfInput<Label>,
) -> Result<Json<Value>, Problem> {
    let spec = app.control.output(&input, &output)?;
    Ok(Json(output_shown(&app, input, &spec).await))
}

async fn remove_output(
    Scoped(app): Scoped,
    OfInput(input, output): OfInput<Label>,
) -> Result<Json<Value>, Problem> {
    let told = format!("output {output} of {input} is deleted");
    app.control
        .remove_output(input, output, Expect::Anything)
        .await?;
    Ok(success(told))
}

async fn start(app: Scoped, which: OfInput<Label>) -> Result<Json<Value>, Problem> {
    switch(app, which, true).await
}

async fn stop(app: Scoped, which: OfInput<Label>) -> Result<Json<Value>, Problem> {
    switch(app, which, false).await
}

async fn switch(
    Scoped(app): Scoped,
    OfInput(input, output): OfInput<Label>,
    enabled: bool,
) -> Result<Json<Value>, Problem> {
    let of = input.clone();
    let switched = app
        .control
        .edit_output(of, output, Expect::Anything, move |output| {
            output.enabled = enabled;
            Ok(())
        });
    let spec = switched.await?;
    Ok(Json(output_shown(&app, input, &spec).await))
}

async fn health(State(app): State<App>) -> Result<Json<Value>, Problem> {
    app.control.ping().await?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(Json(
        json!({"status": "healthy", "service": "pointsman", "version": version}),
    ))
}

async fn system(Scoped(app): Scoped) -> Result<Json<Value>, Problem> {
    let scene = app.control.scene().await?;
    let outputs = || scene.streams().iter().flat_map(|stream| &stream.outputs);
    let live = outputs().filter(|output| output.link.state == LinkState::Live);
    let fed = scene.streams().iter().filter(|it| it.bitrate_bps > 0);
    Ok(Json(json!({
        "status": "running",
        "version": env!("CARGO_PKG_VERSION"),
        "inputs": scene.site.inputs.len(),
        "active_inputs": fed.count(),
        "outputs": outputs().count(),
        "active_outputs": live.count(),
    })))
}

/// There the router was a program beside it; here it is the host itself.
async fn router(Scoped(app): Scoped) -> Result<Json<Value>, Problem> {
    app.control.ping().await?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(Json(
        json!({"status": "running", "running": true, "version": version}),
    ))
}

fn success(message: String) -> Json<Value> {
    Json(json!({"status": "success", "message": message}))
}

fn at_port(app: &App, port: u16) -> String {
    let mut address = app.settings.listen;
    address.set_port(port);
    address.to_string()
}

fn patched(
    input: &mut InputSpec,
    body: InputBody,
    address: Option<String>,
) -> Result<(), control::desired::Faults> {
    if let Some(name) = body.name {
        // The stream's name is its id, and stays.
        input.labels.insert(NAME.to_owned(), name);
    }
    if let Some(description) = body.description {
        input.labels.insert("description".to_owned(), description);
    }
    if let Some(address) = address {
        let mut document = serde_json::to_value(&*input).unwrap_or_default();
        fields::merge_patch(
            &mut document,
            json!({"sources": [{"type": "udp", "address": address}]}),
        );
        *input = fields::input(document)?;
    }
    Ok(())
}

/// The URL, or one made of its parts.
fn url_of(body: &OutputBody) -> Result<String, Problem> {
    if let Some(url) = &body.url {
        return Ok(url.clone());
    }
    let bad = |problem: &str| Problem::new(Kind::InvalidBody, problem);
    let kind = body
        .kind
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let listens = body.mode.as_deref() == Some("listener");
    let host = match (&body.host, listens) {
        (Some(host), _) => host.as_str(),
        (None, true) => "0.0.0.0",
        (None, false) => return Err(bad("url: is missing; or say type, host and port")),
    };
    let mut url = format!("{kind}://{host}");
    if let Some(port) = body.port {
        let _ = write!(url, ":{port}");
    }
    let path = [&body.path, &body.stream_key].into_iter().flatten();
    match kind.as_str() {
        "srt" => url.push_str(&srt_query(body, listens)),
        "udp" => {}
        "rtmp" | "rtmps" | "rtsp" => path.for_each(|part| {
            let _ = write!(url, "/{}", part.trim_matches('/'));
        }),
        _ => return Err(bad("type: srt, rtmp, rtmps, udp or rtsp is wanted")),
    }
    Ok(url)
}

fn srt_query(body: &OutputBody, listens: bool) -> String {
    let mode = if listens { "listener" } else { "caller" };
    let mut query = format!("?mode={mode}");
    if let Some(latency) = body.latency {
        let _ = write!(query, "&latency={latency}");
    }
    let texts = [
        ("passphrase", &body.passphrase),
        ("streamid", &body.stream_id),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            let _ = write!(query, "&{key}={}", encoded(text));
        }
    }
    query
}

/// Percent-encodes what means something in a query (RFC 3986 §3.4).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~:/@!".contains(&byte) {
            true => encoded.push(char::from(byte)),
            false => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

async fn shown(app: &App, spec: &InputSpec) -> Value {
    let stream = app.control.stream(spec.name.clone()).await.ok();
    input_json(spec, stream.as_ref())
}

async fn output_shown(app: &App, input: StreamName, spec: &OutputSpec) -> Value {
    let stream = app.control.stream(input.clone()).await.ok();
    output_json(&input, spec, live_of(stream.as_ref(), spec))
}

fn input_json(spec: &InputSpec, stream: Option<&StreamView>) -> Value {
    let ports = spec.sources.iter().filter_map(|it| match it.endpoint() {
        Ok(Some(Endpoint::Udp(udp))) => Some(udp.port),
        _ => None,
    });
    let port = ports.into_iter().next();
    let bitrate_bps = stream.map_or(0, |stream| stream.bitrate_bps);
    json!({
        "id": spec.name,
        "name": spec.labels.get(NAME).map_or(spec.name.as_str(), String::as_str),
        "description": spec.labels.get("description"),
        "udp_port": port,
        "port": port,
        "status": if bitrate_bps > 0 { "active" } else { "inactive" },
        "bitrate_bps": bitrate_bps,
        "outputs": outputs_json(spec, stream),
    })
}

fn outputs_json(spec: &InputSpec, stream: Option<&StreamView>) -> Value {
    let outputs = spec.outputs.iter();
    let outputs = outputs.map(|it| output_json(&spec.name, it, live_of(stream, it)));
    outputs.collect()
}

fn live_of<'a>(stream: Option<&'a StreamView>, spec: &OutputSpec) -> Option<&'a OutputView> {
    let mut outputs = stream?.outputs.iter();
    outputs.find(|output| output.name == spec.name.as_str())
}

fn output_json(input: &StreamName, spec: &OutputSpec, live: Option<&OutputView>) -> Value {
    let state = live.map_or(LinkState::Stopped, |live| live.link.state);
    let status = match state {
        LinkState::Live => "running",
        LinkState::Stopped => "stopped",
        LinkState::Connecting => "starting",
        LinkState::Failed | LinkState::Exhausted => "error",
        _ => "reconnecting",
    };
    json!({
        "id": spec.name,
        "input_id": input,
        "name": spec.name,
        "type": spec.url.split("://").next(),
        "url": redact(&spec.url),
        "enabled": spec.enabled,
        "status": status,
        "state": state.as_str(),
        "error": live.and_then(|live| live.link.last_error.clone()),
        "reconnects": live.map_or(0, |live| live.link.reconnects),
        "bytes_sent": live.map_or(0, |live| live.bytes),
        "bitrate_bps": live.map_or(0, |live| live.bitrate_bps),
        "drops": live.map_or(0, |live| live.drops),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_output_become_a_url() {
        let url = |body: Value| {
            let body = serde_json::from_value(body).unwrap();
            url_of(&body).map_err(|problem| problem.kind())
        };
        let cases = [
            (json!({"url": "udp://h:1"}), "udp://h:1"),
            (
                json!({"type": "srt", "host": "h", "port": 9, "latency": 200, "passphrase": "a#b&c d"}),
                "srt://h:9?mode=caller&latency=200&passphrase=a%23b%26c%20d",
            ),
            (
                json!({"type": "SRT", "mode": "listener", "port": 9}),
                "srt://0.0.0.0:9?mode=listener",
            ),
            (
                json!({"protocol": "rtmp", "host": "h", "path": "/live/", "stream_key": "k"}),
                "rtmp://h/live/k",
            ),
            (
                json!({"type": "udp", "address": "239.0.0.1", "port": 5}),
                "udp://239.0.0.1:5",
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(url(body).as_deref(), Ok(expected));
        }
        for bad in [
            json!({}),
            json!({"type": "srt"}),
            json!({"type": "smb", "host": "h"}),
        ] {
            assert_eq!(url(bad), Err(Kind::InvalidBody));
        }
    }
}
