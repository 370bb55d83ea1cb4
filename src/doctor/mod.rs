//! `yunzhen doctor`: looks at a server from its own machine and says in words what is wrong and what to do.
//!
//! It changes nothing: no table, no key, no port of a server that runs. A file per thing that is looked at; each gives
//! [`Finding`]s, and [`examine`] puts them together. Whether strangers can reach a port can only be told from outside;
//! what must be open is therefore always listed.

mod certificate;
mod reach;
mod report;
mod signing;
mod storage;
mod time;

pub use report::{Finding, Opening, Report, Verdict};

use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::services::turn_secret;

/// What can be chosen on the command line.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// Whom to ask for the time, `host:port`; `None`: nobody.
    pub time_server: Option<String>,
}

/// Looks at everything.
pub async fn examine(config: &Config, clock: &Clock, wishes: &Wishes) -> Report {
    let mut findings = storage::folder(config);
    findings.extend(storage::database(config).await);
    findings.push(signing::look(config.signing));
    findings.push(time::clock(clock, wishes.time_server.as_deref()).await);
    let certificate = certificate::read(config);
    if let Some(certificate) = &certificate {
        findings.extend(certificate::look(config, clock.now(), certificate));
    }
    let shown = certificate.and_then(Result::ok);
    match config.operator_secret() {
        Ok(secret) => {
            let secret = secret.map(|secret| turn_secret(config, &secret));
            let visitor = reach::Visitor { config, now: clock.now(), ids: Ids::system(clock.clone()), secret, shown };
            findings.extend(visitor.look().await);
        }
        Err(error) => findings.push(Finding::bad("secret", error.to_string())),
    }
    Report { findings, openings: report::openings(config) }
}
