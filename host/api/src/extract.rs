//! Request bodies and path parts, whose faults leave as problem documents.

use crate::problem::{Kind, Problem};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
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
        let text = path.map_err(|rejection: PathRejection| {
            Problem::new(
                Kind::BadRequest,
                format!("the path does not decode: {rejection}"),
            )
        })?;
        match text.parse() {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Problem::new(
                Kind::BadRequest,
                format!("in the path: {error}"),
            )),
        }
    }
}
