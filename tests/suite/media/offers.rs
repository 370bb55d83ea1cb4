//! What the relay answers, and what it refuses.

use std::sync::atomic::Ordering;
use std::time::Duration;

use uuid::Uuid;
use yunzhen::domain::ids::RoomId;
use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{MediaState, OfferRefusal, Permit, RelayCommand, RelayEvent, RelayMode};

use super::client::Client;
use super::stage::{Stage, participant, room};

#[tokio::test]
async fn an_offer_of_somebody_who_was_not_admitted_is_refused() {
    let mut stage = Stage::new();
    let mut client = Client::new(1, 1, &stage.browsers).await;
    let sdp = client.offer().await;
    assert_eq!(stage.offer(1, true, sdp.clone()).await, Err(OfferRefusal::NotAdmitted));

    stage.admit(1, Permit::ALL).await;
    stage.send(RelayCommand::Remove { participant: participant(1) }).await;
    assert_eq!(stage.offer(1, true, sdp).await, Err(OfferRefusal::NotAdmitted));
    assert_eq!(stage.relay.connections(), 0);
    client.vanish().await;
    stage.strike().await;
}

#[tokio::test]
async fn checks_and_callers_take_half_of_the_seats_and_the_called_find_one() {
    let mut stage = Stage::with(|config| config.seats = 4);
    let mut client = Client::new(1, 1, &stage.browsers).await;
    let sdp = client.offer().await;
    for (name, kept) in [(1, false), (2, false), (3, false), (4, true), (5, true), (6, true)] {
        let (participant, mode) = (participant(name), RelayMode::Conference);
        stage.send(RelayCommand::Admit { room: room(), participant, mode, kept, permit: Permit::ALL }).await;
    }
    assert_eq!(stage.offer(3, true, sdp.clone()).await, Err(OfferRefusal::NotAdmitted), "the third of the hall");
    assert!(stage.offer(5, true, sdp.clone()).await.is_ok());
    assert_eq!(stage.offer(6, true, sdp).await, Err(OfferRefusal::NotAdmitted), "all four are taken");
    client.vanish().await;
}

#[tokio::test]
async fn a_caller_without_a_connection_gives_its_seat_to_the_next_and_one_that_talks_keeps_it() {
    let mut stage = Stage::with(|config| (config.seats, config.idle) = (4, Duration::ZERO));
    let admit = |name| RelayCommand::Admit {
        room: room(),
        participant: participant(name),
        mode: RelayMode::Conference,
        kept: false,
        permit: Permit::ALL,
    };
    stage.send(admit(1)).await;
    let talks = stage.bring(1, 1).await;
    stage
        .event(|event| matches!(event, RelayEvent::Connection { state: MediaState::Connected, .. }).then_some(()))
        .await;
    for name in [2, 3] {
        stage.send(admit(name)).await;
    }
    let mut client = Client::new(3, 1, &stage.browsers).await;
    let sdp = client.offer().await;
    stage.state(2, MediaState::Closed).await;
    assert_eq!(stage.offer(2, true, sdp.clone()).await, Err(OfferRefusal::NotAdmitted), "it never came");
    assert!(stage.offer(3, true, sdp.clone()).await.is_ok());
    assert_ne!(stage.offer(1, false, String::new()).await, Err(OfferRefusal::NotAdmitted));
    // There is a seat again, and whoever lost theirs comes back.
    stage.send(RelayCommand::Remove { participant: participant(3) }).await;
    stage.send(admit(2)).await;
    assert!(stage.offer(2, true, sdp).await.is_ok());
    client.vanish().await;
    talks.vanish().await;
    stage.strike().await;
}

#[tokio::test]
async fn a_caller_takes_the_seat_of_a_check_when_all_of_the_hall_are_taken_and_a_check_takes_nobodys() {
    let mut stage = Stage::with(|config| config.seats = 4);
    let admit = |name: u8, mode| RelayCommand::Admit {
        room: RoomId::from_uuid(Uuid::from_u128(name.into())),
        participant: participant(name),
        mode,
        kept: false,
        permit: Permit::ALL,
    };
    for (name, mode) in [
        (1, RelayMode::Loopback),
        (2, RelayMode::Loopback),
        (3, RelayMode::Loopback),
        (4, RelayMode::Conference),
        (5, RelayMode::Conference),
        (6, RelayMode::Conference),
        (7, RelayMode::Loopback),
    ] {
        stage.send(admit(name, mode)).await;
    }
    for (name, reason) in [
        (1, OfferRefusal::NotAdmitted),
        (2, OfferRefusal::NotAdmitted),
        (3, OfferRefusal::NotAdmitted),
        (4, OfferRefusal::Malformed),
        (5, OfferRefusal::Malformed),
        (6, OfferRefusal::NotAdmitted),
        (7, OfferRefusal::NotAdmitted),
    ] {
        assert_eq!(stage.offer(name, true, String::new()).await, Err(reason), "{name}");
    }
    stage.strike().await;
}

#[tokio::test]
async fn nobody_loses_a_seat_to_somebody_whose_own_room_is_full() {
    let mut stage = Stage::with(|config| (config.seats, config.seats_per_room, config.idle) = (4, 1, Duration::ZERO));
    for (name, number) in [(1, 1), (2, 2), (3, 2)] {
        stage
            .send(RelayCommand::Admit {
                room: RoomId::from_uuid(Uuid::from_u128(number)),
                participant: participant(name),
                mode: RelayMode::Conference,
                kept: false,
                permit: Permit::ALL,
            })
            .await;
    }
    for name in [1, 2] {
        assert_eq!(stage.offer(name, true, String::new()).await, Err(OfferRefusal::Malformed), "{name} has a seat");
    }
    assert_eq!(stage.offer(3, true, String::new()).await, Err(OfferRefusal::NotAdmitted));
    stage.strike().await;
}

#[tokio::test]
async fn a_malformed_offer_is_refused_and_the_connection_goes_on() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    let mut b = stage.join(2, RelayMode::Conference, 1).await;
    a.packets_of(2, Video, 5).await;
    let good = b.offer().await;
    for (fresh, sdp, reason) in [
        (true, String::new(), OfferRefusal::Malformed),
        (false, "v=0\r\nnonsense".to_owned(), OfferRefusal::Malformed),
        (true, "x".repeat(100_000), OfferRefusal::Malformed),
        (false, good.replace("a=mid:1", "a=mid:0"), OfferRefusal::Malformed),
        (true, good.replace("opus", "speex").replace("VP8", "VP7"), OfferRefusal::NoCommonCodec),
    ] {
        assert_eq!(stage.offer(2, fresh, sdp).await, Err(reason));
    }
    a.arrived();
    a.packets_of(2, Video, 20).await;
    b.packets_of(1, Audio, 20).await;
    stage.strike().await;
}

#[tokio::test]
async fn an_offer_that_we_understand_and_the_engine_does_not_is_refused_and_the_connection_goes_on() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    let mut b = stage.join(2, RelayMode::Conference, 1).await;
    a.packets_of(2, Video, 5).await;
    let good = b.offer().await;
    // Header extensions are numbered from 1.
    let bad: Vec<_> = good
        .lines()
        .map(|line| match line.strip_prefix("a=extmap:") {
            Some(rest) => format!("a=extmap:0{}", rest.trim_start_matches(|digit: char| digit.is_ascii_digit())),
            None => line.to_owned(),
        })
        .collect();
    let bad = bad.join("\r\n") + "\r\n";
    assert_ne!(bad, good);
    let stranger = bad.replace(fingerprint(&bad), &format!("sha-256 {}", vec!["AB"; 32].join(":")));
    // A new page, an ICE restart or another section, and another browser.
    for (fresh, sdp) in [(true, &bad), (false, &bad), (false, &stranger), (true, &stranger)] {
        assert_eq!(stage.offer(2, fresh, sdp.clone()).await, Err(OfferRefusal::Malformed));
        assert_eq!(stage.relay.connections(), 2, "nothing of it is left");
        a.arrived();
        b.arrived();
        a.packets_of(2, Video, 20).await;
        b.packets_of(1, Audio, 20).await;
    }
    let answer = stage.offer(2, false, good).await.expect("an answer, on the same connection");
    b.accept(answer).await;
    b.arrived();
    b.packets_of(1, Video, 20).await;
    stage.strike().await;
}

fn fingerprint(sdp: &str) -> &str {
    sdp.lines().find_map(|line| line.strip_prefix("a=fingerprint:")).expect("a certificate")
}

#[tokio::test]
async fn whoever_offers_more_tracks_than_one_has_is_refused_and_takes_no_section_of_others() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    let mut b = stage.join(2, RelayMode::Conference, 1).await;
    stage.admit(3, Permit::ALL).await;
    let mut vandal = Client::new(3, 17, &stage.browsers).await;
    let sdp = vandal.offer().await;
    assert_eq!(sdp.matches("a=recvonly").count(), 34);
    let with = |kind: &str, count: usize| {
        let mut left = count;
        let sections = sdp.split("m=").enumerate().map(|(at, section)| {
            let is_own = section.starts_with(kind) && section.contains("a=recvonly") && left > 0;
            left -= usize::from(is_own);
            let track = format!("a=ssrc:{} cname:x\r\na=sendonly", 9_000 + at);
            if is_own { section.replace("a=recvonly", &track) } else { section.to_owned() }
        });
        sections.collect::<Vec<_>>().join("m=")
    };
    for (kind, count) in [("audio", 17), ("video", 17), ("audio", 1), ("video", 2)] {
        let reason = stage.offer(3, true, with(kind, count)).await.expect_err("more than one has");
        assert_eq!(reason, OfferRefusal::Malformed, "{count} more of {kind}");
    }
    assert_eq!(stage.relay.connections(), 2);
    stage.offer(3, true, with("video", 1)).await.expect("a microphone, a camera and a screen");
    // A section keeps its use, so what would be one more track is not.
    let answer = stage.offer(3, false, with("video", 2)).await.expect("an answer");
    assert_eq!(answer.matches("a=recvonly").count(), 3, "{answer}");
    a.arrived();
    a.packets_of(2, Video, 20).await;
    b.packets_of(1, Audio, 20).await;
    vandal.vanish().await;
    stage.strike().await;
}

#[tokio::test]
async fn a_seat_that_broke_is_made_anew_and_the_port_forgets_what_it_held() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    let mut b = stage.join(2, RelayMode::Conference, 1).await;
    a.packets_of(2, Video, 5).await;

    // An ICE restart needs new credentials.
    b.connection.restart_ice().await.expect("restarts");
    let sdp = b.offer().await;
    stage.breaks.store(true, Ordering::Relaxed);
    stage.send(RelayCommand::Offer { participant: participant(2), offer_id: 99, fresh: false, sdp }).await;
    stage.state(2, MediaState::Closed).await;
    stage.breaks.store(false, Ordering::Relaxed);
    assert_eq!(stage.relay.connections(), 1);
    assert_eq!(stage.counted("relay_connections"), 1);
    b.vanish().await;

    let mut b = stage.bring(2, 1).await;
    a.arrived();
    a.packets_of(2, Video, 20).await;
    b.packets_of(1, Audio, 20).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_seat_that_broke_before_it_had_a_connection_answers_the_next_offer_and_keeps_its_permit() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    stage.admit(2, Permit { audio: false, ..Permit::ALL }).await;
    let mut b = Client::new(2, 1, &stage.browsers).await;
    let sdp = b.offer().await;
    stage.breaks.store(true, Ordering::Relaxed);
    let offer = RelayCommand::Offer { participant: participant(2), offer_id: 99, fresh: true, sdp: sdp.clone() };
    stage.send(offer).await;
    stage.state(2, MediaState::Closed).await;
    stage.breaks.store(false, Ordering::Relaxed);
    let answer = stage.offer(2, true, sdp).await.expect("an answer");
    b.accept(answer).await;
    b.connected().await;
    let mut seen = 0;
    while seen < 20 {
        let packet = a.next().await;
        assert_eq!((packet.sender, packet.kind), (2, Video), "its microphone is shut");
        seen += 1;
    }
    stage.strike().await;
}

#[tokio::test]
async fn more_sections_are_added_to_a_running_connection() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 0).await;
    let _b = stage.join(2, RelayMode::Conference, 1).await;
    stage.slots(1, |slots, missing| slots.is_empty() && missing == (1, 1)).await;
    a.add_sections(1).await;
    stage.negotiate(&mut a, false).await;
    stage.slots(1, |slots, missing| slots.len() == 2 && missing == (0, 0)).await;
    a.packets_of(2, Video, 10).await;
    a.packets_of(2, Audio, 10).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_whose_section_was_stopped_is_heard_no_more_though_its_packets_still_come() {
    const MOVED: u8 = 1;
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    let mut b = stage.join(2, RelayMode::Conference, 1).await;
    a.packets_of(2, Audio, 5).await;
    // Its voice is in another section from now on, by its word alone.
    let sdp = b.offer().await;
    let at = sdp.find("m=audio").expect("a microphone");
    let end = at + sdp[at + 1..].find("m=").expect("more sections") + 1;
    let own = &sdp[at..end];
    let ssrc = own.lines().find_map(|line| line.strip_prefix("a=ssrc:")?.split(' ').next()).expect("a stream");
    let moved = own.replace("a=mid:0", "a=mid:77").replace(ssrc, "77777");
    let stopped = own.replacen("m=audio 9", "m=audio 0", 1);
    let bundle = sdp.lines().find(|line| line.starts_with("a=group:BUNDLE")).expect("a bundle");
    let sdp = sdp.replacen(own, &stopped, 1).replacen(bundle, &format!("{bundle} 77"), 1) + &moved;
    stage.offer(2, false, sdp).await.expect("an answer");
    b.mark(MOVED);
    a.arrived();
    let mut pictures = 0;
    while pictures < 100 {
        let packet = a.next().await;
        if packet.mark == MOVED {
            assert_eq!(packet.kind, Video, "what comes in a section that was stopped is nobody's");
            pictures += 1;
        }
    }
    b.vanish().await;
    stage.strike().await;
}
