//! What is left of a recording when the server is killed or the disk is full.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio_util::task::TaskTracker;

use super::scene::{Call, blocks, film, recordings};
use crate::clinic::stage::Site;
use crate::media::client::PATIENCE;
use crate::media::sending::Film;
use crate::programs;
use crate::support::binary::{Binary, bare};

/// Hundredths of a second that a crash may cost.
const A_SECOND: u32 = 100;

/// Lets the fever clinic record those who agree, as its operator does.
fn record(folder: &Path) {
    let policy = bare(&["record", "fever", "with-consent"])
        .env("YUNZHEN_DATA_DIR", folder)
        .env("YUNZHEN_PUBLIC_URL", "https://clinic.example")
        .env("YUNZHEN_MEDIA_ANNOUNCE", "127.0.0.1:9")
        .output()
        .unwrap();
    assert!(policy.status.success(), "{}", String::from_utf8_lossy(&policy.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_costs_a_recording_less_than_a_second_and_its_index_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Binary::start(&["demo"], folder.path(), &[]);
    record(folder.path());
    let mut call = Call::begin(&server.base, true, &TaskTracker::new()).await;
    call.patient.sees_recording(true).await;
    call.talk(100).await;
    let filmed = [call.patient.client.filmed(), call.doctor.client.filmed()];
    server.kill();
    drop(server);

    let server = Binary::start(&["demo"], folder.path(), &[]);
    let site = Site::at(&server.base);
    let doctor = site.staff("doctor").await;
    let list = recordings(&site, &call.visit, &doctor, 2).await;
    for (role, filmed) in ["patient", "doctor"].into_iter().zip(filmed) {
        let one = list.iter().find(|one| one["role"] == role).unwrap();
        assert_eq!((&one["is_cut"], one["gaps"].as_u64().unwrap() > 0), (&true.into(), true), "{one}");
        let torn = one["missing"].as_array().unwrap().iter().find(|gap| gap["cause"] == "restart").unwrap();
        assert_eq!((&torn["kind"], &torn["from"]), (&Value::Null, &one["millis"]), "when and why: {one}");
        let film = film(&server.base, one["id"].as_str().unwrap(), &doctor).await;
        let last = blocks(&film).iter().map(|block| Film::read(&block.data).0).max().unwrap();
        let lost = filmed.saturating_sub(last);
        assert!(lost <= A_SECOND, "{role}: {lost} hundredths of a second were lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_put_aside_and_never_deleted_and_the_operator_is_alarmed() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Binary::start(&["demo"], folder.path(), &[]);
    record(folder.path());
    let mut call = Call::begin(&server.base, true, &TaskTracker::new()).await;
    call.patient.sees_recording(true).await;
    call.doctor.sees_recording(true).await;
    call.talk(100).await;
    server.kill();
    drop(server);

    // The first chunk of one film is spoilt, and one in the middle of the other.
    let spool = folder.path().join("spool");
    let spoilt: Vec<_> = files(&spool)
        .into_iter()
        .zip([false, true])
        .map(|(path, middle)| {
            let mut bytes = std::fs::read(&path).unwrap();
            let begin = 8 + usize::from_be_bytes([0, 0, 0, 0, bytes[4], bytes[5], bytes[6], bytes[7]]);
            let at = if middle { bytes.len() * 2 / 3 } else { begin + 30 };
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            bytes
        })
        .collect();
    assert_eq!(spoilt.len(), 2);
    let server = Binary::start(&["demo"], folder.path(), &[]);
    let site = Site::at(&server.base);
    let doctor = site.staff("doctor").await;
    let list = recordings(&site, &call.visit, &doctor, 1).await;
    assert!(
        list[0]["gaps"].as_u64().unwrap() >= 1,
        "what could be read is there, and says that it is not all: {list:?}"
    );
    let film = film(&server.base, list[0]["id"].as_str().unwrap(), &doctor).await;
    assert!(blocks(&film).len() > 20);
    let alarmed = async {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        loop {
            look.tick().await;
            let metrics = reqwest::get(format!("{}/metrics", server.base)).await.unwrap().text().await.unwrap();
            if metrics.lines().any(|line| line == "recordings_put_aside 2") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, alarmed).await.expect("an alarm");
    let aside: Vec<_> = files(&spool)
        .into_iter()
        .map(|path| {
            assert_eq!(path.extension().unwrap(), "aside");
            std::fs::read(path).unwrap()
        })
        .collect();
    assert!(aside == spoilt, "to the last byte");
}

/// The files of a folder by their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A small disk in memory; it is taken away with this value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Makes `folder` a disk of 64 KiB.
    fn mount(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(folder).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(folder.to_owned()))
    }

    /// Leaves no room on it.
    fn fill(&self) {
        let filled = std::fs::write(self.0.join("ballast"), vec![1; 64 * 1024]);
        assert!(filled.is_err() || std::fs::write(self.0.join("more"), [1]).is_err(), "it is full");
    }

    /// Frees it.
    fn free(&self) {
        for name in ["ballast", "more"] {
            let _ = std::fs::remove_file(self.0.join(name));
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What the operator reads.
async fn metric(base: &str, name: &str) -> Option<u32> {
    let metrics = reqwest::get(format!("{base}/metrics")).await.unwrap().text().await.unwrap();
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_no_room_from_the_first_moment_to_the_last_the_call_goes_on_and_what_is_missing_is_listed_and_alarmed() {
    let folder = tempfile::tempdir().unwrap();
    // No disk has so much, so all of them are below it.
    let server = Binary::start(&["demo"], folder.path(), &[("YUNZHEN_RECORDINGS_FLOOR_MIB", "1000000000")]);
    record(folder.path());
    let base = server.base.clone();
    let site = Site::at(&base);
    let mut call = Call::begin(&base, true, &TaskTracker::new()).await;
    for is_recording in [true, false] {
        call.doctor.sees_recording(is_recording).await;
        call.patient.sees_recording(is_recording).await;
    }
    let alarmed = async {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        while metric(&base, "recordings_failing").await != Some(2) {
            look.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, alarmed).await.expect("one for each of the two");
    call.talk(50).await;
    assert!(!call.doctor.is_told_of_recording());
    let (visit, doctor) = (call.visit.clone(), call.doctor.token.clone());
    call.patient.leave().await;
    call.doctor.leave().await;
    let list = recordings(&site, &visit, &doctor, 2).await;
    for one in &list {
        assert_eq!((&one["size"], &one["millis"], &one["is_cut"]), (&0.into(), &0.into(), &false.into()), "{one}");
        assert!(one["gaps"].as_u64().unwrap() >= 1, "{one}");
        let media = format!("/recordings/{}/media", one["id"].as_str().unwrap());
        assert_eq!(site.get(&media, &doctor).await.status, 416, "there is nothing to play");
    }
    assert_eq!(metric(&base, "recordings_no_room").await, Some(1), "after the call, too");
    assert_eq!(metric(&base, "recordings_empty_total").await, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_full_disk_the_call_goes_on_the_mark_goes_out_and_the_gap_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder.path().join("spool")) else {
        return programs::skip("a full disk", "a tmpfs cannot be mounted; it needs root");
    };
    let server = Binary::start(&["demo"], folder.path(), &[]);
    record(folder.path());
    let base = server.base.clone();
    let site = Site::at(&base);
    let mut call = Call::begin(&base, true, &TaskTracker::new()).await;
    call.doctor.sees_recording(true).await;
    call.talk(25).await;

    disk.fill();
    call.doctor.sees_recording(false).await;
    call.patient.sees_recording(false).await;
    assert_ne!(metric(&base, "recordings_failing").await.expect("a gauge for the operator"), 0);
    // Nobody in the call notices anything but the mark.
    call.talk(50).await;

    disk.free();
    call.doctor.sees_recording(true).await;
    call.talk(50).await;
    let (visit, doctor) = (call.visit.clone(), call.doctor.token.clone());
    call.patient.leave().await;
    call.doctor.leave().await;
    for one in recordings(&site, &visit, &doctor, 2).await {
        assert!(one["gaps"].as_u64().unwrap() >= 1, "{one}");
        let film = film(&base, one["id"].as_str().unwrap(), &doctor).await;
        let ticks: Vec<_> = blocks(&film).iter().map(|block| Film::read(&block.data).0).collect();
        assert!(ticks.windows(2).any(|two| two[1] > two[0] + 50), "what was not kept is missing");
    }
}
