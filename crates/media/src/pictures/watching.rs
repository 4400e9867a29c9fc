//! Who sees whom, of those whose pictures come. Pure; nothing is sent here.

use confocal::conference::{LegId, ParticipantId, View};
use confocal_transport::{PictureCodec, PictureLine};
use confocal_video::SourceKey;

/// A line on which pictures come that may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) leg: LegId,
    pub(super) line: PictureLine,
    pub(super) participant: ParticipantId,
    pub(super) codec: PictureCodec,
}

/// The name of a caller's line as a source of pictures.
pub(super) const fn source(leg: LegId, line: PictureLine) -> SourceKey {
    SourceKey(leg.0 << 1 | line.index() as u64)
}

/// The line of that name.
pub(super) const fn line_of(SourceKey(source): SourceKey) -> (LegId, PictureLine) {
    let line = if source & 1 == 0 { PictureLine::Camera } else { PictureLine::Screen };
    (LegId(source >> 1), line)
}

impl Live {
    pub(super) const fn source(&self) -> SourceKey {
        source(self.leg, self.line)
    }
}

/// Whose camera one is shown who sees `shown` now: who comes first in the view and has pictures; else whoever it is now, as long as
/// they have; else anybody. Nobody is shown themselves.
pub(super) fn camera(
    view: &View,
    live: &[Live],
    viewer: ParticipantId,
    shown: Option<SourceKey>,
) -> Option<Live> {
    let mut others = live.iter().filter(|live| live.participant != viewer).copied();
    let named = view.speaker.into_iter().chain(view.before.iter().copied());
    let first = named.into_iter().find_map(|named| others.clone().find(|live| live.participant == named));
    let same = || others.clone().find(|live| Some(live.source()) == shown);
    first.or_else(same).or_else(|| others.next())
}

/// The screen that one is shown.
pub(super) fn screen(view: &View, live: &[Live], viewer: ParticipantId) -> Option<Live> {
    let shared = live.iter().find(|live| Some(live.leg) == view.screen)?;
    (shared.participant != viewer).then_some(*shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(leg: u64, participant: u64) -> Live {
        let (line, codec) = (PictureLine::Camera, PictureCodec::Vp8);
        Live { leg: LegId(leg), line, participant: ParticipantId(participant), codec }
    }

    fn view(speaker: Option<u64>, before: &[u64]) -> View {
        let before = before.iter().copied().map(ParticipantId).collect();
        View { speaker: speaker.map(ParticipantId), before, ..View::default() }
    }

    fn seen(view: &View, live: &[Live], viewer: u64, shown: Option<u64>) -> Option<u64> {
        let shown = shown.map(|leg| source(LegId(leg), PictureLine::Camera));
        camera(view, live, ParticipantId(viewer), shown).map(|live| live.leg.0)
    }

    #[test]
    fn all_see_the_speaker_who_sees_the_one_before() {
        let live = [live(1, 1), live(2, 2), live(3, 3)];
        let view = view(Some(3), &[2, 1]);
        assert_eq!(seen(&view, &live, 1, None), Some(3));
        assert_eq!(seen(&view, &live, 3, None), Some(2));
        assert_eq!(seen(&view, &live[2..], 3, None), None, "nobody sees themselves");
    }

    #[test]
    fn whose_camera_is_off_is_passed_over_and_nobody_is_dropped_for_nothing() {
        let live = [live(1, 1), live(2, 2), live(4, 4)];
        assert_eq!(seen(&view(Some(3), &[2, 1]), &live, 4, Some(1)), Some(2));
        assert_eq!(seen(&view(Some(3), &[]), &live, 4, Some(2)), Some(2), "whoever it is now");
        assert_eq!(seen(&view(None, &[]), &live, 1, None), Some(2), "anybody");
    }

    #[test]
    fn another_device_of_ones_own_is_oneself() {
        let live = [live(1, 7), live(2, 7)];
        assert_eq!(seen(&view(Some(7), &[]), &live, 7, Some(1)), None);
        assert_eq!(seen(&view(Some(7), &[]), &live[1..], 8, None), Some(2), "whichever device has a camera");
    }

    #[test]
    fn the_one_screen_is_for_all_but_its_owner() {
        let live = [live(1, 1), live(2, 2)];
        let view = View { screen: Some(LegId(2)), ..View::default() };
        assert_eq!(screen(&view, &live, ParticipantId(1)).map(|live| live.leg), Some(LegId(2)));
        assert_eq!(screen(&view, &live, ParticipantId(2)), None);
        assert_eq!(screen(&View::default(), &live, ParticipantId(1)), None);
    }

    #[test]
    fn names_of_sources_lead_back() {
        for line in PictureLine::ALL {
            assert_eq!(line_of(source(LegId(77), line)), (LegId(77), line));
        }
    }
}
