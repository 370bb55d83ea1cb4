//! Another TURN server in place of our own, by configuration: Debian's coturn.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::programs;
use crate::recording::scene::Call;
use crate::support::binary::Binary;

const SECRET: &str = "a secret between the two of them";
/// A question that every STUN server answers.
const BINDING: [u8; 20] = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// A coturn on a free port of loopback. It ends with this value.
struct Coturn {
    child: Child,
    address: SocketAddr,
}

impl Coturn {
    fn start(program: &Path, folder: &Path) -> Self {
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let port = address.port();
        let child = Command::new(program)
            // No file of the machine's: what is said here is all.
            .args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--no-rfc5780", "--simple-log", "--log-file=stdout"])
            .args(["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers"])
            .args(["--use-auth-secret", &format!("--static-auth-secret={SECRET}"), "--realm=yunzhen"])
            .arg(format!("--listening-port={port}"))
            .arg(format!("--pidfile={}", folder.join("turnserver.pid").display()))
            .arg(format!("--userdb={}", folder.join("turndb").display()))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let coturn = Self { child, address };
        coturn.wait();
        coturn
    }

    /// Until it answers.
    fn wait(&self) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let answers = || {
            socket.send_to(&BINDING, self.address).is_ok() && socket.recv(&mut [0; 256]).is_ok_and(|length| length > 20)
        };
        assert!((0..150).any(|_| answers()), "coturn answers within half a minute");
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_through_an_external_coturn_with_the_rights_that_the_server_gives_and_nothing_else() {
    let Some(program) = programs::find("TURNSERVER", &["turnserver", "/usr/sbin/turnserver"]) else {
        return programs::skip("a call through an external TURN server", "no turnserver (Debian: coturn)");
    };
    let folder = tempfile::tempdir().unwrap();
    let coturn = Coturn::start(&program, folder.path());
    let urls = format!("[\"turn:{}?transport=udp\"]", coturn.address);
    let variables = [("YUNZHEN_TURN_URLS", urls.as_str()), ("YUNZHEN_TURN_SECRET", SECRET)];
    let data = folder.path().join("data");
    let server = Binary::start(&["demo"], &data, &variables);
    let mut call = Call::begin_relayed(&server.base, &TaskTracker::new()).await;
    call.talk(50).await;
    // Without it there is no other way.
    drop(coturn);
    call.doctor.client.arrived();
    call.doctor.client.falls_silent().await;
}
