//! A log that somebody who may write to the database has changed.

use jiff::civil::date;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::domain::audit::{Entry, chain_hash_as_kept};
use crate::domain::time::Timestamp;

const US: &str = "institution_1";

/// A hospital's log: entries, seals of the days that are over, and the database's count.
#[derive(Clone, Debug)]
struct Log {
    entries: Vec<Kept>,
    seals: Vec<DaySeal>,
    head: i64,
    signed: Hashes,
}

/// Stands for signatures: the hashes that the key signed.
#[derive(Clone, Debug)]
struct Hashes(Vec<String>);

impl Signed for Hashes {
    fn is_signed(&self, seal: &DaySeal) -> bool {
        self.0.contains(&seal.hash())
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

/// So many entries a day; the last day is not over.
fn log(days: &[u8]) -> Log {
    let mut entries: Vec<Kept> = Vec::new();
    let mut seals: Vec<DaySeal> = Vec::new();
    for (count, day) in days.iter().zip(0_i64..) {
        let from = entries.len();
        for n in 0..i64::from(*count) {
            let seq = i64::try_from(entries.len()).unwrap() + 1;
            entries.push(Kept {
                seq,
                at: Timestamp::from_millis(day * 86_400_000 + n),
                actor: format!("account_{}", seq % 5),
                action: ["visit.read", "note.signed"][usize::try_from(seq % 2).unwrap()].to_owned(),
                subject: format!("visit_{}", seq % 7),
                purpose: (seq % 3 == 0).then(|| "treatment".to_owned()),
                detail: format!("{{\"n\":{n}}}"),
                previous_hash: entries.last().map(|entry| entry.hash.clone()).unwrap_or_default(),
                hash: String::new(),
            });
            let last = entries.last_mut().unwrap();
            last.hash = honest(last);
        }
        if usize::try_from(day).unwrap() + 1 < days.len() {
            let civil = date(2022, 12, 1).checked_add(jiff::Span::new().days(day)).unwrap();
            let mut sealing = Sealing::begin(US, civil, seals.last());
            entries[from..].iter().try_for_each(|entry| sealing.push(entry)).unwrap();
            seals.push(sealing.end());
        }
    }
    let head = i64::try_from(entries.len()).unwrap();
    let signed = Hashes(seals.iter().map(DaySeal::hash).collect());
    Log { entries, seals, head, signed }
}

/// The hash that an entry should have.
fn honest(entry: &Kept) -> String {
    let whole = Entry {
        at: entry.at,
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        purpose: entry.purpose.clone(),
        detail: serde_json::Value::Null,
    };
    chain_hash_as_kept(&entry.previous_hash, entry.seq, &whole, &entry.detail)
}

impl Log {
    fn verify(&self) -> Result<i64, Break> {
        let mut verifier = Verifier::begin(US, self.seals.clone(), &self.signed)?;
        self.entries.iter().try_for_each(|entry| verifier.push(entry))?;
        verifier.end(self.head)
    }

    /// Makes the chain anew from an entry on, as somebody would who knows how it is made. The seals are signed: those
    /// nobody can make anew.
    fn chain_anew(&mut self, from: usize) {
        for at in from..self.entries.len() {
            let previous = at.checked_sub(1).map(|before| self.entries[before].hash.clone()).unwrap_or_default();
            let entry = &mut self.entries[at];
            entry.seq = i64::try_from(at).unwrap() + 1;
            entry.previous_hash = previous;
            entry.hash = honest(entry);
        }
    }
}

/// What somebody does to a log.
#[derive(Clone, Debug)]
enum Tampering {
    Change(Index, Field),
    Remove(Index),
    RemoveLast,
    Insert(Index),
    Append,
    Swap(Index, Index),
    Seal(Index, usize),
    DropSeal(Index),
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Seq,
    At,
    Actor,
    Action,
    Subject,
    Purpose,
    EmptyPurpose,
    Detail,
    Previous,
    Hash,
}

fn tampering() -> impl Strategy<Value = Tampering> {
    use Field::*;
    let field =
        prop::sample::select(vec![Seq, At, Actor, Action, Subject, Purpose, EmptyPurpose, Detail, Previous, Hash]);
    prop_oneof![
        4 => (any::<Index>(), field).prop_map(|(at, field)| Tampering::Change(at, field)),
        2 => any::<Index>().prop_map(Tampering::Remove),
        1 => Just(Tampering::RemoveLast),
        2 => any::<Index>().prop_map(Tampering::Insert),
        1 => Just(Tampering::Append),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Tampering::Swap(a, b)),
        1 => (any::<Index>(), 0_usize..7).prop_map(|(at, field)| Tampering::Seal(at, field)),
        1 => any::<Index>().prop_map(Tampering::DropSeal),
    ]
}

fn change(entry: &mut Kept, field: Field) {
    match field {
        Field::Seq => entry.seq += 1,
        Field::At => entry.at = Timestamp::from_millis(entry.at.as_millis() + 1),
        Field::Actor => entry.actor.push('0'),
        Field::Action => entry.action = "visit.seen".into(),
        Field::Subject => entry.subject = "visit_99".into(),
        Field::Purpose => entry.purpose = entry.purpose.take().xor(Some("research".into())),
        Field::EmptyPurpose if entry.purpose.is_none() => entry.purpose = Some(String::new()),
        Field::EmptyPurpose => entry.purpose = None,
        Field::Detail => entry.detail.push(' '),
        Field::Previous => entry.previous_hash = honest(entry),
        Field::Hash => entry.hash = entry.hash.chars().rev().collect(),
    }
}

impl Tampering {
    /// Does it; whether the log is another one after it. `chained`: and makes the chain anew behind it.
    fn on(&self, log: &mut Log, chained: bool) -> bool {
        let whole = log.clone();
        let from = match self {
            Self::Change(at, field) => {
                let at = at.index(log.entries.len());
                change(&mut log.entries[at], *field);
                at
            }
            Self::Remove(at) => {
                let at = at.index(log.entries.len());
                log.entries.remove(at);
                at
            }
            Self::RemoveLast => {
                log.entries.pop();
                log.entries.len()
            }
            Self::Insert(at) => {
                let at = at.index(log.entries.len());
                let mut entry = log.entries[at].clone();
                entry.actor = "account_66".into();
                log.entries.insert(at, entry);
                at
            }
            Self::Append => {
                let mut entry = log.entries.last().unwrap().clone();
                (entry.seq, entry.previous_hash) = (entry.seq + 1, entry.hash.clone());
                entry.hash = honest(&entry);
                log.entries.push(entry);
                log.entries.len()
            }
            Self::Swap(a, b) => {
                let (a, b) = (a.index(log.entries.len()), b.index(log.entries.len()));
                log.entries.swap(a, b);
                // The database gives entries by their number: who swaps two swaps their numbers.
                let (one, other) = (log.entries[a].seq, log.entries[b].seq);
                (log.entries[a].seq, log.entries[b].seq) = (other, one);
                a.min(b)
            }
            Self::Seal(at, field) => {
                let at = at.index(log.seals.len());
                let seal = &mut log.seals[at];
                match field {
                    0 => seal.institution.push('x'),
                    1 => seal.first -= 1,
                    2 => seal.last += 1,
                    3 => seal.head_hash = seal.root.clone(),
                    4 => seal.root = hex(&Tree::default().root()),
                    5 => seal.previous_root.push('0'),
                    _ => seal.day = date(2022, 11, 30),
                }
                log.entries.len()
            }
            Self::DropSeal(at) => {
                let at = at.index(log.seals.len());
                log.seals.remove(at);
                log.entries.len()
            }
        };
        let differs = log.entries != whole.entries || log.seals != whole.seals;
        if chained {
            log.chain_anew(from);
        }
        differs
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_thousand_random_tamperings_are_each_found(days in prop::collection::vec(0_u8..6, 2..5), more in 2_u8..6, act in tampering()) {
        let mut log = log(&[&[more][..], &days, &[more]].concat());
        prop_assert_eq!(log.verify(), Ok(log.head));
        if act.on(&mut log, false) {
            prop_assert!(log.verify().is_err(), "{:?} was not found", act);
        }
    }

    #[test]
    fn whoever_makes_the_chain_anew_is_found_by_the_sealed_day(days in prop::collection::vec(2_u8..6, 2..5), act in tampering()) {
        // Every entry is in a sealed day.
        let mut log = log(&[&days[..], &[0]].concat());
        let own_seal = matches!(act, Tampering::Change(_, Field::Seq | Field::Previous | Field::Hash));
        let before = log.entries.clone();
        if act.on(&mut log, true) && (!own_seal || log.entries != before) {
            prop_assert!(log.verify().is_err(), "{:?} was not found", act);
        }
    }
}

#[test]
fn a_seal_of_other_words_has_another_hash() {
    let log = log(&[3, 4, 0]);
    let hash = log.seals[0].hash();
    let others: [&dyn Fn(&mut DaySeal); 7] = [
        &|seal| seal.institution.push('x'),
        &|seal| seal.day = date(2022, 11, 30),
        &|seal| seal.first -= 1,
        &|seal| seal.last += 1,
        &|seal| seal.head_hash.push('0'),
        &|seal| seal.root.push('0'),
        &|seal| seal.previous_root.push('0'),
    ];
    for other in others {
        let mut seal = log.seals[0].clone();
        other(&mut seal);
        assert_ne!(seal.hash(), hash);
    }
}

#[test]
fn a_day_without_entries_has_a_root() {
    let log = log(&[0, 2, 0, 0, 1, 0]);
    assert_eq!(log.seals[0].root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(log.seals.iter().map(DaySeal::entries).collect::<Vec<_>>(), [0, 2, 0, 0, 1]);
    assert_eq!(log.verify(), Ok(3));
}

#[test]
fn a_break_is_named_by_its_number_its_day_and_its_kind() {
    let whole = log(&[3, 4, 2]);
    let said = |change: &dyn Fn(&mut Log)| {
        let mut log = whole.clone();
        change(&mut log);
        log.verify().unwrap_err().to_string()
    };
    assert_eq!(said(&|log| log.entries[1].actor.push('!')), "entry 2 was changed, in the sealed day 2022-12-01");
    assert_eq!(said(&|log| drop(log.entries.remove(4))), "entry 5 is missing, in the sealed day 2022-12-02");
    assert_eq!(said(&|log| drop(log.entries.pop())), "entry 9 is missing, after the last sealed day");
    assert_eq!(said(&|log| log.head -= 1), "entry 9 was put in, after the last sealed day");
    let twice = |log: &mut Log| log.entries.insert(3, log.entries[2].clone());
    assert_eq!(said(&twice), "entry 4 was put in, in the sealed day 2022-12-02");
    let anew = |log: &mut Log| {
        log.entries[4].subject.push('9');
        log.chain_anew(4);
    };
    assert_eq!(said(&anew), "the entries up to 7 are not those that were sealed, in the sealed day 2022-12-02");
    let seal = said(&|log| drop(log.seals.remove(0)));
    assert_eq!(
        said(&|log| log.seals[0].day = date(2022, 11, 30)),
        "the seal up to entry 3 is not signed by the server's key, in the sealed day 2022-11-30"
    );
    assert_eq!(
        said(&|log| drop(log.seals.pop())),
        "the seals around entry 4 do not follow from each other, in the sealed day 2022-12-01"
    );
    assert_eq!(seal, "the seals around entry 1 do not follow from each other, in the sealed day 2022-12-02");
}

#[test]
fn a_day_alone_is_verified_from_what_was_before_it() {
    let log = log(&[3, 4, 2]);
    let mut day = Verifier::of_day(log.seals[1].clone(), log.entries[2].hash.clone());
    log.entries[3..7].iter().try_for_each(|entry| day.push(entry)).unwrap();
    assert_eq!(day.end(7), Ok(7));
    let mut short = Verifier::of_day(log.seals[1].clone(), log.entries[2].hash.clone());
    log.entries[3..6].iter().try_for_each(|entry| short.push(entry)).unwrap();
    assert_eq!(short.end(7).unwrap_err().what, What::Missing);
}

#[test]
fn a_broken_day_is_not_sealed() {
    let mut log = log(&[3, 0]);
    log.entries[1].detail.push(' ');
    let mut sealing = Sealing::begin(US, date(2022, 12, 1), None);
    let broken = log.entries.iter().try_for_each(|entry| sealing.push(entry)).unwrap_err();
    assert_eq!((broken.seq, broken.what), (2, What::Changed));
}
