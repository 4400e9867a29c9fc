//! What was told of conferences in group rooms and calls: announcements that stand, and when something was told last.
//!
//! Whether it may be told never lives here.

use confocal_conference::{Effect, Input, MediaCommand, RequestOutcome, SignalRequest};

use super::{Cause, Seen, Turn};
use crate::invariants::{compared, said_of_pictures};

impl Seen {
    /// What the last turn told of conferences.
    pub(super) fn remember_what_was_told(&mut self) {
        let Turn { now, effects, .. } = &self.turn;
        for effect in effects {
            if let Effect::Media(MediaCommand::Show { conference, view }) = effect {
                let known = self.views.get(conference);
                let same = known.filter(|(before, _)| before.speaker == view.speaker);
                let since = same.map_or(*now, |(_, since)| *since);
                self.views.insert(*conference, (view.clone(), since));
            }
            let Effect::Send { request, .. } = effect else { continue };
            self.dark.extend(said_of_pictures(request));
            if let SignalRequest::Announce { focus, room, announcement } = request {
                let conference =
                    self.after.conferences.get(room).or_else(|| self.before.conferences.get(room));
                if let Some(conference) = conference {
                    self.announced.insert(conference.id, *now);
                }
                let place = (focus.clone(), room.clone());
                if announcement.is_some() {
                    self.standing_announcements.insert(place);
                } else {
                    self.standing_announcements.remove(&place);
                }
            } else if let SignalRequest::JoinGroup { focus, room, .. } = request {
                // What is left of an earlier one is cleared with the join.
                self.standing_announcements.remove(&(focus.clone(), room.clone()));
            } else if let SignalRequest::AssertIdentity { to, .. } = request {
                let key = to.key();
                if let Some((leg, _)) = self.legs.iter().rev().find(|(_, leg)| leg.key.as_ref() == Some(&key))
                {
                    self.identified.insert(*leg, *now);
                }
            }
        }
    }

    /// What is announced and stands no more, by no doing of the machine.
    pub(super) fn look_at_lost_announcements(&mut self) {
        // Where an announcement was refused none stands, and of one who is not in the room none counts.
        if let Cause::Input(Input::RequestDone { id, outcome: RequestOutcome::Failed(failure) }) =
            &self.turn.cause
            && *failure != confocal_conference::RequestFailure::Expired
        {
            for (room, conference) in &self.before.conferences {
                if conference.announcing.request == Some(*id)
                    && let Some((focus, _)) = &conference.announcing.standing
                {
                    self.standing_announcements.remove(&(focus.clone(), room.clone()));
                }
            }
        }
        if let Cause::Input(Input::FocusRemoved { focus, room }) = &self.turn.cause {
            self.standing_announcements.remove(&(focus.clone(), room.clone()));
        }
        let out = compared(self).filter(|(.., answer)| !answer.focus_joined);
        if let Some(place) = out.map(|(room, focus, ..)| (focus.clone(), room.clone())) {
            self.standing_announcements.remove(&place);
        }
    }
}
