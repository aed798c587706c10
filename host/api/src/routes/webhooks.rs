//! Webhooks: who is told by HTTP of what happens.

use crate::extract::{Created, IfMatch, Json as Body, Named, Scoped, Tagged};
use crate::fields;
use crate::problem::Problem;
use crate::view::{MASK, hide_hook_secrets, keep_hook_secrets};
use axum::Json;
use axum::http::StatusCode;
use control::webhooks::{Delivery, HookFigures};
use control::{ControlError, Tag};
use model::{Label, WebhookSpec};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhooks {
    /// In the order they were declared.
    webhooks: Vec<WebhookView>,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookView {
    /// Unique among webhooks.
    #[schema(example = "pager")]
    name: String,
    /// Where events are sent. Its query is shown as `***`, and kept when it is sent back so.
    #[schema(example = "https://pager.example/hooks/7")]
    url: String,
    /// `***` if events are signed.
    #[schema(example = "***")]
    secret: Option<String>,
    /// Types of events that are sent; empty: all.
    events: Vec<String>,
    /// Of which streams; `*`: of all, and of the host.
    #[schema(example = "live/*")]
    streams: String,
    /// Wanted.
    enabled: bool,
    /// Events that arrived, since the host was started.
    delivered: u64,
    /// Events given up after the last try.
    failed: u64,
    /// Tries after the first.
    retries: u64,
    /// Events, of whatever type, that came faster than they could be sent, and were not.
    dropped: u64,
    /// Events that only repeated what was told, and were not sent.
    collapsed: u64,
}

/// What was sent, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deliveries {
    /// The last 100 tries since the host was started, newest first.
    deliveries: Vec<DeliveryView>,
}

/// One try to deliver an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    /// The event's id, which is the same for every try: `webhook-id`.
    id: String,
    /// The event's type.
    #[serde(rename = "type")]
    #[schema(example = "output_changed")]
    kind: &'static str,
    /// When it was tried, Unix milliseconds.
    at_unix_ms: u64,
    /// Which try it was, from 1.
    attempt: u32,
    /// It was taken: the answer was 2xx.
    delivered: bool,
    /// The answer's status, if there was one.
    status: Option<u16>,
    /// How long the answer took.
    duration_ms: u64,
    /// Why it was not taken.
    error: Option<String>,
    /// When it is tried again, Unix milliseconds; null: it is not.
    next_attempt_unix_ms: Option<u64>,
}

/// The webhooks, and how they fare.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks", responses((status = 200, body = Webhooks)))]
pub(crate) async fn list(Scoped(app): Scoped) -> Json<Webhooks> {
    let site = app.control.site();
    let figures = app.control.webhooks().figures();
    let views = site.webhooks.iter().map(|spec| {
        let known = figures.iter().find(|(name, _)| *name == spec.name);
        WebhookView::new(spec.clone(), known.map(|(_, figures)| *figures))
    });
    Json(Webhooks {
        webhooks: views.collect(),
    })
}

/// Declares a webhook.
///
/// Each event is sent by `POST` as the JSON object that `GET /api/v1/events` tells, by the scheme
/// of <https://www.standardwebhooks.com>: `webhook-id` (the same on every try), `webhook-timestamp`
/// (Unix seconds), and with a secret `webhook-signature`, `v1,` and the base64 of HMAC-SHA256 over
/// `ID.TIMESTAMP.BODY`. Answer 2xx within 10 s. Otherwise it is sent again, nine times in all over
/// a quarter of an hour; 410 ends that. Events come one after another, in order. An output that
/// fails again for the same reason is told once.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks",
    request_body(content = Object, example = json!({"name": "pager", "url": "https://pager.example/hooks/7", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "events": ["output_changed"], "streams": "live/*"})),
    responses(
        (status = 201, body = WebhookView, headers(("Location" = String), ("ETag" = String))),
        (status = 409, description = "There is one of that name", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add(
    Scoped(app): Scoped,
    Body(body): Body<Value>,
) -> Result<Created<Tagged<WebhookView>>, Problem> {
    let mut spec = fields::webhook(body)?;
    keep_hook_secrets(&mut spec, None)?;
    let spec = app.control.add_webhook(spec).await?;
    let location = format!("/api/v1/webhooks/{}", spec.name);
    Ok(Created(location, shown(spec, None)))
}

/// One webhook.
#[utoipa::path(get, path = "/api/v1/webhooks/{name}", tag = "webhooks",
    params(("name" = String, Path, description = "The webhook", example = "pager")),
    responses(
        (status = 200, body = WebhookView, headers(("ETag" = String))),
        (status = 404, description = "No such webhook", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<Tagged<WebhookView>, Problem> {
    let spec = app.control.webhook(&name)?;
    let figures = app.control.webhooks().figures();
    let known = figures.into_iter().find(|(known, _)| *known == name);
    Ok(shown(spec, known.map(|(_, figures)| figures)))
}

/// Changes a webhook by a JSON merge patch (RFC 7396). It goes on where it was.
#[utoipa::path(patch, path = "/api/v1/webhooks/{name}", tag = "webhooks",
    params(("name" = String, Path, description = "The webhook", example = "pager"),
        ("If-Match" = Option<String>, Header, description = "Change it only while it has this ETag")),
    request_body(content = Object, example = json!({"enabled": false})),
    responses(
        (status = 200, body = WebhookView, headers(("ETag" = String))),
        (status = 404, description = "No such webhook", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
    IfMatch(expect): IfMatch,
    Body(patch): Body<Value>,
) -> Result<Tagged<WebhookView>, Problem> {
    let edit = move |spec: &mut WebhookSpec| {
        let mut value = serde_json::to_value(&*spec).unwrap_or_default();
        fields::merge_patch(&mut value, patch);
        let mut next = fields::webhook(value).map_err(ControlError::Invalid)?;
        if next.name != spec.name {
            let item = format!("webhook {}", spec.name);
            return Err(ControlError::Invalid(fields::fixed(&item, "name")));
        }
        keep_hook_secrets(&mut next, Some(spec)).map_err(ControlError::Invalid)?;
        *spec = next;
        Ok(())
    };
    Ok(shown(
        app.control.edit_webhook(name, expect, edit).await?,
        None,
    ))
}

/// Takes a webhook back.
#[utoipa::path(delete, path = "/api/v1/webhooks/{name}", tag = "webhooks",
    params(("name" = String, Path, description = "The webhook", example = "pager"),
        ("If-Match" = Option<String>, Header, description = "Remove it only while it has this ETag")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such webhook", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
    IfMatch(expect): IfMatch,
) -> Result<StatusCode, Problem> {
    app.control.remove_webhook(name, expect).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends an event of type `webhook_test`, once, and answers what came of it.
#[utoipa::path(post, path = "/api/v1/webhooks/{name}/test", tag = "webhooks",
    params(("name" = String, Path, description = "The webhook", example = "pager")),
    responses(
        (status = 200, body = DeliveryView, description = "It was tried; see `delivered`"),
        (status = 404, description = "No such webhook", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn test(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<Json<DeliveryView>, Problem> {
    let delivery = app.control.webhooks().test(&name).await;
    delivery
        .map(|it| Json(it.into()))
        .ok_or_else(|| unknown(&name))
}

/// The last tries to deliver something, newest first. They are forgotten when the host stops.
#[utoipa::path(get, path = "/api/v1/webhooks/{name}/deliveries", tag = "webhooks",
    params(("name" = String, Path, description = "The webhook", example = "pager")),
    responses(
        (status = 200, body = Deliveries),
        (status = 404, description = "No such webhook", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn deliveries(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<Json<Deliveries>, Problem> {
    let found = app.control.webhooks().deliveries(&name);
    let found = found.ok_or_else(|| unknown(&name))?;
    let deliveries = found.into_iter().map(DeliveryView::from).collect();
    Ok(Json(Deliveries { deliveries }))
}

fn unknown(name: &Label) -> Problem {
    ControlError::UnknownWebhook(name.clone()).into()
}

fn shown(spec: WebhookSpec, figures: Option<HookFigures>) -> Tagged<WebhookView> {
    Tagged(Tag::of(&spec), WebhookView::new(spec, figures))
}

impl WebhookView {
    fn new(mut spec: WebhookSpec, figures: Option<HookFigures>) -> Self {
        hide_hook_secrets(&mut spec);
        let HookFigures {
            delivered,
            failed,
            retries,
            dropped,
            collapsed,
        } = figures.unwrap_or_default();
        Self {
            name: spec.name.into(),
            url: spec.url,
            secret: spec.secret.map(|_| MASK.to_owned()),
            events: spec.events,
            streams: spec.streams.into(),
            enabled: spec.enabled,
            delivered,
            failed,
            retries,
            dropped,
            collapsed,
        }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            kind: delivery.kind,
            at_unix_ms: delivery.at_unix_ms,
            attempt: delivery.attempt,
            delivered: delivery.delivered,
            status: delivery.status,
            duration_ms: delivery.duration_ms,
            error: delivery.error,
            next_attempt_unix_ms: delivery.next_attempt_unix_ms,
        }
    }
}
