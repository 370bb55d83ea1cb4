//! Marks on pages as a PDF file; the letters that are used are embedded, and stay text that can be searched and read out.

use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};

use super::font::Letters;
use super::layout::{Mark, set};
use super::sheet::{Paper, Sheet, size as size_of};

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document could not be written")]
pub struct Unwritten;

/// The file of a sheet.
pub fn write(sheet: &Sheet, letters: &Letters, paper: Paper) -> Result<Vec<u8>, Unwritten> {
    write_as(sheet, letters, paper, SerializeSettings::default())
}

fn write_as(sheet: &Sheet, letters: &Letters, paper: Paper, how: SerializeSettings) -> Result<Vec<u8>, Unwritten> {
    let (data, face) = letters.file();
    let font = Font::new(data.into(), face).ok_or(Unwritten)?;
    let (width, height) = size_of(paper);
    let settings = PageSettings::from_wh(width, height).ok_or(Unwritten)?;
    let mut document = Document::new_with(how);
    let title = format!("{} {}", sheet.institution, sheet.title);
    document.set_metadata(Metadata::new().title(title).language("zh-CN".to_owned()).creator("Yunzhen".to_owned()));
    for marks in set(sheet, letters, paper) {
        let mut page = document.start_page_with(settings.clone());
        let mut surface = page.surface();
        for mark in marks {
            match mark {
                Mark::Text { x, y, size, text } => {
                    surface.draw_text(
                        Point::from_xy(x, y),
                        font.clone(),
                        size,
                        &text,
                        false,
                        TextDirection::LeftToRight,
                    );
                }
                Mark::Bar { x, y, width, height } => {
                    let mut path = PathBuilder::new();
                    path.push_rect(Rect::from_xywh(x, y, width, height).ok_or(Unwritten)?);
                    surface.draw_path(&path.finish().ok_or(Unwritten)?);
                }
            }
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|_| Unwritten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::opinion::{Answer, Question};
    use crate::domain::text::Text;
    use crate::services::documents::opinion_sheet;
    use crate::services::documents::sheet::{Cell, Part};

    fn letters() -> Option<Letters> {
        let letters = Letters::find(None);
        if letters.is_none() {
            eprintln!("SKIPPED: this machine has no font with Chinese letters");
        }
        letters
    }

    fn sheet(lines: usize) -> Sheet {
        Sheet {
            institution: "演示医院".into(),
            title: "门诊病历".into(),
            head: vec![("姓名".into(), "演示患者甲".into())],
            parts: vec![Part::Field("主诉".into(), "发热咳嗽，乏力。".repeat(lines))],
            signed: vec![("医师签名".into(), "演示医师".into())],
            notes: vec!["扫码可核验真伪".into()],
            link: Some("https://clinic.example/verify/abc".into()),
        }
    }

    #[test]
    fn a_document_of_two_pages_repeats_its_head() {
        let Some(letters) = letters() else { return };
        for (paper, lines) in [(Paper::A4, 300), (Paper::A5, 200)] {
            let pages = set(&sheet(lines), &letters, paper);
            assert!(pages.len() > 1);
            let (width, height) = size_of(paper);
            for (page, number) in pages.iter().zip(1..) {
                let texts: Vec<&str> = page
                    .iter()
                    .filter_map(|mark| match mark {
                        Mark::Text { text, .. } => Some(text.as_str()),
                        Mark::Bar { .. } => None,
                    })
                    .collect();
                assert!(texts.contains(&"演示医院") && texts.contains(&"姓名：演示患者甲"));
                assert!(texts.contains(&format!("{number} / {}", pages.len()).as_str()));
                for mark in page {
                    let (x, y, right) = match mark {
                        Mark::Text { x, y, size, text } => (*x, *y, x + letters.width(text, *size)),
                        Mark::Bar { x, y, width, .. } => (*x, *y, x + width),
                    };
                    assert!(x > 0.0 && right < width && y > 0.0 && y < height, "{mark:?} is beside the paper");
                }
            }
            let last = pages.last().unwrap();
            assert!(last.iter().any(|mark| matches!(mark, Mark::Text { text, .. } if text.contains("医师签名"))));
        }
    }

    fn texts(page: &[Mark]) -> Vec<&str> {
        let words = page.iter().filter_map(|mark| match mark {
            Mark::Text { text, .. } => Some(text.as_str()),
            Mark::Bar { .. } => None,
        });
        words.collect()
    }

    /// A formula of so many herbs, with their remarks.
    fn formula(herbs: usize) -> Sheet {
        let row = |n: usize| {
            let [name, grams] = [format!("演示药材{n}"), format!("{n} g")];
            let cells = [name, grams, "先煎".to_owned(), "先煎30分钟，取清汁代水，再与其余药同煎".to_owned()];
            cells.map(Cell::from).to_vec()
        };
        let columns = [("药名", 4), ("每剂用量", 2), ("煎法", 2), ("备注", 4)];
        let columns = columns.map(|(name, share)| (name.to_owned(), share)).to_vec();
        let table = Part::Table { columns, rows: (1..=herbs).map(row).collect() };
        let parts = vec![Part::Heading("R.".to_owned()), table, Part::Field("用法".into(), "共 7 剂".into())];
        Sheet { title: "中药处方笺".to_owned(), parts, ..sheet(0) }
    }

    #[test]
    fn a_long_formula_names_its_columns_on_each_page_and_loses_no_herb() {
        let Some(letters) = letters() else { return };
        for paper in [Paper::A4, Paper::A5] {
            let pages = set(&formula(25), &letters, paper);
            assert!(pages.len() > 1, "{paper:?}");
            let mut herbs = 0;
            for (page, number) in pages.iter().zip(1..) {
                let said = texts(page);
                let here = said.iter().filter(|words| words.starts_with("演示药材")).count();
                let heads = said.iter().filter(|words| **words == "药名").count();
                assert_eq!(heads, usize::from(here > 0), "a head where there are rows, and once: {paper:?} {number}");
                assert!(said.contains(&format!("{number} / {}", pages.len()).as_str()));
                herbs += here;
            }
            assert_eq!(herbs, 25, "{paper:?}");
        }
    }

    #[test]
    fn the_papers_are_as_large_as_their_names_say() {
        let Some(letters) = letters() else { return };
        // Millimetres; a point is 1/72 inch.
        for (paper, width, height) in [(Paper::A4, 210.0, 297.0), (Paper::A5, 148.0, 210.0)] {
            let (points, down) = size_of(paper);
            let mm = |points: f32| points * 25.4 / 72.0;
            assert!((mm(points) - width).abs() < 0.1 && (mm(down) - height).abs() < 0.1, "{paper:?}");
            let how = SerializeSettings { compress_content_streams: false, ..SerializeSettings::default() };
            let file = write_as(&formula(25), &letters, paper, how).unwrap();
            let text = String::from_utf8_lossy(&file);
            let boxes: Vec<&str> = text.lines().filter(|line| line.contains("/MediaBox")).collect();
            assert!(boxes.len() > 1, "{paper:?}");
            for line in boxes {
                assert!(line.contains(&format!("{points}")) && line.contains(&format!("{down}")), "{line}");
            }
        }
    }

    #[test]
    fn an_opinion_stands_in_the_frame_of_the_others_and_is_not_made_of_nothing() {
        let Some(letters) = letters() else { return };
        let asked = Question { question: "请指导治疗".to_owned(), ..Question::default() };
        let told = |answer: &Answer| {
            opinion_sheet::parts(&Text::new("演示医师甲", "Doctor A"), "2026-11-29 10:05", &asked, answer)
        };
        assert_eq!(told(&Answer::default()), None);
        let said = Answer { opinion: "证属风热犯肺，治以辛凉解表。".repeat(120), ..Answer::default() };
        let paper = Sheet { title: "会诊意见".to_owned(), parts: told(&said).unwrap(), ..sheet(0) };
        for size in [Paper::A4, Paper::A5] {
            let pages = set(&paper, &letters, size);
            assert!(pages.len() > 1);
            for page in &pages {
                let words = texts(page);
                assert!(
                    words.contains(&"会诊意见") && words.contains(&"演示医院") && words.contains(&"姓名：演示患者甲")
                );
            }
            assert!(texts(&pages[0]).iter().any(|words| words.starts_with("会诊目的：请指导治疗")));
            let whole: String = pages.iter().flat_map(|page| texts(page)).collect();
            assert!(whole.contains("诊断和治疗由邀请医师决定并负责"), "who decides stands on the paper");
        }
    }

    #[test]
    fn a_pdf_holds_its_chinese_letters_as_text() {
        let Some(letters) = letters() else { return };
        let how = SerializeSettings { compress_content_streams: false, ..SerializeSettings::default() };
        let file = write_as(&sheet(1), &letters, Paper::A5, how).unwrap();
        assert!(file.starts_with(b"%PDF-"));
        let text = String::from_utf8_lossy(&file).to_uppercase();
        // The table from glyphs to letters, by which a reader searches and reads out.
        for letter in "演示医院发热咳嗽".chars() {
            assert!(text.contains(&format!("<{:04X}>", u32::from(letter))), "{letter}");
        }
        let small = write(&sheet(1), &letters, Paper::A5).unwrap();
        assert!(small.len() < 200_000, "only the letters that are used: {} bytes", small.len());
    }

    #[test]
    fn a_letter_that_no_font_has_is_shown_as_missing() {
        let Some(letters) = letters() else { return };
        let mut odd = sheet(1);
        odd.title = "病历\u{10FFFD}".into();
        let pages = set(&odd, &letters, Paper::A4);
        assert!(pages[0].iter().any(|mark| matches!(mark, Mark::Text { text, .. } if text == "病历□")));
    }
}
