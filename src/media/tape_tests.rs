//! What a room is told of a recording that breaks.

use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::timeout;
use uuid::Uuid;

use super::*;
use crate::domain::recording::{Gap, GapCause};
use crate::domain::time::Timestamp;

const PATIENCE: Duration = Duration::from_secs(30);

/// Where a recorder breaks, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Breaks {
    AtTheBeginning,
    AtTheFirstPiece,
    AtTheEnd,
    Never,
}

/// Keeps pieces where the test sees them.
#[derive(Debug)]
struct Recorded(Breaks, std::sync::mpsc::Sender<Piece>);

struct Kept(Breaks, std::sync::mpsc::Sender<Piece>);

impl Recorder for Recorded {
    fn begin(&self, _: RoomId, _: ParticipantId, _: Filmed, _: &Agreed) -> Box<dyn Take> {
        assert_ne!(self.0, Breaks::AtTheBeginning, "on purpose");
        Box::new(Kept(self.0, self.1.clone()))
    }
}

impl Take for Kept {
    fn append(&mut self, piece: Piece) -> bool {
        assert_ne!(self.0, Breaks::AtTheFirstPiece, "on purpose");
        self.1.send(piece).is_ok()
    }

    fn finish(self: Box<Self>) {
        assert_ne!(self.0, Breaks::AtTheEnd, "on purpose");
    }
}

/// A tape that records, what the room is told, and what is kept.
struct Scene {
    tape: Option<TapeQueue>,
    notices: mpsc::Receiver<Notice>,
    pieces: std::sync::mpsc::Receiver<Piece>,
    tracker: TaskTracker,
}

impl Scene {
    fn new(breaks: Breaks) -> Self {
        let (notices, told) = mpsc::channel(16);
        let (kept, pieces) = std::sync::mpsc::channel();
        let (room, participant) = (RoomId::from_uuid(Uuid::from_u128(1)), ParticipantId::from_uuid(Uuid::from_u128(2)));
        let agreed = Agreed { version: "process-record-1".into(), at: Timestamp::from_millis(5) };
        let (tell, tracker) = (Teller { notices, participant, number: 7 }, TaskTracker::new());
        let recorder = Arc::new(Recorded(breaks, kept));
        let tape =
            TapeQueue::start(recorder, room, (Filmed::Person, agreed), tell, &Arc::new(Counters::new()), &tracker);
        Self { tape: Some(tape), notices: told, pieces, tracker }
    }

    /// Whether the room hears that it records.
    async fn told(&mut self) -> bool {
        let notice = timeout(PATIENCE, self.notices.recv()).await.expect("in time").expect("a notice");
        let (_, 7, News::Taped(is_kept)) = notice else { panic!("{notice:?}") };
        is_kept
    }

    /// Something that is not recorded is sent, and then nothing more; what was kept of the whole.
    async fn end(&mut self) -> Vec<Piece> {
        let tape = self.tape.take().expect("it ends once");
        tape.queue.send(Taped::PassedOver).await.expect("somebody listens to the end");
        drop(tape);
        self.tracker.close();
        timeout(PATIENCE, self.tracker.wait()).await.expect("it ends");
        self.pieces.try_iter().collect()
    }
}

/// The gauge of what is not recorded, on this thread, on which the tests' tasks run.
struct Alarm {
    handle: metrics_exporter_prometheus::PrometheusHandle,
}

impl Alarm {
    fn is_raised(&self) -> bool {
        let text = self.handle.render();
        let line = text.lines().find_map(|line| line.strip_prefix("recordings_failing "));
        line.is_some_and(|value| value != "0")
    }
}

#[tokio::test]
async fn a_recording_that_cannot_begin_is_said_to_the_room_and_to_the_operator_as_long_as_the_call_lasts() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let alarm = Alarm { handle: recorder.handle() };
    let _here = metrics::set_default_local_recorder(&recorder);
    let mut scene = Scene::new(Breaks::AtTheBeginning);
    assert!(!scene.told().await);
    assert!(alarm.is_raised());
    assert!(scene.end().await.is_empty());
    assert!(!alarm.is_raised(), "nobody speaks any more who is not recorded");
}

#[tokio::test]
async fn a_recording_that_breaks_later_is_said_to_the_room_which_says_no_longer_that_it_records() {
    for breaks in [Breaks::AtTheFirstPiece, Breaks::AtTheEnd] {
        let mut scene = Scene::new(breaks);
        assert!(scene.told().await, "{breaks:?}");
        scene.end().await;
        assert!(!scene.told().await, "{breaks:?}");
    }
}

#[tokio::test]
async fn a_camera_whose_codec_is_not_recorded_leaves_a_gap_that_says_so() {
    let mut scene = Scene::new(Breaks::Never);
    assert!(scene.told().await);
    let gap = Gap { codec: Some(RecordedCodec::Vp8), from: 0, to: 0, cause: GapCause::Codec };
    assert_eq!(scene.end().await, [Piece::Gaps(vec![gap])]);
}
