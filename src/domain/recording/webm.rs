//! `WebM` as it is written (RFC 8794, RFC 9559): a head of fixed places, clusters of known length, and cues at the end.
//!
//! The segment has an unknown length while it grows. [`finish`] fills in what only the end knows, at the places that the
//! head kept free, so that nothing else moves.

/// The number of the sound's track.
pub const SOUND: u8 = 1;
/// The number of the pictures' track.
pub const PICTURES: u8 = 2;

const EBML: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];
const SEGMENT: [u8; 4] = [0x18, 0x53, 0x80, 0x67];
const SEEK_HEAD: [u8; 4] = [0x11, 0x4d, 0x9b, 0x74];
const INFO: [u8; 4] = [0x15, 0x49, 0xa9, 0x66];
const TRACKS: [u8; 4] = [0x16, 0x54, 0xae, 0x6b];
const CLUSTER: [u8; 4] = [0x1f, 0x43, 0xb6, 0x75];
const CUES: [u8; 4] = [0x1c, 0x53, 0xbb, 0x6b];
const VOID: u8 = 0xec;
const UNKNOWN: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
/// A cluster's id, length and time stand in its first bytes.
const CLUSTER_HEAD: usize = 4 + 8 + 2 + 8;
/// The seek head, or the void in its place.
const SEEK_LENGTH: usize = 4 + 1 + 3 + 7 + 3 + 8;

/// A picture or a stretch of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// [`SOUND`] or [`PICTURES`].
    pub track: u8,
    /// In milliseconds of the recording.
    pub at: u64,
    /// Whether it stands alone.
    pub is_key: bool,
    /// The frame.
    pub data: Vec<u8>,
}

/// Where a player may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cue {
    /// In milliseconds.
    pub at: u64,
    /// The track that has a key block there.
    pub track: u8,
    /// The cluster's place in the file.
    pub place: u64,
}

/// An element with its length in eight bytes.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend_from_slice(&length(content.len() as u64));
    bytes.extend_from_slice(content);
    bytes
}

/// An element with its length in one byte.
fn small(id: &[u8], content: &[u8]) -> Vec<u8> {
    let size = u8::try_from(content.len()).ok().filter(|size| *size < 0x7f).expect("small elements are small");
    [id, &[0x80 | size], content].concat()
}

fn length(size: u64) -> [u8; 8] {
    (size | 1 << 56).to_be_bytes()
}

fn number(id: &[u8], value: u64) -> Vec<u8> {
    small(id, &value.to_be_bytes())
}

/// Where the segment's content begins.
fn segment_at() -> usize {
    ebml().len() + SEGMENT.len() + UNKNOWN.len()
}

fn ebml() -> Vec<u8> {
    let fields = [
        number(&[0x42, 0x86], 1),
        number(&[0x42, 0xf7], 1),
        number(&[0x42, 0xf2], 4),
        number(&[0x42, 0xf3], 8),
        small(&[0x42, 0x82], b"webm"),
        number(&[0x42, 0x87], 4),
        number(&[0x42, 0x85], 2),
    ];
    element(&EBML, &fields.concat())
}

/// The head of a file with sound, pictures of a size, or both.
pub fn head(sound: bool, pictures: Option<(u16, u16)>) -> Vec<u8> {
    let mut bytes = ebml();
    bytes.extend_from_slice(&SEGMENT);
    bytes.extend_from_slice(&UNKNOWN);
    bytes.push(VOID);
    bytes.push(0x80 | u8::try_from(SEEK_LENGTH - 2).expect("a small length"));
    bytes.resize(bytes.len() + SEEK_LENGTH - 2, 0);
    let info = [
        small(&[0x44, 0x89], &1_f64.to_be_bytes()),
        number(&[0x2a, 0xd7, 0xb1], 1_000_000),
        small(&[0x4d, 0x80], b"yunzhen"),
        small(&[0x57, 0x41], b"yunzhen"),
    ];
    bytes.extend(element(&INFO, &info.concat()));
    let mut tracks = Vec::new();
    if sound {
        // RFC 7845, section 5.1: two channels, no pre-skip, 48 kHz.
        let opus = [&b"OpusHead"[..], &[1, 2, 0, 0], &48_000_u32.to_le_bytes(), &[0, 0, 0]].concat();
        let audio = [small(&[0xb5], &48_000_f64.to_be_bytes()), number(&[0x9f], 2)].concat();
        let entry = [
            number(&[0xd7], u64::from(SOUND)),
            number(&[0x73, 0xc5], u64::from(SOUND)),
            number(&[0x83], 2),
            number(&[0x9c], 0),
            small(&[0x86], b"A_OPUS"),
            number(&[0x56, 0xbb], 80_000_000),
            small(&[0x63, 0xa2], &opus),
            element(&[0xe1], &audio),
        ];
        tracks.extend(element(&[0xae], &entry.concat()));
    }
    if let Some((width, height)) = pictures {
        let video = [number(&[0xb0], u64::from(width.max(1))), number(&[0xba], u64::from(height.max(1)))].concat();
        let entry = [
            number(&[0xd7], u64::from(PICTURES)),
            number(&[0x73, 0xc5], u64::from(PICTURES)),
            number(&[0x83], 1),
            number(&[0x9c], 0),
            small(&[0x86], b"V_VP8"),
            element(&[0xe0], &video),
        ];
        tracks.extend(element(&[0xae], &entry.concat()));
    }
    bytes.extend(element(&TRACKS, &tracks));
    bytes
}

/// A cluster of blocks, which it sorts; nothing without any. Blocks further than half a minute from the first are left out.
pub fn cluster(mut blocks: Vec<Block>) -> Option<Vec<u8>> {
    blocks.sort_by_key(|block| (block.at, block.track));
    let begin = blocks.first()?.at;
    let mut content = [&[0xe7, 0x88][..], &begin.to_be_bytes()].concat();
    for block in blocks {
        let Ok(after) = i16::try_from(block.at - begin) else { continue };
        content.push(0xa3);
        content.extend_from_slice(&length(block.data.len() as u64 + 4));
        content.push(0x80 | block.track);
        content.extend_from_slice(&after.to_be_bytes());
        content.push(if block.is_key { 0x80 } else { 0 });
        content.extend_from_slice(&block.data);
    }
    Some(element(&CLUSTER, &content))
}

/// The blocks of a cluster that [`cluster`] wrote; nothing where the bytes are something else.
pub fn blocks(cluster: &[u8]) -> Vec<Block> {
    let mut found = Vec::new();
    let Some(head) = cluster.get(..CLUSTER_HEAD).filter(|head| head[..4] == CLUSTER) else { return found };
    let begin = u64::from_be_bytes(head[CLUSTER_HEAD - 8..].try_into().expect("eight bytes"));
    let mut rest = &cluster[CLUSTER_HEAD..];
    while let Some((block_head, after)) = rest.split_first_chunk::<13>() {
        let size = u64::from_be_bytes(block_head[1..9].try_into().expect("eight bytes")) & !(1 << 56);
        let data = usize::try_from(size).ok().and_then(|size| size.checked_sub(4)).and_then(|size| after.get(..size));
        let (0xa3, Some(data)) = (block_head[0], data) else { return found };
        let at = begin.saturating_add(u64::from(u16::from_be_bytes([block_head[10], block_head[11]])));
        let (track, is_key) = (block_head[9] & 0x7f, block_head[12] & 0x80 != 0);
        found.push(Block { track, at, is_key, data: data.to_vec() });
        rest = &after[data.len()..];
    }
    found
}

/// The cues, which stand behind the last cluster.
pub fn cues(cues: &[Cue]) -> Vec<u8> {
    let mut content = Vec::new();
    for cue in cues {
        let place = cue.place.saturating_sub(segment_at() as u64);
        let position = [number(&[0xf7], u64::from(cue.track)), number(&[0xf1], place)].concat();
        content.extend(small(&[0xbb], &[number(&[0xb3], cue.at), small(&[0xb7], &position)].concat()));
    }
    element(&CUES, &content)
}

/// Writes into a head what the end knows: the duration, where the cues begin, and how long the file is.
pub fn finish(head: &mut [u8], millis: u64, cues_at: u64, total: u64) {
    let begin = segment_at();
    if head.len() < begin + SEEK_LENGTH + 4 + 8 + 3 + 8 {
        return;
    }
    head[begin - 8..begin].copy_from_slice(&length(total.saturating_sub(begin as u64)));
    let seek = [small(&[0x53, 0xab], &CUES), number(&[0x53, 0xac], cues_at.saturating_sub(begin as u64))].concat();
    let seek_head = small(&SEEK_HEAD, &small(&[0x4d, 0xbb], &seek));
    // What the seek head leaves free stays a void.
    let free = SEEK_LENGTH.saturating_sub(seek_head.len());
    head[begin..begin + seek_head.len()].copy_from_slice(&seek_head);
    if free >= 2 {
        let at = begin + seek_head.len();
        head[at] = VOID;
        head[at + 1] = 0x80 | u8::try_from(free - 2).unwrap_or(0);
    }
    #[expect(clippy::cast_precision_loss, reason = "a recording is shorter than a hundred thousand years")]
    let duration = (millis as f64).to_be_bytes();
    let at = begin + SEEK_LENGTH + 4 + 8 + 3;
    head[at..at + 8].copy_from_slice(&duration);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finishing_a_head_moves_nothing() {
        let mut bytes = head(true, Some((640, 480)));
        let before = bytes.clone();
        finish(&mut bytes, 12_345, 9_999, 20_000);
        assert_eq!(bytes.len(), before.len());
        let info = segment_at() + SEEK_LENGTH;
        assert_eq!(bytes[info..info + 4], INFO, "the next element is where it was");
        assert_eq!(bytes[info + 23..], before[info + 23..]);
        assert!(bytes.windows(8).any(|window| window == 12_345_f64.to_be_bytes()));
    }

    #[test]
    fn a_seek_head_fits_its_place_exactly() {
        let seek = [small(&[0x53, 0xab], &CUES), number(&[0x53, 0xac], 1)].concat();
        assert_eq!(small(&SEEK_HEAD, &small(&[0x4d, 0xbb], &seek)).len(), SEEK_LENGTH);
    }

    proptest! {
        #[test]
        fn what_a_cluster_holds_is_read_again(blocks_in in proptest::collection::vec(
            (1_u8..3, 0_u64..30_000, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..50)), 1..30)) {
            let given: Vec<_> = blocks_in.into_iter()
                .map(|(track, at, is_key, data)| Block { track, at, is_key, data }).collect();
            let mut sorted = given.clone();
            sorted.sort_by_key(|block| (block.at, block.track));
            prop_assert_eq!(blocks(&cluster(given).expect("blocks")), sorted);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            blocks(&bytes);
            blocks(&[&CLUSTER[..], &bytes].concat());
            finish(&mut bytes.clone(), 1, 2, 3);
        }
    }
}
