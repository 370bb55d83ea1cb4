//! A lecture: one who speaks and is seen, two hundred who watch, over real UDP on loopback. So little is sent that whatever a
//! busy machine does not read at once fits into the buffers of its kernel: what is lost here, the relay has lost.

use std::collections::HashSet;

use futures_util::future::join_all;
use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{MediaKind, Permit};

use super::client::Client;
use super::quiet::{Came, Quiet};
use super::stage::Stage;

const LECTURER: u8 = 1;
const VIEWERS: u8 = 200;
/// Packets of each kind that are counted, at ten a second.
const COUNTED: u16 = 30;
/// What is counted, and what comes after it.
const LESSON: u8 = 1;
const AFTER: u8 = 2;

/// Of a kind: how many were sent within the lesson, by the numbers that they bear, and how many of these came.
fn count(came: &[Came], kind: MediaKind) -> (u16, u16) {
    let of = |mark: u8| came.iter().filter(move |one| one.kind == kind && one.mark == mark);
    let first = of(LESSON).next().unwrap().sequence;
    // They may overtake each other, where one is sent again.
    let end = of(AFTER).map(|one| one.sequence.wrapping_sub(first)).min().unwrap();
    let numbers: HashSet<u16> = of(LESSON).map(|one| one.sequence.wrapping_sub(first)).collect();
    (end, u16::try_from(numbers.len()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_lecture_to_two_hundred_viewers_each_misses_less_than_a_packet_in_a_thousand() {
    let mut stage = Stage::with(|config| {
        config.seats_per_room = 1 + usize::from(VIEWERS);
        config.seats = config.seats_per_room;
    });
    let watches = Permit { receive: true, ..Permit::NOTHING };
    let names: Vec<u8> = (LECTURER + 1..=LECTURER + VIEWERS).collect();
    let mut viewers = Vec::new();
    for name in names {
        stage.admit(name, watches).await;
        let mut viewer = Quiet::viewer(&stage.browsers).await;
        let sdp = viewer.offer().await;
        let answer = stage.offer(name, true, sdp).await.expect("an answer");
        viewers.push((viewer, answer));
    }
    let mut viewers: Vec<Quiet> = join_all(viewers.into_iter().map(async |(mut viewer, answer)| {
        viewer.accept(answer).await;
        viewer
    }))
    .await;
    stage.admit(LECTURER, Permit::ALL).await;
    let lecturer = Client::calm(LECTURER, 0, &stage.browsers).await;
    let lecturer = stage.seat(lecturer).await;

    let has = |kind, mark, at_least: u16| {
        move |came: &[Came]| {
            let of = came.iter().filter(|one| one.kind == kind && one.mark == mark);
            of.count() >= usize::from(at_least)
        }
    };
    // Everybody hears and sees, and then it counts.
    join_all(viewers.iter_mut().map(async |viewer| {
        viewer.came(|came| has(Audio, 0, 1)(came) && has(Video, 0, 1)(came)).await;
    }))
    .await;
    lecturer.mark(LESSON);
    viewers[0].came(has(Video, LESSON, COUNTED)).await;
    lecturer.mark(AFTER);
    let all = join_all(
        viewers
            .iter_mut()
            .map(async |viewer| viewer.came(|came| has(Audio, AFTER, 1)(came) && has(Video, AFTER, 1)(came)).await),
    )
    .await;
    let (mut sent, mut came) = (0, 0);
    for viewer in &all {
        for kind in [Audio, Video] {
            let (of, arrived) = count(viewer, kind);
            // Whoever missed the first would count too few.
            assert!(of >= COUNTED - 1, "{of} of {kind:?}");
            (sent, came) = (sent + u32::from(of), came + u32::from(arrived));
        }
    }
    println!("FIGURE a lecture to {VIEWERS}: {} of {sent} packets lost", sent - came);
    assert!((sent - came) * 1_000 < sent, "{} of {sent} packets lost", sent - came);
    stage.strike().await;
}
