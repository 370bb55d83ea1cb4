//! The language of conditions in a rule set: what a clinician reads is what the machine runs.
//!
//! ```text
//! condition := clause { "or" clause }          "and" binds tighter than "or"
//! clause    := term { "and" term }
//! term      := "not" term | "(" condition ")" | "always" | name test
//! test      := nothing                         a yes-or-no variable is known to be true
//!            | "unknown"                       nothing is known of the variable
//!            | ( "<" | "<=" | ">" | ">=" | "=" | "!=" ) number
//!            | ( "=" | "!=" ) word
//!            | "in" "(" word { "," word } ")"
//! ```
//! Names and words are checked against their declaration when the text is read, so that running a condition cannot fail.

use super::facts::Value;
use super::variables::Kind;

/// A name that a condition may use: its place among the values, and its type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub slot: usize,
    pub kind: Kind,
}

/// A condition over the values of one patient.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Flag(usize),
    Unknown(usize),
    Compare(usize, Op, f64),
    OneOf(usize, Vec<usize>),
    NoneOf(usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    NotEqual,
}

impl Expr {
    /// Whether the condition holds; a comparison with an unknown value does not, whatever the operator.
    pub(super) fn holds(&self, values: &[Option<Value>]) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(values)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(values)),
            Self::Not(part) => !part.holds(values),
            Self::Flag(slot) => values[*slot] == Some(Value::Flag(true)),
            Self::Unknown(slot) => values[*slot].is_none(),
            Self::Compare(slot, op, bound) => match values[*slot] {
                Some(Value::Number(number)) => op.holds(number, *bound),
                _ => false,
            },
            Self::OneOf(slot, words) => matches!(values[*slot], Some(Value::Word(word)) if words.contains(&word)),
            Self::NoneOf(slot, other) => matches!(values[*slot], Some(Value::Word(word)) if word != *other),
        }
    }

    /// Reads a condition; `lookup` knows the declared names.
    pub(super) fn parse(text: &str, lookup: impl Fn(&str) -> Option<Name>) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, lookup };
        let condition = parser.condition()?;
        match parser.next() {
            None => Ok(condition),
            Some(token) => Err(format!("nothing was expected after the condition, but there is `{token}`")),
        }
    }
}

impl Op {
    #[expect(clippy::float_cmp, reason = "thresholds are written decimals, compared as they were entered")]
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Self::Less => number < bound,
            Self::AtMost => number <= bound,
            Self::More => number > bound,
            Self::AtLeast => number >= bound,
            Self::Equal => number == bound,
            Self::NotEqual => number != bound,
        }
    }

    fn read(token: &str) -> Option<Self> {
        Some(match token {
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::More,
            ">=" => Self::AtLeast,
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            _ => return None,
        })
    }
}

/// Words that mean something in the language and cannot be names.
const RESERVED: [&str; 6] = ["and", "or", "not", "in", "unknown", "always"];

fn tokens(text: &str) -> Result<Vec<&str>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_alphanumeric() {
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len())
        } else if rest.starts_with("<=") || rest.starts_with(">=") || rest.starts_with("!=") {
            2
        } else if "()<>=,".contains(first) {
            1
        } else {
            return Err(format!("`{first}` means nothing here"));
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

struct Parser<'a, F> {
    tokens: &'a [&'a str],
    at: usize,
    depth: usize,
    lookup: F,
}

/// How deep parentheses may be nested; more is an attack on the stack, not a clinical rule.
const MAX_DEPTH: usize = 32;

impl<'a, F: Fn(&str) -> Option<Name>> Parser<'a, F> {
    fn next(&mut self) -> Option<&'a str> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.tokens.get(self.at) == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    fn must_take(&mut self, wanted: &str) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(format!("`{wanted}` is missing")) }
    }

    fn condition(&mut self) -> Result<Expr, String> {
        let mut parts = vec![self.clause()?];
        while self.take("or") {
            parts.push(self.clause()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Any(parts) })
    }

    fn clause(&mut self) -> Result<Expr, String> {
        let mut parts = vec![self.term()?];
        while self.take("and") {
            parts.push(self.term()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::All(parts) })
    }

    fn term(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the condition is nested too deeply".into());
        }
        let term = match self.next().ok_or("the condition ends too early")? {
            "not" => Expr::Not(Box::new(self.term()?)),
            "always" => Expr::All(Vec::new()),
            "(" => {
                let inner = self.condition()?;
                self.must_take(")")?;
                inner
            }
            name if RESERVED.contains(&name) => return Err(format!("a variable was expected, but there is `{name}`")),
            name => {
                let known = (self.lookup)(name).ok_or_else(|| format!("`{name}` is not declared"))?;
                self.test(name, known)?
            }
        };
        self.depth -= 1;
        Ok(term)
    }

    fn test(&mut self, name: &str, Name { slot, kind }: Name) -> Result<Expr, String> {
        if self.take("unknown") {
            return Ok(Expr::Unknown(slot));
        }
        let wrong = || format!("`{name}` is {}, which this test does not fit", kind.expected());
        match kind {
            Kind::Flag => match self.tokens.get(self.at) {
                Some(token) if *token == "in" || Op::read(token).is_some() => Err(wrong()),
                _ => Ok(Expr::Flag(slot)),
            },
            Kind::Integer(..) | Kind::Number(..) => {
                let op = self.next().and_then(Op::read).ok_or_else(wrong)?;
                let bound: f64 = self.next().and_then(|token| token.parse().ok()).ok_or_else(wrong)?;
                Ok(Expr::Compare(slot, op, bound))
            }
            Kind::Choice(words) | Kind::Scale(words) => match self.next().ok_or_else(wrong)? {
                "=" => Ok(Expr::OneOf(slot, vec![self.word(name, words)?])),
                "!=" => Ok(Expr::NoneOf(slot, self.word(name, words)?)),
                "in" => {
                    self.must_take("(")?;
                    let mut chosen = vec![self.word(name, words)?];
                    while self.take(",") {
                        chosen.push(self.word(name, words)?);
                    }
                    self.must_take(")")?;
                    Ok(Expr::OneOf(slot, chosen))
                }
                _ => Err(wrong()),
            },
        }
    }

    fn word(&mut self, name: &str, words: &[&str]) -> Result<usize, String> {
        let word = self.next().ok_or("the condition ends too early")?;
        let at = words.iter().position(|known| *known == word);
        at.ok_or_else(|| format!("`{word}` is not a value of `{name}`; there are {}", words.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<Name> {
        let (slot, kind) = match name {
            "ill" => (0, Kind::Flag),
            "temp" => (1, Kind::Number(20.0, 50.0)),
            "cough" => (2, Kind::Scale(&["none", "dry", "massive"])),
            _ => return None,
        };
        Some(Name { slot, kind })
    }

    fn holds(text: &str, values: [Option<Value>; 3]) -> bool {
        Expr::parse(text, lookup).unwrap_or_else(|error| panic!("{text}: {error}")).holds(&values)
    }

    #[test]
    fn every_comparison_with_an_unknown_value_is_false_and_not_negates_that() {
        for text in ["ill", "temp < 40", "temp != 1", "temp = 1", "cough = none", "cough != none", "cough in (dry)"] {
            assert!(!holds(text, [None; 3]), "{text}");
            assert!(holds(&format!("not ({text})"), [None; 3]), "not ({text})");
        }
        assert!(holds("temp unknown and cough unknown and ill unknown", [None; 3]));
    }

    #[test]
    fn and_binds_tighter_than_or() {
        let ill = [Some(Value::Flag(true)), None, None];
        assert!(holds("ill or temp > 1 and temp < 0", ill));
        assert!(!holds("(ill or temp > 1) and temp < 0", ill));
        assert!(!holds("not ill and ill", ill));
        assert!(holds("always", [None; 3]));
    }

    #[test]
    fn words_and_numbers_compare_as_written() {
        let values = [Some(Value::Flag(false)), Some(Value::Number(37.3)), Some(Value::Word(1))];
        for text in ["temp >= 37.3", "temp <= 37.3", "temp = 37.3", "not temp > 37.3", "cough in (none, dry)"] {
            assert!(holds(text, values), "{text}");
        }
        for text in ["temp < 37.3", "temp != 37.3", "cough != dry", "cough = massive", "ill"] {
            assert!(!holds(text, values), "{text}");
        }
    }

    #[test]
    fn a_condition_that_does_not_fit_the_vocabulary_is_refused_with_the_place() {
        for (text, why) in [
            ("", "ends too early"),
            ("fever", "`fever` is not declared"),
            ("temp", "a number from"),
            ("temp = dry", "a number from"),
            ("temp in (1)", "a number from"),
            ("ill = 1", "true or false"),
            ("cough", "one of none"),
            ("cough > dry", "one of none"),
            ("cough = wet", "`wet` is not a value"),
            ("cough in (dry", "`)` is missing"),
            ("ill and", "ends too early"),
            ("ill temp", "after the condition"),
            ("and ill", "a variable was expected"),
            ("ill && ill", "`&` means nothing"),
        ] {
            let error = Expr::parse(text, lookup).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(Expr::parse(&"(".repeat(100_000), lookup).is_err());
    }
}
