//! The dictionary: how a term is found, and what the examinations are made of.

use crate::domain::note::search::{MOST, search};
use crate::domain::note::terms::{TERMS, Term, TermKind};
use crate::domain::text::Text;
use crate::protocol::error::ErrorCode;
use crate::protocol::terms::{Choice, ExamFieldView, ExamForm, TermView, TermsAsked, TermsFound};
use crate::services::refusal::Refusal;

/// Characters that are looked for.
const TYPED_LIMIT: usize = 64;

/// The terms that fit what was typed.
pub fn find_terms(asked: &TermsAsked) -> Result<TermsFound, Refusal> {
    let typed = asked.q.as_deref().unwrap_or_default();
    if typed.chars().count() > TYPED_LIMIT {
        return Err(Refusal::field(ErrorCode::Invalid, "q", format!("at most {TYPED_LIMIT} characters")));
    }
    let limit = match asked.limit.as_deref().map(str::parse::<usize>) {
        None => 20,
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
        Some(_) => return Err(Refusal::field(ErrorCode::Invalid, "limit", format!("1 to {MOST}"))),
    };
    let kinds = asked.kind.as_slice();
    let terms = search(&TERMS, kinds, typed, limit).into_iter().map(view).collect();
    Ok(TermsFound { edition: TERMS.edition().to_owned(), status: TERMS.status(), terms })
}

/// The fields of the four examinations with what can be chosen.
pub fn exam_form() -> ExamForm {
    let of = |kind: TermKind| TERMS.all().iter().filter(|term| term.kind == kind).map(choice).collect::<Vec<_>>();
    let fields = TERMS.fields().iter().map(|field| ExamFieldView {
        id: field.id.clone(),
        exam: field.exam,
        label: Text::new(&field.zh, &field.en),
        how: field.how,
        on_site: field.on_site,
        choices: TERMS.all().iter().filter(|term| term.field.as_deref() == Some(&field.id)).map(choice).collect(),
    });
    ExamForm {
        edition: TERMS.edition().to_owned(),
        status: TERMS.status(),
        fields: fields.collect(),
        tongue: of(TermKind::Tongue),
        coating: of(TermKind::Coating),
        sublingual: of(TermKind::Sublingual),
        pulses: of(TermKind::Pulse),
        principles: of(TermKind::Principle),
    }
}

fn choice(term: &Term) -> Choice {
    let initials = std::iter::once(&term.initials).chain(&term.also_initials).cloned().collect();
    Choice { code: term.code.clone(), text: term.text(), initials }
}

fn view(term: &Term) -> TermView {
    let source = TERMS.source(term).map(|source| source.title.clone());
    TermView {
        code: term.code.clone(),
        kind: term.kind,
        text: term.text(),
        initials: term.initials.clone(),
        also: term.also.clone(),
        tm1: term.tm1.clone(),
        nearest: term.nearest.clone(),
        temporary: term.temporary,
        // Every term names a listed source; the loader refuses another.
        source: source.unwrap_or_else(|| Text::new(&term.source, &term.source)),
        certainty: term.certainty,
    }
}
