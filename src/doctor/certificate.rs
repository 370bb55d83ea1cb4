//! The certificate: whether it fits its key, is for our name, and how long it is still good.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Finding;
use crate::config::Config;
use crate::domain::time::Timestamp;
use crate::http::tls::{Certificate, CertificateError};

/// So many days before the end somebody should have renewed it.
const RENEW_DAYS: i64 = 14;
const DAY_SECS: i64 = 86_400;

/// The certificate that the configuration names; `None` where the server speaks no TLS.
pub fn read(config: &Config) -> Option<Result<Arc<Certificate>, CertificateError>> {
    Some(Certificate::open(config.tls_cert.as_ref()?, config.tls_key.as_ref()?))
}

/// What there is to say about it.
pub fn look(config: &Config, now: Timestamp, certificate: &Result<Arc<Certificate>, CertificateError>) -> Vec<Finding> {
    let about = "certificate";
    match certificate {
        Err(error) => vec![Finding::bad(about, error.to_string())],
        Ok(certificate) => {
            let shown = certificate.shown();
            let host = config.public_host();
            let host = host.as_deref().and_then(|host| host.rsplit_once(':')).map(|(host, _)| host);
            let name = host.map(|host| named(&shown, host.trim_matches(['[', ']'])));
            std::iter::once(lasts(&shown, now)).chain(name).collect()
        }
    }
}

fn lasts(shown: &CertificateDer<'_>, now: Timestamp) -> Finding {
    let about = "certificate";
    let Ok((_, parsed)) = X509Certificate::from_der(shown) else {
        return Finding::bad(about, "it cannot be read");
    };
    let validity = parsed.validity();
    let left = validity.not_after.timestamp() - now.as_secs();
    let days = left / DAY_SECS;
    if now.as_secs() < validity.not_before.timestamp() {
        Finding::bad(about, "it is not good yet: look at the clock")
    } else if left <= 0 {
        Finding::bad(about, format!("it ended on {}: no browser opens the page. Renew it now", validity.not_after))
    } else if days < RENEW_DAYS {
        Finding::look(about, format!("it fits its key and ends in {days} days: renew it"))
    } else {
        Finding::good(about, format!("it fits its key and is good for {days} days more"))
    }
}

fn named(shown: &CertificateDer<'_>, host: &str) -> Finding {
    let about = "certificate";
    let fits = || {
        let parsed = ParsedCertificate::try_from(shown).ok()?;
        verify_server_name(&parsed, &ServerName::try_from(host).ok()?).ok()
    };
    match fits() {
        Some(()) => Finding::good(about, format!("it is for {host}")),
        None => Finding::bad(about, format!("it is not for {host}, the name in YUNZHEN_PUBLIC_URL")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn made(until_year: i32) -> CertificateDer<'static> {
        let mut params = rcgen::CertificateParams::new(["clinic.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(until_year, 3, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn how_long_it_lasts_is_told_in_days() {
        // 2026-03-02 01:00 UTC.
        let now = Timestamp::from_millis(1_772_413_200_000);
        for (until, verdict, said) in [
            (2027, Verdict::Good, "363 days more"),
            (2026, Verdict::Bad, "ended on Mar  1"),
            (2025, Verdict::Bad, "2025"),
        ] {
            let found = lasts(&made(until), now);
            assert!(found.verdict == verdict && found.words.contains(said), "{}", found.words);
        }
        let soon = lasts(&made(2027), now + std::time::Duration::from_hours(24 * 360));
        assert!(soon.verdict == Verdict::Look && soon.words.contains("3 days"), "{}", soon.words);
    }

    #[test]
    fn a_certificate_for_another_name_is_noticed() {
        assert_eq!(named(&made(2027), "clinic.example").verdict, Verdict::Good);
        assert_eq!(named(&made(2027), "other.example").verdict, Verdict::Bad);
    }
}
