//! How the bench makes one figure of many measurements.

#[path = "../../benches/clinic/figures.rs"]
mod arithmetic;
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "a bench asks the machine's clock")]
#[path = "../../benches/media/bare.rs"]
mod bare;

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

/// The bench's own measurement, of fewer packets: what it prints by hand is what it prints here. Of the prices themselves only
/// what holds on any machine: that the kernel takes 32 packets in one call for less than one by one.
#[cfg(target_os = "linux")]
#[test]
fn the_bare_price_of_a_packet_is_measured_in_one_run_and_a_segmented_send_is_the_cheaper_one() {
    let prices = bare::prices(1180, 3_200);
    let page = include_str!("../../docs/BENCHMARKS.md");
    for (name, price) in &prices {
        assert!(price.is_finite() && *price > 0.0, "{name}: {price}");
        assert!(page.lines().any(|line| line.starts_with(&format!("| {name} | "))), "{name} stands in the page");
    }
    let of = |wanted: &str| prices.iter().find(|(name, _)| *name == wanted).unwrap().1;
    assert_eq!(prices.len(), 5);
    assert!(of("UDP GSO × 32") < of("`sendto`"), "{prices:?}");
}

/// The rows that a part of the bench prints, by their names, stand in the page with a figure each.
#[test]
fn the_bare_price_of_a_packet_stands_beside_what_ours_costs() {
    let (bench, page) = (include_str!("../../benches/media/bare.rs"), include_str!("../../docs/BENCHMARKS.md"));
    let (_, rest) = page.split_once("\n## Forwarding\n").expect("the part on forwarding");
    let part = rest.split("\n## ").next().unwrap();
    assert!(part.lines().any(|line| line.starts_with("cargo bench --bench media")), "one run for all of it");
    let figure = |name: &str| -> f64 {
        let row = part.lines().find_map(|line| line.strip_prefix(&format!("| {name} | ")));
        let row = row.unwrap_or_else(|| panic!("no figure of {name}"));
        row.split(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{name} has no figure: {row}"))
    };
    let named = [
        "`sendto`",
        "`sendmmsg` × 32",
        "UDP GSO × 32",
        "SRTP protect, AES-128-GCM",
        "SRTP protect, AES-CM-HMAC-SHA1-80",
    ];
    for name in named {
        assert!(bench.contains(&format!("\"{name}\"")), "the bench prints a row {name}");
        assert!((0.01..100.0).contains(&figure(name)), "microseconds of {name}");
    }
    // And how far we are from them is said.
    let words = part.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["cipher and GSO alone are", "cipher and `sendto` alone are"] {
        assert!(words.contains(said), "{said}");
    }
    for ours in ["100 packets/s, one by one", "500 packets/s, one by one", "25 frames/s of 20 packets"] {
        assert!(figure(ours) > figure("UDP GSO × 32"), "{ours}");
    }
}
