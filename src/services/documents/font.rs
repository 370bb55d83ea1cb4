//! The letters: which file they come from, how wide each is, and whether it is there.
//!
//! Only what a line needs is read of an OpenType file: `cmap` (formats 4 and 12) and `hmtx`. Shaping and embedding are
//! the PDF library's work.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where systems keep a font with simplified Chinese letters, and which face of the file it is.
const KNOWN: [(&str, u32); 5] = [
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/System/Library/Fonts/PingFang.ttc", 0),
];

/// A font that was read.
#[derive(Clone)]
pub struct Letters {
    data: Arc<Vec<u8>>,
    face: u32,
    units: f32,
    cmap: usize,
    hmtx: usize,
    metrics: usize,
}

impl Letters {
    /// The font that the operator chose (`path` or `path#face`), else one that the system has.
    pub fn find(chosen: Option<&str>) -> Option<Self> {
        if let Some(chosen) = chosen {
            let (path, face) = match chosen.rsplit_once('#') {
                Some((path, face)) => (path, face.parse().ok()?),
                None => (chosen, u32::from(chosen.contains("CJK")) * 2),
            };
            return Self::read(&PathBuf::from(path), face);
        }
        KNOWN.iter().find_map(|(path, face)| Self::read(Path::new(path), *face))
    }

    fn read(path: &Path, face: u32) -> Option<Self> {
        Self::of(std::fs::read(path).ok()?, face)
    }

    /// A font from its bytes; nothing where they are none.
    pub fn of(data: Vec<u8>, face: u32) -> Option<Self> {
        let start = match data.get(..4)? {
            b"ttcf" => usize::try_from(u32_at(&data, 12 + 4 * usize::try_from(face).ok()?)?).ok()?,
            _ => 0,
        };
        let table = |tag: &[u8; 4]| {
            let count = usize::from(u16_at(&data, start + 4)?);
            let record = (0..count).map(|n| start + 12 + 16 * n).find(|at| data.get(*at..at + 4) == Some(&tag[..]))?;
            usize::try_from(u32_at(&data, record + 8)?).ok()
        };
        let units = f32::from(u16_at(&data, table(b"head")? + 18)?);
        let metrics = usize::from(u16_at(&data, table(b"hhea")? + 34)?);
        let hmtx = table(b"hmtx")?;
        let cmap = subtable(&data, table(b"cmap")?)?;
        (units > 0.0 && metrics > 0).then(|| Self { data: Arc::new(data), face, units, cmap, hmtx, metrics })
    }

    /// The file's bytes and the face, for embedding.
    pub fn file(&self) -> (Arc<Vec<u8>>, u32) {
        (Arc::clone(&self.data), self.face)
    }

    /// Whether the font has this letter.
    pub fn has(&self, letter: char) -> bool {
        self.glyph(letter).is_some_and(|glyph| glyph > 0)
    }

    /// How wide a text is at a size.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|letter| self.advance(letter)).sum::<f32>() * size
    }

    fn advance(&self, letter: char) -> f32 {
        let glyph = self.glyph(letter).unwrap_or(0).min(self.metrics - 1);
        u16_at(&self.data, self.hmtx + 4 * glyph).map_or(1.0, |units| f32::from(units) / self.units)
    }

    fn glyph(&self, letter: char) -> Option<usize> {
        let (data, at, letter) = (&self.data[..], self.cmap, u32::from(letter));
        if u16_at(data, at)? == 12 {
            let (mut low, mut high) = (0, usize::try_from(u32_at(data, at + 12)?).ok()?);
            while low < high {
                let middle = usize::midpoint(low, high);
                let group = at + 16 + 12 * middle;
                let (first, last) = (u32_at(data, group)?, u32_at(data, group + 4)?);
                if letter < first {
                    high = middle;
                } else if letter > last {
                    low = middle + 1;
                } else {
                    return usize::try_from(u32_at(data, group + 8)? + letter - first).ok();
                }
            }
            return None;
        }
        let letter = u16::try_from(letter).ok()?;
        let segments = usize::from(u16_at(data, at + 6)?);
        let segment = (0..segments).step_by(2).find(|n| u16_at(data, at + 14 + n).is_some_and(|end| end >= letter))?;
        let first = u16_at(data, at + 16 + segments + segment)?;
        let delta = u16_at(data, at + 16 + 2 * segments + segment)?;
        let place = at + 16 + 3 * segments + segment;
        let offset = usize::from(u16_at(data, place)?);
        let step = letter.checked_sub(first)?;
        if offset == 0 {
            return Some(usize::from(letter.wrapping_add(delta)));
        }
        let glyph = u16_at(data, place + offset + 2 * usize::from(step))?;
        Some(if glyph == 0 { 0 } else { usize::from(glyph.wrapping_add(delta)) })
    }
}

/// The best of the tables that lead from letters to glyphs.
fn subtable(data: &[u8], cmap: usize) -> Option<usize> {
    let count = usize::from(u16_at(data, cmap + 2)?);
    let tables = (0..count).filter_map(|n| {
        let record = cmap + 4 + 8 * n;
        let at = cmap + usize::try_from(u32_at(data, record + 4)?).ok()?;
        let format = u16_at(data, at)?;
        [4, 12].contains(&format).then_some((format, at))
    });
    tables.max().map(|(_, at)| at)
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}
