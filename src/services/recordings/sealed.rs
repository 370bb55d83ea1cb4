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

const MAGIC: [u8; 4] = *b"YZR1";
const NONCE: usize = 12;
const TAG: usize = 16;
/// Length and kind.
const CHUNK_HEAD: usize = 4 + 1;
/// What a chunk takes beside its content.
pub(super) const OVERHEAD: u64 = (CHUNK_HEAD + NONCE + TAG) as u64;
/// No chunk is larger; a length beyond it is rubbish.
const LARGEST: usize = 64 << 20;

/// What the file says of itself in clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    pub(super) id: Uuid,
    pub(super) room: RoomId,
    pub(super) participant: ParticipantId,
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
}

impl Kind {
    const ALL: [Self; 6] = [Self::Head, Self::Cluster, Self::Gaps, Self::Cues, Self::Index, Self::End];

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
}

impl Writer {
    pub(super) fn create(path: &Path, head: &Opening, seal: Seal, ids: Ids) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let bytes = opening(head);
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // A file without its opening is nobody's.
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(Self { file, seal, ids, sequence: 0, good: bytes.len() as u64 })
    }

    /// Keeps a chunk for good, or leaves the file as it was.
    pub(super) fn append(&mut self, kind: Kind, plain: &[u8]) -> io::Result<()> {
        let chunk = self.seal.chunk(&self.ids, self.sequence, kind, plain);
        let written = self.file.write_all(&chunk).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.sequence += 1;
                self.good += chunk.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.file.set_len(self.good)?;
                self.file.seek(SeekFrom::Start(self.good))?;
                Err(error)
            }
        }
    }
}

/// A file that is read again.
pub(super) struct Reader {
    file: io::BufReader<File>,
    seal: Seal,
    sequence: u64,
}

impl Reader {
    /// Reads the opening; `unwrap` opens its key.
    pub(super) fn open(path: &Path, unwrap: impl Fn(&Opening) -> Option<[u8; 32]>) -> io::Result<(Opening, Self)> {
        let broken = || io::Error::other("not a recording, or of another key");
        let mut file = io::BufReader::new(File::open(path)?);
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        if head[..4] != MAGIC || length > 65_536 {
            return Err(broken());
        }
        let mut text = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact(&mut text)?;
        let opening: Opening = serde_json::from_slice(&text)?;
        let seal = Seal::new(opening.id, unwrap(&opening).ok_or_else(broken)?);
        Ok((opening, Self { file, seal, sequence: 0 }))
    }

    /// The next chunk; nothing at the end, or where a crash tore the file.
    pub(super) fn next(&mut self) -> Option<(Kind, Vec<u8>)> {
        let mut chunk = vec![0; CHUNK_HEAD];
        self.file.read_exact(&mut chunk).ok()?;
        let length = usize::try_from(u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]])).ok()?;
        if length > LARGEST {
            return None;
        }
        chunk.resize(CHUNK_HEAD + length, 0);
        self.file.read_exact(&mut chunk[CHUNK_HEAD..]).ok()?;
        let opened = self.seal.open(self.sequence, &chunk)?;
        self.sequence += 1;
        Some(opened)
    }
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
            let (opening, mut reader) = Reader::open(&path, |_| Some([7; 32])).unwrap();
            assert_eq!(opening, head());
            let chunks: Vec<_> = std::iter::from_fn(|| reader.next()).map(|(_, plain)| plain[0]).collect();
            assert_eq!(chunks, [0, 1]);
        }
    }
}
