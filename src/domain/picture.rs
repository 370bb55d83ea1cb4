//! A picture without what was written beside it: where and when it was taken, with which camera, and whatever hides behind
//! its end.
//!
//! What is not needed to see the picture is not kept: a list of what stays, so that a place which nobody thought of is not
//! the one that leaks. No pixel is touched.

/// A picture's MIME type, as its first bytes prove it, and its bytes as they are kept; `None` when it is no JPEG, PNG or
/// still WebP, or its parts do not add up.
pub fn clean(bytes: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => jpeg(bytes).map(|kept| ("image/jpeg", kept)),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => png(bytes).map(|kept| ("image/png", kept)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            webp(bytes).map(|kept| ("image/webp", kept))
        }
        _ => None,
    }
}

/// A JPEG as it is kept, when neither of its sides is longer than `most` pixels.
pub fn small_jpeg(bytes: &[u8], most: u16) -> Option<Vec<u8>> {
    let ("image/jpeg", kept) = clean(bytes)? else { return None };
    let (height, width) = sides(&kept)?;
    ((1..=most).contains(&height) && (1..=most).contains(&width)).then_some(kept)
}

/// Height and width, as the one frame of a cleaned JPEG says them (T.81, B.2.2).
fn sides(jpeg: &[u8]) -> Option<(u16, u16)> {
    const SCAN: u8 = 0xDA;
    let (mut rest, mut sides) = (jpeg.get(2..)?, None);
    while let [0xFF, marker, high, low, ..] = *rest {
        let (segment, after) = rest.split_at_checked(2 + usize::from(u16::from_be_bytes([high, low])))?;
        match marker {
            SCAN => break,
            // A table of codes, an extension, arithmetic conditions; the others begin a frame.
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF => {
                let [_, _, _, _, _, top, bottom, left, right, ..] = *segment else { return None };
                let read = (u16::from_be_bytes([top, bottom]), u16::from_be_bytes([left, right]));
                if sides.replace(read).is_some() {
                    return None;
                }
            }
            _ => {}
        }
        rest = after;
    }
    sides
}

/// Of the segments of a JPEG stay the picture's, and of the applications' only JFIF, the colour profile and Adobe's colour
/// transform; it ends with its end (ITU-T T.81, annex B).
fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    const START: u8 = 0xD8;
    const END: u8 = 0xD9;
    const SCAN: u8 = 0xDA;
    let (mut kept, mut rest) = bytes.split_at_checked(2).map(|(start, rest)| (start.to_vec(), rest))?;
    let mut has_scan = false;
    loop {
        // Before a marker any number of these may stand.
        while let [0xFF, after @ ..] = rest
            && after.starts_with(&[0xFF])
        {
            rest = after;
        }
        let [0xFF, marker, after @ ..] = rest else { return None };
        match *marker {
            END if has_scan => {
                kept.extend([0xFF, END]);
                return Some(kept);
            }
            // What has no length stands in no place between segments.
            0x00 | 0x01 | 0xD0..=START | END => return None,
            _ => {}
        }
        let [high, low, ..] = *after else { return None };
        let (segment, after) = rest.split_at_checked(2 + usize::from(u16::from_be_bytes([high, low])))?;
        if segment.len() < 4 {
            return None;
        }
        // 0xE0: JFIF, 0xE2: profile, or the pictures beside this one; 0xEE: Adobe; 0xFE: comment.
        let is_profile = *marker == 0xE2 && segment[4..].starts_with(b"ICC_PROFILE\0");
        if is_profile || !matches!(*marker, 0xE1..=0xED | 0xEF | 0xFE) {
            kept.extend_from_slice(segment);
        }
        rest = after;
        if *marker == SCAN {
            has_scan = true;
            let length = scan_length(rest)?;
            kept.extend_from_slice(&rest[..length]);
            rest = &rest[length..];
        }
    }
}

/// How long the coded data is: up to a marker that is neither a stuffed byte nor a restart.
fn scan_length(bytes: &[u8]) -> Option<usize> {
    let is_end = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF);
    bytes.windows(2).position(is_end)
}

/// Of the chunks of a PNG stay those that say how its pixels look (W3C PNG, third edition, sections 5 and 11).
fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    const KEPT: [&[u8; 4]; 12] =
        [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"pHYs"];
    let (mut kept, mut rest) = bytes.split_at_checked(8).map(|(start, rest)| (start.to_vec(), rest))?;
    let (mut is_first, mut has_data) = (true, false);
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        let kind: &[u8; 4] = chunk[4..].first_chunk()?;
        if is_first && kind != b"IHDR" {
            return None;
        }
        is_first = false;
        has_data |= kind == b"IDAT";
        if KEPT.contains(&kind) {
            kept.extend_from_slice(chunk);
        } else if kind[0].is_ascii_uppercase() {
            // One that a viewer must know, and that nobody knows.
            return None;
        }
        if kind == b"IEND" {
            return has_data.then_some(kept);
        }
        rest = after;
    }
}

/// Of the chunks of a WebP stay the picture, its transparency and its colour profile (RFC 9649, section 2.7).
fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    /// In the first byte of `VP8X`: EXIF, XMP and an animation follow.
    const TOLD: u8 = 0x08 | 0x04 | 0x02;
    let size = usize::try_from(u32::from_le_bytes(*bytes[4..].first_chunk()?)).ok()?;
    let mut rest = bytes.get(12..size.checked_add(8)?)?;
    let mut kept = bytes[..12].to_vec();
    let mut has_picture = false;
    while !rest.is_empty() {
        let kind: &[u8; 4] = rest.first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*rest.get(4..)?.first_chunk()?)).ok()?;
        let end = length.checked_add(8)?;
        let chunk = rest.get(..end)?;
        match kind {
            b"VP8 " | b"VP8L" if has_picture => return None,
            b"ANIM" | b"ANMF" => return None,
            b"VP8 " | b"VP8L" | b"VP8X" | b"ALPH" | b"ICCP" => {
                has_picture |= matches!(kind, b"VP8 " | b"VP8L");
                let at = kept.len();
                kept.extend_from_slice(chunk);
                kept.resize(kept.len().next_multiple_of(2), 0);
                if kind == b"VP8X" {
                    *kept.get_mut(at + 8).filter(|_| length >= 10)? &= !TOLD;
                }
            }
            _ => {}
        }
        rest = rest.get(end.next_multiple_of(2)..).unwrap_or_default();
    }
    let size = u32::try_from(kept.len() - 8).ok()?;
    kept[4..8].copy_from_slice(&size.to_le_bytes());
    has_picture.then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &[u8] = b"31.2 N 121.5 E";

    fn holds_place(bytes: &[u8]) -> bool {
        bytes.windows(PLACE.len()).any(|part| part == PLACE)
    }

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker], &length[..], content].concat()
    }

    fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
        [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], &kind, data, &[0; 4]].concat()
    }

    fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        for (kind, data) in chunks {
            body.extend_from_slice(*kind);
            body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
            body.extend_from_slice(data);
            body.resize(body.len().next_multiple_of(2), 0);
        }
        [&b"RIFF"[..], &u32::try_from(body.len()).unwrap().to_le_bytes(), &body].concat()
    }

    #[test]
    fn a_jpeg_loses_what_the_camera_wrote_beside_it_and_nothing_else() {
        let start = [0xFF, 0xD8];
        let (jfif, tables) = (segment(0xE0, b"JFIF"), segment(0xDB, &[0; 64]));
        let scan = [segment(0xDA, &[1]), vec![7, 0xFF, 0, 9, 0xFF, 0xD0, 4]].concat();
        let (end, exif) = ([0xFF, 0xD9], segment(0xE1, PLACE));
        let (profile, others) = (segment(0xE2, b"ICC_PROFILE\0\x01\x01"), segment(0xE2, b"MPF\0"));
        let all = [
            &start[..],
            &jfif,
            &[0xFF],
            &exif,
            &profile,
            &others,
            &tables,
            &segment(0xFE, b"a comment"),
            &scan,
            &exif,
            &tables,
            &scan,
            &end,
            PLACE,
        ]
        .concat();
        let wanted = [&start[..], &jfif, &profile, &tables, &scan, &tables, &scan, &end].concat();
        assert_eq!(clean(&all), Some(("image/jpeg", wanted)));
        assert_eq!(clean(&all[..20]), None);
        assert_eq!(clean(&[0xFF, 0xD8, 0xFF]), None);
        assert_eq!(clean(&[0xFF, 0xD8, 0xFF, 0xE1, 0, 0]), None, "a length that is none");
        assert_eq!(clean(&[0xFF, 0xD8, 0xFF, 0xD9]), None, "an end without a picture");
    }

    #[test]
    fn a_png_loses_its_exif_its_texts_its_time_and_what_follows_its_end() {
        let start = b"\x89PNG\r\n\x1a\n".to_vec();
        let (head, data, end) = (chunk(*b"IHDR", &[1; 13]), chunk(*b"IDAT", b"pixels"), chunk(*b"IEND", b""));
        let profile = chunk(*b"iCCP", b"profile");
        let beside: Vec<u8> = [b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"caBX"]
            .iter()
            .flat_map(|kind| chunk(**kind, PLACE))
            .collect();
        let all = [&start[..], &head, &beside, &profile, &data, &beside, &end, PLACE].concat();
        let (mime, kept) = clean(&all).unwrap();
        assert_eq!((mime, &kept), ("image/png", &[&start[..], &head, &profile, &data, &end].concat()));
        assert!(!holds_place(&kept));
        assert_eq!(clean(&all[..all.len() - PLACE.len() - 1]), None, "an end that is cut");
        assert_eq!(clean(&[&start[..], &head, &end].concat()), None, "no pixels");
        assert_eq!(clean(&[&start[..], &data, &head, &end].concat()), None, "the head comes first");
        assert_eq!(clean(&[&start[..], &head, &chunk(*b"EVIL", b""), &data, &end].concat()), None);
        assert_eq!(clean(&[&start[..], &[0xFF; 40]].concat()), None, "a length that is none");
    }

    #[test]
    fn a_webp_loses_its_exif_its_xmp_and_what_follows_its_end_and_says_so_in_its_head() {
        let head = |flags: u8| [&[flags][..], &[0; 9]].concat();
        let all = riff(&[
            (b"VP8X", &head(0x20 | 0x10 | 0x08 | 0x04)),
            (b"ICCP", b"profile"),
            (b"ALPH", b"alpha"),
            (b"VP8 ", b"pixels!"),
            (b"EXIF", PLACE),
            (b"XMP ", PLACE),
            (b"MINE", PLACE),
        ]);
        let wanted =
            riff(&[(b"VP8X", &head(0x20 | 0x10)), (b"ICCP", b"profile"), (b"ALPH", b"alpha"), (b"VP8 ", b"pixels!")]);
        assert_eq!(clean(&[&all[..], PLACE].concat()), Some(("image/webp", wanted)));
        assert_eq!(clean(&riff(&[(b"VP8L", b"pixels")])), Some(("image/webp", riff(&[(b"VP8L", b"pixels")]))));
        assert_eq!(clean(&all[..all.len() - 1]), None, "it is cut");
        assert_eq!(clean(&riff(&[(b"VP8X", &head(2)), (b"ANIM", b""), (b"ANMF", b"")])), None, "it moves");
        assert_eq!(clean(&riff(&[(b"EXIF", PLACE)])), None);
        assert_eq!(clean(&riff(&[(b"VP8X", b""), (b"VP8 ", b"")])), None);
    }

    #[test]
    fn a_picture_is_known_by_its_bytes_and_a_page_is_none() {
        assert_eq!(clean(b"<svg xmlns='http://www.w3.org/2000/svg'>"), None);
        assert_eq!(clean(b""), None);
        assert_eq!(clean(b"RIFF\0\0\0\0WEBPVP8 "), None);
    }
}
