//! Whose camera has the picture: whoever has the word and a camera that is on, each for a while, so that it never flaps.
//!
//! Who has the word is decided elsewhere (`speakers.rs`); what becomes of the picture never lives here.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use crate::id::{LegId, ParticipantId};
use crate::time::{Millis, Timestamp};

/// How many are named to be shown next: a strip beside the speaker has no more.
const NEXT: usize = 4;

/// The cameras of one conference. Not a record, as the active speaker is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cameras {
    /// Those that are on. Participants are numbered in the order in which they came.
    on: BTreeSet<(ParticipantId, LegId)>,
    holder: Option<ParticipantId>,
    /// Who had the picture before, the last one first; only those whose cameras are still on.
    before: VecDeque<ParticipantId>,
    /// Since when it is the holder's.
    since: Option<Timestamp>,
}

impl Cameras {
    /// The camera of a leg is on, or is not.
    pub(crate) fn switch(&mut self, who: ParticipantId, leg: LegId, on: bool) {
        if on {
            self.on.insert((who, leg));
        } else {
            self.on.remove(&(who, leg));
        }
    }

    /// Decides who has the picture. The moment when it has to be decided again is given back, if there is one.
    pub(crate) fn decide(
        &mut self,
        active: Option<ParticipantId>,
        hold: Millis,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let Self { on, before, .. } = self;
        before.retain(|who| is_on(on, *who));
        self.holder = self.holder.filter(|holder| is_on(&self.on, *holder));
        let speaks = active.filter(|speaker| is_on(&self.on, *speaker));
        match (self.holder, speaks) {
            (None, _) => {
                let last = self.before.front().copied();
                let first = self.on.first().map(|(who, _)| *who);
                self.give(speaks.or(last).or(first), now);
                None
            }
            (Some(holder), Some(speaker)) if holder != speaker => {
                let free = self.since.map_or(now, |since| since + hold);
                if free > now {
                    return Some(free);
                }
                self.give(Some(speaker), now);
                None
            }
            (Some(_), _) => None,
        }
    }

    /// Who has the picture.
    pub(crate) const fn holder(&self) -> Option<ParticipantId> {
        self.holder
    }

    /// Who is shown next.
    pub(crate) fn next(&self) -> Vec<ParticipantId> {
        let mut next: Vec<ParticipantId> = self.before.iter().copied().take(NEXT).collect();
        for (who, _) in &self.on {
            if next.len() == NEXT {
                break;
            }
            if self.holder != Some(*who) && !next.contains(who) {
                next.push(*who);
            }
        }
        next
    }

    fn give(&mut self, to: Option<ParticipantId>, now: Timestamp) {
        let Some(to) = to else { return };
        if let Some(last) = self.holder.replace(to) {
            self.before.push_front(last);
        }
        self.before.retain(|before| *before != to);
        self.before.truncate(NEXT);
        self.since = Some(now);
    }
}

fn is_on(on: &BTreeSet<(ParticipantId, LegId)>, who: ParticipantId) -> bool {
    on.range((who, LegId(0))..=(who, LegId(u64::MAX))).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: ParticipantId = ParticipantId(1);
    const BERT: ParticipantId = ParticipantId(2);
    const CARL: ParticipantId = ParticipantId(3);
    const HOLD: Millis = Millis(2_000);

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    /// The cameras of these are on, one leg each.
    fn on(of: &[ParticipantId]) -> Cameras {
        let mut cameras = Cameras::default();
        for who in of {
            cameras.switch(*who, LegId(who.0), true);
        }
        cameras
    }

    #[test]
    fn before_anyone_speaks_the_first_camera_has_the_picture_and_the_others_are_next() {
        let mut cameras = on(&[BERT, CARL, ANNA]);
        assert_eq!(cameras.decide(None, HOLD, at(0)), None);
        assert_eq!((cameras.holder(), cameras.next()), (Some(ANNA), [BERT, CARL].into()));
    }

    #[test]
    fn the_picture_is_held_for_as_long_as_is_set_and_no_longer() {
        let mut cameras = on(&[ANNA, BERT]);
        cameras.decide(Some(ANNA), HOLD, at(100));
        assert_eq!(cameras.decide(Some(BERT), HOLD, at(2_099)), Some(at(2_100)));
        assert_eq!(cameras.holder(), Some(ANNA));
        assert_eq!(cameras.decide(Some(BERT), HOLD, at(2_100)), None);
        assert_eq!((cameras.holder(), cameras.next()), (Some(BERT), [ANNA].into()));
    }

    #[test]
    fn who_has_the_picture_and_speaks_on_waits_for_nothing_and_holds_it_no_longer_for_that() {
        let mut cameras = on(&[ANNA, BERT]);
        for when in [0, 1_000, 5_000] {
            assert_eq!(cameras.decide(Some(ANNA), HOLD, at(when)), None);
        }
        assert_eq!(cameras.decide(Some(BERT), HOLD, at(5_001)), None);
        assert_eq!(cameras.holder(), Some(BERT));
    }

    #[test]
    fn who_has_no_camera_never_takes_the_picture() {
        let mut cameras = on(&[ANNA]);
        cameras.decide(Some(ANNA), HOLD, at(0));
        assert_eq!(cameras.decide(Some(BERT), HOLD, at(9_000)), None);
        assert_eq!((cameras.holder(), cameras.next()), (Some(ANNA), [].into()));
        let mut nobody = on(&[]);
        nobody.decide(Some(BERT), HOLD, at(0));
        assert_eq!(nobody.holder(), None);
    }

    #[test]
    fn when_a_camera_goes_off_the_speaker_or_else_the_last_holder_takes_over_at_once() {
        let mut cameras = on(&[ANNA, BERT, CARL]);
        for (when, who) in [(0, CARL), (3_000, BERT), (6_000, ANNA)] {
            cameras.decide(Some(who), HOLD, at(when));
        }
        assert_eq!(cameras.next(), [BERT, CARL]);
        cameras.switch(ANNA, LegId(1), false);
        assert_eq!(cameras.decide(Some(ANNA), HOLD, at(6_001)), None);
        assert_eq!((cameras.holder(), cameras.next()), (Some(BERT), [CARL].into()));
        cameras.switch(BERT, LegId(2), false);
        cameras.switch(ANNA, LegId(1), true);
        cameras.decide(Some(ANNA), HOLD, at(6_002));
        assert_eq!((cameras.holder(), cameras.next()), (Some(ANNA), [CARL].into()));
    }

    #[test]
    fn a_camera_stays_on_while_one_of_two_calls_has_it_on() {
        let mut cameras = on(&[ANNA]);
        cameras.switch(ANNA, LegId(9), true);
        cameras.decide(None, HOLD, at(0));
        cameras.switch(ANNA, LegId(1), false);
        cameras.decide(None, HOLD, at(1));
        assert_eq!(cameras.holder(), Some(ANNA));
        cameras.switch(ANNA, LegId(9), false);
        cameras.decide(None, HOLD, at(2));
        assert_eq!(cameras.holder(), None);
    }

    #[test]
    fn four_are_next_at_the_most() {
        let crowd: Vec<ParticipantId> = (1..=9).map(ParticipantId).collect();
        let mut cameras = on(&crowd);
        for (turn, who) in crowd.iter().enumerate() {
            cameras.decide(Some(*who), HOLD, at(3_000 * turn as u64));
        }
        assert_eq!(cameras.next(), [8, 7, 6, 5].map(ParticipantId));
    }
}
