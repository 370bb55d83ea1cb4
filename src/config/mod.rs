//! What the operator chose. The only reader of environment and files.
//!
//! Each section is a file; each field is documented there with its variable. A TOML file named by `YUNZHEN_CONFIG` may
//! hold the same fields; a variable wins over the file.

mod addresses;
mod charter;
mod network;

use std::net::SocketAddr;
use std::path::PathBuf;

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};

use crate::domain::signature::Algorithm;

pub use charter::read_charter;
pub use network::{FORWARDED_FOR, Network, behind_proxies, block, group};

/// Whether those who work here have to have a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactorPolicy {
    /// Whoever wants one sets it up.
    #[default]
    Offered,
    /// Without one, one can be set up and nothing else be done.
    Required,
}

/// What it means that a doctor's registration, years of practice or consent is not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialPolicy {
    /// Such a doctor opens no desk, calls nobody and signs no prescription or opinion.
    #[default]
    Required,
    /// Administrators see it, and nothing is refused: for a house that still gathers its papers.
    Recorded,
}

/// Everything that can be chosen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `YUNZHEN_HTTP_ADDR`: where HTTP and WebSocket listen.
    pub http_addr: SocketAddr,
    /// `YUNZHEN_MEDIA_ADDR`: the one UDP port of all calls.
    pub media_addr: SocketAddr,
    /// `YUNZHEN_MEDIA_ANNOUNCE`: the address that browsers are told, when it is not `media_addr` (behind 1:1 NAT).
    #[serde(default)]
    pub media_announce: Option<SocketAddr>,
    /// `YUNZHEN_MEDIA_ANNOUNCE_ALSO`: further addresses of the same port, such as one of IPv6: `["[2001:db8::7]:8443"]`.
    #[serde(default)]
    pub media_announce_also: Vec<SocketAddr>,
    /// `YUNZHEN_TURN_UDP_ADDR`: one more UDP port, for TURN in this process; it relays to the media port only.
    #[serde(default)]
    pub turn_udp_addr: Option<SocketAddr>,
    /// `YUNZHEN_TURN_URLS`: what browsers are told instead of our own TURN addresses: `["turn:turn.example:3478"]`.
    #[serde(default)]
    pub turn_urls: Vec<String>,
    /// `YUNZHEN_TURN_SECRET`: the secret shared with another TURN server (coturn: `static-auth-secret`); ours is off then.
    #[serde(default)]
    pub turn_secret: Option<String>,
    /// `YUNZHEN_PUBLIC_URL`: how browsers reach the server; sockets are for pages of it, or of the host that was asked.
    #[serde(default)]
    pub public_url: Option<String>,
    /// `YUNZHEN_TLS_CERT`: a certificate chain (PEM), the server's own first; `http_addr` speaks TLS then, and TURN inside.
    ///
    /// The file is looked at twice a minute: a renewal needs no restart.
    #[serde(default)]
    pub tls_cert: Option<PathBuf>,
    /// `YUNZHEN_TLS_KEY`: the certificate's key (PEM).
    #[serde(default)]
    pub tls_key: Option<PathBuf>,
    /// `YUNZHEN_DATA_DIR`: database, keys, pictures.
    pub data_dir: PathBuf,
    /// `YUNZHEN_DATABASE_URL`: `sqlite:…` or `postgres://…`; absent: `yunzhen.db` in the data folder.
    #[serde(default)]
    pub database_url: Option<String>,
    /// `YUNZHEN_RECORDINGS_URL`: where recordings are stored, such as `s3://bucket/folder`; absent: in the data folder.
    #[serde(default)]
    pub recordings_url: Option<String>,
    /// `YUNZHEN_RECORDINGS_OPTIONS`: `name=value` of that store, separated by commas, such as `aws_region=…`.
    #[serde(default)]
    pub recordings_options: Option<String>,
    /// `YUNZHEN_RECORDINGS_FLOOR_MIB`: free space of the data folder's disk that recordings leave alone, in MiB.
    ///
    /// Below it they pause, the gap is recorded, and the gauge `recordings_failing` is not 0; the calls go on. Absent:
    /// 2048, or a twentieth of a small disk.
    #[serde(default)]
    pub recordings_floor_mib: Option<u64>,
    /// `YUNZHEN_RECORDINGS_LARGEST_MIB`: the most that the recording of one participant of a visit takes, in MiB.
    #[serde(default = "largest_mib")]
    pub recordings_largest_mib: u64,
    /// `YUNZHEN_ROOMS`: calls and checks that are open at once in this process; absent: 1000, with two places of media for each.
    ///
    /// Beyond them no desk calls the next, and whoever was called comes in all the same; checks get a quarter of them at most, and
    /// so do calls for help.
    #[serde(default = "rooms")]
    pub rooms: usize,
    /// `YUNZHEN_SECRET`: at least 32 characters from which all keys are derived; absent: a file in the data folder.
    #[serde(default)]
    pub secret: Option<String>,
    /// `YUNZHEN_SIGNING`: how new signatures are made, `ed25519` or `sm2` (with SM3); absent: `ed25519`.
    ///
    /// Whose key is of the other algorithm gets a successor at the next signature; what is signed stays and verifies.
    #[serde(default)]
    pub signing: Algorithm,
    /// `YUNZHEN_SECOND_FACTOR`: `offered` to those who work here, or `required` of them; absent: `offered`.
    #[serde(default)]
    pub second_factor: SecondFactorPolicy,
    /// `YUNZHEN_CREDENTIALS`: whether a doctor without registration, three years of practice and consent is refused: `required`, or only `recorded`; absent: `required`.
    #[serde(default)]
    pub credentials: CredentialPolicy,
    /// `YUNZHEN_SMS_WEBHOOK`: the address of a gateway that takes `{to, text, kind}`; absent: the outbox file.
    #[serde(default)]
    pub sms_webhook: Option<String>,
    /// `YUNZHEN_TRUSTED_PROXIES`: reverse proxies whose `X-Forwarded-For` is believed: `["127.0.0.1","10.0.0.0/8"]`.
    ///
    /// Without it every patient behind a proxy shares one rate limit.
    #[serde(default)]
    pub trusted_proxies: Vec<Network>,
    /// `YUNZHEN_METRICS_FROM`: who may read `/metrics`, and not through a proxy; absent: this machine.
    #[serde(default = "this_machine")]
    pub metrics_from: Vec<Network>,
    /// `YUNZHEN_FONT`: a font with Chinese letters for PDF documents, `path` or `path#face`; absent: the system's Noto Sans CJK
    #[serde(default)]
    pub font: Option<String>,
    /// `YUNZHEN_EPIDEMIC_PRESCRIPTIONS`: whether the hospital prescribes on the epidemic's basis, on the days of its law.
    ///
    /// Off unless the hospital says so; the prescription's pane then says why it is closed. A demonstration uses it.
    #[serde(default)]
    pub epidemic_prescriptions: bool,
    /// `YUNZHEN_LOG`: filter directives, such as `info,yunzhen=debug`.
    pub log: String,
    /// `YUNZHEN_LOG_JSON`: one JSON object a line.
    #[serde(default)]
    pub log_json: bool,
    /// A demonstration: codes are shown, test pictures offered. Set by `yunzhen demo`, never by a variable.
    #[serde(skip)]
    pub demo: bool,
}

/// Some three hours of a good camera.
const fn largest_mib() -> u64 {
    4096
}

const fn rooms() -> usize {
    1000
}

fn this_machine() -> Vec<Network> {
    let loopback = ["127.0.0.0/8", "::1"];
    loopback.map(|network| network.parse().expect("these are networks")).to_vec()
}

impl Config {
    /// The defaults of a demonstration on this machine.
    pub(crate) fn demo_defaults() -> Self {
        Self {
            http_addr: SocketAddr::from(([127, 0, 0, 1], 8080)),
            media_addr: SocketAddr::from(([127, 0, 0, 1], 8443)),
            media_announce: None,
            media_announce_also: Vec::new(),
            turn_udp_addr: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            turn_urls: Vec::new(),
            turn_secret: None,
            public_url: None,
            tls_cert: None,
            tls_key: None,
            data_dir: PathBuf::from("data/demo"),
            database_url: None,
            recordings_url: None,
            recordings_options: None,
            recordings_floor_mib: None,
            recordings_largest_mib: largest_mib(),
            rooms: rooms(),
            secret: None,
            signing: Algorithm::Ed25519,
            second_factor: SecondFactorPolicy::Offered,
            credentials: CredentialPolicy::Required,
            sms_webhook: None,
            trusted_proxies: Vec::new(),
            metrics_from: this_machine(),
            font: None,
            epidemic_prescriptions: true,
            log: "info".to_owned(),
            log_json: false,
            demo: true,
        }
    }

    /// The defaults of a real server.
    fn serve_defaults() -> Self {
        Self {
            http_addr: SocketAddr::from(([0, 0, 0, 0], 8080)),
            media_addr: SocketAddr::from(([0, 0, 0, 0], 8443)),
            turn_udp_addr: None,
            data_dir: PathBuf::from("data"),
            epidemic_prescriptions: false,
            log_json: true,
            demo: false,
            ..Self::demo_defaults()
        }
    }

    /// Reads file and environment over the defaults of `yunzhen demo` or `yunzhen serve`.
    pub fn load(demo: bool) -> Result<Self, ConfigError> {
        Self::load_for_data(demo)?.check()
    }

    /// The same for work on the data alone, which asks nothing of the network.
    pub fn load_for_data(demo: bool) -> Result<Self, ConfigError> {
        let defaults = if demo { Self::demo_defaults() } else { Self::serve_defaults() };
        let mut figment = Figment::from(Serialized::defaults(defaults));
        if let Some(path) = Env::var("YUNZHEN_CONFIG") {
            figment = figment.merge(Toml::file_exact(path));
        }
        let known = ["config", "require_all", "web_dist", "test_postgres_url"];
        figment = figment.merge(Env::prefixed("YUNZHEN_").filter(move |key| !known.contains(&key.as_str())));
        let mut config: Self = figment.extract().map_err(|error| unreadable(&error))?;
        config.demo = demo;
        Ok(config)
    }

    fn check(self) -> Result<Self, ConfigError> {
        let refuse = |words: &str| Err(ConfigError(words.to_owned()));
        if self.secret.as_ref().is_some_and(|secret| secret.len() < 32) {
            return refuse("YUNZHEN_SECRET needs at least 32 characters");
        }
        if self.rooms == 0 {
            return refuse("with YUNZHEN_ROOMS=0 nobody could be called");
        }
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return refuse("YUNZHEN_TLS_CERT and YUNZHEN_TLS_KEY are of use together only");
        }
        if self.recordings_options.as_deref().is_some_and(|text| !text.split(',').all(|option| option.contains('='))) {
            // A value that holds a comma is cut in two, and what is behind it names nothing.
            return refuse("YUNZHEN_RECORDINGS_OPTIONS is name=value, separated by commas, with no comma in a value");
        }
        if self.turn_secret.is_some() && self.turn_urls.is_empty() {
            return refuse("YUNZHEN_TURN_SECRET is for another TURN server: name it in YUNZHEN_TURN_URLS");
        }
        if !self.demo && self.media_announce.unwrap_or(self.media_addr).ip().is_unspecified() {
            return refuse("browsers cannot call 0.0.0.0: set YUNZHEN_MEDIA_ANNOUNCE to this server's public ip:port");
        }
        if !self.demo && self.public_url.is_none() {
            return refuse("set YUNZHEN_PUBLIC_URL to the address that browsers use, such as https://clinic.example");
        }
        Ok(self)
    }

    /// The secret that all keys are derived from, be it a variable or the file in the data folder; `None` before the
    /// first start made one. A file that is cut short is an error: another key would open nothing.
    pub fn operator_secret(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        if let Some(secret) = &self.secret {
            return Ok(Some(secret.as_bytes().to_vec()));
        }
        let path = self.secret_file();
        match std::fs::read(&path) {
            Ok(bytes) if bytes.len() >= 32 => Ok(Some(bytes)),
            Ok(_) => Err(ConfigError(format!("{} is cut short; put the whole key back", path.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ConfigError(format!("{} cannot be read: {error}", path.display()))),
        }
    }

    /// Where TURN listens over UDP; `None` also where the system chooses the port at the start, as a demonstration lets it:
    /// then only the server that runs knows it.
    pub fn known_turn_addr(&self) -> Option<SocketAddr> {
        self.turn_udp_addr.filter(|address| address.port() != 0)
    }

    /// Where the secret lies that nobody chose.
    pub fn secret_file(&self) -> PathBuf {
        self.data_dir.join("secret.key")
    }

    /// The options of the store of recordings.
    pub fn recordings_options(&self) -> Vec<(String, String)> {
        let options = self.recordings_options.iter().flat_map(|text| text.split(','));
        options.filter_map(|option| option.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// The database's address.
    pub fn database(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite:{}", self.data_dir.join("yunzhen.db").display()))
    }
}

/// What is said of a choice that cannot be read: of one that is nobody's business its name alone.
fn unreadable(error: &figment::Error) -> ConfigError {
    let name = error.path.join("_").to_uppercase();
    let is_secret = ["SECRET", "DATABASE_URL", "OPTIONS", "SMS"].iter().any(|part| name.contains(part));
    ConfigError(if is_secret {
        format!("YUNZHEN_{name} cannot be read as it is written; where it looks like a number, put it in quotes")
    } else {
        error.to_string()
    })
}

/// A choice that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_demonstration_prescribes_on_the_epidemics_basis_unasked() {
        assert!(Config::demo_defaults().epidemic_prescriptions);
        assert!(!Config::serve_defaults().epidemic_prescriptions);
    }

    #[test]
    fn a_demonstration_needs_no_choice() {
        assert!(Config::demo_defaults().check().is_ok());
    }

    #[test]
    fn a_server_that_browsers_cannot_reach_does_not_start() {
        assert!(Config::serve_defaults().check().unwrap_err().to_string().contains("YUNZHEN_MEDIA_ANNOUNCE"));
    }

    #[test]
    fn a_secret_of_another_turn_server_needs_its_address() {
        let config = Config { turn_secret: Some("shared".into()), ..Config::demo_defaults() };
        assert!(config.check().unwrap_err().to_string().contains("YUNZHEN_TURN_URLS"));
    }

    #[test]
    fn an_option_of_the_recordings_store_that_would_be_dropped_is_refused() {
        let with = |text: &str| Config { recordings_options: Some(text.into()), ..Config::demo_defaults() };
        assert!(with("aws_region=cn-north-1,aws_allow_http=true").check().is_ok());
        for wrong in ["aws_region", "aws_region=cn-north-1,", "aws_secret_access_key=one,two"] {
            assert!(with(wrong).check().unwrap_err().to_string().contains("YUNZHEN_RECORDINGS_OPTIONS"), "{wrong}");
        }
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let config = Config { tls_cert: Some("cert.pem".into()), ..Config::demo_defaults() };
        assert!(config.check().unwrap_err().to_string().contains("YUNZHEN_TLS_KEY"));
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_not_printed() {
        let of = |name: &str, value: u64| {
            let figment = Figment::from(Serialized::defaults(Config::demo_defaults())).merge((name, value));
            unreadable(&figment.extract::<Config>().unwrap_err()).to_string()
        };
        let said = of("turn_secret", 12_345_678_901);
        assert!(said.contains("YUNZHEN_TURN_SECRET") && !said.contains("12345678901"), "{said}");
        assert!(of("http_addr", 77_777).contains("77777"), "what is no secret is shown");
    }

    #[test]
    fn a_short_secret_is_refused() {
        let config = Config { secret: Some("short".into()), ..Config::demo_defaults() };
        assert!(config.check().unwrap_err().to_string().contains("YUNZHEN_SECRET"));
    }
}
