//! Sessions: a page logs in once with a password, and shows a cookie from then on.

use crate::app::App;
use crate::door::{self, COOKIE};
use crate::extract::{Caller, Json as Body, Scoped};
use crate::fields;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use control::AccessError;
use control::access::{ABSOLUTE_MS, Login, UserDraft};
use model::{Label, Who};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;

/// Who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginBody {
    /// Their name.
    #[schema(value_type = String, example = "jane")]
    user: Label,
    /// Their password.
    #[schema(example = "correct horse battery staple")]
    password: String,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordBody {
    /// The one that holds now.
    password: String,
    /// The one to hold from now on: 12 to 1024 characters.
    new_password: String,
}

/// Who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhoView {
    /// `local`, `key NAME`, `user NAME` or `policy`.
    #[schema(example = "user jane")]
    name: String,
    /// `viewer`, `operator` or `admin`.
    #[schema(example = "operator")]
    role: &'static str,
    /// The tenant they belong to; null: the whole host is theirs.
    tenant: Option<String>,
    /// The only streams they have to do with, a pattern; null: all of their tenant's.
    streams: Option<String>,
    /// Of a session: what a page sends as `X-CSRF-Token` when it changes something.
    csrf_token: Option<String>,
}

impl WhoView {
    fn new(who: Who, csrf_token: Option<String>) -> Self {
        Self {
            name: who.name,
            role: who.role.as_str(),
            tenant: who.tenant.map(|tenant| tenant.to_string()),
            streams: who.streams.map(|streams| streams.to_string()),
            csrf_token,
        }
    }
}

/// Logs in. The answer sets a cookie that stands for the user for 7 days, or until it was not
/// used for 12 hours. Programs use keys instead.
#[utoipa::path(post, path = "/api/v1/session", tag = "access", request_body = LoginBody,
    responses(
        (status = 200, body = WhoView, headers(("Set-Cookie" = String))),
        (status = 401, description = "The name or the password is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a name and a password", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts failed", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many log in at once, or it cannot be kept", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn log_in(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(body): Body<LoginBody>,
) -> Result<Response, Problem> {
    let access = app.control.access();
    let login = Login {
        user: body.user,
        password: body.password,
        peer: peer.ip().to_canonical(),
    };
    let opened = access.log_in(login).await?;
    let csrf = access.csrf_of(&opened.cookie);
    let view = WhoView::new(opened.who, Some(csrf));
    let age_s = ABSOLUTE_MS / 1000;
    let cookie = set_cookie(&app, &headers, &opened.cookie, age_s);
    Ok(([(header::SET_COOKIE, cookie)], Json(view)).into_response())
}

/// Who asks, and what they may do.
#[utoipa::path(get, path = "/api/v1/session", tag = "access", responses((status = 200, body = WhoView)))]
pub(crate) async fn show(
    Scoped(app): Scoped,
    Caller(who): Caller,
    headers: HeaderMap,
) -> Json<WhoView> {
    let access = app.control.access();
    let cookie = door::cookie(&headers).filter(|_| who.name.starts_with("user "));
    let csrf = cookie.map(|cookie| access.csrf_of(&cookie));
    Json(WhoView::new(who, csrf))
}

/// Logs out: the session is over, and its cookie taken back.
#[utoipa::path(delete, path = "/api/v1/session", tag = "access", responses(
    (status = 204, description = "It is over", headers(("Set-Cookie" = String))),
    (status = 503, description = "It cannot be kept", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn log_out(
    Scoped(app): Scoped,
    Caller(who): Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(cookie) = door::cookie(&headers) {
        app.control.access().log_out(&who, &cookie).await?;
    }
    let gone = set_cookie(&app, &headers, "", 0);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Changes one's own password, which has to be shown again; ends one's other sessions.
#[utoipa::path(post, path = "/api/v1/session/password", tag = "access", request_body = PasswordBody,
    responses(
        (status = 204, description = "It holds from now on"),
        (status = 401, description = "The password is wrong, or it is no user who asks", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Too short or too long", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts failed", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "It cannot be kept", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change_password(
    Scoped(app): Scoped,
    Caller(who): Caller,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(body): Body<PasswordBody>,
) -> Result<StatusCode, Problem> {
    let user = who.name.strip_prefix("user ");
    let user = user.and_then(|user| user.parse::<Label>().ok());
    let user = user.ok_or(AccessError::WrongLogin)?;
    fields::password(&who.name, &body.new_password)?;
    let access = app.control.access();
    let login = Login {
        user: user.clone(),
        password: body.password,
        peer: peer.ip().to_canonical(),
    };
    access.check_password(login).await?;
    let own = door::cookie(&headers).map(|cookie| access.kept_as(&cookie));
    let changed = access.change_user(&who, &user, own.as_deref(), |draft| {
        Ok(UserDraft {
            password: Some(body.new_password),
            ..draft
        })
    });
    changed.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For this host's own pages only, never for scripts; over TLS only, where there is TLS.
fn set_cookie(app: &App, headers: &HeaderMap, value: &str, age_s: u64) -> HeaderValue {
    let proto = headers.get("x-forwarded-proto");
    let secure = match app.settings.tls.is_some() || proto.is_some_and(|proto| proto == "https") {
        true => "; Secure",
        false => "",
    };
    let text =
        format!("{COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}");
    // Letters, digits and what is above.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
