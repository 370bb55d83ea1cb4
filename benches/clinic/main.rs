//! What the server does on this machine: `cargo bench`, or one part of it, `cargo bench -- queue` or
//! `cargo bench -- server`. The figures are for `docs/BENCHMARKS.md`.
//!
//! Each figure stands beside a baseline of the same run, for a machine is fast or slow on its day. Nothing here passes or
//! fails by the clock.
#![expect(clippy::disallowed_methods, reason = "a bench asks the machine's clock, and waits by it")]
#![expect(clippy::unwrap_used, reason = "what does not work ends the bench at once")]

mod booking;
mod child;
mod figures;
mod gate;
mod hospital;
mod queue;
mod record;
mod server;
mod volume;
mod waiting;

#[path = "../../tests/suite/support/postgres.rs"]
mod postgres;
#[path = "../../tests/suite/programs.rs"]
mod programs;
#[path = "../../tests/suite/clinic/stage.rs"]
#[expect(dead_code, reason = "a bench leads a visit through it, and needs no clock that stands still")]
mod stage;

use std::path::Path;

#[tokio::main]
async fn main() {
    // Cargo adds switches of its own.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|word| word == part);
    println!("machine: {}", machine());
    if wants("gate") {
        gate::run();
    }
    if wants("queue") {
        queue::run().await;
    }
    if wants("booking") {
        booking::run().await;
    }
    if wants("record") {
        record::run().await;
    }
    if wants("server") {
        server::run().await;
    }
    // It takes a long time and many gigabytes, so it comes when it is called.
    if wanted.iter().any(|word| word == "volume") {
        volume::run().await;
    }
    println!("\nafterwards: load {}", load());
}

/// Where the databases of a bench are: beside what cargo builds, on a disk that keeps what it was told to keep.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

/// Its size, and what else it is doing.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = figures::kib(&memory, "MemTotal").map_or(0, |kib| kib / (1024 * 1024));
    format!("{cores} cores, {memory} GiB, load {}", load())
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}
