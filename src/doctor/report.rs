//! What was found, for people.

use std::fmt;

use crate::config::Config;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, and somebody should look at it.
    Look,
    /// Patients will notice.
    Bad,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "good",
            Self::Look => "LOOK",
            Self::Bad => "BAD",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What, in a word or two.
    pub about: String,
    /// How it is.
    pub verdict: Verdict,
    /// A sentence, and where it is not good, what to do.
    pub words: String,
}

impl Finding {
    /// It is as it should be.
    pub fn good(about: &str, words: impl Into<String>) -> Self {
        Self { about: about.to_owned(), verdict: Verdict::Good, words: words.into() }
    }

    /// Somebody should look at it.
    pub fn look(about: &str, words: impl Into<String>) -> Self {
        Self { about: about.to_owned(), verdict: Verdict::Look, words: words.into() }
    }

    /// Patients will notice.
    pub fn bad(about: &str, words: impl Into<String>) -> Self {
        Self { about: about.to_owned(), verdict: Verdict::Bad, words: words.into() }
    }
}

/// What must be open to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// `TCP 443`.
    pub port: String,
    /// What it carries, and what does not work without it.
    pub carries: &'static str,
}

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// In the order in which it was looked at.
    pub findings: Vec<Finding>,
    /// What the firewall must let in.
    pub openings: Vec<Opening>,
}

impl Report {
    /// Whether patients will notice something.
    pub fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict == Verdict::Bad)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.findings.iter().map(|finding| finding.about.chars().count()).max().unwrap_or(0);
        for Finding { about, verdict, words } in &self.findings {
            writeln!(f, "{verdict:<5} {about:<width$}  {words}")?;
        }
        if self.openings.is_empty() {
            return writeln!(f, "\nIt listens on this machine alone: nothing need be open in the firewall.");
        }
        writeln!(f, "\nOpen in the firewall, from everywhere:")?;
        for Opening { port, carries } in &self.openings {
            writeln!(f, "  {port:<10} {carries}")?;
        }
        writeln!(
            f,
            "From in here nobody can tell whether these are open. Open the patient's link on a telephone that is not in"
        )?;
        writeln!(f, "the hospital's network: its device check shows whether sound and picture come through.")
    }
}

/// What this configuration needs open: behind a proxy the proxy's port instead of ours.
/// What nobody else is to reach needs nothing open.
pub fn openings(config: &Config) -> Vec<Opening> {
    let told = config.media_announce.unwrap_or(config.media_addr);
    if config.public_url.is_none() && config.http_addr.ip().is_loopback() && told.ip().is_loopback() {
        return Vec::new();
    }
    let pages = match config.public_host() {
        Some(host) => host.rsplit(':').next().unwrap_or_default().to_owned(),
        None => config.http_addr.port().to_string(),
    };
    let carries = match (config.tls_cert.is_some(), config.turn_secret.is_some()) {
        (true, false) => "pages and live connections; and calls from networks that let no UDP out",
        _ => "pages and live connections",
    };
    let mut openings = vec![Opening { port: format!("TCP {pages}"), carries }];
    openings.push(Opening { port: format!("UDP {}", told.port()), carries: "sound and picture of every call" });
    if let Some(turn) = config.known_turn_addr().filter(|_| config.turn_secret.is_none()) {
        let carries = "sound and picture where a network lets nothing out but UDP to this port";
        openings.push(Opening { port: format!("UDP {}", turn.port()), carries });
    }
    openings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_open_are_the_ports_that_browsers_come_to() {
        let mut config = Config::demo_defaults();
        config.demo = false;
        config.media_announce = Some("203.0.113.7:9443".parse().unwrap());
        config.turn_udp_addr = Some("0.0.0.0:3478".parse().unwrap());
        config.public_url = Some("https://clinic.example".to_owned());
        let ports: Vec<String> = openings(&config).into_iter().map(|opening| opening.port).collect();
        assert_eq!(ports, ["TCP 443", "UDP 9443", "UDP 3478"]);
    }

    #[test]
    fn a_demonstration_for_this_machine_alone_wants_nothing_open() {
        let config = Config::demo_defaults();
        assert_eq!(openings(&config), []);
        let report = Report { findings: Vec::new(), openings: Vec::new() }.to_string();
        assert!(report.contains("nothing need be open") && !report.contains("everywhere"), "{report}");
    }

    #[test]
    fn a_report_says_what_is_wrong_and_what_to_open() {
        let report = Report {
            findings: vec![Finding::good("disk", "31 GiB are free"), Finding::bad("certificate", "it ended yesterday")],
            openings: vec![Opening { port: "TCP 443".to_owned(), carries: "pages" }],
        };
        let text = report.to_string();
        assert!(report.is_bad());
        assert!(
            text.starts_with("good  disk         31 GiB are free\nBAD   certificate  it ended yesterday\n"),
            "{text}"
        );
        assert!(text.contains("  TCP 443    pages\n"), "{text}");
    }
}
