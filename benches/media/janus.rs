//! Janus beside us: the same packets through its `VideoRoom` or `VideoCall`, from the same clients, in the same run.
//!
//! It runs as a process of its own with a configuration in a temporary folder: HTTP on loopback, no STUN, no other plugin.
//! It offers no candidate on loopback, so its media takes the machine's own address, which never leaves the machine either.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

const ROOM: u64 = 7;
const PUBLISHER: u64 = 1;

/// A running Janus with one room.
pub struct Janus {
    process: Child,
    base: String,
    /// Where clients have to be.
    pub address: IpAddr,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

/// A client's place: its session and its handle.
#[derive(Clone, Copy)]
pub struct Door {
    session: u64,
    handle: u64,
}

impl Janus {
    /// Starts it; `None` where it is not installed, or the machine has no address for it.
    pub async fn start() -> Option<Self> {
        let address = own_address()?;
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let plugins = "audiobridge duktape echotest lua nosip recordplay sip streaming textroom voicemail";
        let transports = "mqtt nanomsg pfunix rabbitmq websockets";
        let list =
            |names: &str| names.split(' ').map(|name| format!("libjanus_{name}.so")).collect::<Vec<_>>().join(",");
        write(
            "janus.jcfg",
            format!(
                "general: {{ configs_folder = \"{}\"\n debug_level = 1\n session_timeout = 0 }}\n\
                 media: {{ rtp_port_range = \"20000-40000\" }}\n\
                 plugins: {{ disable = \"{}\" }}\ntransports: {{ disable = \"{}\" }}\n",
                folder.path().display(),
                list(plugins),
                list(transports)
            ),
        );
        let http = format!(
            "general: {{ json = \"compact\"\n base_path = \"/janus\"\n http = true\n port = {port}\n ip = \"127.0.0.1\"\n \
             https = false }}\nadmin: {{ admin_http = false\n admin_https = false }}\n"
        );
        write("janus.transport.http.jcfg", http);
        for plugin in ["videoroom", "videocall"] {
            write(&format!("janus.plugin.{plugin}.jcfg"), "general: { }\n".to_owned());
        }
        let process = Command::new("janus")
            .arg("--configs-folder")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("http://127.0.0.1:{port}/janus");
        let janus = Self { process, base, address, http, _folder: folder };
        for _ in 0..100 {
            if janus.http.get(format!("{}/info", janus.base)).send().await.is_ok() {
                let door = janus.attach("videoroom").await;
                let room =
                    json!({ "request": "create", "room": ROOM, "videocodec": "vp8", "bitrate": 0, "publishers": 2 });
                janus.say(door, room, None).await;
                return Some(janus);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Joins as the publisher; the answer to its offer.
    pub async fn publish(&self, sdp: &str) -> String {
        let door = self.attach("videoroom").await;
        let body = json!({ "request": "joinandconfigure", "room": ROOM, "ptype": "publisher", "id": PUBLISHER,
            "video": true, "audio": false });
        self.say(door, body, Some(("offer", sdp))).await;
        self.described(door).await.expect("an answer")
    }

    /// Joins as one who watches: its offer, and where to answer it.
    pub async fn watch(&self) -> (Door, String) {
        let door = self.attach("videoroom").await;
        loop {
            let body =
                json!({ "request": "join", "room": ROOM, "ptype": "subscriber", "streams": [{ "feed": PUBLISHER }] });
            self.say(door, body, None).await;
            if let Some(offer) = self.described(door).await {
                return (door, offer);
            }
            // It does not know yet that the publisher is there.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Answers it.
    pub async fn start_watching(&self, door: Door, sdp: &str) {
        self.say(door, json!({ "request": "start", "room": ROOM }), Some(("answer", sdp))).await;
    }

    /// A place for one end of a call of two, under a number.
    pub async fn register(&self, number: u32) -> Door {
        let door = self.attach("videocall").await;
        self.say(door, json!({ "request": "register", "username": number.to_string() }), None).await;
        loop {
            let event = self.event(door).await;
            if event["plugindata"]["data"]["result"]["event"] == "registered" {
                return door;
            }
        }
    }

    /// Calls `number`; the offer that it hears.
    pub async fn call(&self, caller: Door, called: Door, number: u32, sdp: &str) -> String {
        let body = json!({ "request": "call", "username": number.to_string() });
        self.say(caller, body, Some(("offer", sdp))).await;
        self.described(called).await.expect("an offer")
    }

    /// Picks up; the answer that the caller hears.
    pub async fn pick_up(&self, caller: Door, called: Door, sdp: &str) -> String {
        self.say(called, json!({ "request": "accept" }), Some(("answer", sdp))).await;
        self.described(caller).await.expect("an answer")
    }

    async fn attach(&self, plugin: &str) -> Door {
        let session = self.post("", json!({ "janus": "create" })).await["data"]["id"].as_u64().unwrap();
        let attach = json!({ "janus": "attach", "plugin": format!("janus.plugin.{plugin}") });
        let handle = self.post(&format!("/{session}"), attach).await["data"]["id"].as_u64().unwrap();
        Door { session, handle }
    }

    async fn say(&self, door: Door, body: Value, description: Option<(&str, &str)>) -> Value {
        let mut message = json!({ "janus": "message", "body": body });
        if let Some((kind, sdp)) = description {
            message["jsep"] = json!({ "type": kind, "sdp": sdp });
        }
        self.post(&format!("/{}/{}", door.session, door.handle), message).await
    }

    /// Waits for the description that it sends; `None` when it sends an error.
    async fn described(&self, door: Door) -> Option<String> {
        loop {
            let event = self.event(door).await;
            if let Some(sdp) = event["jsep"]["sdp"].as_str() {
                return Some(sdp.to_owned());
            }
            if !event["plugindata"]["data"]["error"].is_null() {
                return None;
            }
        }
    }

    async fn event(&self, door: Door) -> Value {
        let event = self.http.get(format!("{}/{}?maxev=1", self.base, door.session)).send().await.unwrap();
        event.json().await.unwrap()
    }

    async fn post(&self, path: &str, mut message: Value) -> Value {
        message["transaction"] = "t".into();
        let answer = self.http.post(format!("{}{path}", self.base)).json(&message).send().await.unwrap();
        answer.json().await.unwrap()
    }
}

/// An IPv4 address of this machine that is not the loopback's.
fn own_address() -> Option<IpAddr> {
    let all = nix::ifaddrs::getifaddrs().ok()?;
    let mut v4 = all.filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip()));
    v4.find(|ip| !ip.is_loopback() && *ip != Ipv4Addr::UNSPECIFIED).map(IpAddr::V4)
}
