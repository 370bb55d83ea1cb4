//! A picture without what was written beside it: where and when it was taken, with which camera, and whatever hides behind
//! its end.
//!
//! What is not needed to see the picture is not kept: a list of what stays, so that a place which nobody thought of is not
//! the one that leaks. No pixel is touched.

/// The most pixels of a picture: what telephones call 50 megapixels. A browser that shows it holds four bytes for each,
/// however few bytes it came in.
const PIXELS: u64 = 8192 * 6144;

/// A picture's MIME type, as its first bytes prove it, and its bytes as they are kept; `None` when it is no JPEG, PNG or
/// still WebP, its parts do not add up, or it has more than 50 megapixels.
pub fn clean(bytes: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    let (mime, kept, sides) = clean_with_sides(bytes)?;
    let [width, height] = sides.map(u64::from);
    (1..=PIXELS).contains(&(width * height)).then_some((mime, kept))
}

/// A JPEG as it is kept, when neither of its sides is longer than `most` pixels.
pub fn small_jpeg(bytes: &[u8], most: u16) -> Option<Vec<u8>> {
    let ("image/jpeg", kept, sides) = clean_with_sides(bytes)? else { return None };
    sides.iter().all(|side| (1..=u32::from(most)).contains(side)).then_some(kept)
}

/// Width and height.
type Sides = [u32; 2];

fn clean_with_sides(bytes: &[u8]) -> Option<(&'static str, Vec<u8>, Sides)> {
    let (mime, (kept, sides)) = match bytes {
        [0xFF, 0xD8, 0xFF, ..] => ("image/jpeg", jpeg(bytes)?),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => ("image/png", png(bytes)?),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ("image/webp", webp(bytes)?),
        _ => return None,
    };
    Some((mime, kept, sides))
}

/// Of the segments of a JPEG stay the picture's, and of the applications' only what JFIF and Adobe say in numbers and the
/// colour profile; it ends with its end (ITU-T T.81, annex B).
fn jpeg(bytes: &[u8]) -> Option<(Vec<u8>, Sides)> {
    const START: u8 = 0xD8;
    const END: u8 = 0xD9;
    const SCAN: u8 = 0xDA;
    let (mut kept, mut rest) = bytes.split_at_checked(2).map(|(start, rest)| (start.to_vec(), rest))?;
    let (mut has_scan, mut sides) = (false, None);
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
                return Some((kept, sides?));
            }
            // What has no length stands in no place between segments.
            0x00 | 0x01 | 0xD0..=START | END => return None,
            _ => {}
        }
        let [high, low, ..] = *after else { return None };
        let (segment, after) = rest.split_at_checked(2 + usize::from(u16::from_be_bytes([high, low])))?;
        match *marker {
            _ if segment.len() < 4 => return None,
            // A table of codes, an extension and arithmetic conditions; the others here begin a frame, and there is one.
            0xC4 | 0xC8 | 0xCC => kept.extend_from_slice(segment),
            0xC0..=0xCF => {
                let [_, _, _, _, _, top, bottom, left, right, ..] = *segment else { return None };
                let read = [[left, right], [top, bottom]].map(|side| u32::from(u16::from_be_bytes(side)));
                if sides.replace(read).is_some() {
                    return None;
                }
                kept.extend_from_slice(segment);
            }
            SCAN..=0xDF => kept.extend_from_slice(segment),
            0xE0 => kept.extend(jfif(&segment[4..]).into_iter().flatten()),
            0xE2 if segment[4..].starts_with(b"ICC_PROFILE\0") => kept.extend_from_slice(segment),
            0xEE => kept.extend(adobe(&segment[4..]).into_iter().flatten()),
            // Other applications, comments, and what is reserved.
            _ => {}
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

/// The segment of JFIF with its version and density, without a small picture of its own or whatever else was put there.
fn jfif(content: &[u8]) -> Option<[u8; 18]> {
    let numbers = content.strip_prefix(b"JFIF\0")?.first_chunk::<7>()?;
    let mut segment = *b"\xFF\xE0\x00\x10JFIF\0-------\0\0";
    segment[9..16].copy_from_slice(numbers);
    Some(segment)
}

/// Adobe's segment, of which a decoder reads how the colours were transformed.
fn adobe(content: &[u8]) -> Option<[u8; 16]> {
    let numbers = content.strip_prefix(b"Adobe")?.first_chunk::<7>()?;
    let mut segment = *b"\xFF\xEE\x00\x0EAdobe-------";
    segment[9..16].copy_from_slice(numbers);
    Some(segment)
}

/// How long the coded data is: up to a marker that is neither a stuffed byte nor a restart.
fn scan_length(bytes: &[u8]) -> Option<usize> {
    let is_end = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF);
    bytes.windows(2).position(is_end)
}

/// Of the chunks of a PNG stay those that say how its pixels look (W3C PNG, third edition, sections 5 and 11).
fn png(bytes: &[u8]) -> Option<(Vec<u8>, Sides)> {
    const KEPT: [&[u8; 4]; 12] =
        [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"pHYs"];
    let (mut kept, mut rest) = bytes.split_at_checked(8).map(|(start, rest)| (start.to_vec(), rest))?;
    let (mut sides, mut has_data) = (None, false);
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        let kind: &[u8; 4] = chunk[4..].first_chunk()?;
        match (kind == b"IHDR", sides) {
            (true, None) => sides = Some(ihdr(&chunk[8..8 + length])?),
            (false, Some(_)) => {}
            // The head comes first, and once.
            (true, Some(_)) | (false, None) => return None,
        }
        has_data |= kind == b"IDAT";
        if KEPT.contains(&kind) {
            kept.extend_from_slice(chunk);
        } else if kind[0].is_ascii_uppercase() {
            // One that a viewer must know, and that nobody knows.
            return None;
        }
        if kind == b"IEND" {
            return Some((kept, sides.filter(|_| has_data)?));
        }
        rest = after;
    }
}

fn ihdr(data: &[u8]) -> Option<Sides> {
    let [width, height, _] = data.as_chunks::<4>().0 else { return None };
    (data.len() == 13).then_some([u32::from_be_bytes(*width), u32::from_be_bytes(*height)])
}

/// Of the chunks of a WebP stay the picture, its transparency and its colour profile (RFC 9649, section 2.7).
fn webp(bytes: &[u8]) -> Option<(Vec<u8>, Sides)> {
    /// In the first byte of `VP8X`: EXIF, XMP and an animation follow.
    const TOLD: u8 = 0x08 | 0x04 | 0x02;
    let size = usize::try_from(u32::from_le_bytes(*bytes[4..].first_chunk()?)).ok()?;
    let mut rest = bytes.get(12..size.checked_add(8)?)?;
    let mut kept = bytes[..12].to_vec();
    let (mut canvas, mut picture) = (None, None);
    while !rest.is_empty() {
        let kind: &[u8; 4] = rest.first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*rest.get(4..)?.first_chunk()?)).ok()?;
        let end = length.checked_add(8)?;
        let chunk = rest.get(..end)?;
        match kind {
            b"VP8 " | b"VP8L" if picture.is_some() => return None,
            b"VP8X" if canvas.is_some() => return None,
            b"ANIM" | b"ANMF" => return None,
            b"VP8 " | b"VP8L" | b"VP8X" | b"ALPH" | b"ICCP" => {
                match kind {
                    b"VP8 " => picture = Some(lossy(&chunk[8..])?),
                    b"VP8L" => picture = Some(lossless(&chunk[8..])?),
                    b"VP8X" => canvas = Some(extended(&chunk[8..])?),
                    _ => {}
                }
                let at = kept.len();
                kept.extend_from_slice(chunk);
                kept.resize(kept.len().next_multiple_of(2), 0);
                if kind == b"VP8X" {
                    kept[at + 8] &= !TOLD;
                }
            }
            _ => {}
        }
        rest = rest.get(end.next_multiple_of(2)..).unwrap_or_default();
    }
    let size = u32::try_from(kept.len() - 8).ok()?;
    kept[4..8].copy_from_slice(&size.to_le_bytes());
    let [width, height] = picture?;
    // A viewer makes room for the larger of the two.
    let [most_width, most_height] = canvas.unwrap_or_default();
    Some((kept, [width.max(most_width), height.max(most_height)]))
}

/// A whole frame of VP8: three bytes, the start code, and 14 bits for each side (RFC 6386, section 9.1).
fn lossy(data: &[u8]) -> Option<Sides> {
    let [tag, _, _, 0x9D, 0x01, 0x2A, rest @ ..] = data else { return None };
    let [left, right, top, bottom, ..] = *rest else { return None };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    (tag & 1 == 0).then_some([side(left, right), side(top, bottom)])
}

/// Behind a mark stand 14 bits for each side, one less (RFC 9649, section 3.4).
fn lossless(data: &[u8]) -> Option<Sides> {
    let [0x2F, rest @ ..] = data else { return None };
    let bits = u32::from_le_bytes(*rest.first_chunk()?);
    Some([(bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1])
}

/// Behind four bytes stand 24 bits for each side, one less (RFC 9649, section 2.7.1).
fn extended(data: &[u8]) -> Option<Sides> {
    let sides: &[u8; 6] = data.get(4..)?.first_chunk()?;
    let side = |[low, middle, high]: [u8; 3]| u32::from_le_bytes([low, middle, high, 0]) + 1;
    Some([side([sides[0], sides[1], sides[2]]), side([sides[3], sides[4], sides[5]])])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &[u8] = b"31.2 N 121.5 E";
    const PIXELS_OF_VP8: &[u8] = b"\0\0\0\x9D\x01\x2A\x40\x01\xF0\0pixels!";

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

    fn frame(width: u16, height: u16) -> Vec<u8> {
        let [[top, bottom], [left, right]] = [height, width].map(u16::to_be_bytes);
        segment(0xC0, &[8, top, bottom, left, right, 1, 1, 0x11, 0])
    }

    fn head(width: u32, height: u32) -> Vec<u8> {
        chunk(*b"IHDR", &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat())
    }

    /// A JPEG, a PNG and the three kinds of WebP of this size, in this order.
    fn pictures(width: u32, height: u32) -> [Vec<u8>; 5] {
        let [short, tall] = [width, height].map(|side| u16::try_from(side).unwrap());
        let scan = segment(0xDA, &[1]);
        let jpeg = [&[0xFF, 0xD8][..], &frame(short, tall), &scan, &[7, 0xFF, 0xD9]].concat();
        let start = b"\x89PNG\r\n\x1a\n";
        let png = [&start[..], &head(width, height), &chunk(*b"IDAT", b""), &chunk(*b"IEND", b"")].concat();
        let lossy = [&[0, 0, 0, 0x9D, 1, 0x2A][..], &short.to_le_bytes(), &tall.to_le_bytes()].concat();
        let bits = ((width - 1) & 0x3FFF) | (((height - 1) & 0x3FFF) << 14);
        let lossless = [&[0x2F][..], &bits.to_le_bytes()].concat();
        let canvas = [&[0; 4][..], &(width - 1).to_le_bytes()[..3], &(height - 1).to_le_bytes()[..3]].concat();
        let small = [0x2F, 0, 0, 0, 0];
        let extended = riff(&[(b"VP8X", &canvas), (b"VP8L", &small)]);
        [jpeg, png, riff(&[(b"VP8 ", &lossy)]), riff(&[(b"VP8L", &lossless)]), extended]
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
        let jfif = segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
        let adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01");
        let tables = [segment(0xDB, &[0; 64]), frame(4000, 3000)].concat();
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
            &adobe,
            &tables,
            &segment(0xFE, b"a comment"),
            &scan,
            &exif,
            &segment(0xC4, &[0; 20]),
            &scan,
            &end,
            PLACE,
        ]
        .concat();
        let wanted =
            [&start[..], &jfif, &profile, &adobe, &tables, &scan, &segment(0xC4, &[0; 20]), &scan, &end].concat();
        assert_eq!(clean(&all), Some(("image/jpeg", wanted)));
        assert_eq!(clean(&all[..20]), None);
        assert_eq!(clean(&[0xFF, 0xD8, 0xFF]), None);
        assert_eq!(clean(&[0xFF, 0xD8, 0xFF, 0xE1, 0, 0]), None, "a length that is none");
        assert_eq!(clean(&[0xFF, 0xD8, 0xFF, 0xD9]), None, "an end without a picture");
    }

    #[test]
    fn a_png_loses_its_exif_its_texts_its_time_and_what_follows_its_end() {
        let start = b"\x89PNG\r\n\x1a\n".to_vec();
        let (head, data, end) = (head(4000, 3000), chunk(*b"IDAT", b"pixels"), chunk(*b"IEND", b""));
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
        assert_eq!(clean(&[&start[..], &head, &head, &data, &end].concat()), None, "one head");
        assert_eq!(clean(&[&start[..], &chunk(*b"IHDR", &[1; 14]), &data, &end].concat()), None);
        assert_eq!(clean(&[&start[..], &[0xFF; 40]].concat()), None, "a length that is none");
    }

    #[test]
    fn a_webp_loses_its_exif_its_xmp_and_what_follows_its_end_and_says_so_in_its_head() {
        let head = |flags: u8| [&[flags][..], &[0; 9]].concat();
        let all = riff(&[
            (b"VP8X", &head(0x20 | 0x10 | 0x08 | 0x04)),
            (b"ICCP", b"profile"),
            (b"ALPH", b"alpha"),
            (b"VP8 ", PIXELS_OF_VP8),
            (b"EXIF", PLACE),
            (b"XMP ", PLACE),
            (b"MINE", PLACE),
        ]);
        let wanted = riff(&[
            (b"VP8X", &head(0x20 | 0x10)),
            (b"ICCP", b"profile"),
            (b"ALPH", b"alpha"),
            (b"VP8 ", PIXELS_OF_VP8),
        ]);
        assert_eq!(clean(&[&all[..], PLACE].concat()), Some(("image/webp", wanted)));
        let lossless = riff(&[(b"VP8L", b"\x2F\0\0\0\0pixels")]);
        assert_eq!(clean(&lossless), Some(("image/webp", lossless)));
        assert_eq!(clean(&riff(&[(b"VP8L", b"pixels")])), None, "its sides are not there");
        assert_eq!(clean(&all[..all.len() - 1]), None, "it is cut");
        assert_eq!(clean(&riff(&[(b"VP8X", &head(2)), (b"ANIM", b""), (b"ANMF", b"")])), None, "it moves");
        assert_eq!(clean(&riff(&[(b"EXIF", PLACE)])), None);
        assert_eq!(clean(&riff(&[(b"VP8X", b""), (b"VP8 ", PIXELS_OF_VP8)])), None);
        assert_eq!(clean(&riff(&[(b"VP8X", &head(0)), (b"VP8X", &head(0)), (b"VP8 ", PIXELS_OF_VP8)])), None);
    }

    #[test]
    fn what_a_browser_would_need_gigabytes_to_show_is_no_picture_in_however_few_bytes_it_comes() {
        for (at, picture) in pictures(8192, 6144).iter().enumerate() {
            assert!(clean(picture).is_some(), "50 megapixels: {at}");
        }
        for (width, height) in [(8192, 6145), (12_000, 12_000), (4096, 12_289)] {
            for (at, picture) in pictures(width, height).iter().enumerate() {
                assert_eq!(clean(picture), None, "{width} × {height}: {at}");
            }
        }
        let [jpeg, png, lossy, ..] = pictures(0x1_0000 / 2, 1);
        assert!(clean(&jpeg).is_some() && clean(&png).is_some(), "a long strip");
        assert_eq!(clean(&lossy), None, "of 14 bits none is left: a width of 0");
        let huge = [&png[..8], &head(u32::MAX, u32::MAX), &chunk(*b"IDAT", b""), &chunk(*b"IEND", b"")].concat();
        assert_eq!(clean(&huge), None);
    }

    #[test]
    fn the_size_of_a_jpeg_is_said_once() {
        let (start, scan, end) = ([0xFF, 0xD8], [&segment(0xDA, &[1])[..], &[7]].concat(), [0xFF, 0xD9]);
        let (small, large) = (frame(320, 240), frame(60_000, 60_000));
        assert!(clean(&[&start[..], &small, &scan, &end].concat()).is_some());
        assert_eq!(clean(&[&start[..], &scan, &end].concat()), None);
        assert_eq!(clean(&[&start[..], &small, &large, &scan, &end].concat()), None);
        assert_eq!(clean(&[&start[..], &small, &scan, &large, &scan, &end].concat()), None, "nor after a scan");
    }

    #[test]
    fn what_a_camera_wrote_into_any_segment_of_its_own_is_not_kept() {
        let (scan, end) = ([&segment(0xDA, &[1])[..], &[7]].concat(), [0xFF, 0xD9]);
        let told = |name: &[u8]| [name, &[1; 9], PLACE].concat();
        for marker in (0xE0..=0xEF).chain(0xF0..=0xFE).chain(0x02..=0xBF) {
            for name in [&b""[..], b"JFIF\0", b"JFXX\0", b"Adobe", b"HEAPCCDR", b"Exif\0\0"] {
                let beside = segment(marker, &told(name));
                let all = [&[0xFF, 0xD8][..], &beside, &frame(320, 240), &beside, &scan, &beside, &end].concat();
                let (_, kept) = clean(&all).expect("a picture");
                assert!(!holds_place(&kept), "{marker:02X} {name:?}");
            }
        }
    }

    #[test]
    fn a_picture_is_known_by_its_bytes_and_a_page_is_none() {
        assert_eq!(clean(b"<svg xmlns='http://www.w3.org/2000/svg'>"), None);
        assert_eq!(clean(b""), None);
        assert_eq!(clean(b"RIFF\0\0\0\0WEBPVP8 "), None);
    }
}
