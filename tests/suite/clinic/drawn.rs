//! Papers as somebody sees them who prints them: drawn by a program that is not ours, and looked at pixel by pixel.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::opinions;
use super::prescriptions::{answers, approval, begin, claim, herbal, line, pharmacy, returning, sign as sign_rx, tick};
use super::proofs::sign;
use super::stage::{Stage, Visit};
use crate::programs;

/// A paper: its status and its bytes.
async fn paper(stage: &Stage, path: &str, token: &str) -> (u16, Vec<u8>) {
    let url = format!("http://{}/api/v1{path}", stage.server.http_addr);
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

/// A page: its width and height in pixels, and its grey.
struct Page {
    width: usize,
    height: usize,
    grey: Vec<u8>,
}

impl Page {
    /// Reads a picture as `pdftoppm -gray` writes it: `P5`, width, height, the brightest grey, and a byte for each pixel.
    fn read(bytes: &[u8]) -> Self {
        let mut fields = bytes.splitn(4, u8::is_ascii_whitespace);
        let mut field = || fields.next().unwrap();
        assert_eq!(field(), b"P5");
        let number = |text: &[u8]| std::str::from_utf8(text).unwrap().parse::<usize>().unwrap();
        let (width, height) = (number(field()), number(field()));
        let grey = field().strip_prefix(b"255\n").unwrap().to_vec();
        assert_eq!(grey.len(), width * height);
        Self { width, height, grey }
    }

    fn is_ink(&self, x: usize, y: usize) -> bool {
        self.grey[y * self.width + x] < 128
    }

    /// The places with ink.
    fn ink(&self) -> Vec<(usize, usize)> {
        (0..self.height)
            .flat_map(|y| (0..self.width).map(move |x| (x, y)))
            .filter(|(x, y)| self.is_ink(*x, *y))
            .collect()
    }
}

/// The pages of a paper, a pixel for each point.
fn drawn(program: &Path, pdf: &[u8]) -> Vec<Page> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paper.pdf");
    std::fs::write(&file, pdf).unwrap();
    let mut command = Command::new(program);
    command.args(["-r", "72", "-gray"]).arg(&file).arg(folder.path().join("page"));
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut pages: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|ending| ending == "pgm"));
    pages.sort();
    pages.iter().map(|path| Page::read(&std::fs::read(path).unwrap())).collect()
}

/// A sheet of two herbs, one of which is decocted apart, signed by its doctor.
async fn prescribed(stage: &Stage, visit: &Visit) -> Value {
    tick(stage, visit, returning()).await.ok();
    let mut late = line("薄荷", 6000);
    late["method"] = json!("late");
    begin(stage, visit, herbal(&[line("茯苓", 15_000), late])).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_paper_drawn_by_another_program_has_its_size_its_ink_and_empty_margins() {
    let what = "the looks of a paper";
    let Some(program) = programs::find("PDFTOPPM", &["pdftoppm"]) else {
        return programs::skip(what, "there is no pdftoppm");
    };
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let outcome = json!({ "outcome": "go_to_hospital", "reason": "需面诊" });
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    let rx = prescribed(&stage, &visit).await;
    let rx = sign_rx(&stage, &visit, &rx, answers(&rx)).await.ok();
    let colleague = stage.staff("doctor2").await;
    let opinion = opinions::ask(&stage, &visit, &colleague).await;
    opinions::answer(&stage, &opinion, &colleague).await;
    let papers = [
        format!("/opinions/{opinion}/document"),
        format!("/visits/{}/documents/record", visit.id),
        format!("/visits/{}/documents/referral", visit.id),
        format!("/prescriptions/{}/document", rx["id"].as_str().unwrap()),
    ];
    for path in papers {
        for (size, width, height) in [("a4", 595, 842), ("a5", 420, 595)] {
            let (status, pdf) = paper(&stage, &format!("{path}?paper={size}"), &visit.doctor).await;
            if status == 503 {
                return programs::skip(what, "there is no font with Chinese letters");
            }
            assert_eq!(status, 200, "{path}");
            let pages = drawn(&program, &pdf);
            assert_eq!(pages.len(), 1, "{path} on {size}");
            let page = &pages[0];
            let off = (page.width.abs_diff(width), page.height.abs_diff(height));
            assert!(off.0 <= 1 && off.1 <= 1, "{path} on {size}: {} × {}", page.width, page.height);
            let ink = page.ink();
            let permille = ink.len() * 1000 / (page.width * page.height);
            assert!((3..200).contains(&permille), "{path} on {size}: {permille} ‰ are ink");
            // A printer reaches no edge: nothing is cut off there.
            let edge = 14;
            let is_inside = |(x, y): &(usize, usize)| {
                (edge..page.width - edge).contains(x) && (edge..page.height - edge).contains(y)
            };
            assert!(ink.iter().all(is_inside), "{path} on {size}: ink at the edge");
            // The head of the paper stands above, and somebody signed below.
            for part in [0..page.height / 4, page.height / 4..page.height] {
                assert!(ink.iter().filter(|(_, y)| part.contains(y)).count() > 100, "{path} on {size}: {part:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_paper_of_a_prescription_is_printed_before_it_is_signed_and_none_for_the_patient_before_it_is_approved() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = prescribed(&stage, &visit).await;
    let path = format!("/prescriptions/{}/document?paper=a5", rx["id"].as_str().unwrap());
    let refused = stage.get(&path, &visit.doctor).await;
    if refused.refusal() == (503, "document.no_font") {
        return programs::skip("that no paper comes too early", "there is no font with Chinese letters");
    }
    let pharmacist = stage.staff("pharmacist").await;
    let status = async |token: &str| paper(&stage, &path, token).await.0;
    for token in [&visit.doctor, &pharmacist, &visit.patient] {
        assert_eq!(stage.get(&path, token).await.refusal(), (409, "document.unsigned"), "a draft");
    }
    let rx = sign_rx(&stage, &visit, &rx, answers(&rx)).await.ok();
    assert_eq!((status(&visit.doctor).await, status(&pharmacist).await), (200, 200), "what is judged can be read");
    assert_eq!(stage.get(&path, &visit.patient).await.refusal(), (409, "document.unsigned"), "nobody judged it yet");
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    assert_eq!(status(&visit.patient).await, 200);
}

/// A word on a paper and where it stands, in points from the upper left corner.
#[derive(Debug)]
struct Word {
    text: String,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// Every word of a paper with its place, as a program that is not ours reads it; nothing where there is none.
fn words(pdf: &[u8]) -> Option<Vec<Word>> {
    let program = programs::find("PDFTOTEXT", &["pdftotext"])?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paper.pdf");
    std::fs::write(&file, pdf).unwrap();
    let output = Command::new(program).arg("-bbox").arg(&file).arg("-").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let word = |line: &str| {
        let (places, text) = line.trim().strip_prefix("<word ")?.strip_suffix("</word>")?.split_once('>')?;
        let mut at = places.split('"').skip(1).step_by(2).map(|number| number.parse().unwrap());
        let mut next = || at.next().unwrap();
        Some(Word { text: text.to_owned(), left: next(), top: next(), right: next(), bottom: next() })
    };
    Some(text.lines().filter_map(word).collect())
}

#[track_caller]
fn found<'paper>(words: &'paper [Word], part: &str) -> &'paper Word {
    words.iter().find(|word| word.text.contains(part)).unwrap_or_else(|| panic!("{part} is not in {words:?}"))
}

/// What a paper says, without the ends of its lines.
fn said(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect()
}

/// The words of papers of a visit, on both sizes; nothing where this machine cannot make or read them.
async fn read(stage: &Stage, path: &str, token: &str) -> Option<Vec<Vec<Word>>> {
    let what = "what stands where on a paper";
    let mut all = Vec::new();
    for size in ["a4", "a5"] {
        let (status, pdf) = paper(stage, &format!("{path}?paper={size}"), token).await;
        if status == 503 {
            programs::skip(what, "there is no font with Chinese letters");
            return None;
        }
        assert_eq!(status, 200, "{path}");
        let Some(words) = words(&pdf) else {
            programs::skip(what, "there is no pdftotext");
            return None;
        };
        all.push(words);
    }
    Some(all)
}

/// Signs a record with a disease, a pattern and a western diagnosis.
async fn diagnosed(stage: &Stage, visit: &Visit) {
    let diagnoses = json!([
        { "kind": "western", "code": "J11.1" },
        { "kind": "disease", "code": "A01.01.01.02" },
        { "kind": "pattern", "code": "B02.02.05.05" }
    ]);
    let content = json!({ "complaint": "发热2天", "advice": "多饮水", "diagnoses": diagnoses });
    let body = json!({ "version": 0, "content": content });
    let path = format!("/visits/{}/note", visit.id);
    stage.send(reqwest::Method::PUT, &path, &visit.doctor, Some(body), None).await.ok();
    stage.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, json!({ "version": 1 })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_diagnosis_stands_above_the_herbs_and_a_special_decoction_in_brackets_at_the_upper_right_of_its_own() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    diagnosed(&stage, &visit).await;
    let rx = prescribed(&stage, &visit).await;
    let request = json!({ "version": rx["version"], "valid_days": 2, "valid_reason": "山区取药不便" });
    let sign = format!("/prescriptions/{}/sign", rx["id"].as_str().unwrap());
    stage.post(&sign, &visit.doctor, request).await.ok();
    let path = format!("/prescriptions/{}/document", rx["id"].as_str().unwrap());
    let Some(papers) = read(&stage, &path, &visit.doctor).await else { return };
    for words in &papers {
        let whole = said(words);
        for part in ["中医诊断：", "A01.01.01.02", "证候：风热犯肺证", "B02.02.05.05", "西医诊断：", "J11.1"]
        {
            assert!(whole.contains(part), "{part} is not in {whole}");
        }
        assert!(whole.contains("2023-11-15至2023-11-16") && whole.contains("2天，山区取药不便"), "{whole}");
        // Front, body, back: from above.
        let order =
            ["处方号", "临床诊断", "R.", "药名", "茯苓", "薄荷", "用法", "医师："].map(|part| found(words, part));
        assert!(order.windows(2).all(|pair| pair[0].top < pair[1].top), "{order:?}");
        let (herb, mark) = (found(words, "薄荷"), found(words, "（后下）"));
        let grams = words.iter().find(|word| word.text == "6").unwrap();
        assert!(mark.left >= herb.right - 0.5 && mark.left < herb.right + 6.0, "right of its herb: {mark:?} {herb:?}");
        assert!(mark.top < herb.top && mark.bottom < herb.bottom, "above its line: {mark:?} {herb:?}");
        assert!(mark.bottom > herb.top, "and at it: {mark:?} {herb:?}");
        assert!(mark.bottom - mark.top < (herb.bottom - herb.top) * 0.8, "smaller: {mark:?} {herb:?}");
        let other = found(words, "茯苓");
        assert!(mark.top > other.bottom, "at no other herb: {mark:?} {other:?}");
        assert!(grams.left > other.right, "the weight is a column of its own: {grams:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_in_the_record_after_the_signature_is_not_on_the_prescription() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let rx = prescribed(&stage, &visit).await;
    let rx = sign_rx(&stage, &visit, &rx, answers(&rx)).await.ok();
    sign(&stage, &visit, 1, "肺炎", Some("更正诊断")).await;
    let path = format!("/prescriptions/{}/document", rx["id"].as_str().unwrap());
    let Some(papers) = read(&stage, &path, &visit.doctor).await else { return };
    for words in &papers {
        let whole = said(words);
        assert!(whole.contains("临床诊断：感冒") && !whole.contains("肺炎"), "{whole}");
        assert!(whole.contains("2023-11-15，当日有效"), "{whole}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_epidemics_basis_is_on_record_and_prescription_with_its_name_and_day_where_it_was_the_basis() {
    for (kind, is_said) in [(json!({ "kind": "epidemic" }), true), (returning(), false)] {
        let stage = Stage::open().await;
        let visit = stage.visit_of(1, json!({})).await;
        sign(&stage, &visit, 0, "感冒", None).await;
        tick(&stage, &visit, kind).await.ok();
        let rx = begin(&stage, &visit, herbal(&[line("茯苓", 15_000)])).await.ok();
        let rx = sign_rx(&stage, &visit, &rx, answers(&rx)).await.ok();
        let record = format!("/visits/{}/documents/record", visit.id);
        for path in [record, format!("/prescriptions/{}/document", rx["id"].as_str().unwrap())] {
            let Some(papers) = read(&stage, &path, &visit.doctor).await else { return };
            for words in &papers {
                let whole = said(words);
                for part in ["联防联控机制医疗发〔2022〕240号", "2022-12-11起", "可为新冠相关症状在线开具处方"]
                {
                    assert_eq!(whole.contains(part), is_said, "{part}: {path}: {whole}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_referral_slip_says_why() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let outcome = json!({ "outcome": "go_to_hospital", "reason": "需胸部影像检查" });
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    let path = format!("/visits/{}/documents/referral", visit.id);
    let Some(papers) = read(&stage, &path, &visit.patient).await else { return };
    for words in &papers {
        assert!(said(words).contains("转诊原因：需胸部影像检查"), "{}", said(words));
        let order = ["转往", "转诊原因", "病情摘要"].map(|part| found(words, part));
        assert!(order.windows(2).all(|pair| pair[0].top < pair[1].top), "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_names_whom_to_a_pharmacist_only_once_it_is_approved_and_the_age_of_the_day_of_the_visit_for_good() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let rx = prescribed(&stage, &visit).await;
    let rx = sign_rx(&stage, &visit, &rx, answers(&rx)).await.ok();
    let pharmacist = stage.staff("pharmacist").await;
    let path = format!("/prescriptions/{}/document", rx["id"].as_str().unwrap());
    for (token, is_named) in [(&visit.doctor, true), (&pharmacist, false)] {
        let Some(papers) = read(&stage, &path, token).await else { return };
        for words in &papers {
            let whole = said(words);
            assert_eq!((whole.contains("测试患者"), whole.contains("测***")), (is_named, !is_named), "{whole}");
            assert!(whole.contains("33岁"), "what is judged needs the age: {whole}");
        }
    }
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    let Some(papers) = read(&stage, &path, &pharmacist).await else { return };
    assert!(papers.iter().all(|words| said(words).contains("测试患者")), "whoever hands it out compares the name");
    stage.clock.advance(std::time::Duration::from_hours(24 * 366 * 2));
    let doctor = stage.staff("doctor").await;
    let record = format!("/visits/{}/documents/record", visit.id);
    let Some(papers) = read(&stage, &record, &doctor).await else { return };
    assert!(papers.iter().all(|words| said(words).contains("33岁")), "two years later");
}
