//! Which codec a camera speaks: VP8, which every browser shows, or H.264 where all agree.
//!
//! Nothing is transcoded, so a camera may speak only what everybody who is there can show. H.264 is worth it for one kind
//! of machine alone: a telephone with a chip for it and none for VP8. Such a browser names it first in its offer.

use crate::domain::codec::Codec;

/// What a browser can do with pictures, by its offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ability {
    /// Every section in which it receives pictures takes H.264 too.
    pub shows_h264: bool,
    /// What its camera can speak, the one that it prefers first.
    pub camera: Vec<Codec>,
}

/// What a camera should speak before `others`; `None` where it has no choice.
///
/// H.264 if the camera prefers it and there are others, who can all show it. What is recorded stays VP8: so are the files
/// of the process record.
pub fn agree<'a>(camera: &Ability, is_recorded: bool, others: impl IntoIterator<Item = &'a Ability>) -> Option<Codec> {
    let [first, _, ..] = camera.camera[..] else { return None };
    let mut others = others.into_iter().peekable();
    let is_wished = first == Codec::H264 && !is_recorded && others.peek().is_some();
    Some(if is_wished && others.all(|other| other.shows_h264) { Codec::H264 } else { Codec::Vp8 })
}

#[cfg(test)]
mod tests {
    use Codec::{H264, Vp8};
    use proptest::prelude::*;

    use super::*;

    fn browser(shows_h264: bool, camera: &[Codec]) -> Ability {
        Ability { shows_h264, camera: camera.to_vec() }
    }

    #[test]
    fn a_camera_that_prefers_h264_speaks_it_where_all_show_it_and_nothing_is_recorded() {
        let telephone = browser(true, &[H264, Vp8]);
        let (desk, firefox) = (browser(true, &[Vp8, H264]), browser(false, &[Vp8]));
        assert_eq!(agree(&telephone, false, [&desk]), Some(H264));
        assert_eq!(agree(&telephone, false, [&desk, &firefox]), Some(Vp8), "one of them cannot show it");
        assert_eq!(agree(&telephone, true, [&desk]), Some(Vp8), "the process record is VP8");
        assert_eq!(agree(&telephone, false, []), Some(Vp8), "alone there is nobody to agree with");
        assert_eq!(agree(&desk, false, [&telephone]), Some(Vp8), "it would rather not");
        assert_eq!(agree(&firefox, false, [&telephone]), None);
    }

    fn codecs() -> impl Strategy<Value = Vec<Codec>> {
        prop_oneof![Just(vec![]), Just(vec![Vp8]), Just(vec![H264]), Just(vec![Vp8, H264]), Just(vec![H264, Vp8])]
    }

    fn ability() -> impl Strategy<Value = Ability> {
        (any::<bool>(), codecs()).prop_map(|(shows_h264, camera)| Ability { shows_h264, camera })
    }

    proptest! {
        #[test]
        fn never_is_a_codec_chosen_that_somebody_present_cannot_show(
            camera in ability(), is_recorded: bool, others in proptest::collection::vec(ability(), 0..12),
        ) {
            if let Some(codec) = agree(&camera, is_recorded, &others) {
                prop_assert!(camera.camera.contains(&codec), "nor one that the camera cannot speak");
                prop_assert!(codec == Vp8 || others.iter().all(|other| other.shows_h264));
                prop_assert!(codec == Vp8 || !is_recorded);
            }
        }

        #[test]
        fn who_comes_never_brings_h264_and_who_goes_never_ends_it_for_those_who_stay(
            camera in ability(), others in proptest::collection::vec(ability(), 2..12),
        ) {
            let fewer = agree(&camera, false, &others[1..]);
            if agree(&camera, false, &others) == Some(H264) {
                prop_assert_eq!(fewer, Some(H264));
            }
        }
    }
}
