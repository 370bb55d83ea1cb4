//! The declaration: what a patient states before the visit, asked by a questionnaire that is data.
//!
//! # The file
//! The browser renders the same JSON that the server checks answers against:
//! - a **questionnaire** has a `version`, a `title` and `pages`; a page has an `id`, a `title` and `items`;
//! - an **item** has a `link_id`, a `type`, a `text` and perhaps a `hint`, a `note`, `required`, `options`, `unit`, `min`, `max`,
//!   `step`, `max_length`, `format`, `when`, `red_flag`, `pledge`, `part_of` and `by`;
//! - `type` says what an answer is: `boolean` → `true` or `false`; `choice` → the `code` of an option; `choices` → a
//!   list of codes, at least one, an `exclusive` one only alone; `integer` and `quantity` → a number in `unit` from `min`
//!   to `max`; `date` → `"YYYY-MM-DD"`; `string` → one line; `text` → lines. A `group` is a heading for the items that
//!   name it in `part_of` and has no answer;
//! - `by` says who answers: `patient` when absent, or `clinician`; items by `identity`, `consent`, `upload` and
//!   `automatic` have screens of their own and stand here so that every statement has one list;
//! - `when` is a condition, without which the item is always asked: `{"item", "op", "value"}` over another answer, or
//!   over `age` (completed years) or `sex` (`female`, `male`); or `{"all": […]}`, `{"any": […]}`, `{"not": …}`. A test of
//!   something unanswered is false. Operators: `eq`, `ne`, `lt`, `le`, `gt`, `ge`, `in` (the answer is in the list),
//!   `has` (the answer is a list that has the value), `answered`.
//!
//! An answer set names the version that it answers. Answers to items that are no longer visible are kept, so that a
//! mistaken tap loses nothing, and are read by nobody.

mod answers;
mod condition;
mod contradictions;
mod facts;
mod schema;

#[cfg(test)]
mod journeys;

pub use answers::{AnswerError, AnswerFault, Answers};
pub use condition::{Condition, Op};
pub use contradictions::{Contradiction, contradictions};
pub use facts::{Context, answers_of_first_page, facts_from_answers};
pub use schema::{
    Asked, Format, Item, ItemType, Page, QuestionOption, Questionnaire, QuestionnaireError, fever_intake,
};
