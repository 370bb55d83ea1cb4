//! The data folder, the disk below it, and the database.

use std::path::{Path, PathBuf};

use super::Finding;
use crate::config::Config;
use crate::store::Db;

const GIB: u64 = 1 << 30;
/// Below this a day of pictures and recordings may not fit any more.
const FEW: u64 = 5 * GIB;
/// Below this the database itself may stop.
const NONE: u64 = GIB / 2;

/// The folder and its disk.
pub fn folder(config: &Config) -> Vec<Finding> {
    let folder = &config.data_dir;
    let about = "data folder";
    let Some(there) = existing(folder) else {
        return vec![Finding::bad(about, format!("no part of {} exists (YUNZHEN_DATA_DIR)", folder.display()))];
    };
    let first = if there == *folder {
        match tempfile_in(folder) {
            Ok(()) => Finding::good(about, format!("{} can be written", folder.display())),
            Err(cause) => Finding::bad(
                about,
                format!("{} cannot be written: {cause}. Give it to the server's account", folder.display()),
            ),
        }
    } else {
        Finding::look(about, format!("{} is not there yet; the first start makes it", folder.display()))
    };
    vec![first, disk(&there)]
}

fn disk(folder: &Path) -> Finding {
    let about = "disk";
    let free = match nix::sys::statvfs::statvfs(folder) {
        Ok(disk) => disk.blocks_available() * disk.fragment_size(),
        Err(cause) => return Finding::look(about, format!("the free space is not known: {cause}")),
    };
    let words = format!("{:.1} GiB are free", as_gib(free));
    match free {
        ..NONE => Finding::bad(about, format!("{words}. Make room now: a full disk takes no new patients")),
        NONE..FEW => Finding::look(about, format!("{words}. Make room soon")),
        _ => Finding::good(about, words),
    }
}

#[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
fn as_gib(bytes: u64) -> f64 {
    bytes as f64 / GIB as f64
}

/// The nearest folder upwards that exists.
fn existing(folder: &Path) -> Option<PathBuf> {
    let whole = if folder.is_absolute() { folder.to_owned() } else { Path::new(".").join(folder) };
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    whole.ancestors().find(|path| path.is_dir()).map(Path::to_owned)
}

/// Writes something and takes it away.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(".doctor");
    std::fs::write(&path, b"can it be written?")?;
    std::fs::remove_file(path)
}

/// Whether the database answers, and whether its tables are this program's.
pub async fn database(config: &Config) -> Vec<Finding> {
    let about = "database";
    let url = config.database();
    let path =
        url.strip_prefix("sqlite:").map(|rest| rest.split('?').next().unwrap_or_default().trim_start_matches("//"));
    if let Some(path) = path.filter(|path| !Path::new(path).exists()) {
        return vec![Finding::look(about, format!("{path} is not there yet; the first start makes it"))];
    }
    let lacks = async {
        let db = Db::open(&url).await?;
        let lacks = db.lacks().await;
        db.close().await;
        lacks
    };
    vec![match lacks.await {
        Ok(0) => Finding::good(about, "it answers, and its tables are up to date"),
        Ok(lacks) if lacks > 0 => Finding::look(
            about,
            format!("its tables lack {lacks} steps; the next start, or `yunzhen migrate`, does them"),
        ),
        Ok(_) => Finding::bad(about, "a newer program has changed its tables: start that one, or put back a backup"),
        // The address holds a password, so it is not said.
        Err(error) => Finding::bad(about, format!("{error}. Look at YUNZHEN_DATABASE_URL, and whether it runs")),
    }]
}
