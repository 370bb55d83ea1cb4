//! The file of a recording: sealed chunks behind an opening in clear that names what, whose and under which wrapped key.
//!
//! Each chunk is AES-256-GCM with a nonce of its own, bound to the recording, its place and its kind, so that chunks can
//! be neither changed, moved nor exchanged between files. What was torn by a crash does not open and is left out.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Ids;
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::time::Timestamp;
use crate::services::private;

const MAGIC: [u8; 4] = *b"YZR1";
const NONCE: usize = 12;
const TAG: usize = 16;
/// Length and kind.
const CHUNK_HEAD: usize = 4 + 1;
/// What a chunk takes beside its content.
pub(super) const OVERHEAD: u64 = (CHUNK_HEAD + NONCE + TAG) as u64;
/// No chunk is larger; a length beyond it is rubbish.
const LARGEST: usize = 64 << 20;
/// The most that a crash leaves of a chunk: half a second of the best camera is a sixth of it. More than that is not the rest
/// of one chunk, but everything behind a length that was spoilt.
const TORN: usize = 1 << 20;
/// How often it is tried whether a chunk is whole behind a spoilt length. Sealed bytes look like the head of another chunk
/// some ten times in a megabyte.
const TRIES: usize = 64;

/// What the file says of itself in clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    pub(super) id: Uuid,
    pub(super) room: RoomId,
    pub(super) participant: ParticipantId,
    /// It shows not the participant but their screen; a file of before says nothing of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_screen: bool,
    pub(super) part: u32,
    pub(super) started_at: Timestamp,
    /// The key, wrapped by the vault for this recording; in hexadecimal digits.
    pub(super) key: String,
}

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The head of the `WebM` file.
    Head,
    /// A cluster.
    Cluster,
    /// Gaps, as JSON.
    Gaps,
    /// The cues.
    Cues,
    /// The index, as JSON.
    Index,
    /// Everything was written.
    End,
    /// What the patient had agreed to, as JSON.
    Agreed,
}

impl Kind {
    const ALL: [Self; 7] = [Self::Head, Self::Cluster, Self::Gaps, Self::Cues, Self::Index, Self::End, Self::Agreed];

    fn byte(self) -> u8 {
        Self::ALL.iter().zip(0..).find(|(kind, _)| **kind == self).map_or(0, |(_, byte)| byte)
    }

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// Seals and opens the chunks of one recording.
pub(super) struct Seal {
    cipher: Aes256Gcm,
    id: Uuid,
}

impl Seal {
    pub(super) fn new(id: Uuid, key: [u8; 32]) -> Self {
        Self { cipher: Aes256Gcm::new(&key.into()), id }
    }

    fn bound(&self, sequence: u64, kind: u8) -> Vec<u8> {
        [&self.id.as_bytes()[..], &sequence.to_be_bytes(), &[kind]].concat()
    }

    /// A chunk as it stands in the file.
    pub(super) fn chunk(&self, ids: &Ids, sequence: u64, kind: Kind, plain: &[u8]) -> Vec<u8> {
        let (nonce, kind) = (ids.secret::<NONCE>(), kind.byte());
        let payload = Payload { msg: plain, aad: &self.bound(sequence, kind) };
        let sealed =
            self.cipher.encrypt(&Nonce::from(nonce), payload).expect("chunks are far below the cipher's limit");
        let length = u32::try_from(NONCE + sealed.len()).expect("chunks are small");
        [&length.to_be_bytes()[..], &[kind], &nonce, &sealed].concat()
    }

    /// What a chunk holds; nothing when it was changed, torn or moved.
    pub(super) fn open(&self, sequence: u64, chunk: &[u8]) -> Option<(Kind, Vec<u8>)> {
        let (head, body) = chunk.split_first_chunk::<CHUNK_HEAD>()?;
        let (nonce, sealed) = body.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: &self.bound(sequence, head[4]) };
        let plain = self.cipher.decrypt(&Nonce::from(*nonce), payload).ok()?;
        Some((Kind::of(head[4])?, plain))
    }
}

/// The opening as it stands in the file.
pub(super) fn opening(opening: &Opening) -> Vec<u8> {
    let text = serde_json::to_vec(opening).expect("an opening is JSON");
    let length = u32::try_from(text.len()).expect("an opening is small");
    [&MAGIC[..], &length.to_be_bytes(), &text].concat()
}

/// A file that grows.
pub(super) struct Writer {
    file: File,
    seal: Seal,
    ids: Ids,
    sequence: u64,
    good: u64,
    /// Behind the good part may be the rest of a chunk.
    is_torn: bool,
}

impl Writer {
    pub(super) fn create(path: &Path, head: &Opening, seal: Seal, ids: Ids) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let bytes = opening(head);
        let folder = path.parent().unwrap_or(path);
        let written = file.write_all(&bytes).and_then(|()| file.sync_all()).and_then(|()| private::keep_names(folder));
        if let Err(error) = written {
            // A file without its opening is nobody's.
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(Self { file, seal, ids, sequence: 0, good: bytes.len() as u64, is_torn: false })
    }

    /// Keeps a chunk for good, or leaves the file as it was.
    pub(super) fn append(&mut self, kind: Kind, plain: &[u8]) -> io::Result<()> {
        // What follows the rest of another chunk could never be read again.
        self.mend()?;
        let chunk = self.seal.chunk(&self.ids, self.sequence, kind, plain);
        self.is_torn = true;
        if let Err(error) = self.file.write_all(&chunk).and_then(|()| self.file.sync_data()) {
            // The disk may refuse this, too: then the next chunk begins with it.
            let _ = self.mend();
            return Err(error);
        }
        self.is_torn = false;
        self.sequence += 1;
        self.good += chunk.len() as u64;
        Ok(())
    }

    fn mend(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.good)?;
            self.file.seek(SeekFrom::Start(self.good))?;
            self.is_torn = false;
        }
        Ok(())
    }
}

/// A file that is read again.
pub(super) struct Reader {
    file: io::BufReader<File>,
    seal: Seal,
    sequence: u64,
}

/// What a file turned out to be.
pub(super) enum Opened {
    /// A recording, with its key.
    Recording(Box<Opening>, [u8; 32], Box<Reader>),
    /// There is not a byte in it.
    Empty,
    /// No recording, one whose opening is spoilt, or one of another secret.
    Foreign,
}

/// What a file holds next.
pub(super) enum Next {
    /// A chunk.
    Chunk(Kind, Vec<u8>),
    /// Nothing more.
    End,
    /// The beginning of a chunk that a crash tore off: without its end no key opens it.
    Torn,
    /// Something that was changed, or was never a chunk.
    Unreadable,
}

impl Reader {
    /// Reads the opening; `unwrap` opens its key. An error is one of the disk.
    pub(super) fn open(path: &Path, unwrap: impl Fn(&Opening) -> Option<[u8; 32]>) -> io::Result<Opened> {
        let mut file = io::BufReader::new(File::open(path)?);
        let head = up_to(&mut file, 8)?;
        if head.is_empty() {
            return Ok(Opened::Empty);
        }
        let Some((magic, &[l0, l1, l2, l3])) = head.split_first_chunk::<4>() else { return Ok(Opened::Foreign) };
        let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).map_err(io::Error::other)?;
        if *magic != MAGIC || length > 65_536 {
            return Ok(Opened::Foreign);
        }
        let text = up_to(&mut file, length)?;
        let opening = serde_json::from_slice::<Opening>(&text).ok();
        let opened = opening.and_then(|opening| Some((unwrap(&opening)?, opening)));
        Ok(opened.map_or(Opened::Foreign, |(key, opening)| {
            let seal = Seal::new(opening.id, key);
            Opened::Recording(Box::new(opening), key, Box::new(Self { file, seal, sequence: 0 }))
        }))
    }

    /// The next chunk. An error is one of the disk.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        let mut chunk = up_to(&mut self.file, CHUNK_HEAD)?;
        if chunk.is_empty() {
            return Ok(Next::End);
        }
        let Some(length) = chunk.first_chunk::<4>().filter(|_| chunk.len() == CHUNK_HEAD) else {
            return Ok(Next::Torn);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(io::Error::other)?;
        if length > LARGEST {
            return Ok(Next::Unreadable);
        }
        let body = up_to(&mut self.file, length)?;
        if body.len() < length {
            // So much at once was never written, or a whole chunk stands there: it is the length that cannot be right.
            let is_spoilt = body.len() > TORN || self.is_whole(&chunk, &body);
            return Ok(if is_spoilt { Next::Unreadable } else { Next::Torn });
        }
        chunk.extend_from_slice(&body);
        let Some((kind, plain)) = self.seal.open(self.sequence, &chunk) else { return Ok(Next::Unreadable) };
        self.sequence += 1;
        Ok(Next::Chunk(kind, plain))
    }
}

impl Reader {
    /// Whether `rest` begins with the body of this chunk, to its end: then no crash tore it. Tried where another chunk could
    /// begin, or the file ends.
    fn is_whole(&self, head: &[u8], rest: &[u8]) -> bool {
        let may_end = |end: usize| {
            let Some(&[l0, l1, l2, l3, kind]) = rest[end..].first_chunk::<CHUNK_HEAD>() else { return true };
            let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
            (NONCE + TAG..=TORN).contains(&length) && Kind::of(kind).is_some()
        };
        let ends = (NONCE + TAG..=rest.len()).filter(|end| may_end(*end)).take(TRIES);
        ends.map(|end| [head, &rest[..end]].concat()).any(|chunk| self.seal.open(self.sequence, &chunk).is_some())
    }
}

/// So many bytes, or those that are left.
fn up_to(file: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn ids() -> Ids {
        Ids::seeded(Clock::manual(Timestamp::from_millis(1)), 1)
    }

    fn head() -> Opening {
        Opening {
            id: Uuid::from_u128(1),
            room: RoomId::from_uuid(Uuid::from_u128(2)),
            participant: ParticipantId::from_uuid(Uuid::from_u128(3)),
            is_screen: false,
            part: 1,
            started_at: Timestamp::from_millis(5),
            key: String::new(),
        }
    }

    #[test]
    fn a_chunk_opens_only_in_its_place_and_its_recording() {
        let seal = Seal::new(Uuid::from_u128(1), [7; 32]);
        let mut chunk = seal.chunk(&ids(), 4, Kind::Cluster, b"words");
        assert_eq!(seal.open(4, &chunk), Some((Kind::Cluster, b"words".to_vec())));
        assert_eq!(seal.open(5, &chunk), None, "another place");
        assert_eq!(Seal::new(Uuid::from_u128(2), [7; 32]).open(4, &chunk), None, "another recording");
        assert!(!chunk.windows(5).any(|window| window == b"words"));
        chunk[4] ^= 1;
        assert_eq!(seal.open(4, &chunk), None, "another kind");
    }

    #[test]
    fn of_a_torn_file_everything_before_the_tear_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        let seal = || Seal::new(Uuid::from_u128(1), [7; 32]);
        let mut writer = Writer::create(&path, &head(), seal(), ids()).unwrap();
        for n in 0..3_u8 {
            writer.append(Kind::Cluster, &[n; 100]).unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..130 {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let (opening, chunks, end) = read(&path);
            assert_eq!((opening, chunks), (head(), vec![0, 1]));
            assert!(matches!(end, Next::Torn | Next::End), "a tear of {cut}");
        }
    }

    /// The opening, the first byte of each chunk, and what comes then.
    fn read(path: &Path) -> (Opening, Vec<u8>, Next) {
        let opened = Reader::open(path, |_| Some([7; 32])).unwrap();
        let Opened::Recording(opening, _, mut reader) = opened else { panic!("a recording") };
        let mut chunks = Vec::new();
        loop {
            match reader.next().unwrap() {
                Next::Chunk(_, plain) => chunks.push(plain[0]),
                end => return (*opening, chunks, end),
            }
        }
    }

    #[test]
    fn what_was_changed_is_told_from_what_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        let mut writer = Writer::create(&path, &head(), Seal::new(Uuid::from_u128(1), [7; 32]), ids()).unwrap();
        let begin = std::fs::metadata(&path).unwrap().len();
        for n in 0..3_u8 {
            writer.append(Kind::Cluster, &[n; 100]).unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        for at in usize::try_from(begin).unwrap()..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let (_, chunks, end) = read(&path);
            assert!(chunks.len() < 3, "{at}");
            assert!(matches!(end, Next::Unreadable | Next::Torn), "{at}");
        }
        std::fs::write(&path, [&whole[..], &vec![0; 4096]].concat()).unwrap();
        assert!(matches!(read(&path).2, Next::Unreadable), "a power cut leaves zeros");
        std::fs::write(&path, [&whole[..], &(60_u32 << 20).to_be_bytes(), &vec![1; TORN + 2]].concat()).unwrap();
        assert!(matches!(read(&path).2, Next::Unreadable), "nobody writes so much at once");
    }

    #[test]
    fn after_a_write_that_failed_half_way_the_next_chunk_is_readable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        let mut writer = Writer::create(&path, &head(), Seal::new(Uuid::from_u128(1), [7; 32]), ids()).unwrap();
        writer.append(Kind::Cluster, &[0; 100]).unwrap();
        // As a disk leaves it that was full in the middle of a chunk and then refused to take that back.
        writer.file.write_all(&[9; 60]).unwrap();
        writer.is_torn = true;
        writer.append(Kind::Cluster, &[1; 100]).unwrap();
        let (_, chunks, end) = read(&path);
        assert_eq!(chunks, [0, 1]);
        assert!(matches!(end, Next::End));
    }
}
