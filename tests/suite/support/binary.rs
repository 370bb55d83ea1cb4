//! The binary as a visitor or an operator starts it: a process with a folder and ports of its own, which can be killed.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

/// The longest that a start may take on a machine that also compiles.
const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// A server that is ready. It is killed with this value.
pub struct Binary {
    child: Child,
    /// Where it listens, such as `http://127.0.0.1:40123`.
    pub base: String,
    printed: Receiver<String>,
    logged: Receiver<String>,
}

impl Binary {
    /// Starts `yunzhen <arguments>` on free ports with `folder` for its data, and waits until it says that it is ready.
    pub fn start(arguments: &[&str], folder: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = bare(arguments);
        command
            .env("YUNZHEN_HTTP_ADDR", "127.0.0.1:0")
            .env("YUNZHEN_MEDIA_ADDR", "127.0.0.1:0")
            .env("YUNZHEN_DATA_DIR", folder)
            .env("YUNZHEN_LOG", "info")
            .env("YUNZHEN_LOG_JSON", "true")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built with this test");
        let printed = lines(child.stdout.take().expect("it is piped"));
        let logged = lines(child.stderr.take().expect("it is piped"));
        let mut said = Vec::new();
        let address = loop {
            let Ok(line) = logged.recv_timeout(STARTS_WITHIN) else {
                child.kill().ok();
                panic!("the server did not start:\n{}", said.join("\n"));
            };
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if entry["fields"]["message"] == "ready" {
                break entry["fields"]["http_addr"].as_str().expect("it says where").to_owned();
            }
            said.push(line);
        };
        Self { child, base: format!("http://{address}"), printed, logged }
    }

    /// What was printed for people before the server was ready, as far as the line that holds `last`.
    pub fn printed_until(&self, last: &str) -> String {
        let mut text = String::new();
        while !text.contains(last) {
            let line = self.printed.recv_timeout(STARTS_WITHIN);
            text += &line.unwrap_or_else(|_| panic!("no {last:?} in what was printed:\n{text}"));
            text.push('\n');
        }
        text
    }

    /// What was logged since it was ready, as JSON.
    pub fn logged(&self) -> impl Iterator<Item = Value> {
        self.logged.try_iter().map(|line| serde_json::from_str(&line).unwrap_or_default())
    }

    /// `kill -9`: no goodbye, no clean-up.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // One that was killed before is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// `yunzhen <arguments>`, without the variables of whoever runs the tests.
pub fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yunzhen"));
    command.args(arguments);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("YUNZHEN_")) {
        command.env_remove(name);
    }
    command
}

/// The lines of a pipe, read by a thread so that the process never waits for a reader; the thread ends with the pipe.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            sender.send(line).ok();
        }
    });
    receiver
}
