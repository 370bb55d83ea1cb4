//! Tracing and metrics. What is logged names things by id; the words of people are never logged.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::Config;

/// Starts logging to standard error. Later calls in one process do nothing.
pub fn init(config: &Config) {
    // The engine warns of things that a browser does every day; what matters of them shows in our own figures.
    let quiet = "webrtc=error,rtc=error,rtc_ice=error,rtc_dtls=error,rtc_sctp=error,rtc_interceptor=error,sqlx=warn";
    let filter = EnvFilter::try_new(format!("{},{quiet}", config.log)).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if config.log_json { builder.json().try_init() } else { builder.try_init() };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Installs the recorder of metrics; `None` when another is installed in this process.
pub fn metrics() -> Option<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().ok()
}
