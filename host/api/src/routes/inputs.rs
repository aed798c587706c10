//! Declared inputs.

use crate::app::App;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use model::endpoint::redact;
use model::{InputSpec, SourceSpec};
use serde::Serialize;
use utoipa::ToSchema;

/// The declared inputs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inputs {
    /// As in the configuration file, `[[inputs]]`; ports that were left open are filled in,
    /// secrets in URLs are replaced.
    #[schema(value_type = Vec<Object>, example = json!([{
        "name": "live/cam1",
        "sources": [{"type": "udp", "address": "127.0.0.1:5000"}],
        "outputs": [{"name": "archive", "url": "udp://127.0.0.1:6000", "enabled": true}],
        "labels": {}
    }]))]
    inputs: Vec<InputSpec>,
}

/// The declared inputs, as they are wanted; the streams show how they fare.
#[utoipa::path(get, path = "/api/v1/inputs", tag = "inputs", responses((status = 200, body = Inputs)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Inputs>, Problem> {
    let mut inputs = app.control.inputs().await?;
    inputs.iter_mut().for_each(hide_secrets);
    Ok(Json(Inputs { inputs }))
}

fn hide_secrets(input: &mut InputSpec) {
    for source in &mut input.sources {
        if let SourceSpec::Srt { url } = source {
            *url = redact(url);
        }
    }
    for output in &mut input.outputs {
        output.url = redact(&output.url);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passphrases_and_stream_keys_never_leave() {
        let mut input: InputSpec = serde_json::from_str(
            r#"{"name":"a","sources":[{"type":"srt","url":"srt://h:1?passphrase=hunter2hunter2"}],
                "outputs":[{"name":"x","url":"rtmp://h/app/hunter2"}]}"#,
        )
        .unwrap();
        hide_secrets(&mut input);
        let text = serde_json::to_string(&input).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
}
