//! How the bench makes one figure of many measurements.

#[path = "../../benches/clinic/figures.rs"]
mod arithmetic;

use arithmetic::{Spread, Tail, kib};

#[test]
fn the_median_of_an_even_number_of_runs_lies_between_the_two_in_the_middle() {
    assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, low: 1.0, high: 3.0 });
    assert_eq!(Spread::of(&[4.0, 1.0, 3.0, 2.0]), Spread { median: 2.5, low: 1.0, high: 4.0 });
    assert_eq!(Spread::of(&[7.0]), Spread { median: 7.0, low: 7.0, high: 7.0 });
}

#[test]
fn a_spread_is_written_with_the_decimals_that_were_asked_for() {
    let spread = Spread::of(&[1.25, 0.5, 9.0]);
    assert_eq!(format!("{spread:.2}"), "1.25 (0.50–9.00)");
    assert_eq!(format!("{spread}"), "1 (0–9)");
}

#[test]
fn one_wait_in_a_hundred_is_longer_than_the_tail_says() {
    let waits: Vec<f64> = (1..=101).rev().map(f64::from).collect();
    assert_eq!(Tail::of(&waits), Tail { p50: 51.0, p99: 100.0, slowest: 101.0 });
    assert_eq!(Tail::of(&[7.0]), Tail { p50: 7.0, p99: 7.0, slowest: 7.0 });
    assert_eq!(format!("{:.1}", Tail::of(&waits)), "51.0 / 100.0 / 101.0");
}

#[test]
fn a_field_is_found_by_its_whole_name() {
    let text = "AnonHugePages:   7 kB\nRss:     36864 kB\nThreads:	3\n";
    assert_eq!(kib(text, "Rss"), Some(36_864));
    assert_eq!(kib(text, "Anon"), None);
    assert_eq!(kib(text, "Threads"), None);
}
