//! Builds the browser client with npm and Vite into `OUT_DIR`, and writes the table of its files for `embed.rs`.
//!
//! `YUNZHEN_WEB_DIST=/path/to/dist` embeds a ready build instead and needs no Node (packagers, Docker).

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

/// What the build reads. Never the folder itself: npm writes `node_modules` into it.
const INPUTS: &[&str] = &[
    "index.html",
    "package.json",
    "package-lock.json",
    ".npmrc",
    "vite.config.ts",
    "vite.precompress.ts",
    "tsconfig.json",
    "src",
    "public",
];
const NODE_MIN: (u32, u32) = (20, 19);
const HELP: &str = "The web client is built by npm: install Node.js >= 20.19 (with npm),\n\
                    or set YUNZHEN_WEB_DIST=/path/to/dist to embed a ready build.";

fn main() {
    let web = PathBuf::from(var("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(var("OUT_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=YUNZHEN_WEB_DIST");
    let dist = match std::env::var_os("YUNZHEN_WEB_DIST") {
        Some(ready) => {
            println!("cargo::rerun-if-changed={}", Path::new(&ready).display());
            PathBuf::from(ready)
        }
        None => build(&web, &out),
    };
    if !dist.join("index.html").is_file() {
        die(&format!("{} holds no index.html: a server with a blank page helps nobody", dist.display()));
    }
    let mut files = Vec::new();
    walk(&dist, &dist, &mut files);
    files.sort();
    write(&out.join("assets.rs"), &table(&files));
}

/// Installs the packages when the lock file changed, and runs Vite. Answers with the folder of the result.
fn build(web: &Path, out: &Path) -> PathBuf {
    for input in INPUTS {
        println!("cargo::rerun-if-changed={}", web.join(input).display());
    }
    check_node();
    // cargo and rust-analyzer may run this script at once: one at a time in node_modules.
    let lock = fs::File::create(web.join(".build.lock")).unwrap_or_else(|e| die(&format!("web/.build.lock: {e}")));
    lock.lock().unwrap_or_else(|e| die(&format!("web/.build.lock: {e}")));
    let wanted = hash(&read(&web.join("package-lock.json")));
    let stamp = web.join("node_modules/.yunzhen-lock");
    if fs::read_to_string(&stamp).ok().as_deref() != Some(wanted.as_str()) {
        npm(
            web,
            "installing the packages of package-lock.json; this needs the npm registry the first time",
            &["ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"],
        );
        write(&stamp, &wanted);
    }
    let dist = out.join("dist");
    let target = dist.to_str().unwrap_or_else(|| die("the path of OUT_DIR is not UTF-8"));
    let args = ["run", "build", "--", "--outDir", target, "--emptyOutDir", "--logLevel", "warn"];
    npm(web, "building the web client", &args);
    dist
}

fn check_node() {
    let Ok(output) = Command::new("node").arg("--version").output() else {
        die(&format!("cannot run `node`.\n{HELP}"))
    };
    let text = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < NODE_MIN {
        die(&format!("Node.js {text} is too old.\n{HELP}"));
    }
}

fn npm(web: &Path, what: &str, args: &[&str]) {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(program)
        .args(args)
        .current_dir(web)
        .env("CI", "1")
        .output()
        .unwrap_or_else(|e| die(&format!("cannot run `{program}`: {e}.\n{HELP}")));
    if !output.status.success() {
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        die(&format!("`npm {}` failed ({what}).\n{}\n{}", args.join(" "), stdout.trim(), stderr.trim()));
    }
}

/// One line of Rust for each file, in order of its path, its compressed twins beside it.
fn table(files: &[(String, PathBuf)]) -> String {
    let twin = |path: &str, ending: &str| match files.iter().find(|(p, _)| *p == format!("{path}.{ending}")) {
        Some((_, file)) => format!("Some(include_bytes!({file:?}))"),
        None => "None".to_owned(),
    };
    let mut text = String::from("pub(crate) static ASSETS: &[Asset] = &[\n");
    for (path, file) in files {
        let original =
            |ending: &str| path.strip_suffix(ending).is_some_and(|plain| files.iter().any(|(other, _)| other == plain));
        if original(".br") || original(".gz") || path.starts_with(".vite/") {
            continue;
        }
        let (mime, etag) = (mime(path), format!("\"{}\"", hash(&read(file))));
        let (brotli, gzip) = (twin(path, "br"), twin(path, "gz"));
        writeln!(
            text,
            "    Asset {{ path: {path:?}, mime: {mime:?}, etag: {etag:?}, identity: include_bytes!({file:?}), \
             brotli: {brotli}, gzip: {gzip} }},"
        )
        .unwrap_or_else(|e| die(&format!("assets.rs: {e}")));
    }
    text.push_str("];\n");
    text
}

fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

fn walk(base: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| die(&format!("{}: {e}", folder.display())));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(base, &path, files);
        } else if let Some(relative) = path.strip_prefix(base).ok().and_then(Path::to_str) {
            files.push((relative.replace('\\', "/"), path));
        }
    }
}

/// Sixteen hexadecimal digits of the content. It names a version of a file; it protects nothing.
fn hash(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| die(&format!("{}: {e}", path.display())))
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|e| die(&format!("{}: {e}", path.display())));
}

fn var(name: &str) -> std::ffi::OsString {
    std::env::var_os(name).unwrap_or_else(|| die(&format!("{name} is not set: run this through cargo")))
}

fn die(message: &str) -> ! {
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    exit(1)
}
