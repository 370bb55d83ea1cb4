use rtc::rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, RecvDelta, RunLengthChunk, StatusChunkTypeTcc, SymbolTypeTcc,
};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::NackPair;
use rtc::rtp::Packet;
use rtc::shared::marshal::Unmarshal as _;
use rtc::srtp::protection_profile::ProtectionProfile;
use tokio::sync::Notify;
use uuid::Uuid;

use super::*;
use crate::domain::ids::ParticipantId;
use crate::domain::room::relay::{Permit, SourceName};
use crate::media::instant;
use crate::media::kept::{AGAIN, KEPT_FOR};
use crate::media::source::Whose;

const SSRC: u32 = 77;

/// What left, call by call: the bytes, and the length of each datagram but the last.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Call>>>);

type Call = (Vec<u8>, usize);

impl Wire for Calls {
    fn send(&self, bytes: &[u8], segment: usize) {
        self.0.lock().unwrap().push((bytes.to_vec(), segment));
    }
}

impl Calls {
    /// How many datagrams each call had.
    fn shape(&self) -> Vec<usize> {
        self.0.lock().unwrap().iter().map(|(bytes, segment)| bytes.len().div_ceil(*segment)).collect()
    }

    fn take(&self) -> Vec<Vec<u8>> {
        let calls = std::mem::take(&mut *self.0.lock().unwrap());
        calls.iter().flat_map(|(bytes, segment)| bytes.chunks(*segment).map(<[u8]>::to_vec)).collect()
    }
}

fn context() -> Context {
    let crypto = rtc::crypto::default_provider().unwrap();
    Context::new(&[7; 16], &[9; 12], ProtectionProfile::AeadAes128Gcm, None, None, crypto.crypto()).unwrap()
}

fn read(datagram: &[u8]) -> Packet {
    let mut plain = context().decrypt_rtp(datagram).expect("well protected");
    Packet::unmarshal(&mut plain).expect("whole")
}

struct Scene {
    calls: Calls,
    gate: Arc<Gate>,
    theirs: Arc<Gate>,
    path: PathMeter,
    egress: Arc<Egress>,
    source: Arc<Source>,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Self::of(MediaKind::Video, SourceName::Camera)
    }

    fn of(kind: MediaKind, name: SourceName) -> Self {
        let (now, calls, gate, theirs) = (instant::now(), Calls::default(), gate(), gate());
        let path = PathMeter::default();
        let egress = Egress::new(now, Box::new(calls.clone()), Arc::clone(&gate), path.clone());
        egress.add(SSRC, kind);
        egress.set_wide(SSRC, Some(5));
        let owner = ParticipantId::from_uuid(Uuid::from_u128(1));
        let whose = Whose { number: 1, owner, kind, name };
        let source = Source::new(now, whose, Arc::clone(&theirs), Arc::new(Notify::new()));
        Self { calls, gate, theirs, path, egress, source, now }
    }

    fn send(&self, sequences: impl IntoIterator<Item = (u16, usize)>) -> Option<u64> {
        let packets = sequences.into_iter().map(|(sequence, length)| Outgoing {
            marker: false,
            payload_type: 96,
            sequence,
            timestamp: 3000,
            payload: vec![sequence.to_be_bytes()[1]; length].into(),
        });
        self.egress.send(self.now, SSRC, &self.source, packets)
    }
}

fn gate() -> Arc<Gate> {
    Arc::new(Gate::new(Permit::ALL))
}

fn nack(sequence: u16) -> TransportLayerNack {
    TransportLayerNack { sender_ssrc: 1, media_ssrc: SSRC, nacks: vec![NackPair::new(sequence)] }
}

#[test]
fn a_frame_leaves_in_one_call_and_in_order_and_nothing_before_the_keys_are_known() {
    let scene = Scene::new();
    assert_eq!(scene.send([(1, 900)]), None);
    assert!(scene.calls.shape().is_empty());
    scene.egress.arm(context());
    assert_eq!(scene.send([(1, 900), (2, 900), (3, 900), (4, 200), (5, 900), (6, 901)]), Some(6));
    assert_eq!(scene.calls.shape(), [4, 1, 1], "a shorter one ends a run, a longer one begins another");
    let sent: Vec<_> = scene.calls.take().iter().map(|datagram| read(datagram)).collect();
    assert_eq!(sent.iter().map(|packet| packet.header.sequence_number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    let wide = sent.iter().map(|packet| packet.header.get_extension(5).expect("numbered").to_vec());
    assert_eq!(wide.collect::<Vec<_>>(), (0..6).map(|at| vec![0, at]).collect::<Vec<_>>());
    assert_eq!((sent[3].payload.len(), sent[3].header.ssrc, sent[3].header.payload_type), (200, SSRC, 96));
    scene.send((7..207).map(|sequence| (sequence, 1100)));
    assert!(scene.calls.shape().iter().all(|count| *count <= MOST_SEGMENTS));
    assert_eq!(scene.calls.take().len(), 200);
}

#[test]
fn what_is_missed_is_sent_again_as_the_very_same_bytes() {
    let scene = Scene::new();
    scene.egress.arm(context());
    scene.send((65_530..=65_535).chain(0..10).map(|sequence| (sequence, 500)));
    let first = scene.calls.take();
    scene.egress.resend(scene.now, &nack(65_533));
    scene.egress.resend(scene.now, &nack(2));
    scene.egress.resend(scene.now, &nack(400));
    assert_eq!(scene.calls.take(), [first[3].clone(), first[8].clone()]);
    assert_eq!(scene.send([(10, 500)]), Some(1), "and the stream goes on");
    let mut whole = context();
    for datagram in first.iter().chain(&scene.calls.take()) {
        whole.decrypt_rtp(datagram).expect("the receiver's count of rounds agrees");
    }
}

#[test]
fn sound_is_sent_again_while_somebody_may_still_wait_for_it() {
    let scene = Scene::of(MediaKind::Audio, SourceName::Microphone);
    scene.egress.arm(context());
    scene.send((0..200).map(|sequence| (sequence, 120)));
    scene.calls.take();
    scene.egress.resend(scene.now, &nack(199));
    assert_eq!(scene.calls.take().len(), 1);
    scene.egress.resend(scene.now, &nack(50));
    assert_eq!(scene.calls.take().len(), 0, "three seconds ago");
}

#[test]
fn a_path_that_loses_most_of_the_sound_is_not_given_still_more() {
    let scene = Scene::of(MediaKind::Audio, SourceName::Microphone);
    scene.egress.arm(context());
    scene.send((0..100).map(|sequence| (sequence, 120)));
    scene.calls.take();
    for sequence in 60..100 {
        scene.egress.resend(scene.now, &nack(sequence));
    }
    assert_eq!(scene.calls.take().len(), 13, "a quarter of a second's fifty");
    scene.send((100..150).map(|sequence| (sequence, 120)));
    scene.calls.take();
    scene.egress.resend(scene.now, &nack(149));
    assert_eq!(scene.calls.take().len(), 1, "the next second is another");
}

#[test]
fn what_may_no_longer_pass_is_not_sent_again_either() {
    let scene = Scene::new();
    scene.egress.arm(context());
    let fill = || {
        scene.send([(1, 500)]);
        scene.calls.take();
    };
    let later = std::cell::Cell::new(scene.now);
    let asked = || {
        later.set(later.get() + AGAIN);
        scene.egress.resend(later.get(), &nack(1));
        scene.calls.take().len()
    };
    fill();
    assert_eq!(asked(), 1);
    scene.theirs.set(Permit { camera: false, ..Permit::ALL });
    assert_eq!(asked(), 0, "its sender was muted");
    scene.theirs.set(Permit::ALL);
    scene.gate.set(Permit::NOTHING);
    assert_eq!(asked(), 0, "its receiver was held apart");
    scene.gate.set(Permit::ALL);
    assert_eq!(asked(), 1);
    scene.egress.forget(SSRC);
    assert_eq!(asked(), 0, "the section shows somebody else");
}

#[test]
fn nothing_is_sent_again_under_another_header() {
    let scene = Scene::new();
    scene.egress.arm(context());
    scene.send([(1, 500)]);
    scene.calls.take();
    scene.egress.set_wide(SSRC, Some(5));
    scene.egress.resend(scene.now, &nack(1));
    assert_eq!(scene.calls.take().len(), 1, "the section is as it was");
    scene.egress.set_wide(SSRC, Some(6));
    scene.egress.resend(scene.now + AGAIN, &nack(1));
    assert_eq!(scene.calls.take().len(), 0);
}

#[test]
fn a_stream_that_rests_keeps_nothing_for_longer_than_two_seconds() {
    let scene = Scene::new();
    scene.egress.arm(context());
    scene.send((0..100).map(|sequence| (sequence, 500)));
    scene.calls.take();
    let kept = || scene.egress.state().streams[0].kept.capacity();
    let later = scene.now + KEPT_FOR.saturating_sub(Duration::from_millis(1));
    scene.egress.report(later, SSRC, 90_000);
    scene.egress.resend(later, &nack(50));
    assert_eq!(scene.calls.take().len(), 1, "just before, it may be asked for");
    scene.egress.resend(scene.now + KEPT_FOR, &nack(51));
    assert_eq!(scene.calls.take().len(), 0, "and then no more");
    assert!(kept() >= 100, "nobody looked yet");
    scene.egress.report(scene.now + KEPT_FOR, SSRC, 90_000);
    assert_eq!(kept(), 0, "neither the packets nor the room for them");
}

#[test]
fn who_asks_for_everything_again_and_again_gets_a_bounded_part_of_it() {
    let scene = Scene::new();
    scene.egress.arm(context());
    scene.send((0..1024).map(|sequence| (sequence, 500)));
    scene.calls.take();
    let all = (0..1024).step_by(17).map(|first| NackPair { packet_id: first, lost_packets: 0xffff }).collect();
    let everything = TransportLayerNack { sender_ssrc: 1, media_ssrc: SSRC, nacks: all };
    for _ in 0..50 {
        scene.egress.resend(scene.now, &everything);
    }
    assert_eq!(scene.calls.take().len(), ASKED);
    scene.egress.resend(scene.now + ASKING, &nack(1000));
    assert_eq!(scene.calls.take().len(), 1, "and later is heard again");
    scene.egress.resend(scene.now + ASKING, &nack(1000));
    assert_eq!(scene.calls.take().len(), 0, "it is on its way");
    scene.send([(1030, 500), (1025, 500)]);
    scene.calls.take();
    scene.egress.resend(scene.now + ASKING, &nack(1030));
    assert_eq!(scene.calls.take().len(), 1, "though a late one was the last to leave");
    scene.send((1024..4000).map(|sequence| (sequence, 20)));
    scene.calls.take();
    scene.egress.resend(scene.now + ASKING * 2, &nack(1000));
    assert_eq!(scene.calls.take().len(), 0, "too old");
}

#[test]
fn feedback_tells_the_path_what_arrived_and_what_was_lost() {
    let scene = Scene::new();
    scene.egress.arm(context());
    for at in 0..40 {
        scene.send([(at, 500)]);
    }
    // Every packet but those numbered 10 to 19, one a millisecond.
    let run = |symbol: SymbolTypeTcc, length: u16| {
        PacketStatusChunk::RunLengthChunk(RunLengthChunk {
            type_tcc: StatusChunkTypeTcc::RunLengthChunk,
            packet_status_symbol: symbol,
            run_length: length,
        })
    };
    let came = SymbolTypeTcc::PacketReceivedSmallDelta;
    let feedback = TransportLayerCc {
        sender_ssrc: 1,
        media_ssrc: SSRC,
        base_sequence_number: 0,
        packet_status_count: 40,
        reference_time: 1,
        fb_pkt_count: 0,
        packet_chunks: vec![run(came, 10), run(SymbolTypeTcc::PacketNotReceived, 10), run(came, 20)],
        recv_deltas: vec![RecvDelta { type_tcc_packet: came, delta: 1000 }; 30],
    };
    // One that tells of far more than it says it does is nobody's report.
    let long = TransportLayerCc { packet_chunks: vec![run(came, 40), run(came, 8191)], ..feedback.clone() };
    scene.egress.learn(scene.now, &long);
    assert_eq!(scene.egress.state().fates.unknown(), 40, "not heeded");
    scene.egress.learn(scene.now, &feedback);
    let seen = scene.path.look(scene.now).expect("forty fates");
    assert!(seen.is_congested, "a quarter was lost");
    let count = Count { left: 40, arrived: 30, speaks: Speaks::OfEach, behind: None };
    assert_eq!(scene.egress.count(SSRC), count);
    let report = ReceptionReport { ssrc: SSRC, last_sequence_number: 12, ..Default::default() };
    scene.egress.reported(scene.now + Duration::from_secs(3), &[report]);
    assert_eq!(scene.egress.count(SSRC), count, "of whom each packet is spoken of a report is old news");
    scene.egress.learn(scene.now, &feedback);
    assert_eq!(scene.egress.state().fates.unknown(), 0, "each fate is told once");
}

#[test]
fn a_report_counts_what_left_and_names_the_timestamp_of_this_moment() {
    let scene = Scene::new();
    scene.egress.arm(context());
    assert_eq!(scene.egress.report(scene.now, SSRC, 90_000), None);
    scene.send([(1, 500), (2, 300)]);
    let report = scene.egress.report(scene.now + Duration::from_millis(500), SSRC, 90_000).expect("something left");
    assert_eq!((report.packet_count, report.octet_count, report.rtp_time), (2, 800, 3000 + 45_000));
}

#[test]
fn a_browser_that_reports_now_and_then_says_that_something_came_where_its_newest_packet_is_another() {
    let scene = Scene::of(MediaKind::Audio, SourceName::Microphone);
    scene.egress.arm(context());
    scene.send([(1, 50), (2, 50)]);
    let count = |arrived, speaks| Count { left: 2, arrived, speaks, behind: None };
    let now = scene.now;
    assert_eq!(scene.egress.count(SSRC), count(0, Speaks::Never));
    let report = |ssrc, last_sequence_number| ReceptionReport { ssrc, last_sequence_number, ..Default::default() };
    scene.egress.reported(now, &[]);
    assert_eq!(scene.egress.count(SSRC), count(0, Speaks::Seldom));
    scene.egress.reported(now, &[report(SSRC + 1, 9), report(SSRC, 1)]);
    assert_eq!(scene.egress.count(SSRC), count(1, Speaks::Seldom));
    scene.egress.reported(now, &[report(SSRC, 1)]);
    assert_eq!(scene.egress.count(SSRC), count(1, Speaks::Seldom), "nothing new came");
    scene.egress.reported(now, &[report(SSRC, 2)]);
    assert_eq!(scene.egress.count(SSRC), count(2, Speaks::Seldom));
}

#[test]
fn a_report_says_since_when_nothing_came_and_neither_way_to_the_browser_and_back_is_counted() {
    let mut scene = Scene::of(MediaKind::Audio, SourceName::Microphone);
    scene.egress.arm(context());
    let (began, ms) = (scene.now, Duration::from_millis);
    for at in 0..200 {
        scene.now = began + ms(u64::from(at) * 20);
        scene.send([(at, 50)]);
    }
    let lacked = |report: ReceptionReport| {
        scene.egress.reported(began + ms(4_000), &[report]);
        scene.egress.count(SSRC).behind.map(|behind| (behind.since - began, behind.spans, behind.count))
    };
    let report = ReceptionReport { ssrc: SSRC, last_sequence_number: (3 << 16) + 50, ..Default::default() };
    assert_eq!(lacked(report.clone()), Some((ms(1_100), ms(2_900), 140)));
    // It had our word of a second ago for half a second: half a second was spent on the ways.
    let ours = scene.egress.clock.ntp(began + ms(3_000)) >> 16;
    let last_sender_report = u32::try_from(ours & u64::from(u32::MAX)).unwrap();
    let later = ReceptionReport { last_sender_report, delay: 1 << 15, ..report.clone() };
    assert_eq!(lacked(later), Some((ms(1_100), ms(2_400), 120)));
    assert_eq!(lacked(ReceptionReport { last_sequence_number: 199, ..report.clone() }), None);
    scene.egress.reported(began + ms(4_000), &[report]);
    scene.egress.forget(SSRC);
    assert_eq!(scene.egress.count(SSRC).behind, None, "another source is another stream");
}
