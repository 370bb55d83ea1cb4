//! Recordings from the first cluster to the stored film, on a disk whose room the test decides.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use uuid::Uuid;

use super::archive::{Archive, open_archive};
use super::running::SpoolRecorder;
use super::sealed::{Next, Opened, Reader};
use super::spool::{Limits, Spool};
use super::survey::{Found, Survey, survey};
use crate::clock::{Clock, Ids};
use crate::domain::hex::hex;
use crate::domain::ids::{InstitutionId, ParticipantId, RecordingId, RoomId, VisitId};
use crate::domain::recording::webm::{self, Block, SOUND};
use crate::domain::recording::{
    Agreed, Filmed, Gap, GapCause, Piece, RecordedCodec, Recorder as _, Take, retain_until,
};
use crate::domain::time::Timestamp;
use crate::services::vault::{Field, Vault};
use crate::store::RecordingRow;

const SECRET: [u8; 32] = [7; 32];
const ENOUGH: u64 = 1 << 40;
const UNBOUND: Limits = Limits { floor: Some(1600), largest: u64::MAX };

thread_local! {
    /// What is free on the disk; nothing when it does not answer.
    static FREE: Cell<Option<u64>> = const { Cell::new(Some(ENOUGH)) };
}

fn space(_: &Path) -> std::io::Result<(u64, u64)> {
    let free = FREE.get().ok_or_else(|| std::io::Error::other("a broken disk"))?;
    Ok((free, ENOUGH))
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_800_000_000_000))
}

fn ids() -> Ids {
    Ids::seeded(clock(), 1)
}

fn agreed() -> Agreed {
    Agreed { version: "process-record-1".into(), at: Timestamp::from_millis(5) }
}

struct Running {
    folder: TempDir,
    spool: Arc<Spool>,
    take: Box<dyn Take>,
}

impl Running {
    fn begin(limits: Limits) -> Self {
        FREE.set(Some(ENOUGH));
        let folder = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::new(folder.path().to_owned(), limits, &SECRET, clock(), ids());
        let mut spool = Arc::into_inner(spool).unwrap();
        spool.space = space;
        let spool = Arc::new(spool);
        let (room, participant) = (RoomId::from_uuid(Uuid::from_u128(1)), ParticipantId::from_uuid(Uuid::from_u128(2)));
        let mut take = SpoolRecorder(Arc::clone(&spool)).begin(room, participant, Filmed::Person, &agreed());
        assert!(take.append(Piece::Head(webm::head(true, None))));
        Self { folder, spool, take }
    }

    /// Half a second of sound of so many bytes; whether it was kept.
    fn hear(&mut self, at: u64, size: usize, gaps: Vec<Gap>) -> bool {
        let block = Block { track: SOUND, at, is_key: true, data: vec![u8::try_from(at % 251).unwrap(); size] };
        self.take.append(Piece::Cluster { bytes: webm::cluster(vec![block]).unwrap(), gaps })
    }

    /// The file, which grows or has ended.
    fn file(folder: &TempDir) -> PathBuf {
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [file] = &files[..] else { panic!("{files:?}") };
        file.clone()
    }

    fn finish(self) -> (TempDir, Survey) {
        self.take.finish();
        let film = Self::film(&self.folder);
        (self.folder, film)
    }

    /// What the one file holds, which has ended.
    fn film(folder: &TempDir) -> Survey {
        let file = Self::file(folder);
        assert_eq!(file.extension().unwrap(), "done");
        let Found::Film(film) = look(&file) else { panic!("a film") };
        *film
    }
}

/// What the operator's gauges and counters of this thread say.
struct Metrics(metrics_exporter_prometheus::PrometheusHandle);

impl Metrics {
    fn get(&self, name: &str) -> Option<u32> {
        let text = self.0.render();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))?;
        Some(value.parse().unwrap())
    }
}

fn look(file: &Path) -> Found {
    survey(file, &Vault::new(&SECRET, ids())).unwrap()
}

fn is_nothing(found: &Found) -> bool {
    matches!(found, Found::Nothing)
}

#[test]
fn below_the_floor_a_recording_pauses_the_gap_is_recorded_and_it_goes_on_when_there_is_room() {
    let mut running = Running::begin(UNBOUND);
    assert!(running.hear(0, 10, vec![]));
    FREE.set(Some(1599));
    assert!(!running.hear(500, 10, vec![]) && !running.hear(1000, 10, vec![]));
    FREE.set(Some(1650));
    assert!(!running.hear(1500, 10, vec![]), "a little room is not enough to begin anew");
    FREE.set(Some(1700));
    assert!(running.hear(2000, 10, vec![]));
    let (_, film) = running.finish();
    assert_eq!(film.gaps, [Gap { codec: None, from: 500, to: 1500, cause: GapCause::Storage }]);
    assert_eq!((film.chunks.len(), film.is_cut, film.agreed), (3, false, agreed()));
}

#[test]
fn what_is_over_the_largest_size_is_not_kept_and_named() {
    let mut running = Running::begin(Limits { floor: Some(0), largest: 1000 });
    assert!(running.hear(0, 600, vec![]) && !running.hear(500, 600, vec![]));
    let (_, film) = running.finish();
    assert_eq!(film.gaps, [Gap { codec: None, from: 500, to: 500, cause: GapCause::Limit }]);
}

#[test]
fn no_gap_is_forgotten_because_the_disk_failed_when_it_was_found_or_because_it_came_last() {
    let mut running = Running::begin(UNBOUND);
    let gap = |from, cause| Gap { codec: None, from, to: from + 1, cause };
    assert!(running.hear(0, 10, vec![gap(0, GapCause::Lost)]));
    FREE.set(None);
    assert!(!running.hear(500, 10, vec![gap(400, GapCause::Withheld)]));
    FREE.set(Some(ENOUGH));
    assert!(running.hear(1000, 10, vec![]));
    running.take.append(Piece::Gaps(vec![gap(1100, GapCause::Withdrawn)]));
    let (_, film) = running.finish();
    let causes: Vec<_> = film.gaps.iter().map(|gap| gap.cause).collect();
    assert_eq!(causes, [GapCause::Lost, GapCause::Withheld, GapCause::Storage, GapCause::Withdrawn]);
}

#[tokio::test]
async fn a_recording_of_which_nothing_could_be_kept_leaves_its_gaps_and_an_alarm_and_is_stored_as_an_empty_film() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let metrics = Metrics(recorder.handle());
    let _here = metrics::set_default_local_recorder(&recorder);
    let mut running = Running::begin(UNBOUND);
    FREE.set(Some(1599));
    let lost = Gap { codec: Some(RecordedCodec::Opus), from: 0, to: 40, cause: GapCause::Lost };
    assert!((0..4).all(|n| !running.hear(n * 500, 10, if n == 2 { vec![lost] } else { vec![] })));
    assert_eq!(metrics.get("recordings_failing"), Some(1));
    assert_eq!(running.spool.look_round(), 0);
    assert_eq!(metrics.get("recordings_no_room"), Some(1));
    let (folder, film) = running.finish();
    let storage = Gap { codec: None, from: 0, to: 1500, cause: GapCause::Storage };
    assert_eq!(film.gaps, [storage, lost]);
    assert_eq!((film.chunks.len(), film.is_cut, film.agreed.clone()), (0, false, agreed()));
    assert_eq!((metrics.get("recordings_failing"), metrics.get("recordings_empty_total")), (Some(0), Some(1)));

    let (store, visit) = (tempfile::tempdir().unwrap(), VisitId::from_uuid(Uuid::from_u128(3)));
    let archive = open_archive(None, &[], store.path()).unwrap();
    let written = archive.store("clinic/one.yzr", Running::file(&folder), Arc::new(film), visit, ids()).await.unwrap();
    assert_eq!((written.size, archive.list().await.unwrap()), (0, vec!["clinic/one.yzr".to_owned()]));
    let stored = std::fs::metadata(store.path().join("clinic/one.yzr")).unwrap().len();
    assert_eq!(written.stored, stored);
    archive.remove("clinic/one.yzr").await.unwrap();
}

#[test]
fn a_server_that_is_killed_before_anything_could_be_kept_leaves_that_as_well() {
    let mut running = Running::begin(UNBOUND);
    FREE.set(Some(1599));
    assert!(!running.hear(0, 10, vec![]) && !running.hear(500, 10, vec![]));
    let left = tempfile::tempdir().unwrap();
    std::fs::copy(Running::file(&running.folder), left.path().join("left.part")).unwrap();
    Spool::new(left.path().to_owned(), UNBOUND, &SECRET, clock(), ids());
    let film = Running::film(&left);
    let causes: Vec<_> = film.gaps.iter().map(|gap| gap.cause).collect();
    assert_eq!((causes, film.chunks.len()), (vec![GapCause::Storage, GapCause::Restart], 0));
}

#[test]
fn what_begins_below_the_floor_is_one_film_from_when_there_is_room() {
    let mut running = Running::begin(UNBOUND);
    FREE.set(Some(1599));
    assert!(!running.hear(0, 10, vec![]));
    // Its pictures come late, which begins another part; of the first nothing was kept.
    assert!(!running.take.append(Piece::Head(webm::head(true, Some((640, 480))))));
    FREE.set(Some(ENOUGH));
    assert!(running.hear(500, 10, vec![]));
    let (_, film) = running.finish();
    assert_eq!((film.opening.part, film.chunks.len()), (1, 2));
    assert_eq!(film.gaps, [Gap { codec: None, from: 0, to: 0, cause: GapCause::Storage }]);
}

#[test]
fn a_disk_that_takes_not_a_byte_is_an_alarm_until_it_has_taken_what_is_to_be_said() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let metrics = Metrics(recorder.handle());
    let _here = metrics::set_default_local_recorder(&recorder);
    let mut running = Running::begin(UNBOUND);
    let place = running.folder.path().to_owned();
    // In the place of the folder stands something into which nothing can be written.
    std::fs::remove_dir(&place).unwrap();
    std::fs::write(&place, b"no folder").unwrap();
    assert!(!running.hear(0, 10, vec![]) && !running.hear(500, 10, vec![]));
    let Running { folder, spool, take } = running;
    take.finish();
    assert_eq!((spool.look_round(), metrics.get("recordings_failing")), (1, Some(1)));
    std::fs::remove_file(&place).unwrap();
    assert_eq!((spool.look_round(), metrics.get("recordings_failing")), (0, Some(0)));
    let film = Running::film(&folder);
    assert_eq!(film.gaps, [Gap { codec: None, from: 0, to: 500, cause: GapCause::Storage }]);
    assert_eq!((film.chunks.len(), film.is_cut, metrics.get("recordings_empty_total")), (0, false, Some(1)));
}

#[test]
fn pictures_that_are_never_recorded_are_said_although_there_is_nothing_else() {
    let mut running = Running::begin(UNBOUND);
    let gap = Gap { codec: Some(RecordedCodec::Vp8), from: 0, to: 0, cause: GapCause::Codec };
    running.take.append(Piece::Gaps(vec![gap]));
    let (_, film) = running.finish();
    assert_eq!((&film.gaps[..], film.chunks.len()), (&[gap][..], 0));
}

#[test]
fn a_recording_that_breaks_off_leaves_what_was_kept_and_says_that_it_was_cut_off() {
    for is_kept in [true, false] {
        let mut running = Running::begin(UNBOUND);
        FREE.set(Some(if is_kept { ENOUGH } else { 0 }));
        assert_eq!(running.hear(0, 10, vec![]), is_kept);
        let Running { folder, take, .. } = running;
        drop(take);
        let film = Running::film(&folder);
        let last = film.gaps.last().map(|gap| gap.cause);
        assert_eq!((film.is_cut, last, film.chunks.len()), (true, Some(GapCause::Restart), 2 * usize::from(is_kept)));
    }
}

#[test]
fn what_an_earlier_process_left_is_finished_at_the_next_start_and_says_that_it_was_cut_off() {
    let mut running = Running::begin(UNBOUND);
    assert!(running.hear(0, 10, vec![]));
    let (path, left) = (Running::file(&running.folder), tempfile::tempdir().unwrap());
    assert_eq!(path.extension().unwrap(), "part");
    std::fs::copy(&path, left.path().join("left.part")).unwrap();
    Spool::new(left.path().to_owned(), UNBOUND, &SECRET, clock(), ids());
    let Found::Film(film) = look(&left.path().join("left.done")) else { panic!("a film") };
    assert_eq!((film.is_cut, film.is_damaged, film.gaps[0].cause), (true, false, GapCause::Restart));
}

/// Where the chunks of a file begin, and where it ends.
fn chunks(file: &Path) -> Vec<usize> {
    let bytes = std::fs::read(file).unwrap();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut places = vec![8 + number(4)];
    while let Some(last) = places.last().copied().filter(|last| *last < bytes.len()) {
        places.push(last + 5 + number(last));
    }
    places
}

#[test]
fn only_what_holds_nothing_is_nothing_and_whatever_cannot_be_read_is_told_from_it() {
    let mut running = Running::begin(UNBOUND);
    for n in 0..4 {
        assert!(running.hear(n * 500, 100, vec![]));
    }
    let (folder, _) = running.finish();
    let file = Running::file(&folder);
    let (whole, places) = (std::fs::read(&file).unwrap(), chunks(&file));
    let found = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        look(&file)
    };
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let is_unreadable = |found: &Found| matches!(found, Found::Unreadable(_));
    assert!(is_nothing(&found(&[])), "an empty file");
    assert!(is_nothing(&found(&whole[..places[0]])), "an opening alone");
    assert!(is_nothing(&found(&whole[..places[1]])), "a consent alone");
    assert!(is_nothing(&found(&whole[..places[2]])), "a head alone");
    assert!(is_unreadable(&found(&whole[..places[2] + 20])), "a head, and the beginning of something");
    assert!(is_unreadable(&found(b"YZR")) && is_unreadable(&found(&[1; 5000])), "something else");
    assert!(is_unreadable(&found(&changed(20))), "a spoilt opening");
    assert!(is_unreadable(&found(&changed(places[0] + 30))), "a spoilt consent");
    assert!(is_unreadable(&found(&changed(places[1] + 30))), "a spoilt head");
    assert!(is_unreadable(&found(&changed(places[2] + 1))), "a film behind a spoilt length");
    let Found::Film(film) = found(&changed(places[4] + 30)) else { panic!("what is before it is a film") };
    assert_eq!((film.is_damaged, film.chunks.len(), film.gaps.len()), (true, 3, 1));
    std::fs::write(&file, &whole).unwrap();
    let other = survey(&file, &Vault::new(&[8; 32], ids())).unwrap();
    assert!(is_unreadable(&other), "of another secret, which may be found again");
}

#[test]
fn what_stands_behind_a_spoilt_length_is_damage_however_little_it_is_and_no_torn_rest() {
    let mut running = Running::begin(UNBOUND);
    for n in 0..30 {
        assert!(running.hear(n * 500, 100_000, vec![]));
    }
    let (folder, _) = running.finish();
    let file = Running::file(&folder);
    let (whole, places) = (std::fs::read(&file).unwrap(), chunks(&file));
    let found = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let Found::Film(film) = look(&file) else { panic!("what is before it is a film") };
        let last = film.gaps.last().map(|gap| (gap.from, gap.cause));
        (film.is_damaged, film.chunks.len(), last)
    };
    let spoilt = |chunk: usize| {
        let mut bytes = whole.clone();
        bytes[places[chunk] + 1] |= 0x20;
        bytes
    };
    let (damaged, cut) = (|from| Some((from, GapCause::Storage)), |from| Some((from, GapCause::Restart)));
    assert_eq!(found(&spoilt(12)), (true, 11, damaged(4_520)), "nearly two megabytes would go");
    assert_eq!(found(&spoilt(29)), (true, 28, damaged(13_020)), "three blocks would go");
    assert_eq!(found(&spoilt(31)), (true, 30, damaged(14_020)), "the last block and the end");
    assert_eq!(found(&spoilt(31)[..places[32]]), (true, 30, damaged(14_020)), "the last block of a crash");
    assert_eq!(found(&spoilt(30)[..places[31] + 9]), (true, 29, damaged(13_520)), "one before a torn one");
    assert_eq!(found(&whole[..places[31] + 50_000]), (false, 30, cut(14_020)), "the rest of one block");
    assert_eq!(found(&whole[..places[31] + 4]), (false, 30, cut(14_020)), "the rest of a head");
}

/// A film of some megabytes goes into the store, comes back in stretches, and is removed.
async fn goes_there_and_back(archive: &Archive) {
    let mut running = Running::begin(Limits { floor: Some(0), largest: u64::MAX });
    let size = 1 << 20;
    for n in 0..11 {
        assert!(running.hear(n * 1000, size, vec![]));
    }
    let (folder, film) = running.finish();
    let (file, visit) = (Running::file(&folder), VisitId::from_uuid(Uuid::from_u128(3)));
    let (id, key, film) = (film.opening.id, film.key, Arc::new(film));
    let place = format!("clinic/{id}.yzr");
    let written = archive.store(&place, file.clone(), Arc::clone(&film), visit, ids()).await.unwrap();
    let vault = Vault::new(&SECRET, ids());
    let now = clock().now();
    let number = |value: u64| i64::try_from(value).unwrap();
    let row = RecordingRow {
        id: RecordingId::from_uuid(id),
        institution_id: InstitutionId::from_uuid(Uuid::from_u128(4)),
        visit_id: visit,
        room_id: film.opening.room,
        participant_id: film.opening.participant,
        is_screen: false,
        part: 1,
        started_at: now,
        millis: number(film.millis),
        consent_version: film.agreed.version.clone(),
        consent_at: film.agreed.at,
        retain_until: retain_until(now),
        is_cut: false,
        is_withdrawn: false,
        is_unpictured: false,
        gaps: 0,
        place: place.clone(),
        size: number(written.size),
        stored_size: number(written.stored),
        hash: written.hash,
        key_sealed: vault.seal(Field::RecordingKey, id, &hex(&key)),
        stored_at: now,
    };
    let whole = archive.read(&vault, &row, 0..written.size).await.unwrap();
    assert_eq!(whole.len() as u64, written.size);
    assert!(whole.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]));
    for at in [0, 1, (1 << 20) - 3, 8 << 20, written.size - 500] {
        let stretch = archive.read(&vault, &row, at..at + 500).await.unwrap();
        let at = usize::try_from(at).unwrap();
        assert_eq!(stretch, whole[at..at + 500]);
    }
    archive.remove(&place).await.unwrap();
    archive.remove(&place).await.unwrap();
    assert!(archive.read(&vault, &row, 0..10).await.is_err(), "it is gone");

    // A file that changes while it is stored leaves nothing in its place.
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(9 << 20).unwrap();
    assert!(archive.store(&place, file, film, visit, ids()).await.is_err());
    assert!(archive.read(&vault, &row, 0..10).await.is_err(), "half a film is none");
}

#[tokio::test]
async fn a_long_film_goes_into_a_folder_and_back() {
    let folder = tempfile::tempdir().unwrap();
    goes_there_and_back(&open_archive(None, &[], folder.path()).unwrap()).await;
    let left = std::fs::read_dir(folder.path().join("clinic")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

/// Into one of its own, where `YUNZHEN_TEST_S3_OPTIONS` names no other: `docs/RECORDINGS.md` says how to try a real one.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_film_goes_into_a_bucket_and_back() {
    let options: Vec<_> = match std::env::var_os("YUNZHEN_TEST_S3_OPTIONS") {
        Some(options) => {
            let options = options.into_string().unwrap();
            let options = options.split(',').filter_map(|option| option.split_once('='));
            options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        }
        None => super::bucket::serve().await,
    };
    let archive = open_archive(Some("s3://yunzhen-films/hospital"), &options, Path::new("unused")).unwrap();
    goes_there_and_back(&archive).await;
}

#[test]
fn the_consent_stands_sealed_at_the_beginning_of_what_grows() {
    let mut running = Running::begin(UNBOUND);
    assert!(running.hear(0, 10, vec![]));
    let opened =
        Reader::open(&Running::file(&running.folder), |opening| Spool::key(&Vault::new(&SECRET, ids()), opening));
    let Opened::Recording(_, _, mut reader) = opened.unwrap() else { panic!("a recording") };
    let Next::Chunk(kind, plain) = reader.next().unwrap() else { panic!("a chunk") };
    assert_eq!((kind, serde_json::from_slice::<Agreed>(&plain).unwrap()), (super::sealed::Kind::Agreed, agreed()));
}
