//! What a name means, and what it must not hide.

use super::{found, judged, line, man, set, sheet, woman};
use crate::domain::herb::gate::{Needs, Patient, Pregnancy};
use crate::domain::herb::{Named, resolve};
use crate::domain::prescription::HerbLine;

#[test]
fn an_unknown_herb_is_a_finding() {
    let report = judged(vec![line("不存在草", 9000), line("茯苓", 12000)], &man());
    let finding = found(&report, "NAME-UNKNOWN").unwrap();
    assert_eq!((finding.lines.as_slice(), finding.needs), (&[0][..], Needs::Confirm));
    assert_eq!(found(&judged(vec![line("茯苓", 12000)], &man()), "NAME-UNKNOWN"), None);
}

#[test]
fn a_name_that_holds_what_is_never_online_is_refused_and_no_chosen_herb_hides_it() {
    for written in ["砒霜粉", "生马钱子末", "生白附", "白砒", "曼陀罗花", "生川乌片"] {
        let report = judged(vec![line(written, 1000)], &man());
        assert!(report.refused().is_some(), "{written}: {report:?}");
        for chosen in ["茯苓", "陈皮"] {
            let content = sheet(vec![HerbLine { herb: Some(chosen.into()), ..line(written, 1000) }]);
            assert_eq!(content.check(set()).unwrap_err().field, "herbal.lines[0].herb", "{written} is not {chosen}");
        }
    }
    let report = judged(vec![HerbLine { herb: Some("茯苓".into()), ..line("不存在草", 1000) }], &man());
    assert!(found(&report, "NAME-UNKNOWN").is_some(), "whatever was chosen for it");
}

#[test]
fn a_trap_is_asked_until_the_doctor_chooses() {
    for written in ["贝母", "沙参", "芍药", "牛膝", "防己", "木通", "贯众", "关白附"] {
        let report = judged(vec![line(written, 6000)], &man());
        assert_eq!(found(&report, "NAME-ASK").unwrap().needs, Needs::Ask, "{written}");
        if let Named::Ask { candidates, .. } = resolve(set(), written) {
            for candidate in candidates {
                let chosen = HerbLine { herb: Some(candidate.name.clone()), ..line(written, 6000) };
                assert_eq!(found(&judged(vec![chosen], &man()), "NAME-ASK"), None, "{written}");
            }
        }
    }
    assert!(found(&judged(vec![line("焦三仙", 30_000)], &man()), "NAME-EXPAND").is_some());
    for written in ["白附子", "木鳖子", "五加皮", "京大戟"] {
        assert_eq!(found(&judged(vec![line(written, 3000)], &man()), "NAME-ALIKE").unwrap().needs, Needs::Answer);
    }
    let plain = judged(vec![line("茯苓", 12000)], &man());
    assert!(["NAME-ASK", "NAME-EXPAND", "NAME-ALIKE"].iter().all(|rule| found(&plain, rule).is_none()));
}

#[test]
fn an_allergy_is_found_by_any_name_and_told_where_none_is_found() {
    let allergic = |told: &str| Patient { allergies: told.into(), ..man() };
    let report = judged(vec![line("生麻黄", 6000)], &allergic("青霉素、麻黄"));
    assert_eq!(found(&report, "ALLERGY").unwrap().needs, Needs::Confirm);
    assert!(found(&judged(vec![line("黑顺片", 6000)], &allergic("附子")), "ALLERGY").is_some());
    let told = judged(vec![line("茯苓", 12000)], &allergic("青霉素"));
    assert_eq!(found(&told, "ALLERGY"), None);
    assert_eq!(found(&told, "ALLERGY-TOLD").unwrap().needs, Needs::Nothing);
    let nothing = judged(vec![line("茯苓", 12000)], &allergic("无"));
    assert!(found(&nothing, "ALLERGY-TOLD").is_none() && nothing.passed.contains(&"ALLERGY".to_owned()));
}

#[test]
fn an_allergy_of_one_letter_is_no_silence() {
    let report = judged(vec![line("生姜", 9000), line("茯苓", 9000)], &Patient { allergies: "姜".into(), ..man() });
    assert_eq!(found(&report, "ALLERGY").unwrap().lines, [0]);
    let report = judged(vec![line("茯苓", 9000)], &Patient { allergies: "虾".into(), ..man() });
    assert!(found(&report, "ALLERGY-TOLD").is_some());
}

#[test]
fn a_narcotic_is_refused_under_a_name_of_no_herb() {
    for written in ["吗啡片", "杜冷丁", "阿片粉"] {
        assert_eq!(found(&judged(vec![line(written, 1000)], &man()), "NAME-TOXIC").unwrap().needs, Needs::Never);
    }
}

#[test]
fn a_prepared_toxic_with_an_ending_is_unknown_and_not_refused() {
    for written in ["制川乌饮片", "制草乌片", "白附子粉", "橘红粉", "半夏曲", "甘草乌梅"] {
        let report = judged(vec![line(written, 1000)], &woman(Pregnancy::No));
        assert_eq!(
            (report.refused(), found(&report, "NAME-UNKNOWN").map(|one| one.needs)),
            (None, Some(Needs::Confirm))
        );
    }
    for written in ["制川乌川乌片", "关白附片", "关白附子", "甘、遂生川、乌片"] {
        assert!(judged(vec![line(written, 1000)], &man()).refused().is_some(), "{written}");
    }
}
