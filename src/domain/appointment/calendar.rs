//! A calendar entry (RFC 5545) that says when and where, and nothing about why.

use crate::domain::time::Timestamp;

/// A line holds so many octets at most (RFC 5545, section 3.1).
const LINE: usize = 75;

/// What goes into a calendar. No diagnosis and no name of a patient: calendars are shared and synchronised.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// The same for every version of one appointment.
    pub uid: &'a str,
    /// Which version this is.
    pub sequence: i64,
    /// When it was written.
    pub written_at: Timestamp,
    /// When the slot begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// The title.
    pub summary: &'a str,
    /// Both walls in words.
    pub description: &'a str,
    /// The clinic.
    pub location: &'a str,
    /// The page of the appointment.
    pub url: Option<&'a str>,
    /// Whether it was given back.
    pub is_cancelled: bool,
    /// Whether a calendar fetches it again by itself.
    pub is_followed: bool,
}

/// The calendar file. Times are UTC: every calendar shows them by its owner's own wall.
pub fn ics(event: &Event<'_>) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| fold(&mut out, &format!("{name}:{value}"));
    line("BEGIN", "VCALENDAR");
    line("VERSION", "2.0");
    line("PRODID", "-//Yunzhen//Appointments//EN");
    line("METHOD", if event.is_cancelled { "CANCEL" } else { "PUBLISH" });
    if event.is_followed {
        // RFC 7986, section 5.7, and the older name that telephones know.
        line("REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
        line("X-PUBLISHED-TTL", "PT1H");
    }
    line("BEGIN", "VEVENT");
    line("UID", &escape(event.uid));
    line("SEQUENCE", &event.sequence.to_string());
    line("DTSTAMP", &stamp(event.written_at));
    line("DTSTART", &stamp(event.starts_at));
    line("DTEND", &stamp(event.ends_at));
    line("SUMMARY", &escape(event.summary));
    line("DESCRIPTION", &escape(event.description));
    line("LOCATION", &escape(event.location));
    if let Some(url) = event.url {
        line("URL", &escape_url(url));
    }
    line("STATUS", if event.is_cancelled { "CANCELLED" } else { "CONFIRMED" });
    line("CLASS", "PRIVATE");
    if !event.is_cancelled {
        line("BEGIN", "VALARM");
        line("ACTION", "DISPLAY");
        line("TRIGGER", "-PT1H");
        line("DESCRIPTION", &escape(event.summary));
        line("END", "VALARM");
    }
    line("END", "VEVENT");
    line("END", "VCALENDAR");
    out
}

/// `20260301T013000Z`.
fn stamp(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let utc = jiff::tz::Offset::UTC.to_datetime(at);
    let (date, time) = (utc.date(), utc.time());
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Text as RFC 5545, section 3.3.11, writes it; control characters have no business in it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// An address cannot be escaped: whatever would end its line is left out.
fn escape_url(url: &str) -> String {
    url.chars().filter(|c| !c.is_control()).collect()
}

/// One content line, folded at 75 octets, never inside a character.
fn fold(out: &mut String, line: &str) {
    let mut room = LINE;
    for c in line.chars() {
        if c.len_utf8() > room {
            out.push_str("\r\n ");
            room = LINE - 1;
        }
        out.push(c);
        room -= c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event<'a>(summary: &'a str, description: &'a str) -> Event<'a> {
        Event {
            uid: "01890000-0000-7000-8000-000000000000@yunzhen",
            sequence: 2,
            written_at: Timestamp::from_millis(1_772_000_000_000),
            // 2026-03-01T01:30:00Z.
            starts_at: Timestamp::from_millis(1_772_328_600_000),
            ends_at: Timestamp::from_millis(1_772_329_500_000),
            summary,
            description,
            location: "门诊",
            url: None,
            is_cancelled: false,
            is_followed: false,
        }
    }

    /// Puts folded lines together again.
    fn unfolded(text: &str) -> Vec<String> {
        text.replace("\r\n ", "").split_terminator("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn a_calendar_file_folds_between_characters_and_escapes_commas() {
        let long = "云诊".repeat(40);
        let text = ics(&event("Visit, 3; a\\b", &long));
        assert!(text.split_terminator("\r\n").all(|line| line.len() <= LINE && !line.contains('\n')), "{text}");
        let lines = unfolded(&text);
        assert!(lines.contains(&"SUMMARY:Visit\\, 3\\; a\\\\b".to_owned()));
        assert!(lines.contains(&format!("DESCRIPTION:{long}")));
    }

    #[test]
    fn its_times_are_utc_and_its_version_is_its_sequence() {
        let lines = unfolded(&ics(&event("a", "b")));
        for line in ["DTSTART:20260301T013000Z", "DTEND:20260301T014500Z", "SEQUENCE:2", "STATUS:CONFIRMED"] {
            assert!(lines.contains(&line.to_owned()), "{line}");
        }
    }

    #[test]
    fn an_appointment_given_back_takes_itself_out_of_the_calendar() {
        let lines = unfolded(&ics(&Event { is_cancelled: true, ..event("a", "b") }));
        assert!(lines.contains(&"METHOD:CANCEL".to_owned()) && lines.contains(&"STATUS:CANCELLED".to_owned()));
        assert!(!lines.contains(&"BEGIN:VALARM".to_owned()));
    }

    #[test]
    fn a_calendar_that_follows_is_told_to_look_every_hour() {
        let followed = unfolded(&ics(&Event { is_followed: true, ..event("a", "b") }));
        assert!(followed.contains(&"REFRESH-INTERVAL;VALUE=DURATION:PT1H".to_owned()));
        assert!(!unfolded(&ics(&event("a", "b"))).iter().any(|line| line.starts_with("REFRESH")));
    }

    proptest! {
        #[test]
        fn no_text_adds_a_line_of_its_own(summary: String, url: String) {
            let count = |event: &Event<'_>| unfolded(&ics(event)).len();
            let plain = Event { url: Some("x"), ..event("a", "b") };
            prop_assert_eq!(count(&Event { url: Some(&url), ..event(&summary, &summary) }), count(&plain));
        }
    }
}
