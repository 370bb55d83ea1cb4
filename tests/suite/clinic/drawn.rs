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
    let outcome = json!({ "outcome": "go_to_hospital" });
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
