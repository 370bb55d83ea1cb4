//! What stands on the patient's bag: the steps of the decoction in order, with minutes, in both languages.

use serde::{Deserialize, Serialize};

use super::{Herbal, Line};
use crate::domain::herb::{HerbSet, Method};
use crate::domain::text::Text;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = LabelStep)]
pub struct Step {
    /// In words.
    pub text: Text,
    /// The least minutes that it takes, where it takes time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u16>,
}

/// The label of a sheet of herbs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Label {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// How it is taken.
    pub taking: Text,
}

/// Makes the label.
pub fn label(set: &HerbSet, sheet: &Herbal) -> Label {
    let lines = sheet.read(set);
    let of = |method: Method| lines.iter().filter(move |line| line.line.method == Some(method)).collect::<Vec<_>>();
    let mut steps = Vec::new();
    let mut step = |lines: &[&Line], minutes: Option<u16>, zh: &str, en: &str| {
        if !lines.is_empty() {
            let names = names(lines);
            let text = Text::new(zh.replace("{}", &names.zh), en.replace("{}", &names.en));
            steps.push(Step { text, minutes });
        }
    };
    let minutes = set.decoction();
    let whole = |template: &str, minutes: u16| template.replace("{m}", &minutes.to_string());
    step(
        &of(Method::ForWater),
        Some(minutes.for_water),
        &whole("{}先煎{m}分钟，取清汁代水", minutes.for_water),
        &whole("Boil {} for {m} minutes; its clear water is used for the rest.", minutes.for_water),
    );
    // What boils longest goes in first.
    let mut first = of(Method::First);
    let minutes_first = |line: &Line| set.minutes_first(line.herb);
    first.sort_by_key(|line| std::cmp::Reverse(minutes_first(line)));
    for group in first.chunk_by(|one, other| minutes_first(one) == minutes_first(other)) {
        let minutes = minutes_first(group[0]);
        let (zh, en) = (whole("{}先煎{m}分钟", minutes), whole("Boil {} first, for {m} minutes.", minutes));
        step(group, Some(minutes), &zh, &en);
    }
    step(&of(Method::Wrapped), None, "{}装入布袋", "Put {} into a cloth bag.");
    let late = of(Method::Late);
    let is_boiled_together = |line: &&Line| matches!(line.line.method, None | Some(Method::Wrapped));
    if lines.iter().any(|line| is_boiled_together(&line)) {
        let (soak, boil) = (minutes.soak, if late.is_empty() { minutes.together } else { minutes.before_late });
        let text = if steps.is_empty() {
            Text::new(
                format!("药材加水浸泡{soak}分钟，煎{boil}分钟"),
                format!("Soak the herbs for {soak} minutes and boil them for {boil} minutes."),
            )
        } else {
            Text::new(
                format!("其余药加水浸泡{soak}分钟，与上药同煎{boil}分钟"),
                format!("Soak the other herbs for {soak} minutes and boil them with the rest for {boil} minutes."),
            )
        };
        steps.push(Step { text, minutes: Some(boil) });
    }
    let mut step = |lines: &[&Line], minutes: Option<u16>, zh: &str, en: &str| {
        if !lines.is_empty() {
            let names = names(lines);
            steps.push(Step { text: Text::new(zh.replace("{}", &names.zh), en.replace("{}", &names.en)), minutes });
        }
    };
    let [least, most] = minutes.late;
    let (zh, en) =
        (format!("{{}}后下，再煎{least}–{most}分钟"), format!("Add {{}} and boil for {least}–{most} more minutes."));
    step(&late, Some(least), &zh, &en);
    let (zh, en) = match minutes.apart {
        apart if apart.is_multiple_of(60) => {
            let hours = apart / 60;
            (format!("{{}}另煎{hours}小时，兑入药汁"), format!("Boil {{}} apart for {hours} hours and mix it in."))
        }
        apart => {
            (format!("{{}}另煎{apart}分钟，兑入药汁"), format!("Boil {{}} apart for {apart} minutes and mix it in."))
        }
    };
    step(&of(Method::Apart), Some(minutes.apart), &zh, &en);
    step(&of(Method::Melted), None, "{}烊化后兑入", "Melt {} and stir it in.");
    step(
        &of(Method::Dissolved),
        None,
        "{}溶入煎好的药汁，不再煎",
        "Dissolve {} in the finished decoction; do not boil.",
    );
    let steeped = minutes.steeped;
    step(
        &of(Method::Steeped),
        Some(steeped),
        &whole("{}用沸水或热药汁加盖泡{m}分钟", steeped),
        &whole("Steep {} covered for {m} minutes.", steeped),
    );
    step(&of(Method::Drenched), None, "{}研粉，用药汁冲服", "Take {} as powder with the decoction.");
    let (times, ml, timing) = (sheet.times_per_day, sheet.ml, sheet.timing.name());
    let taking = Text::new(
        format!("每日{}剂，分{times}次，每次{ml}毫升，{}温服，共{}剂", sheet.doses_per_day, timing.zh, sheet.doses),
        format!(
            "{} dose a day in {times} portions of {ml} ml, warm, {}; {} doses in all.",
            sheet.doses_per_day, timing.en, sheet.doses
        ),
    );
    Label { steps, taking }
}

fn names(lines: &[&Line]) -> Text {
    let zh: Vec<&str> = lines.iter().map(|line| line.line.written.as_str()).collect();
    let latin = |line: &&Line| line.herb.map_or_else(|| line.line.written.clone(), |herb| herb.text().en);
    let en: Vec<String> = lines.iter().map(latin).collect();
    Text::new(zh.join("、"), en.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::herb::Milligrams;
    use crate::domain::prescription::{Content, HerbLine};

    fn sheet(lines: &[(&str, Option<Method>)]) -> Herbal {
        let Content::Herbal(sheet) = Content::empty_herbal() else { unreachable!("it is herbal") };
        let line = |(written, method): &(&str, Option<Method>)| HerbLine {
            written: (*written).to_owned(),
            herb: None,
            mg: Milligrams(9000),
            method: *method,
            role: None,
            remark: String::new(),
        };
        Herbal { lines: lines.iter().map(line).collect(), ..sheet }
    }

    #[test]
    fn the_label_gives_the_steps_in_order_with_minutes() {
        let label = label(
            HerbSet::shipped(),
            &sheet(&[
                ("薄荷", Some(Method::Late)),
                ("阿胶", Some(Method::Melted)),
                ("石膏", Some(Method::First)),
                ("黑顺片", Some(Method::First)),
                ("葶苈子", Some(Method::Wrapped)),
                ("麻黄", None),
                ("三七", Some(Method::Drenched)),
            ]),
        );
        let steps: Vec<_> = label.steps.iter().map(|step| (step.text.zh.as_str(), step.minutes)).collect();
        assert_eq!(
            steps,
            [
                ("黑顺片先煎60分钟", Some(60)),
                ("石膏先煎30分钟", Some(30)),
                ("葶苈子装入布袋", None),
                ("其余药加水浸泡30分钟，与上药同煎20分钟", Some(20)),
                ("薄荷后下，再煎5–10分钟", Some(5)),
                ("阿胶烊化后兑入", None),
                ("三七研粉，用药汁冲服", None),
            ]
        );
        assert!(label.steps[0].text.en.contains("Fuzi"), "{}", label.steps[0].text.en);
        assert_eq!(label.taking.zh, "每日1剂，分2次，每次200毫升，时间不限温服，共3剂");
    }

    #[test]
    fn every_method_has_a_step_of_its_own_in_both_languages() {
        for method in Method::ALL {
            let label = label(HerbSet::shipped(), &sheet(&[("麻黄", Some(method))]));
            assert!(
                label.steps.iter().any(|step| step.text.zh.contains("麻黄") && step.text.en.contains("Mahuang")
                    || method == Method::Wrapped && step.text.zh.contains("布袋")),
                "{method:?}"
            );
        }
    }
}
