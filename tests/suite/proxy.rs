//! A reverse proxy in front of the server: Debian's nginx with the very file of `deploy/`, on loopback.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, redirect};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use yunzhen::services::crowd::{Crowd, OF_ONE_ADDRESS};
use yunzhen::services::visits::pictures::PICTURE_LIMIT;
use yunzhen::ws::limits::SILENCE_BESIDE_MEDIA;

use crate::clinic::live::Socket;
use crate::clinic::pictures::png;
use crate::clinic::stage::{LINK, Site, Stage};
use crate::programs;
use crate::tls;

/// The file that a hospital installs.
const MODEL: &str = include_str!("../../deploy/nginx.conf");
/// How long the file lets a socket be silent.
const PATIENCE: &str = "60s";
/// Another proxy before this one, which the operator trusts as well: whom it names may be anybody.
const OUTER: &str = "127.0.0.2";
/// Somebody who plays a proxy.
const STRANGER: &str = "127.0.0.3";

/// A server and the nginx in front of it, which ends with this value.
struct Front {
    child: Child,
    stage: Stage,
    secure: SocketAddr,
    plain: SocketAddr,
    certificate: CertificateDer<'static>,
    log: PathBuf,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An address that is free on loopback.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Debian's nginx, or loud words.
fn nginx(what: &str) -> Option<PathBuf> {
    let found = programs::find("YUNZHEN_NGINX", &["nginx", "/usr/sbin/nginx"]);
    if found.is_none() {
        programs::skip(what, "no nginx (Debian: nginx-light)");
    }
    found
}

impl Front {
    /// Opens a clinic behind `program`, where a socket may be silent for `patience`.
    async fn open(program: &Path, patience: &str) -> Self {
        let (secure, plain) = (free(), free());
        let stage = Stage::open_with(|config| {
            config.trusted_proxies = ["127.0.0.1", OUTER].map(|address| address.parse().unwrap()).to_vec();
            config.metrics_from = vec!["127.0.0.0/8".parse().unwrap()];
            config.public_url = Some(format!("https://localhost:{}", secure.port()));
        })
        .await;
        let folder = stage.folder.path().join("nginx");
        std::fs::create_dir(&folder).unwrap();
        let certificate = tls::write_certificate(&folder);
        let log = folder.join("error.log");
        let here = |name: &str| folder.join(name).display().to_string();
        // The machine may have no IPv6.
        let mut site: String = MODEL.lines().filter(|line| !line.contains("[::]")).flat_map(|l| [l, "\n"]).collect();
        for (written, now) in [
            ("listen 80;", format!("listen {plain};")),
            ("listen 443 ssl;", format!("listen {secure} ssl;")),
            ("server_name clinic.example;", "server_name localhost;".to_owned()),
            ("/etc/ssl/yunzhen/chain.pem", here("cert.pem")),
            ("/etc/ssl/yunzhen/key.pem", here("key.pem")),
            ("/var/log/nginx/yunzhen.log crit", format!("{} warn", log.display())),
            ("http://127.0.0.1:8080", format!("http://{}", stage.server.http_addr)),
            (&format!("timeout {PATIENCE};"), format!("timeout {patience};")),
        ] {
            assert!(site.contains(written), "the file says {written}");
            site = site.replace(written, &now);
        }
        let places = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", here(kind)))
            .concat();
        let whole = format!(
            "daemon off;\nmaster_process off;\npid {};\nerror_log {} warn;\nevents {{}}\nhttp {{\n{places}{site}}}\n",
            here("nginx.pid"),
            log.display(),
        );
        std::fs::write(folder.join("nginx.conf"), whole).unwrap();
        let child = Command::new(program)
            .args(["-p", &here(""), "-e", &log.display().to_string(), "-c", &here("nginx.conf")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let front = Self { child, stage, secure, plain, certificate, log };
        front.listens().await;
        front
    }

    async fn listens(&self) {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..1500 {
            look.tick().await;
            if TcpStream::connect(self.secure).await.is_ok() {
                return;
            }
        }
        panic!("nginx listens within half a minute:\n{}", self.complaints());
    }

    /// What nginx had to say.
    fn complaints(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.secure.port())
    }

    /// A browser at `address`, which says that it asks for `others`.
    fn browser(&self, address: &str, others: &str) -> Client {
        let mut headers = HeaderMap::new();
        if !others.is_empty() {
            headers.insert(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(others).unwrap());
        }
        Client::builder()
            .tls_certs_only([Certificate::from_der(&self.certificate).unwrap()])
            .resolve("localhost", self.secure)
            .local_address(address.parse::<IpAddr>().unwrap())
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .build()
            .unwrap()
    }

    /// The clinic's doors, as a browser finds them.
    fn site(&self) -> Site {
        Site::by(&self.url(), self.browser("127.0.0.9", ""))
    }

    /// Opens a live socket from `address`, by a page of `origin`, for `others`.
    async fn socket(&self, address: &str, origin: &str, others: &str) -> Result<Socket<TlsStream<TcpStream>>, Error> {
        let from = TcpSocket::new_v4().unwrap();
        from.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
        let stream = tls::greet(from.connect(self.secure).await.unwrap(), &self.certificate, &[]).await.unwrap();
        let url = format!("{}/api/v1/ws", self.url().replacen("https", "wss", 1));
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        if !others.is_empty() {
            request.headers_mut().insert("x-forwarded-for", others.parse().unwrap());
        }
        client_async(request, stream).await.map(|(socket, _)| Socket(socket))
    }

    /// The status of a socket that is refused.
    async fn refused(&self, address: &str, origin: &str, others: &str) -> u16 {
        match self.socket(address, origin, others).await {
            Err(Error::Http(answer)) => answer.status().as_u16(),
            other => panic!("{:?}", other.map(|_| "a socket")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_nginx_pages_sign_in_and_the_largest_picture_pass_and_nothing_is_laid_on_its_disk() {
    let Some(program) = nginx("pages, sign-in and pictures behind a reverse proxy") else { return };
    let front = Front::open(&program, PATIENCE).await;
    let (browser, url) = (front.browser("127.0.0.9", ""), front.url());
    let redirected = browser.get(format!("http://{}/v/{LINK}", front.plain)).send().await.unwrap();
    assert_eq!(
        (redirected.status().as_u16(), &redirected.headers()["location"].as_bytes()[..8]),
        (301, &b"https://"[..])
    );

    let page = browser.get(format!("{url}/v/{LINK}")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["strict-transport-security"], "max-age=31536000");
    let policy = page.headers()["content-security-policy"].clone();
    let html = page.text().await.unwrap();
    let script = html.split("type=\"module\" crossorigin src=\"").nth(1).unwrap().split('"').next().unwrap();
    let script = browser.get(format!("{url}{script}")).send().await.unwrap();
    assert!(script.status() == 200 && script.headers()["content-type"].to_str().unwrap().contains("javascript"));
    assert!(!policy.is_empty(), "what the server says of its pages is said through the proxy");

    let login = json!({ "username": "doctor", "password": "yunzhen-doctor" });
    let signed_in = browser.post(format!("{url}/api/v1/auth/login")).json(&login).send().await.unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert!(signed_in.json::<Value>().await.unwrap()["access_token"].is_string());

    let site = front.site();
    let visit = site.visit().await;
    let attach = async |bytes: Vec<u8>| {
        let request = browser.post(format!("{url}/api/v1/visits/{}/attachments", visit.id)).bearer_auth(&visit.patient);
        let answer = request.header("content-type", "image/png").body(bytes).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let largest = png(&[(b"IDAT", &vec![7; PICTURE_LIMIT - png(&[(b"IDAT", b"")]).len()])]);
    let (status, picture) = attach(largest.clone()).await;
    assert_eq!((status, &picture["size"]), (200, &json!(PICTURE_LIMIT)), "{picture}");
    let path = format!("{url}/api/v1/attachments/{}", picture["id"].as_str().unwrap());
    let read = browser.get(path).bearer_auth(&visit.doctor).send().await.unwrap();
    assert!(read.bytes().await.unwrap() == largest, "the doctor reads what the patient sent");
    let (status, refused) = attach([largest, vec![0]].concat()).await;
    assert_eq!(
        (status, &refused["code"]),
        (413, &json!("request.too_large")),
        "the server's words and not the proxy's"
    );

    let direct = reqwest::get(format!("http://{}/metrics", front.stage.server.http_addr)).await.unwrap();
    assert_eq!(direct.status(), 200);
    let passed_on = browser.get(format!("{url}/metrics")).send().await.unwrap();
    assert_eq!(passed_on.status(), 404, "what a proxy passes on comes from anywhere");
    assert!(!front.complaints().contains("temporary file"), "{}", front.complaints());
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_nginx_a_live_socket_resumes_and_is_not_cut_while_its_browser_says_something() {
    let Some(program) = nginx("live sockets behind a reverse proxy") else { return };
    let patience: u64 = PATIENCE.trim_end_matches('s').parse().unwrap();
    assert!(Duration::from_secs(patience) > SILENCE_BESIDE_MEDIA * 2, "the server says when a browser is gone");
    let front = Front::open(&program, "2s").await;
    let (site, origin) = (front.site(), front.url());
    let visit = site.visit().await;
    let mut socket = front.socket("127.0.0.9", &origin, "").await.unwrap();
    let welcome = socket.greet(&visit.patient, None).await;
    let room = socket.join(&site, &visit, &visit.patient).await;
    drop(socket);

    let mut socket = front.socket("127.0.0.9", &origin, "").await.unwrap();
    let back = socket.greet(&visit.patient, welcome["resume"].as_str()).await;
    assert_eq!((&back["resumed"], &back["rooms"][0]), (&json!(true), &room["room"]), "{back}");
    assert_eq!(front.refused("127.0.0.9", "https://evil.example", "").await, 403, "a page of another origin");

    // Two of a clock that stands: one says something twice a second, the other nothing.
    let mut silent = front.socket("127.0.0.9", &origin, "").await.unwrap();
    silent.greet(&visit.doctor, None).await;
    let mut rounds = tokio::time::interval(Duration::from_millis(500));
    for id in 1..=10 {
        rounds.tick().await;
        socket.say(json!({ "type": "ping", "id": id })).await;
        assert_eq!(socket.expect("pong").await["id"], id);
    }
    assert_eq!(silent.closed().await, None, "so long nginx does wait for nobody");
    socket.say(json!({ "type": "ping", "id": 11 })).await;
    assert_eq!(socket.expect("pong").await["id"], 11, "it is there after twice that time and more");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_nginx_each_address_is_counted_as_itself_and_no_stranger_speaks_for_another() {
    let Some(program) = nginx("whose request it is behind a reverse proxy") else { return };
    let front = Front::open(&program, PATIENCE).await;
    let page = format!("{}/api/v1/links/{LINK}", front.url());
    let opens = async |address: &str, others: &str| {
        front.browser(address, others).get(&page).send().await.unwrap().status().as_u16()
    };
    // Sixty at once, and the clock stands.
    let (one, other) = ("203.0.113.9", "203.0.113.10");
    for n in 0..60 {
        assert_eq!(opens(OUTER, one).await, 200, "{n}");
    }
    assert_eq!(opens(OUTER, one).await, 429);
    assert_eq!(opens(OUTER, other).await, 200, "a neighbour behind the same proxies");
    for n in 0..60 {
        // Another name each time, the trusted proxy's among them.
        assert_eq!(opens(STRANGER, &format!("198.51.100.{n}, {OUTER}")).await, 200, "{n}");
    }
    assert_eq!(opens(STRANGER, "198.51.100.200").await, 429, "a stranger is a stranger, whatever it writes");
    assert_eq!(opens(OUTER, "198.51.100.7").await, 200, "and nobody whom it named pays for it");

    let (origin, crowd) = (front.url(), &front.stage.server.services.sockets);
    let _others: Vec<_> = (1..OF_ONE_ADDRESS).map(|_| Crowd::enter(crowd, one.parse().unwrap()).unwrap()).collect();
    let _last = front.socket(OUTER, &origin, one).await.unwrap();
    assert_eq!(front.refused(OUTER, &origin, one).await, 429, "its share of sockets");
    front.socket(OUTER, &origin, other).await.unwrap();
    front.socket(STRANGER, &origin, one).await.unwrap();
}
