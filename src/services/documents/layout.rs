//! Where everything of a document stands: lines, rows, pages.
//!
//! Pure: the same sheet and letters give the same marks. No page is without its head and its number.

use std::rc::Rc;

use super::font::Letters;
use super::qr::squares;
use super::sheet::{Cell, Paper, Part, Sheet, size as size_of};

/// Something on a page; places are in points from the upper left corner.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Letters on a base line.
    Text {
        /// Where they begin.
        x: f32,
        /// The base line.
        y: f32,
        /// How large.
        size: f32,
        /// Letter by letter.
        text: String,
    },
    /// A filled rectangle: a line, or a square of the code.
    Bar {
        /// Left.
        x: f32,
        /// Top.
        y: f32,
        /// Width.
        width: f32,
        /// Height.
        height: f32,
    },
}

/// A page.
pub type Page = Vec<Mark>;

/// What stays together on a page.
#[derive(Clone, Default)]
struct Block {
    height: f32,
    marks: Vec<Mark>,
    /// A heading does not end a page.
    leads: bool,
    /// What comes first where this begins a page: the head of the table that goes on.
    under: Option<Rc<Block>>,
}

/// How large raised words are beside those that they stand at.
const RAISED: f32 = 0.72;

struct Setter<'a> {
    letters: &'a Letters,
    left: f32,
    width: f32,
    size: f32,
}

/// Sets a sheet on paper.
pub fn set(sheet: &Sheet, letters: &Letters, paper: Paper) -> Vec<Page> {
    let (width, height) = size_of(paper);
    let (margin, size) = match paper {
        Paper::A4 => (48.0, 10.5),
        Paper::A5 => (32.0, 9.0),
    };
    let setter = Setter { letters, left: margin, width: width - 2.0 * margin, size };
    let head = setter.head(sheet);
    let (top, bottom) = (margin + head.height, height - margin - 1.6 * size);
    let mut blocks: Vec<Block> = sheet.parts.iter().flat_map(|part| setter.part(part)).collect();
    blocks.push(setter.end(sheet));

    let mut pages: Vec<Page> = Vec::new();
    let mut y = f32::INFINITY;
    let mut blocks = blocks.into_iter().peekable();
    while let Some(block) = blocks.next() {
        let with = if block.leads { blocks.peek().map_or(0.0, |next| next.height) } else { 0.0 };
        // Even what is higher than a page begins on one.
        if pages.is_empty() || (y + block.height + with > bottom && y > top) {
            pages.push(head.marks.iter().map(|mark| mark.lowered(margin)).collect());
            y = top;
            if let (Some(under), Some(page)) = (&block.under, pages.last_mut()) {
                page.extend(under.marks.iter().map(|mark| mark.lowered(y)));
                y += under.height;
            }
        }
        let page = pages.last_mut().expect("one was just begun");
        page.extend(block.marks.iter().map(|mark| mark.lowered(y)));
        y += block.height;
    }
    let count = pages.len();
    for (page, number) in pages.iter_mut().zip(1..) {
        let words = format!("{number} / {count}");
        page.push(setter.centred(&words, size * 0.85, height - margin));
    }
    pages
}

impl Mark {
    fn lowered(&self, by: f32) -> Self {
        let mut mark = self.clone();
        match &mut mark {
            Self::Text { y, .. } | Self::Bar { y, .. } => *y += by,
        }
        mark
    }
}

impl Setter<'_> {
    fn text(&self, x: f32, y: f32, size: f32, text: &str) -> Mark {
        // A letter that the font has not is shown as such, and never left out without a word.
        let shown = |letter| if self.letters.has(letter) { letter } else { '□' };
        Mark::Text { x: self.left + x, y, size, text: text.chars().map(shown).collect() }
    }

    fn centred(&self, text: &str, size: f32, y: f32) -> Mark {
        self.text((self.width - self.letters.width(text, size)) / 2.0, y, size, text)
    }

    fn bar(&self, x: f32, y: f32, width: f32, height: f32) -> Mark {
        Mark::Bar { x: self.left + x, y, width, height }
    }

    /// The leading of a size.
    fn step(&self) -> f32 {
        self.size * 1.55
    }

    fn head(&self, sheet: &Sheet) -> Block {
        let mut marks = vec![
            self.centred(&sheet.institution, self.size * 1.15, self.size * 1.2),
            self.centred(&sheet.title, self.size * 1.7, self.size * 3.3),
        ];
        let mut y = self.size * 4.2;
        let column = self.width / 2.0;
        for pair in sheet.head.chunks(2) {
            let mut rows = 1;
            for ((name, value), n) in pair.iter().zip([0.0, 1.0_f32]) {
                let lines = self.lines(&format!("{name}：{value}"), column - self.size, self.size);
                rows = rows.max(lines.len());
                for (line, row) in lines.iter().zip(1_u8..) {
                    marks.push(self.text(
                        n * column,
                        y + f32::from(row) * self.step() - self.size * 0.3,
                        self.size,
                        line,
                    ));
                }
            }
            y += self.step() * f32::from(u8::try_from(rows).unwrap_or(u8::MAX));
        }
        y += self.size * 0.5;
        marks.push(self.bar(0.0, y, self.width, 0.8));
        Block { height: y + self.size * 0.9, marks, ..Block::default() }
    }

    fn part(&self, part: &Part) -> Vec<Block> {
        match part {
            Part::Heading(words) => {
                let mark = self.text(0.0, self.step() * 1.05, self.size * 1.15, words);
                vec![Block { height: self.step() * 1.4, marks: vec![mark], leads: true, under: None }]
            }
            Part::Field(name, words) => self.field(name, words),
            Part::Table { columns, rows } => self.table(columns, rows),
        }
    }

    /// Each line is a block: a long paragraph goes on over pages.
    fn field(&self, name: &str, words: &str) -> Vec<Block> {
        let text = if name.is_empty() { words.to_owned() } else { format!("{name}：{words}") };
        let lines = text.split('\n').flat_map(|paragraph| self.lines(paragraph, self.width, self.size));
        let block = |line: String| Block {
            height: self.step(),
            marks: vec![self.text(0.0, self.size * 1.2, self.size, &line)],
            ..Block::default()
        };
        lines.map(block).collect()
    }

    /// Each row is a block; on every page that it goes on to the columns are named again.
    fn table(&self, columns: &[(String, u8)], rows: &[Vec<Cell>]) -> Vec<Block> {
        let shares: f32 = columns.iter().map(|(_, share)| f32::from(*share)).sum();
        let widths: Vec<f32> = columns.iter().map(|(_, share)| self.width * f32::from(*share) / shares).collect();
        let pad = self.size * 0.4;
        let row = |cells: &[Cell], leads: bool| {
            let mut block = Block { leads, ..Block::default() };
            let mut x = 0.0;
            let mut most = 1_u8;
            for (cell, width) in cells.iter().zip(&widths) {
                // What is raised stands behind the last letter, and never alone on a line.
                let small = self.size * RAISED;
                let room = width - 2.0 * pad - self.letters.width(&cell.raised, small);
                let lines = self.lines(&cell.text, room, self.size);
                for (line, at) in lines.iter().zip(1_u8..) {
                    let y = f32::from(at) * self.step() - self.size * 0.35;
                    block.marks.push(self.text(x + pad, y, self.size, line));
                    most = most.max(at);
                    if usize::from(at) == lines.len() && !cell.raised.is_empty() {
                        let behind = x + pad + self.letters.width(line, self.size);
                        block.marks.push(self.text(behind, y - self.size * 0.4, small, &cell.raised));
                    }
                }
                x += width;
            }
            block.height = f32::from(most) * self.step() + self.size * 0.25;
            block.marks.push(self.bar(0.0, block.height - self.size * 0.1, self.width, if leads { 0.8 } else { 0.3 }));
            block
        };
        let names: Vec<Cell> = columns.iter().map(|(name, _)| name.clone().into()).collect();
        let head = Rc::new(row(&names, true));
        let under = |cells: &Vec<Cell>| Block { under: Some(Rc::clone(&head)), ..row(cells, false) };
        std::iter::once((*head).clone()).chain(rows.iter().map(under)).collect()
    }

    /// Who signed, beside the code; on one page.
    fn end(&self, sheet: &Sheet) -> Block {
        let code = sheet.link.as_deref().and_then(squares);
        let side = if code.is_some() { self.size * 8.0 } else { 0.0 };
        let beside = self.width - side - self.size;
        let mut marks = vec![self.bar(0.0, self.size, self.width, 0.8)];
        let mut y = self.size * 1.4;
        let signed = sheet.signed.iter().map(|(name, value)| (format!("{name}：{value}"), self.size));
        let notes = sheet.notes.iter().map(|note| (note.clone(), self.size * 0.85));
        for (words, size) in signed.chain(notes) {
            for line in self.lines(&words, beside, size) {
                y += size * 1.55;
                marks.push(self.text(0.0, y - size * 0.3, size, &line));
            }
        }
        if let Some(code) = &code {
            let count = code.iter().map(|_| 1.0_f32).sum::<f32>();
            let unit = side / count;
            for (row, top) in code.iter().zip((0_u16..).map(f32::from)) {
                for (_, at) in row.iter().zip((0_u16..).map(f32::from)).filter(|(dark, _)| **dark) {
                    let (x, y) = (self.width - side + at * unit, self.size * 1.8 + top * unit);
                    // Squares that touch leave no hair between them.
                    marks.push(self.bar(x, y, unit + 0.05, unit + 0.05));
                }
            }
        }
        Block { height: y.max(side + self.size * 1.8) + self.size * 0.5, marks, ..Block::default() }
    }

    /// Breaks a paragraph into lines. Between Chinese letters a line may end anywhere, but none begins with a mark that
    /// closes and none ends with one that opens; a word of Latin letters or digits is whole unless it is a line long.
    fn lines(&self, text: &str, width: f32, size: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut used = 0.0;
        for piece in pieces(text) {
            let wide = self.letters.width(&piece, size);
            if used + wide > width && used > 0.0 {
                lines.push(String::new());
                used = 0.0;
            }
            if wide > width {
                for letter in piece.chars() {
                    let one = self.letters.width(&letter.to_string(), size);
                    if used + one > width && used > 0.0 {
                        lines.push(String::new());
                        used = 0.0;
                    }
                    lines.last_mut().expect("there is one").push(letter);
                    used += one;
                }
                continue;
            }
            let line = lines.last_mut().expect("there is one");
            // A line does not begin with a space.
            if line.is_empty() && piece.trim().is_empty() {
                continue;
            }
            line.push_str(&piece);
            used += wide;
        }
        lines
    }
}

const CLOSES: &str = "，。、；：？！）》」』】〕”’…,.;:?!)]}%°";
const OPENS: &str = "（《「『【〔“‘([{";

/// What a line does not part.
fn pieces(text: &str) -> Vec<String> {
    let is_word = |letter: char| !letter.is_whitespace() && u32::from(letter) < 0x2e80 && !CLOSES.contains(letter);
    let mut pieces: Vec<String> = Vec::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        let last = pieces.last().and_then(|piece| piece.chars().last());
        let joins = last.is_some_and(|last| {
            OPENS.contains(last)
                || (CLOSES.contains(letter) && !last.is_whitespace())
                || (is_word(last) && is_word(letter))
                || last == '°'
                // A decimal point or a colon in a number.
                || (letter.is_ascii_digit() && ".:,".contains(last))
        });
        match pieces.last_mut() {
            Some(piece) if joins => piece.push(letter),
            _ => pieces.push(letter.to_string()),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_neither_begins_with_a_comma_nor_ends_with_a_bracket() {
        assert_eq!(pieces("发热，咳嗽（2天）38.5°C。"), ["发", "热，", "咳", "嗽", "（2", "天）", "38.5°C。"]);
        assert_eq!(pieces("Na 140 mmol/L"), ["Na", " ", "140", " ", "mmol/L"]);
    }
}
