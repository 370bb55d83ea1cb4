//! A socket's life: the upgrade here, the conversation in [`session`], the limits in [`limits`].

pub mod limits;
pub mod session;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, State, WebSocketUpgrade};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};

use crate::config::{FORWARDED_FOR, behind_proxies, group};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::crowd::Crowd;
use crate::services::refusal::Refusal;

/// The largest message and frame of a browser.
const MESSAGE_LIMIT: usize = 128 * 1024;
/// What is read of a socket at once. Each socket keeps so much for itself: with the library's 128 KiB a waiting patient
/// would cost more than all the rest of the session.
const READ_AT_ONCE: usize = 2 * 1024;
/// When an address that has too many sockets may try again: one that is dead is closed by then.
const AGAIN_SECS: u32 = 30;

/// `GET /api/v1/ws`: upgrades to the live protocol.
///
/// A page of another origin is refused here; the token in the first message is what no page can forge.
pub async fn upgrade(
    State(services): State<Arc<Services>>,
    method: Method,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !same_origin(&headers, services.config.public_url.as_deref()) {
        return refuse(&Refusal::new(ErrorCode::Forbidden, "a page of another origin gets no socket"));
    }
    let Ok(socket) = socket else {
        let is_asked = matches!(method, Method::GET | Method::CONNECT);
        let code = if is_asked { ErrorCode::Malformed } else { ErrorCode::MethodNotAllowed };
        return refuse(&Refusal::new(code, "this path speaks WebSocket and nothing else"));
    };
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(ConnectInfo(peer))| peer.ip());
    let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
    let trusted = &services.config.trusted_proxies;
    let address = behind_proxies(peer, lines, trusted).to_canonical();
    // A proxy's connections are not counted, for it speaks for everybody; whom it speaks for is.
    let is_counted = !address.is_loopback() && !trusted.iter().any(|network| network.contains(address));
    let address = group(address);
    let counted = is_counted.then(|| Crowd::enter(&services.sockets, address));
    if let Some(None) = counted {
        let refusal = Refusal::new(ErrorCode::RateLimited, "too many sockets of this address");
        return refuse(&Refusal { retry_after: Some(AGAIN_SECS), ..refusal });
    }
    socket
        .read_buffer_size(READ_AT_ONCE)
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
        .max_write_buffer_size(4 * MESSAGE_LIMIT)
        .on_upgrade(move |socket| {
            // At the end the process waits for its tasks, so that every browser is told.
            let tasks = services.tasks.clone();
            tasks.track_future(async move {
                session::run(services, socket, address).await;
                drop(counted);
            })
        })
}

fn refuse(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(refusal.problem())).into_response()
}

/// Whether the page that opens the socket is ours. A program that is no browser sends no `Origin`.
fn same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return true };
    let ours = public_url.is_some_and(|url| url.trim_end_matches('/') == origin);
    let host = origin.split_once("://").map(|(_, host)| host);
    ours || (host.is_some() && host == text(header::HOST))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(origin: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("clinic.example"))]);
        headers.extend(origin.map(|o| (header::ORIGIN, HeaderValue::from_static(o))));
        headers
    }

    #[test]
    fn a_page_of_another_origin_gets_no_socket() {
        assert!(same_origin(&headers(Some("https://clinic.example")), None));
        assert!(same_origin(&headers(None), None));
        assert!(same_origin(&headers(Some("https://front.example")), Some("https://front.example/")));
        assert!(!same_origin(&headers(Some("https://evil.example")), None));
        assert!(!same_origin(&headers(Some("null")), None));
    }
}
