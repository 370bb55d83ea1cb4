//! The file of a backup: sealed chunks, each in its place, and a last one that says that it is the last.
//!
//! AES-256-GCM with a nonce of its own for each chunk, bound to the backup's id, its number and whether it is the last.
//! A chunk that was changed, moved, doubled, taken from another backup or cut off opens nothing.

use std::io::{self, Read, Write};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};

use crate::clock::Ids;

const MAGIC: &[u8; 8] = b"YZBACK01";
const NONCE: usize = 12;
const TAG: usize = 16;
/// Plain bytes of one chunk.
const CHUNK: usize = 1 << 20;

fn broken(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words.to_owned())
}

struct Seal {
    cipher: Aes256Gcm,
    id: [u8; 16],
    number: u64,
}

impl Seal {
    fn new(key: &[u8; 32], id: [u8; 16]) -> Self {
        Self { cipher: Aes256Gcm::new(&(*key).into()), id, number: 0 }
    }

    fn bound(&mut self, is_last: bool) -> Vec<u8> {
        let bound = [&self.id[..], &self.number.to_be_bytes(), &[u8::from(is_last)]].concat();
        self.number += 1;
        bound
    }
}

/// Seals what is written to it; [`Sealer::end`] makes it a backup.
pub(super) struct Sealer<W> {
    out: W,
    seal: Seal,
    ids: Ids,
    plain: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    pub(super) fn begin(mut out: W, key: &[u8; 32], ids: Ids) -> io::Result<Self> {
        let id = ids.secret::<16>();
        out.write_all(MAGIC)?;
        out.write_all(&id)?;
        Ok(Self { out, seal: Seal::new(key, id), ids, plain: Vec::with_capacity(CHUNK) })
    }

    fn chunk(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = self.ids.secret::<NONCE>();
        let aad = self.seal.bound(is_last);
        let sealed = self.seal.cipher.encrypt(&Nonce::from(nonce), Payload { msg: &self.plain, aad: &aad });
        let sealed = sealed.map_err(|_| broken("a chunk cannot be sealed"))?;
        self.plain.clear();
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        self.out.write_all(&[u8::from(is_last)])?;
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&nonce)?;
        self.out.write_all(&sealed)
    }

    /// Writes the last chunk and hands the file back.
    pub(super) fn end(mut self) -> io::Result<W> {
        self.chunk(true)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = CHUNK - self.plain.len();
        let taken = room.min(bytes.len());
        self.plain.extend_from_slice(&bytes[..taken]);
        if self.plain.len() == CHUNK {
            self.chunk(false)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what was sealed; it ends where the backup does, and nowhere else.
pub(super) struct Opener<R> {
    file: R,
    seal: Seal,
    plain: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> Opener<R> {
    pub(super) fn begin(mut file: R, key: &[u8; 32]) -> io::Result<Self> {
        let mut head = [0; 24];
        file.read_exact(&mut head).map_err(|_| broken("this is no backup"))?;
        if head[..8] != MAGIC[..] {
            return Err(broken("this is no backup"));
        }
        let id = head[8..].try_into().expect("sixteen bytes are left");
        Ok(Self { file, seal: Seal::new(key, id), plain: Vec::new(), at: 0, ended: false })
    }

    fn chunk(&mut self) -> io::Result<()> {
        let mut head = [0; 5 + NONCE];
        self.file.read_exact(&mut head).map_err(|_| broken("the backup was cut off"))?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let length = usize::try_from(length).map_err(io::Error::other)?;
        if head[0] > 1 || !(TAG..=CHUNK + TAG).contains(&length) {
            return Err(broken("the backup was changed, or this is another key"));
        }
        let mut sealed = vec![0; length];
        self.file.read_exact(&mut sealed).map_err(|_| broken("the backup was cut off"))?;
        let nonce: [u8; NONCE] = head[5..].try_into().expect("twelve bytes are left");
        let aad = self.seal.bound(head[0] == 1);
        let plain = self.seal.cipher.decrypt(&Nonce::from(nonce), Payload { msg: &sealed, aad: &aad });
        self.plain = plain.map_err(|_| broken("the backup was changed, or this is another key"))?;
        self.at = 0;
        if head[0] == 1 {
            self.ended = true;
            if self.file.read(&mut [0])? > 0 {
                return Err(broken("there is more behind the end of the backup"));
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            if self.ended {
                return Ok(0);
            }
            self.chunk()?;
        }
        let taken = bytes.len().min(self.plain.len() - self.at);
        bytes[..taken].copy_from_slice(&self.plain[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::time::Timestamp;

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let ids = Ids::seeded(Clock::manual(Timestamp::from_millis(1)), 1);
        let mut sealer = Sealer::begin(Vec::new(), &[7; 32], ids).unwrap();
        sealer.write_all(plain).unwrap();
        sealer.end().unwrap()
    }

    fn opened(file: &[u8], key: u8) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        Opener::begin(file, &[key; 32])?.read_to_end(&mut plain)?;
        Ok(plain)
    }

    #[test]
    fn what_was_sealed_comes_back_whatever_its_length() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK] {
            let plain: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
            assert_eq!(opened(&sealed(&plain), 7).unwrap(), plain, "{length}");
        }
    }

    #[test]
    fn another_key_opens_nothing_and_no_word_is_in_clear() {
        let file = sealed("张三的病历".as_bytes());
        assert!(opened(&file, 8).is_err());
        assert!(!file.windows(6).any(|part| part == "张三".as_bytes()));
    }

    proptest! {
        #[test]
        fn any_changed_byte_of_a_backup_is_refused(at: prop::sample::Index, bit in 0_u8..8) {
            let mut file = sealed(&[5; 300]);
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
            prop_assert!(opened(&file, 7).is_err(), "at {at}");
        }

        #[test]
        fn a_backup_that_was_cut_or_grew_is_refused(at: prop::sample::Index) {
            let file = sealed(&[5; 300]);
            prop_assert!(opened(&file[..at.index(file.len())], 7).is_err());
            prop_assert!(opened(&[&file[..], &[0]].concat(), 7).is_err());
        }
    }

    #[test]
    fn chunks_do_not_change_places() {
        let mut file = sealed(&vec![9; 3 * CHUNK]);
        let whole = 5 + NONCE + CHUNK + TAG;
        let (first, second) = (24, 24 + whole);
        let one = file[first..second].to_vec();
        file.copy_within(second..second + whole, first);
        file[second..second + whole].copy_from_slice(&one);
        assert!(opened(&file, 7).is_err());
    }
}
