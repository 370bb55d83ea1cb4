//! Free words on entry: what hides in a text or turns it is taken out, and nothing else is.
//!
//! The record, the conversation, opinions and templates are read by people and by the safety gate, which folds away what
//! nobody sees ([`crate::domain::written`]). Both have to read the same, so such letters are not kept. They are taken out and not
//! refused: they come with what is pasted, nobody finds them in a field, and a save that is refused for one loses words
//! that somebody typed. What is left reads in the order in which it is kept, on the writer's own screen at once. Names,
//! reasons and the words of a sheet are one line each; there they are refused as before.
//!
//! A joiner or a selector stays where it makes the letter that is seen: within an emoji, behind a Chinese letter of which
//! it chooses the form, and between letters of a script that is written joined. So do newlines, tabs, the wide blank of
//! Chinese, marks that combine, and the letters of private planes, which are seen.

use crate::domain::written::is_hidden;

/// Zero width joiner and its opposite.
const JOINERS: std::ops::RangeInclusive<char> = '\u{200c}'..='\u{200d}';
/// Ends the tags of a flag.
const TAGS_END: char = '\u{e007f}';
/// The flag that tags follow: those of England, Scotland and Wales.
const BLACK_FLAG: char = '\u{1f3f4}';
/// Letters and digits of such a flag, with their end.
const TAGS: std::ops::RangeInclusive<usize> = 4..=7;

/// A text as it is kept: without what hides or turns, each kind of line end a newline, each narrow, wide or fixed blank a
/// plain one.
pub fn prose(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')) {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    let mut last = '\0';
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        at += 1;
        let next = letters.get(at).copied().unwrap_or('\0');
        let Some(letter) = seen(last, letter, next) else { continue };
        kept.push(letter);
        last = letter;
        if letter == BLACK_FLAG {
            let tags = flag(&letters[at..]);
            kept.extend(tags);
            at += tags.len();
            last = tags.last().copied().unwrap_or(last);
        }
    }
    kept
}

/// What is kept of a letter between the one that was kept before it and the one that comes next.
fn seen(last: char, letter: char, next: char) -> Option<char> {
    match letter {
        '\n' | '\t' | ' ' | '\u{3000}' | '\u{fffd}' => Some(letter),
        '\r' => (next != '\n').then_some('\n'),
        '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\u{202f}' if is_mongolian(last) && is_mongolian(next) => Some(letter),
        '\u{2800}' => Some(' '),
        _ if letter.is_control() => None,
        _ if is_private(letter) => Some(letter),
        _ if is_hidden(letter) => makes_a_letter(last, letter, next).then_some(letter),
        _ if letter.is_whitespace() => Some(' '),
        _ => Some(letter),
    }
}

/// Whether a letter that is not seen itself makes the one that is.
fn makes_a_letter(last: char, letter: char, next: char) -> bool {
    match letter {
        _ if JOINERS.contains(&letter) && is_joined(last) => is_joined(next),
        '\u{200d}' => (is_picture(last) || last == '\u{fe0f}') && is_picture(next),
        '\u{fe0e}' | '\u{fe0f}' => is_picture(last) || (is_key(last) && next == '\u{20e3}'),
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => is_chinese(last),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => is_mongolian(last),
        '\u{180e}' => is_mongolian(last) && is_mongolian(next),
        _ => false,
    }
}

/// The tags of a flag that follow here, with their end; none where they are no flag.
fn flag(rest: &[char]) -> &[char] {
    let count = rest.iter().take_while(|letter| ('\u{e0020}'..=TAGS_END).contains(*letter)).count();
    let tags = &rest[..count];
    let Some((TAGS_END, name)) = tags.split_last().map(|(end, name)| (*end, name)) else { return &[] };
    let is_name = name.iter().all(|tag| matches!(tag, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}'));
    if is_name && TAGS.contains(&count) { tags } else { &[] }
}

/// A letter of nobody's plane, which is seen as whatever the font has for it: rare Chinese letters of older tables too.
const fn is_private(letter: char) -> bool {
    matches!(letter, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

/// What emoji are made of; some signs more, which nothing is lost by.
const fn is_picture(letter: char) -> bool {
    matches!(
        letter,
        '\u{a9}'
            | '\u{ae}'
            | '\u{203c}'
            | '\u{2049}'
            | '\u{2122}'
            | '\u{2139}'
            | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{2460}'..='\u{24ff}'
            | '\u{25a0}'..='\u{27bf}'
            | '\u{2900}'..='\u{297f}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{3030}'
            | '\u{303d}'
            | '\u{3297}'
            | '\u{3299}'
            | '\u{1f000}'..='\u{1faff}'
    )
}

const fn is_key(letter: char) -> bool {
    matches!(letter, '0'..='9' | '#' | '*')
}

const fn is_chinese(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

const fn is_mongolian(letter: char) -> bool {
    matches!(letter, '\u{1810}'..='\u{18af}')
}

/// Letters of scripts that are written joined: Arabic, those of India and of the south-east of Asia, Mongolian.
const fn is_joined(letter: char) -> bool {
    let is_of_them = matches!(
        letter,
        '\u{600}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1810}'..='\u{18af}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
    );
    is_of_them && !is_hidden(letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::written::folded;

    /// What is read as it was typed.
    const SEEN: [&str; 16] = [
        "发热2天，咳嗽。\n\t1) 多饮水\n　　2) 休息",
        "𠮷𬭚䲟𫔶：罕用字",
        "葛\u{e0100}根、辻\u{fe00}",
        "\u{e815}：旧码表里的字",
        "👩\u{200d}⚕️ 👨🏽\u{200d}👩🏽\u{200d}👧 ❤️\u{200d}🔥 🏳️\u{200d}🌈 🇨🇳 ☎\u{fe0e}",
        "1️⃣ #️⃣",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "e\u{301} a\u{308}\u{323} ḱ",
        "می\u{200c}خواهم",
        "क्\u{200d}ष",
        "ᠮᠣᠩᠭᠣᠯ\u{180e}ᠠ ᠤᠯᠤᠰ\u{202f}ᠤᠨ ᠠ\u{180b}",
        "שלום، مرحبا",
        "1/2 ½ ℃ ± ≥ → •",
        "",
        "plain <b>=1+1</b>",
        "�",
    ];

    #[test]
    fn what_is_seen_stays_as_it_was_typed() {
        for text in SEEN {
            assert_eq!(prose(text), text, "{text:?}");
        }
    }

    #[test]
    fn what_hides_or_turns_is_taken_out_and_blanks_and_line_ends_are_plain() {
        let table = [
            ("附\u{200b}子\u{feff}", "附子"),
            ("soft\u{ad}hyphen", "softhyphen"),
            ("\u{202e}gm 05\u{202c} \u{2067}a\u{2069}\u{200e}", "gm 05 a"),
            ("半\u{2060}夏\u{200d}附\u{200c}子", "半夏附子"),
            ("\u{3164}\u{ffa0}\u{115f}甲\u{1bca0}", "甲"),
            ("a\u{a0}b\u{2003}c\u{202f}d\u{2800}e", "a b c d e"),
            ("a\r\nb\rc\u{2028}d\u{85}e\u{b}f", "a\nb\nc\nd\ne\nf"),
            ("\u{0}\u{7}\u{1b}[2J\u{9b}", "[2J"),
            ("甲\u{fff9}乙\u{fffa}丙\u{fffb}", "甲乙丙"),
            // What is behind a letter that a selector does not choose the form of, or behind one more than once.
            ("甲\u{fe0f}a\u{fe0f}1\u{fe0f}", "甲a1"),
            ("葛\u{e0100}\u{e0101}\u{e0102}", "葛\u{e0100}"),
            ("❤️\u{fe0f}\u{fe0f}", "❤️"),
            // Words in tags are words that nobody sees.
            ("🏴\u{e0068}\u{e0069}", "🏴"),
            ("甲\u{e0068}\u{e0069}\u{e007f}", "甲"),
            ("🏴\u{e0067}\u{e0020}\u{e0065}\u{e006e}\u{e007f}", "🏴"),
            ("👩\u{200d}", "👩"),
            ("\u{200d}👩甲\u{200d}👩", "👩甲👩"),
        ];
        for (typed, kept) in table {
            assert_eq!(prose(typed), kept, "{typed:?}");
        }
    }

    /// Letters of every kind, those that are not seen more often than people type them.
    fn letters() -> impl Strategy<Value = String> {
        let some = [
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{202e}',
            '\u{2066}',
            '\u{ad}',
            '\u{feff}',
            '\u{fe0f}',
            '\u{e0100}',
            '\u{e0067}',
            '\u{e007f}',
            '\u{180e}',
            '\u{202f}',
            '\u{a0}',
            '\r',
            '\n',
            '👩',
            '❤',
            '🏴',
            '附',
            '子',
            'م',
            'क',
            'ᠠ',
            '1',
            '\u{20e3}',
            '\u{301}',
            '\u{3000}',
        ];
        let letter = prop_oneof![prop::sample::select(some.to_vec()), any::<char>()];
        prop::collection::vec(letter, 0..24).prop_map(|letters| letters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_text_is_kept_once_and_for_all_and_no_letter_of_it_that_is_seen_is_lost_or_moved(text in letters()) {
            let kept = prose(&text);
            prop_assert_eq!(&prose(&kept), &kept, "a second time changes nothing");
            let is_seen = |letter: &char| !(letter.is_whitespace() || letter.is_control() || *letter == '\u{2800}')
                && (!is_hidden(*letter) || is_private(*letter) || *letter == '\u{fffd}');
            let seen = |text: &str| text.chars().filter(is_seen).collect::<String>();
            prop_assert_eq!(seen(&kept), seen(&text));
            // Nothing turns, hides or ends a text, and a joiner or selector stands behind what it makes.
            for (place, letter) in kept.char_indices().filter(|(_, letter)| !is_seen(letter)) {
                let last = kept[..place].chars().next_back().unwrap_or('\0');
                let next = kept[place + letter.len_utf8()..].chars().next().unwrap_or('\0');
                let is_tag = ('\u{e0020}'..=TAGS_END).contains(&letter) && kept[..place].contains(BLACK_FLAG);
                prop_assert!(
                    matches!(letter, ' ' | '\n' | '\t' | '\u{3000}' | '\u{202f}') || makes_a_letter(last, letter, next) || is_tag,
                    "{:?} behind {:?}", letter, last
                );
            }
            prop_assert!(!kept.contains(['\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{200b}', '\0']));
        }

        #[test]
        fn the_gate_reads_of_what_is_kept_what_it_read_of_what_was_typed(words in "[附子半夏 a-z0-9\u{200b}\u{200d}\u{202e}\u{ad}\u{feff}\u{a0}\u{3000}]{0,20}") {
            prop_assert_eq!(folded(&prose(&words)), folded(&words));
        }
    }
}
