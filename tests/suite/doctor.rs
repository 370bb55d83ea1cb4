//! `yunzhen doctor` beside a server that runs, beside one that does not, and beside things that are wrong.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::support::binary::{Binary, bare};
use crate::tls::write_certificate;

/// A configuration on ports that are free.
struct Place {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
    http: String,
}

fn place() -> Place {
    let folder = TempDir::new().unwrap();
    write_certificate(folder.path());
    let http = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let udp = || UdpSocket::bind("127.0.0.1:0").unwrap();
    let (media, turn) = (udp(), udp());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let variables = vec![
        ("YUNZHEN_HTTP_ADDR", http.to_string()),
        ("YUNZHEN_MEDIA_ADDR", media.local_addr().unwrap().to_string()),
        ("YUNZHEN_TURN_UDP_ADDR", turn.local_addr().unwrap().to_string()),
        ("YUNZHEN_TLS_CERT", path("cert.pem")),
        ("YUNZHEN_TLS_KEY", path("key.pem")),
        ("YUNZHEN_PUBLIC_URL", format!("https://localhost:{}", http.port())),
        ("YUNZHEN_DATA_DIR", path("data")),
        // What this machine trusts: our certificate, as if somebody known had signed it.
        ("SSL_CERT_FILE", path("cert.pem")),
    ];
    Place { variables, http: http.to_string(), folder }
}

impl Place {
    fn examine(&self) -> (String, bool) {
        // Nobody keeps time at this address, and nobody outside is asked.
        let mut doctor = bare(&["doctor", "--demo", "--time-server", "127.0.0.1:9"]);
        let Output { stdout, status, .. } = doctor.envs(self.variables.iter().cloned()).output().unwrap();
        (String::from_utf8(stdout).unwrap(), status.success())
    }

    fn set(&mut self, name: &'static str, value: String) {
        self.variables.retain(|(other, _)| *other != name);
        self.variables.push((name, value));
    }
}

#[track_caller]
fn says(report: &str, verdict: &str, words: &str) {
    assert!(
        report.lines().any(|line| line.starts_with(verdict) && line.contains(words)),
        "{verdict} {words}:\n{report}"
    );
}

#[test]
fn a_server_that_runs_well_is_told_so_way_by_way() {
    let place = place();
    let variables: Vec<(&str, &str)> = place.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _server = Binary::start(&["demo"], &place.folder.path().join("data"), &variables);
    let (report, is_well) = place.examine();
    let port = place.http.rsplit(':').next().unwrap();
    for words in [
        "data can be written".to_owned(),
        "GiB are free".to_owned(),
        "its tables are up to date".to_owned(),
        "new signatures are made by Ed25519 (YUNZHEN_SIGNING=ed25519)".to_owned(),
        "it fits its key and is good for".to_owned(),
        "it is for localhost".to_owned(),
        format!("https://localhost:{port}/readyz opens"),
        " answers".to_owned(),
        "transport=udp leads to the media port".to_owned(),
        format!("turn:localhost:{port}?transport=tcp leads to the media port"),
        format!("turns:localhost:{port}?transport=tcp leads to the media port"),
    ] {
        says(&report, "good", &words);
    }
    says(&report, "LOOK", "127.0.0.1:9");
    assert!(report.contains(&format!("TCP {port}")) && is_well, "{report}");
}

#[test]
fn before_the_first_start_it_says_what_is_there_and_what_is_in_the_way() {
    let mut place = place();
    let _squatter = TcpListener::bind(&place.http).unwrap();
    place.set("YUNZHEN_SIGNING", "sm2".to_owned());
    let (report, is_well) = place.examine();
    says(&report, "BAD", "belongs to another program");
    says(&report, "good", "new signatures are made by SM2 (YUNZHEN_SIGNING=sm2); one on trial holds");
    says(&report, "LOOK", "yunzhen.db is not there yet");
    says(&report, "LOOK", "start the server and ask again");
    assert!(!is_well, "who runs it in a script is told by the exit code");
    assert!(!Path::new(&place.folder.path().join("data")).exists(), "it makes nothing");
}

#[test]
fn a_certificate_of_another_name_and_a_public_address_of_another_server_are_told() {
    let mut place = place();
    place.set("YUNZHEN_PUBLIC_URL", "https://clinic.invalid".to_owned());
    let variables: Vec<(&str, &str)> = place.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _server = Binary::start(&["demo"], &place.folder.path().join("data"), &variables);
    let (report, is_well) = place.examine();
    says(&report, "BAD", "it is not for clinic.invalid");
    says(&report, "BAD", "clinic.invalid:443 has no address");
    assert!(!is_well);
}

#[test]
fn a_media_port_that_nobody_reaches_is_called_bad_and_one_behind_a_router_is_named() {
    let mut place = place();
    place.set("YUNZHEN_MEDIA_ANNOUNCE", "203.0.113.7:8443".to_owned());
    let (report, is_well) = place.examine();
    says(&report, "BAD", "which only this machine can reach");
    assert!(!is_well);
    place.set("YUNZHEN_MEDIA_ADDR", "0.0.0.0:18221".to_owned());
    let (report, _) = place.examine();
    says(&report, "LOOK", "the router must lead UDP 8443 to it");
}

#[test]
fn a_server_without_an_address_is_looked_at_all_the_same_and_the_demonstration_is_named() {
    let mut place = place();
    place.variables.retain(|(name, _)| *name != "YUNZHEN_PUBLIC_URL");
    let mut doctor = bare(&["doctor", "--time-server", "127.0.0.1:9"]);
    let Output { stdout, status, .. } = doctor.envs(place.variables.iter().cloned()).output().unwrap();
    let report = String::from_utf8(stdout).unwrap();
    says(&report, "BAD", "yunzhen doctor --demo");
    says(&report, "LOOK", "start the server and ask again");
    assert!(!status.success());
}
