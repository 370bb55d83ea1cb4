//! One private PostgreSQL for this process: its own folder, its own socket, no port, and it ends with the process, however
//! that ends. Benches use it, too.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use sqlx::postgres::PgConnectOptions;

use crate::programs;

/// A running server. It ends when the pipe to its guard does, that is with this value or with the process.
pub struct Server {
    folder: PathBuf,
    _guard: Child,
}

/// Starts the server, waits for the end of its own standard input, and cleans up. `$1` is the program, `$2` the folder.
const GUARD: &str = r#"
program=$1 folder=$2
shift 2
"$program" -D "$folder/data" -k "$folder" "$@" &
server=$!
cat > /dev/null
kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
"#;

/// Whom the server runs as; root may not run one.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl Server {
    /// The one server of this process, started on first use with these settings; why there is none otherwise.
    pub fn shared(settings: &[&str]) -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Server, String>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(settings)).as_ref().map_err(Clone::clone)
    }

    /// How to connect as its superuser.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(&self.folder).port(5432).username("postgres").database("postgres")
    }

    fn start(settings: &[&str]) -> Result<Self, String> {
        let initdb = program("initdb")?;
        let postgres = program("postgres")?;
        let user = user()?;
        let folder = tempfile::Builder::new().prefix("yunzhen-pg-").tempdir().map_err(|e| e.to_string())?.keep();
        if let Some(user) = user {
            chown(&folder, Some(user.uid), Some(user.gid)).map_err(|e| e.to_string())?;
        }
        let mut init = command(&initdb, user, &folder);
        init.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "--pgdata"]);
        let done = init.arg(folder.join("data")).output().map_err(|e| e.to_string())?;
        if !done.status.success() {
            return Err(format!("initdb failed: {}", String::from_utf8_lossy(&done.stderr)));
        }
        let mut guard = command(Path::new("/bin/sh"), user, &folder);
        guard.args(["-c", GUARD, "sh"]).arg(&postgres).arg(&folder);
        let fixed = ["listen_addresses=", "port=5432", "max_connections=200", "autovacuum=off", "shared_buffers=64MB"];
        guard.args(fixed.iter().chain(settings).flat_map(|setting| ["-c", setting]));
        // A process group of its own: Ctrl-C ends the tests, and the guard then ends the server in good order.
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut guard = guard.spawn().map_err(|e| e.to_string())?;
        wait_until_ready(&mut guard)?;
        Ok(Self { folder, _guard: guard })
    }
}

/// Reads what the server says until it can be asked; a thread reads on, so that the server never waits for a reader.
fn wait_until_ready(guard: &mut Child) -> Result<(), String> {
    let mut lines = BufReader::new(guard.stderr.take().expect("its errors are piped")).lines().map_while(Result::ok);
    let mut said = String::new();
    for line in lines.by_ref() {
        if line.contains("ready to accept connections") {
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(());
        }
        said.push_str(&line);
        said.push('\n');
    }
    Err(format!("PostgreSQL did not start: {said}"))
}

fn command(program: &Path, user: Option<User>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C");
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

/// The program of the newest installed version, or the one of the `PATH`.
fn program(name: &str) -> Result<PathBuf, String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin").join(name)).collect();
    installed.sort();
    let found = installed.into_iter().rev().find(|path| path.is_file());
    found.or_else(|| programs::find("", &[name])).ok_or_else(|| format!("no {name} is installed"))
}

/// `None` when this process may run a server itself.
fn user() -> Result<Option<User>, String> {
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    match (id(&["-u", "postgres"]), id(&["-g", "postgres"])) {
        (Some(uid), Some(gid)) => Ok(Some(User { uid, gid })),
        _ => Err("root may not run PostgreSQL, and there is no user postgres".to_owned()),
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let told = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(told.stdout).ok()?.trim().parse().ok()
}
