//! The real binary as a process of its own, on a port of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::figures::kib;
use crate::hospital::SECRET;

const BINARY: &str = env!("CARGO_BIN_EXE_yunzhen");
const STARTS_WITHIN: Duration = Duration::from_mins(3);

/// A running `yunzhen serve`.
pub struct Server {
    process: Child,
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// From the start of the process until `/readyz` said yes.
    pub ready_after: Duration,
}

/// What a process holds, in bytes.
#[derive(Clone, Copy)]
pub struct Memory {
    /// All that is in RAM, with the pages of the binary itself.
    pub resident: f64,
    /// What the process alone wrote there.
    pub anonymous: f64,
}

impl Server {
    /// Starts it on the database of `folder`, and waits until it is ready.
    pub async fn start(folder: &Path) -> Self {
        Self::start_as("serve", folder, None).await
    }

    /// The same as a demonstration, whose people can sign in, or on another database.
    pub async fn start_as(role: &str, folder: &Path, database: Option<&str>) -> Self {
        let http = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let begun = Instant::now();
        let process = Command::new(BINARY)
            .arg(role)
            .env_clear()
            .env("YUNZHEN_HTTP_ADDR", http.to_string())
            .env("YUNZHEN_MEDIA_ADDR", "127.0.0.1:0")
            .env("YUNZHEN_PUBLIC_URL", format!("http://{http}"))
            .env("YUNZHEN_DATA_DIR", folder)
            .env("YUNZHEN_SECRET", SECRET)
            .envs(database.map(|url| ("YUNZHEN_DATABASE_URL", url)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        while !is_ready(http).await {
            assert!(begun.elapsed() < STARTS_WITHIN, "the server does not start");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Self { process, http, ready_after: begun.elapsed() }
    }

    /// What it holds now.
    pub fn memory(&self) -> Memory {
        let path = format!("/proc/{}/smaps_rollup", self.process.id().unwrap());
        let text = std::fs::read_to_string(path).unwrap();
        let bytes = |field| kib(&text, field).and_then(|kib| u32::try_from(kib).ok()).map_or(0.0, f64::from) * 1024.0;
        Memory { resident: bytes("Rss"), anonymous: bytes("Anonymous") }
    }

    /// Asks it to end, and waits until it did.
    pub async fn stop(mut self) {
        let id = self.process.id().unwrap().to_string();
        Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        self.process.wait().await.unwrap();
    }
}

/// How long the binary takes to say its version: what a process costs that does nothing.
pub async fn bare_start() -> Duration {
    let begun = Instant::now();
    let told = Command::new(BINARY).arg("--version").stdout(Stdio::null()).status().await.unwrap();
    assert!(told.success());
    begun.elapsed()
}

async fn is_ready(http: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(http).await?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer.starts_with(b"HTTP/1.1 200 "))
    };
    ask.await.unwrap_or(false)
}
