//! What is in the data folder is for the server's account alone.
#![cfg(unix)]

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::pictures::png;
use super::stage::Stage;
use super::tongue::{begin, put};

/// What somebody else on this machine could read, below a folder.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, found) = (entry.path(), entry.metadata().unwrap());
        if found.mode() & 0o077 != 0 {
            open.push(format!("{:o} {}", found.mode() & 0o777, path.display()));
        }
        if found.is_dir() {
            open.extend(open_to_others(&path));
        }
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_the_data_folder_is_for_its_owner_alone() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let bytes = png(&[(b"IDAT", &[7; 400])]);
    let (whole, half) = ("0190a0a0-0000-7000-8000-0000000000ca", "0190a0a0-0000-7000-8000-0000000000cb");
    begin(&stage, &visit, whole, &bytes).await;
    put(&stage, whole, &visit.patient, 0, &bytes).await.ok();
    stage.act(&format!("/uploads/{whole}/finish"), &visit.patient).await.ok();
    begin(&stage, &visit, half, &bytes).await;
    put(&stage, half, &visit.patient, 0, &bytes[..100]).await.ok();
    stage.server.services.checkpoint_audit().await.unwrap();
    let at = |name: &str| stage.folder.path().join(name);
    for name in ["yunzhen.db", "secret.key", "audit-witness.ndjson", "attachments", "uploads", "recordings"] {
        assert!(at(name).exists(), "{name}");
    }
    assert_eq!(open_to_others(stage.folder.path()), Vec::<String>::new());
    // A server of an earlier release left them open; the next start closes them.
    for name in ["attachments", "uploads", "recordings"] {
        set_permissions(at(name), Permissions::from_mode(0o755)).unwrap();
    }
    set_permissions(at("yunzhen.db"), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(open_to_others(stage.folder.path()).len(), 4);
    let stage = stage.restart().await;
    assert_eq!(open_to_others(stage.folder.path()), Vec::<String>::new());
}
