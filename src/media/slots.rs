//! Which source goes into which receiving section. Pure: what is there and what is wanted go in, the seating comes out.

use crate::domain::room::relay::MediaKind;

/// A source, as far as seating is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Names the source for the life of the relay.
    pub(super) source: u64,
    pub(super) kind: MediaKind,
}

/// Seats `wanted` in sections of the given kinds, where `now` tells what each section carries.
///
/// Whoever has a section keeps it, so that no picture jumps to another place when somebody comes or goes; the others
/// take the free ones in order. Returns what each section carries, and how many found none (audio, video).
pub(super) fn seat(sections: &[(MediaKind, Option<u64>)], wanted: &[Wanted]) -> (Vec<Option<u64>>, (u8, u8)) {
    let is_wanted = |kind: MediaKind, source: u64| wanted.iter().any(|w| w.kind == kind && w.source == source);
    let mut seated: Vec<Option<u64>> = Vec::with_capacity(sections.len());
    for (kind, now) in sections {
        seated.push(now.filter(|source| is_wanted(*kind, *source) && !seated.contains(&Some(*source))));
    }
    let mut missing = (0_u8, 0_u8);
    for Wanted { source, kind } in wanted {
        if seated.contains(&Some(*source)) {
            continue;
        }
        let free = sections.iter().zip(&mut seated).find(|((of, _), carries)| of == kind && carries.is_none());
        match (free, kind) {
            (Some((_, carries)), _) => *carries = Some(*source),
            (None, MediaKind::Audio) => missing.0 = missing.0.saturating_add(1),
            (None, MediaKind::Video) => missing.1 = missing.1.saturating_add(1),
        }
    }
    (seated, missing)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use MediaKind::{Audio, Video};

    fn wanted(source: u64, kind: MediaKind) -> Wanted {
        Wanted { source, kind }
    }

    #[test]
    fn whoever_has_a_section_keeps_it_when_others_come_and_go() {
        let sections = [(Audio, None), (Video, Some(2)), (Video, Some(4)), (Video, None)];
        let (seated, missing) = seat(&sections, &[wanted(6, Video), wanted(4, Video), wanted(5, Audio)]);
        assert_eq!(seated, [Some(5), Some(6), Some(4), None]);
        assert_eq!(missing, (0, 0));
    }

    #[test]
    fn sources_without_a_section_are_counted() {
        let (seated, missing) = seat(&[(Audio, None)], &[wanted(1, Audio), wanted(2, Audio), wanted(3, Video)]);
        assert_eq!(seated, [Some(1)]);
        assert_eq!(missing, (1, 1));
    }

    proptest! {
        #[test]
        fn every_source_is_seated_once_in_a_section_of_its_kind_or_missing(
            sections in proptest::collection::vec((any::<bool>(), proptest::option::of(0_u64..12)), 0..12),
            sources in proptest::collection::btree_map(0_u64..12, any::<bool>(), 0..12),
        ) {
            let kind = |video: bool| if video { Video } else { Audio };
            let sections: Vec<_> = sections.into_iter().map(|(video, now)| (kind(video), now)).collect();
            let sources: Vec<_> = sources.into_iter().map(|(source, video)| wanted(source, kind(video))).collect();
            let (seated, missing) = seat(&sections, &sources);
            for wanted in &sources {
                let places: Vec<_> = (0..seated.len()).filter(|at| seated[*at] == Some(wanted.source)).collect();
                prop_assert!(places.len() <= 1);
                prop_assert!(places.iter().all(|at| sections[*at].0 == wanted.kind));
            }
            let total = seated.iter().flatten().count() + usize::from(missing.0) + usize::from(missing.1);
            prop_assert_eq!(total, sources.len());
        }
    }
}
