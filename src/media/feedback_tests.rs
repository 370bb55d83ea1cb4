use std::sync::Arc;

use rtc::rtcp::goodbye::Goodbye;
use rtc::rtcp::sender_report::SenderReport;
use rtc::srtp::option::srtcp_replay_protection;
use rtc::srtp::protection_profile::ProtectionProfile;
use tokio::sync::mpsc;

use super::*;
use crate::domain::first_byte::is_report;
use crate::domain::room::relay::Permit;
use crate::media::bandwidth::PathMeter;
use crate::media::egress::{Egress, Nowhere};
use crate::media::gate::Gate;
use crate::media::instant;
use crate::media::reports::Report;

fn context(key: u8) -> Context {
    let crypto = rtc::crypto::default_provider().unwrap();
    let (profile, replay) = (ProtectionProfile::AeadAes128Gcm, Some(srtcp_replay_protection(64)));
    Context::new(&[key; 16], &[9; 12], profile, None, replay, crypto.crypto()).unwrap()
}

fn arm(scene: &Scene) {
    assert!(scene.feedback.arm(Box::new(|| Some(context(7)))));
}

fn locked(browser: &mut Context, packets: &[Box<dyn Packet>]) -> Vec<u8> {
    let plain = rtc::rtcp::packet::marshal(packets).unwrap();
    browser.encrypt_rtcp(&plain).unwrap().to_vec()
}

fn wish(media_ssrc: u32) -> Box<dyn Packet> {
    Box::new(PictureLossIndication { sender_ssrc: 1, media_ssrc })
}

struct Scene {
    feedback: Feedback,
    wished: mpsc::Receiver<u32>,
    reported: mpsc::Receiver<Report>,
}

fn scene() -> Scene {
    let (wishes, wished) = mpsc::channel(16);
    let (reports, reported) = mpsc::channel(16);
    let gate = Arc::new(Gate::new(Permit::ALL));
    let egress = Egress::new(instant::now(), Box::new(Nowhere), gate, PathMeter::default());
    Scene { feedback: Feedback::new(ReportReader::new(wishes, reports, egress)), wished, reported }
}

#[test]
fn a_report_of_what_came_is_heeded_once_and_not_given_to_the_engine() {
    let (mut scene, mut browser) = (scene(), context(7));
    arm(&scene);
    let report: Box<dyn Packet> = Box::new(ReceiverReport { ssrc: 1, ..ReceiverReport::default() });
    let datagram = locked(&mut browser, &[report, wish(77)]);
    assert!(is_report(&datagram));
    assert!(scene.feedback.read(instant::now(), &datagram));
    assert_eq!(scene.wished.try_recv().ok(), Some(77));
    assert!(scene.feedback.read(instant::now(), &datagram), "nor is one that comes again");
    assert!(scene.wished.try_recv().is_err(), "it is not heeded again");
}

#[test]
fn what_holds_anything_else_is_left_to_the_engine_as_a_whole() {
    let (mut scene, mut browser) = (scene(), context(7));
    arm(&scene);
    let reports: [Box<dyn Packet>; 2] =
        [Box::new(SenderReport { ssrc: 1, ..SenderReport::default() }), Box::new(Goodbye::default())];
    for other in reports {
        let datagram = locked(&mut browser, &[other, wish(77)]);
        assert!(!scene.feedback.read(instant::now(), &datagram));
    }
    assert!(scene.wished.try_recv().is_err() && scene.reported.try_recv().is_err(), "the engine's chain hears it");
}

#[test]
fn before_there_are_keys_the_engine_has_everything_and_afterwards_nobody_what_is_forged() {
    let (mut scene, mut browser) = (scene(), context(7));
    assert!(!scene.feedback.read(instant::now(), &locked(&mut browser, &[wish(77)])));
    arm(&scene);
    let mut bent = locked(&mut browser, &[wish(77)]);
    *bent.last_mut().unwrap() ^= 1;
    let forged = locked(&mut context(8), &[wish(77)]);
    for bytes in [&bent[..], &forged, &forged[..9], &[0x80, 200], &[]] {
        assert!(scene.feedback.read(instant::now(), bytes), "{bytes:?}");
    }
    assert!(scene.wished.try_recv().is_err());
}

#[test]
fn media_and_checks_are_no_reports() {
    for (bytes, expected) in
        [(&[0x80, 96][..], false), (&[0x80, 0xe0], false), (&[0, 1], false), (&[22, 200], false), (&[0x8f, 205], true)]
    {
        assert_eq!(is_report(bytes), expected, "{bytes:?}");
    }
    assert!(!is_report(&[0x80]));
}

#[test]
fn strangers_numbers_are_forgotten_and_a_browser_with_many_senders_is_still_read() {
    let (mut scene, mut browser) = (scene(), context(7));
    arm(&scene);
    let mut now = instant::now();
    let mut stranger = context(8);
    for number in 0..1_000 {
        now += SPAN;
        let forged: Box<dyn Packet> = Box::new(PictureLossIndication { sender_ssrc: 5_000 + number, media_ssrc: 9 });
        assert!(scene.feedback.read(now, &locked(&mut stranger, &[forged])));
    }
    {
        let state = scene.feedback.state();
        let locks = state.locks.as_ref().unwrap();
        assert!(locks.senders.is_empty() && locks.trials <= TRIALS);
    }
    for sender_ssrc in 0..200 {
        now += SPAN;
        let wish: Box<dyn Packet> = Box::new(PictureLossIndication { sender_ssrc, media_ssrc: 77 });
        assert!(scene.feedback.read(now, &locked(&mut browser, &[wish])));
        let is_heard = scene.wished.try_recv().is_ok();
        assert_eq!(is_heard, usize::try_from(sender_ssrc).unwrap() < SENDERS, "sender {sender_ssrc}");
    }
}

#[test]
fn of_one_connection_so_many_reports_are_read_on_everybodys_task_and_no_more() {
    let (mut scene, mut browser) = (scene(), context(7));
    arm(&scene);
    let now = instant::now();
    let mut heard = 0;
    for _ in 0..2 * DATAGRAMS {
        assert!(scene.feedback.read(now, &locked(&mut browser, &[wish(77)])));
        heard += usize::from(scene.wished.try_recv().is_ok());
    }
    assert_eq!(heard, DATAGRAMS);
    assert!(scene.feedback.read(now + SPAN, &locked(&mut browser, &[wish(77)])));
    assert!(scene.wished.try_recv().is_ok(), "a moment later it is heard again");
    let crowd: Vec<_> = (0..=PACKETS).map(|_| wish(77)).collect();
    assert!(scene.feedback.read(now + SPAN, &locked(&mut browser, &crowd)));
    assert!(scene.wished.try_recv().is_err(), "no browser says so much in one datagram");
}
