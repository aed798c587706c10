//! Request bodies and path parts, whose faults leave as problem documents.

use crate::app::App;
use crate::problem::{Kind, Problem};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use control::{BadTag, Expect, Tag};
use model::{Label, StreamName, Who};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::str::FromStr;

/// A JSON body. Unknown members are refused where the type says so.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = body(request, state).await?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self(value)),
            Err(error) => {
                let kind = match error.classify() {
                    Category::Data => Kind::InvalidBody,
                    _ => Kind::MalformedJson,
                };
                Err(Problem::new(kind, error.to_string()))
            }
        }
    }
}

/// A body of any bytes.
pub(crate) struct Raw(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        body(request, state).await.map(Self)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| match &rejection {
            BytesRejection::FailedToBufferBody(fault) if fault.status() == 413 => Problem::new(
                Kind::TooLarge,
                "the body is larger than this resource takes",
            ),
            other => Problem::new(Kind::BadRequest, format!("the body broke off: {other}")),
        })
}

/// The one variable part of a path, parsed.
pub(crate) struct Named<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Named<T>
where
    S: Send + Sync,
    T: FromStr<Err: std::fmt::Display>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|rejection: PathRejection| in_the_path(&rejection))?;
        let value = text.parse().map_err(|error: T::Err| in_the_path(&error))?;
        Ok(Self(value))
    }
}

/// An input, and what of it is meant: the variable parts of a path below `inputs/{id}`.
pub(crate) struct OfInput<T>(pub(crate) StreamName, pub(crate) T);

impl<S: Send + Sync> FromRequestParts<S> for OfInput<()> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Named(input) = Named::from_request_parts(parts, state).await?;
        Ok(Self(input, ()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OfInput<Label> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        let axum::extract::Path((input, output)) =
            path.map_err(|rejection| in_the_path(&rejection))?;
        let input = input.parse().map_err(|error| in_the_path(&error))?;
        let output = output.parse().map_err(|error| in_the_path(&error))?;
        Ok(Self(input, output))
    }
}

fn in_the_path(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Kind::BadRequest, format!("in the path: {error}"))
}

/// Who asks. The [`crate::door`] of the route has found out.
pub(crate) struct Caller(pub(crate) Who);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Who>().cloned();
        let nobody = || Problem::new(Kind::Unauthorized, "this path is open, and knows nobody");
        found.map(Self).ok_or_else(nobody)
    }
}

/// What the handlers share, its control plane in the caller's name: it shows and changes what the
/// caller sees.
pub(crate) struct Scoped(pub(crate) App);

impl FromRequestParts<App> for Scoped {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Caller(who) = Caller::from_request_parts(parts, app).await?;
        let control = app.control.by(who);
        Ok(Self(App {
            control,
            ..app.clone()
        }))
    }
}

/// The `If-Match` header; without it, any state will do.
pub(crate) struct IfMatch(pub(crate) Expect);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(Self(Expect::Anything));
        };
        let expect = value.to_str().unwrap_or_default().parse();
        let expect =
            expect.map_err(|error: BadTag| Problem::new(Kind::BadRequest, error.to_string()))?;
        Ok(Self(expect))
    }
}

/// The answer to what was made: its path, and what is shown of it.
pub(crate) struct Created<T>(pub(crate) String, pub(crate) T);

impl<T: IntoResponse> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let Self(path, body) = self;
        (StatusCode::CREATED, [(header::LOCATION, path)], body).into_response()
    }
}

/// A JSON answer with the `ETag` of what it shows.
pub(crate) struct Tagged<T>(pub(crate) Tag, pub(crate) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let Self(tag, body) = self;
        ([(header::ETAG, tag.to_string())], axum::Json(body)).into_response()
    }
}
