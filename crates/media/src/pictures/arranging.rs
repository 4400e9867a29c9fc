//! What a composed picture shows: a pure function of who is there and what is to be seen.
//!
//! Making it never lives here.

use std::sync::Arc;

use confocal::conference::{Layout as Wanted, ParticipantId, View};
use confocal_pictures::{Fit, Layout, Rect, Shown, arrange};
use confocal_video::{PictureCodec, SourceKey};

use crate::studio::{Make, Portrait, Scene};

/// Whose tile a screen is: nobody's.
const SCREEN: u64 = u64::MAX;

/// One participant, with whatever devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) participant: ParticipantId,
    pub(super) name: Arc<str>,
    /// Nobody can hear them.
    pub(super) muted: bool,
    pub(super) speaking: bool,
    /// Their pictures, and how they are coded.
    pub(super) camera: Option<(SourceKey, PictureCodec)>,
}

/// The picture of a conference. `faces` are ordered by participant, as they joined; `screen` is the one that is shown.
///
/// All are side by side in a grid; in a conference that shows who speaks it is who speaks and others beside, for those who can't be
/// forwarded that; a screen is large in either. One who is alone is shown that, and not themselves: it would cost decoding for nothing.
pub(super) fn scene(
    view: &View,
    faces: &[Face],
    screen: Option<(SourceKey, PictureCodec)>,
    makes: Vec<Make>,
) -> Scene {
    let mut scene = Scene { makes, ..Scene::default() };
    let Some(canvas) = scene.largest().map(|tier| tier.size()) else { return scene };
    let layout = match (screen, view.layout) {
        (Some(_), _) => Layout::Screen,
        (None, Wanted::Grid) => Layout::Grid,
        (None, Wanted::Speaker) => Layout::Speaker,
    };
    let people: Vec<ParticipantId> = faces.iter().map(|face| face.participant).collect();
    let spoke: Vec<ParticipantId> = view.speaker.into_iter().chain(view.before.iter().copied()).collect();
    let mut places = Vec::new();
    arrange(layout, &people, &spoke, (u32::from(canvas.0), u32::from(canvas.1)), &mut places);
    let alone = faces.len() == 1;
    for place in places {
        scene.portraits.extend(match place.shown {
            Shown::Screen => Some(of_screen(place.rect, screen)),
            Shown::Person(person) => faces
                .iter()
                .find(|face| face.participant == person)
                .map(|face| portrait(face, place.rect, alone)),
        });
    }
    let seen = |who: &ParticipantId| {
        let theirs = scene.portraits.iter().find(|portrait| portrait.id == who.0)?;
        theirs.source.map(|(source, _)| source)
    };
    scene.timed_by = spoke.iter().chain(&people).find_map(seen);
    scene
}

fn portrait(face: &Face, rect: Rect, alone: bool) -> Portrait {
    Portrait {
        id: face.participant.0,
        rect,
        fit: Fit::Crop,
        source: face.camera.filter(|_| !alone),
        name: Arc::clone(&face.name),
        muted: face.muted,
        speaking: face.speaking,
    }
}

fn of_screen(rect: Rect, screen: Option<(SourceKey, PictureCodec)>) -> Portrait {
    Portrait {
        id: SCREEN,
        rect,
        fit: Fit::Letterbox,
        source: screen,
        name: Arc::from(""),
        muted: false,
        speaking: false,
    }
}

#[cfg(test)]
mod tests {
    use confocal::conference::LegId;
    use confocal_transport::PictureLine;
    use confocal_video::Tier;

    use super::super::watching::source;
    use super::*;

    fn face(participant: u64, camera: bool) -> Face {
        let of = source(LegId(participant), PictureLine::Camera);
        Face {
            participant: ParticipantId(participant),
            name: Arc::from(format!("person {participant}")),
            muted: false,
            speaking: false,
            camera: camera.then_some((of, PictureCodec::Vp8)),
        }
    }

    fn made(layout: Wanted, speaker: u64, faces: &[Face], screen: bool) -> Scene {
        let view = View { layout, speaker: Some(ParticipantId(speaker)), ..View::default() };
        let screen = screen.then_some((source(LegId(77), PictureLine::Screen), PictureCodec::Vp8));
        scene(&view, faces, screen, vec![Make { codec: PictureCodec::Vp8, tier: Tier::High }])
    }

    fn ids(scene: &Scene) -> Vec<u64> {
        scene.portraits.iter().map(|portrait| portrait.id).collect()
    }

    #[test]
    fn all_are_side_by_side_with_a_picture_or_without() {
        let faces = [face(1, true), face(2, false), face(3, true)];
        let scene = made(Wanted::Grid, 3, &faces, false);
        assert_eq!(ids(&scene), [1, 2, 3]);
        let with: Vec<bool> = scene.portraits.iter().map(|portrait| portrait.source.is_some()).collect();
        assert_eq!(with, [true, false, true]);
        assert_eq!(&*scene.portraits[1].name, "person 2");
        assert_eq!(scene.timed_by, faces[2].camera.map(|(source, _)| source));
    }

    #[test]
    fn beside_who_speaks_are_the_others() {
        let faces = [face(1, true), face(2, true)];
        let scene = made(Wanted::Speaker, 2, &faces, false);
        assert_eq!(ids(&scene), [2, 1]);
        assert!(scene.portraits[0].rect.width > 2 * scene.portraits[1].rect.width);
    }

    #[test]
    fn a_screen_is_whole_and_large_in_either_layout() {
        for layout in [Wanted::Grid, Wanted::Speaker] {
            let scene = made(layout, 1, &[face(1, true), face(2, true)], true);
            assert_eq!(ids(&scene), [SCREEN, 1, 2]);
            assert_eq!(scene.portraits[0].fit, Fit::Letterbox);
            assert!(scene.portraits[0].rect.width >= 960);
        }
    }

    #[test]
    fn who_is_alone_is_not_decoded_for_themselves() {
        let scene = made(Wanted::Grid, 1, &[face(1, true)], false);
        assert_eq!((ids(&scene), scene.portraits[0].source), (vec![1], None));
    }

    #[test]
    fn one_who_speaks_without_a_camera_times_nothing() {
        let scene = made(Wanted::Grid, 1, &[face(1, false), face(2, true)], false);
        assert_eq!(scene.timed_by, Some(source(LegId(2), PictureLine::Camera)));
        assert_eq!(made(Wanted::Grid, 1, &[face(1, false), face(2, false)], false).timed_by, None);
    }
}
