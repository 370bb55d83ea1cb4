//! The cookie of a browser in which somebody of the staff has signed in: see `services/identity/known_browsers.rs`.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use crate::http::error::HttpError;
use crate::services::Services;
use crate::services::identity::known_browsers::{KNOWN_FOR, KnownBrowser};

const NAME: &str = "yunzhen_browser";

/// The browser that asks, if its cookie is ours.
pub struct Known(pub Option<KnownBrowser>);

impl Known {
    /// As the headers say.
    pub fn of(headers: &HeaderMap, services: &Services) -> Self {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut ours = pairs.filter(|(name, _)| *name == NAME);
        Self(ours.next().and_then(|(_, value)| services.browser_of(value)))
    }
}

impl FromRequestParts<Arc<Services>> for Known {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, HttpError> {
        Ok(Self::of(&parts.headers, services))
    }
}

/// The header that gives a browser its cookie: for no script, and for nobody's page but ours.
pub fn remembered(services: &Services, cookie: &str) -> [(HeaderName, String); 1] {
    let config = &services.config;
    let is_secure =
        config.tls_cert.is_some() || config.public_url.as_deref().is_some_and(|url| url.starts_with("https:"));
    let (seconds, secure) = (KNOWN_FOR.as_secs(), if is_secure { "; Secure" } else { "" });
    let line = format!("{NAME}={cookie}; Path=/api/v1/auth; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    [(header::SET_COOKIE, line)]
}
