//! From a refusal to a status and a body.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::protocol::error::ErrorCode;
use crate::services::refusal::Refusal;

/// A refusal on its way to the browser.
#[derive(Debug)]
pub struct HttpError(pub Refusal);

impl<E: Into<Refusal>> From<E> for HttpError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl HttpError {
    /// A refusal that only the border can give.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Refusal::new(code, message))
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0.problem())).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
