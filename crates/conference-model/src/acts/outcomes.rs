//! What comes of the machine's requests, and the events that follow them.
//!
//! Which request is carried out next never lives here.

use std::collections::BTreeSet;

use confocal_conference::{
    Admission, FocusUser, Input, Membership, RequestId, RequestOutcome, Role, RoomKey, SignalRequest,
};

use crate::action::Outcome;
use crate::invariants::Broken;
use crate::setup;
use crate::view::DoorView;
use crate::world::World;

impl World {
    pub(crate) fn carry(&mut self, id: RequestId, outcome: u8) -> Result<(), Broken> {
        let Some(request) = self.outside.over(id) else { return Ok(()) };
        let outcome = match (&request, outcome_of(&request, outcome)) {
            (SignalRequest::AskRooms { focus, .. }, RequestOutcome::Done) => {
                RequestOutcome::Rooms(self.rooms_of(focus, outcome))
            }
            (_, outcome) => outcome,
        };
        let invited = outcome == RequestOutcome::Done;
        let good = !matches!(outcome, RequestOutcome::Failed(_));
        self.tell(Input::RequestDone { id, outcome })?;
        if !good {
            return Ok(());
        }
        if let SignalRequest::JoinGroup { room, .. } = request {
            // Roles are told after each join of a group room.
            let members = [(setup::user(0), Role::Moderator), (setup::user(1), Role::Speaker)].into();
            return self.tell(Input::RolesChanged { room, everyone: Role::Member, members });
        }
        if let (SignalRequest::InviteFocus { bot, room, focus }, true) = (&request, invited) {
            // Its invitation is an event like any other.
            let (by, via, room) = (bot.as_str().into(), Vec::new(), room.clone());
            let (focus, group) = (focus.clone(), room.clone());
            return self.tell(if setup::DOORS.iter().any(|(door, _)| *door == focus.as_str()) {
                Input::FocusInvited { focus, group, room, by, via }
            } else {
                Input::NamedFocusInvited { focus, room, by, via }
            });
        }
        if let SignalRequest::NegotiateOffer { to, .. } = request {
            let is_it = |call: &&mut crate::outside::Call| {
                let key = &call.invite.key;
                key.call == to.call && key.room == to.room && key.caller == to.caller
            };
            if let Some(call) = self.outside.calls.iter_mut().find(is_it) {
                call.offered = true;
            }
        }
        Ok(())
    }

    /// The rooms of one of us: as the records have it, but for one, or with one more.
    fn rooms_of(&self, focus: &FocusUser, outcome: u8) -> BTreeSet<RoomKey> {
        let after = &self.seen.after;
        let groups =
            after.conferences.iter().filter(|(_, it)| it.doors.get(focus).is_some_and(DoorView::is_joined));
        let directs = after
            .directs
            .iter()
            .filter(|(_, it)| it.doors.get(focus).is_some_and(|door| door.joining.is_none()));
        let bots = after.bots.iter().filter(|(_, it)| it.bot == *focus && it.joining.is_none());
        let mut rooms: BTreeSet<RoomKey> = groups
            .map(|(room, _)| room)
            .chain(directs.map(|(room, _)| room))
            .chain(bots.map(|(room, _)| room))
            .cloned()
            .collect();
        match Outcome::from_byte(outcome) {
            Outcome::NotJoined => drop(rooms.pop_first()),
            Outcome::ThirdPerson => drop(rooms.insert("!stray".into())),
            Outcome::Good | Outcome::Failed(_) => {}
        }
        rooms
    }
}

/// What comes of a request, by any number: of a question mostly an answer, of anything else that it is done.
fn outcome_of(request: &SignalRequest, number: u8) -> RequestOutcome {
    let wished = Outcome::from_byte(number);
    if let Outcome::Failed(failure) = wished {
        return RequestOutcome::Failed(failure);
    }
    let (joined, third) = (wished != Outcome::NotJoined, wished == Outcome::ThirdPerson);
    if number >= 240 {
        return RequestOutcome::Done;
    }
    if let SignalRequest::CompareMembers { members, .. } = request {
        // Not joined: everyone, or all but one or two. A third person: the focus user is the one who is not there.
        let absent = members.iter().enumerate().filter(|(at, _)| number >> 3 & (1 << at) == 0);
        let absent = absent.filter(|_| !joined).map(|(_, member)| member.clone()).collect();
        return RequestOutcome::Membership(Membership { focus_joined: !third, absent });
    }
    if matches!(request, SignalRequest::AskAdmission { .. }) {
        return RequestOutcome::Admission(Admission {
            joined,
            direct_members: if third { 3 } else { 2 },
            name: None,
        });
    }
    // What is not so of a caller is not so of the bot: the room can be read, it is not alone, it may invite.
    if matches!(request, SignalRequest::JoinAsBot { .. }) {
        return RequestOutcome::Joined { encrypted: !joined };
    }
    if matches!(request, SignalRequest::LeaveIfAlone { .. }) {
        return RequestOutcome::Alone(!joined);
    }
    if matches!(request, SignalRequest::InviteFocus { .. }) && !joined {
        return RequestOutcome::NotAllowed { ask: vec![setup::user(0)] };
    }
    RequestOutcome::Done
}
