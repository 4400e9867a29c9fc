//! Calls coming in: ringing, asking who the caller is, letting in or turning away (rules R1, R3).
//!
//! What happens in a call that was let in never lives here.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Conference, people::Member};
use crate::call::{Candidate, Sdp};
use crate::config::{EncryptedRooms, SecondDevice};
use crate::core::Core;
use crate::door::{Door, DoorState};
use crate::effect::{EndReason, Refusal, SignalRequest};
use crate::engine::MediaCommand;
use crate::id::{CallKey, FocusUser, Generation, LegId, MemberId, OfferNumber, PartyId, ServerName};
use crate::input::{Admission, Agreed, CallInvite, RequestFailure};
use crate::label::label;
use crate::leg::{Leg, LegState};
use crate::quality::Connection;
use crate::rates::Deed;
use crate::record::RecordKey;
use crate::routes::{Purpose, Routes};
use crate::second_line::SecondLine;

impl Conference {
    /// Why a call may not even ring here; `None`: it may. Only what is known without asking the homeserver counts.
    pub(crate) fn may_not_ring(&self, focus: &FocusUser, caller: &MemberId, core: &Core) -> Option<Refusal> {
        let limits = &core.config.limits;
        if self.floor.is_kicked(caller, core.now) {
            return Some(Refusal::Kicked);
        }
        let new_door = !self.doors.contains_key(focus);
        if self.legs.len() >= limits.legs_per_conference
            || (new_door && self.doors.len() >= limits.doors_per_conference)
        {
            return Some(Refusal::Full);
        }
        if self.refuses_as_encrypted(core) && !self.is_present(caller) {
            return Some(Refusal::RoomEncrypted);
        }
        // It would have to join a room for someone who was not a member of the rooms that it joined for them before.
        if !self.is_joined(focus) && !core.may(caller, Deed::StrangerCall) {
            return Some(Refusal::NotAMember);
        }
        None
    }

    /// A call rings at a door (rules R1 and R3).
    pub(crate) fn ring(
        &mut self,
        focus: FocusUser,
        invite: CallInvite,
        candidates: Vec<Candidate>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let id = core.new_leg();
        let participant = self
            .members
            .get_or_insert_with(invite.key.caller.clone(), || Member::new(core.new_participant()));
        participant.legs.push(id);
        let mut leg = Leg {
            id,
            focus: focus.clone(),
            participant: participant.participant,
            version: invite.version,
            caller_party: invite.party,
            party: core.new_party(),
            wants_metadata: invite.metadata.is_some(),
            muted: false,
            theirs: None,
            ours: None,
            lit: false,
            name: String::new(),
            answer: None,
            agreed: Agreed::default(),
            memo: None,
            offer: OfferNumber(0),
            negotiating: None,
            candidates_taken: candidates.len(),
            greeted: false,
            identified: None,
            connection: Connection::default(),
            stopped: false,
            media_until: None,
            heard: true,
            sharing: None,
            second: SecondLine::default(),
            armed: [None, None, None],
            generation: Generation(0),
            state: LegState::Ringing {
                offer: invite.offer,
                expires: core.now + invite.expires_in,
                candidates,
                admission: None,
            },
            key: invite.key,
        };
        if let Some(metadata) = invite.metadata {
            leg.describe(metadata);
        }
        routes.insert_leg(&leg);
        self.legs.insert(leg);
        self.entered(id, core);
        match self.doors.get(&focus).map(|door| &door.state) {
            Some(DoorState::Waiting { .. } | DoorState::Active) => self.ask_admission(id, core, routes),
            Some(DoorState::Joining { .. } | DoorState::Uninvited { .. }) => {}
            // It has to join (again): by the door's id we know the room (rule R2).
            None | Some(DoorState::Leaving { .. }) => {
                let via = self.ways_in(id, routes);
                self.join(focus, false, via, core, routes);
            }
        }
    }

    /// Servers by which the group room can be joined for a call: those by which the 1:1 room could be, whose members' servers know the
    /// group room too, and the caller's own, which knows it if the caller is a member.
    fn ways_in(&self, id: LegId, routes: &Routes) -> Vec<ServerName> {
        let Some(leg) = self.legs.get(&id) else { return Vec::new() };
        let direct = routes.directs.get(&leg.key.room);
        let door = direct.and_then(|direct| direct.doors.get(&leg.focus));
        let mut via = door.map_or_else(Vec::new, |door| door.via.clone());
        let server = ServerName::from(leg.key.caller.server());
        if !server.as_str().is_empty() && !via.contains(&server) {
            via.push(server);
        }
        via
    }

    pub(super) fn ask_admission(&mut self, id: LegId, core: &mut Core, routes: &mut Routes) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        // The answer to a question under way serves, however often the focus has joined meanwhile.
        let LegState::Ringing { admission: admission @ None, expires, .. } = &mut leg.state else { return };
        let request = core.send(SignalRequest::AskAdmission {
            focus: leg.focus.clone(),
            group: self.group.clone(),
            direct: leg.key.room.clone(),
            member: leg.key.caller.clone(),
            expires: *expires,
        });
        *admission = Some(request);
        routes.requests.insert(request, Purpose::Admission(id));
        core.changed(RecordKey::Leg(id));
    }

    /// The homeserver has said who the caller is to the group room. Only joined members may be in the conference.
    pub(crate) fn admission(
        &mut self,
        id: LegId,
        answer: Result<Admission, RequestFailure>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(leg) = self.legs.get(&id).filter(|leg| !leg.is_admitted()) else { return };
        let (key, focus) = (leg.key.clone(), leg.focus.clone());
        let name = label(answer.as_ref().ok().and_then(|answer| answer.name.as_deref()), &key.caller);
        if let Err(why) = self.may_come_in(&key.caller, &answer, core) {
            if why == Refusal::NotAMember && self.came_for_a_call(&focus) {
                core.count(&key.caller, Deed::StrangerCall);
            }
            self.end_leg(id, EndReason::Refused(why), core, routes);
            // Where it stays until nobody calls any more it need not join for the next one.
            if why != Refusal::RoomEncrypted {
                self.leave_if_a_stranger_called(&focus, core, routes);
            }
            return;
        }
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let LegState::Ringing { offer, expires, candidates, .. } = &mut leg.state else { return };
        let (offer, candidates) = (core::mem::take(&mut offer.0), core::mem::take(candidates));
        leg.name = name;
        leg.state = LegState::Answering { offer: Sdp(offer), expires: *expires, candidates };
        let party = leg.caller_party.clone();
        // Of one who was not here before, entering will say whether they are heard.
        leg.heard = self.members.get(&key.caller).is_none_or(|member| member.silenced.is_none());
        self.entered(id, core);
        self.open_media(id, core);
        self.replace_others(id, &key, party.as_ref(), core, routes);
        self.enter(&key.caller, core);
    }

    /// Rule R4's other side: only joined members come in, and of those whom the moderators and the limits let in.
    fn may_come_in(
        &self,
        caller: &MemberId,
        answer: &Result<Admission, RequestFailure>,
        core: &Core,
    ) -> Result<(), Refusal> {
        match answer {
            Err(_) => return Err(Refusal::Unknown),
            Ok(Admission { joined: false, .. }) => return Err(Refusal::NotAMember),
            Ok(Admission { direct_members, .. }) if *direct_members > 2 => {
                return Err(Refusal::RoomNotDirect);
            }
            Ok(_) => {}
        }
        if self.is_present(caller) {
            return Ok(());
        }
        if self.replaced_by.is_some() {
            return Err(Refusal::RoomReplaced);
        }
        if self.refuses_as_encrypted(core) {
            return Err(Refusal::RoomEncrypted);
        }
        if self.floor.locked && !self.floor.is_moderator(caller) {
            return Err(Refusal::Locked);
        }
        if self.present.len() >= core.config.limits.participants_per_conference {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    fn refuses_as_encrypted(&self, core: &Core) -> bool {
        self.encrypted && core.config.encrypted_rooms == EncryptedRooms::Refuse
    }

    pub(super) fn is_joined(&self, focus: &FocusUser) -> bool {
        self.doors.get(focus).is_some_and(Door::is_joined)
    }

    /// A focus user is in the group room because it was called, not because it was invited.
    fn came_for_a_call(&self, focus: &FocusUser) -> bool {
        self.doors.get(focus).is_some_and(|door| !door.invited && door.is_joined())
    }

    /// A focus user that only came because it was called does not stay for someone who may not be there.
    pub(super) fn leave_if_a_stranger_called(
        &mut self,
        focus: &FocusUser,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        if self.came_for_a_call(focus)
            && !self.stays(core)
            && !self.used
            && !self.legs.values().any(|leg| leg.focus == *focus)
        {
            self.leave(focus, core, routes);
        }
    }

    /// The same user is called for already: the same party replaces its old call, another device by policy.
    pub(super) fn replace_others(
        &mut self,
        new: LegId,
        key: &CallKey,
        party: Option<&PartyId>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(member) = self.members.get(&key.caller) else { return };
        let others: Vec<LegId> = member.legs.iter().copied().filter(|id| *id < new).collect();
        for other in others {
            let Some(leg) = self.legs.get(&other) else { continue };
            let same_party = leg.key.room == key.room && leg.caller_party.as_ref() == party;
            if same_party || core.config.second_device == SecondDevice::Replace {
                self.end_leg(other, EndReason::Replaced, core, routes);
            }
        }
    }

    pub(super) fn open_media(&mut self, id: LegId, core: &mut Core) {
        self.show_first(core);
        let Some(leg) = self.legs.get(&id) else { return };
        let LegState::Answering { offer, candidates, .. } = &leg.state else { return };
        core.media(MediaCommand::Open {
            leg: id,
            generation: leg.generation,
            conference: self.id,
            participant: leg.participant,
            number: leg.offer,
            offer: offer.clone(),
            theirs: leg.theirs.clone(),
            name: leg.label(),
            memo: leg.memo.clone(),
        });
        Self::opened_media(leg, core);
        if !candidates.is_empty() {
            core.media(MediaCommand::AddCandidates {
                leg: id,
                generation: leg.generation,
                candidates: candidates.clone(),
            });
        }
    }

    /// A new session is heard until the engine is told otherwise.
    pub(super) fn opened_media(leg: &Leg, core: &mut Core) {
        if !leg.heard {
            core.media(MediaCommand::SetHeard { leg: leg.id, generation: leg.generation, heard: false });
        }
    }
}
