//! Participants: users coming in and leaving with their first and last leg, their voice, and the news of it.
//!
//! What moderators may do never lives here (`commands.rs`), nor what is remembered of people (`floor.rs`).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use smallvec::SmallVec;

use super::Conference;
use crate::command::{Present, Role, Roll, Silenced};
use crate::core::Core;
use crate::effect::{ConferenceEvent, Notice, SignalRequest};
use crate::engine::MediaCommand;
use crate::id::{FocusUser, LegId, MemberId, ParticipantId, RoomKey};
use crate::input::LegLevel;
use crate::leg::{Leg, Voice};
use crate::routes::Routes;
use crate::sound::{Audience, RecordingEnd, Sound};

/// One user with all their legs.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) participant: ParticipantId,
    /// In the order in which they came. Most people have one.
    pub(super) legs: SmallVec<[LegId; 2]>,
    /// Was let in, with one leg at least.
    pub(super) present: bool,
    /// Why they are not heard, as the engine and they themselves were told it last.
    pub(super) silenced: Option<Silenced>,
}

impl Member {
    pub(super) fn new(participant: ParticipantId) -> Self {
        Self { participant, legs: SmallVec::new(), present: false, silenced: None }
    }
}

impl Conference {
    pub(super) fn is_present(&self, member: &MemberId) -> bool {
        self.members.get(member).is_some_and(|member| member.present)
    }

    /// The first leg of a member was let in.
    pub(super) fn enter(&mut self, member: &MemberId, core: &mut Core) {
        let Some(entering) = self.members.get_mut(member).filter(|member| !member.present) else { return };
        entering.present = true;
        self.unsettled = true;
        self.present.insert((entering.participant, member.clone()));
        if self.floor.entered(member) {
            self.changed(core);
        }
        self.plan_comparison(core);
        self.standing_news(member, core);
        self.refresh_voice(member, core);
        self.watch_alone(core);
    }

    /// The last leg of a member that was let in has ended.
    pub(super) fn exit_if_gone(&mut self, member: &MemberId, core: &mut Core) {
        let Some(leaving) = self.members.get_mut(member) else { return };
        let admitted = |id: &LegId| self.legs.get(id).is_some_and(|leg| leg.is_admitted());
        let nobodys = leaving.legs.is_empty();
        if leaving.present && !leaving.legs.iter().any(admitted) {
            leaving.present = false;
            leaving.silenced = None;
            let participant = leaving.participant;
            self.present.remove(&(participant, member.clone()));
            if self.floor.left(member) {
                self.changed(core);
            }
            self.voice_gone(participant, core);
            if self.present.is_empty() {
                // With the last session the engine forgets what was shown.
                self.nothing_shown();
                self.cancel_comparison(core);
                self.stop_recording(RecordingEnd::Empty, core);
            }
        }
        if nobodys {
            self.members.remove(member);
            self.forget_people(core);
        }
    }

    /// Of those who are not here only so many are remembered.
    pub(super) fn forget_people(&mut self, core: &mut Core) {
        let Self { floor, members, .. } = self;
        let limit = core.config.limits.remembered_members;
        if floor.forget_beyond(limit, |member| members.contains(member)) {
            self.changed(core);
        }
    }

    // ---- voice -----------------------------------------------------------------------------------------------------

    /// Who may speak changed, or may have: the engine is told, and everyone who is heard again or no longer.
    pub(super) fn refresh_voices(&mut self, core: &mut Core) {
        let mut present: Vec<MemberId> = self.present.iter().map(|(_, name)| name.clone()).collect();
        present.sort_unstable();
        for name in present {
            self.refresh_voice(&name, core);
        }
    }

    /// As [`refresh_voices`](Self::refresh_voices), for one member.
    pub(super) fn refresh_voice(&mut self, name: &MemberId, core: &mut Core) {
        let Some(member) = self.members.get_mut(name).filter(|member| member.present) else { return };
        let (before, now) = (member.silenced, self.floor.silenced(name));
        member.silenced = now;
        if before == now {
            return;
        }
        let participant = member.participant;
        let mut rooms: BTreeSet<(FocusUser, RoomKey)> = BTreeSet::new();
        for id in &member.legs {
            let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.is_admitted()) else { continue };
            leg.heard = now.is_none();
            core.voices.insert(*id, leg.voice(self.id));
            // Whoever is about to come in is told all of it then.
            if leg.greeted {
                rooms.insert((leg.focus.clone(), leg.key.room.clone()));
            }
            if before.is_none() != now.is_none() && leg.has_media() {
                let (generation, heard) = (leg.generation, leg.heard);
                core.media(MediaCommand::SetHeard { leg: *id, generation, heard });
            }
        }
        // Whoever did it themselves knows.
        if before != Some(Silenced::ByThemselves) && now != Some(Silenced::ByThemselves) {
            for (focus, room) in rooms {
                let notice = Notice::Voice { group: self.group.clone(), silenced: now };
                core.send(SignalRequest::Notice { focus, room, notice });
            }
        }
        if now.is_some() {
            self.voice_gone(participant, core);
        }
        self.standing_news(name, core);
    }

    /// Who has come in is told in words what there is to hear, once a call: not everyone hears it.
    pub(super) fn greet(&mut self, id: LegId, core: &mut Core) {
        let others = self.present.len().saturating_sub(1);
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| !leg.greeted) else { return };
        leg.greeted = true;
        let silenced = self.floor.silenced(&leg.key.caller);
        let recorded_by = self.recording.as_ref().map(|recording| recording.by.clone());
        let to = Audience::Leg { leg: id, generation: leg.generation };
        let (focus, room) = (leg.focus.clone(), leg.key.room.clone());
        if recorded_by.is_some() {
            // It must not be drowned by a welcome.
            self.play(to, Sound::Recording, core);
        } else if let Some(sound) = self.welcome(id, others, core) {
            self.play(to, sound, core);
        }
        let notice = Notice::Joined { group: self.group.clone(), others, silenced, recorded_by };
        core.send(SignalRequest::Notice { focus, room, notice });
        if !self.was_in_before(id) {
            self.tone(Sound::Joined, core);
        }
        self.watch_alone(core);
    }

    // ---- speakers --------------------------------------------------------------------------------------------------

    /// What reports of levels ask of a leg, from the leg itself.
    pub(crate) fn voice_of(&self, leg: LegId) -> Option<Voice> {
        Some(self.legs.get(&leg)?.voice(self.id))
    }

    /// A voice is heard here.
    pub(crate) fn voice_heard(&mut self, who: ParticipantId, measured: LegLevel, core: &Core) {
        self.speakers.heard(who, measured.level, measured.speaking, &core.config.speaker, core.now);
    }

    /// All voices of a report were told.
    pub(crate) fn voices_told(&mut self, core: &mut Core) {
        if self.speakers.decide(&core.config.speaker, core.now) {
            self.unsettled = true;
            self.speaker_news(core);
        }
        if core.config.discovery.identify {
            self.identify_speaker(core);
        }
    }

    /// All voices are gone, with the sessions that carried them; so is what anyone was told of them.
    pub(super) fn voices_lost(&mut self, core: &mut Core) {
        let spoke = core::mem::take(&mut self.speakers).active().is_some();
        self.legs.for_each(|leg| leg.identified = Some((leg.participant, core.now)));
        if spoke {
            self.speaker_news(core);
        }
    }

    /// A participant is not heard any more.
    pub(super) fn voice_gone(&mut self, participant: ParticipantId, core: &mut Core) {
        if self.speakers.gone(participant) {
            self.unsettled = true;
            self.speaker_news(core);
        }
    }

    /// A leg of a member can't be heard any more, for good or for now; the member can, if by another leg.
    pub(super) fn quiet_if_not_live(&mut self, name: &MemberId, core: &mut Core) {
        let Some(member) = self.members.get(name) else { return };
        let live = |id: &LegId| self.legs.get(id).is_some_and(|leg| leg.is_live());
        if !member.legs.iter().any(live) {
            self.voice_gone(member.participant, core);
        }
    }

    // ---- news ------------------------------------------------------------------------------------------------------

    fn speaker_news(&self, core: &mut Core) {
        core.notify(ConferenceEvent::ActiveSpeaker {
            conference: self.id,
            speaker: self.speakers.active(),
            before: self.speakers.before(),
        });
    }

    pub(super) fn floor_news(&self, core: &mut Core) {
        core.notify(ConferenceEvent::Floor {
            conference: self.id,
            locked: self.floor.locked,
            audience: self.floor.audience,
        });
    }

    pub(super) fn standing_news(&self, name: &MemberId, core: &mut Core) {
        let Some(member) = self.members.get(name).filter(|member| member.present) else { return };
        core.notify(ConferenceEvent::Standing {
            conference: self.id,
            participant: member.participant,
            member: name.clone(),
            role: self.floor.role(name),
            silenced: self.floor.silenced(name),
            hand: self.floor.has_hand_up(name),
        });
    }

    /// Who is here, of whom so many by name as there may be in a reply.
    pub(crate) fn roll(&self, core: &Core) -> Roll {
        let limit = core.config.limits.roll;
        let hands = self.floor.hands();
        let present = self.present.iter().take(limit).filter_map(|(participant, name)| {
            let legs = self.members.get(name)?.legs.iter().filter_map(|id| self.legs.get(id));
            let legs = legs.filter(|leg| leg.is_admitted());
            Some(Present {
                participant: *participant,
                member: name.clone(),
                role: self.floor.role(name),
                silenced: self.floor.silenced(name),
                muted: legs.clone().all(|leg| leg.muted),
                hand: hands.iter().position(|hand| *hand == name).map(|at| at + 1),
                speaking: self.speakers.active() == Some(*participant),
                camera: legs.clone().any(Leg::shows_camera),
                poor_connection: legs.clone().any(Leg::has_poor_connection),
                calls: legs.count(),
            })
        });
        Roll {
            total: self.present.len(),
            present: present.collect(),
            locked: self.floor.locked,
            audience: self.floor.audience,
            recorded_by: self.recorded_by().cloned(),
            layout: self.showing.layout(core),
            layout_wanted: self.showing.choice(core),
            screen_of: self.screen_of().cloned(),
        }
    }

    /// Who has which role in the group room.
    pub(crate) fn roles_changed(
        &mut self,
        everyone: Role,
        roles: BTreeMap<MemberId, Role>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        self.power_changed(core, routes);
        let before: Vec<(MemberId, Role, Option<Silenced>)> = self
            .present
            .iter()
            .map(|(_, name)| (name.clone(), self.floor.role(name), self.floor.silenced(name)))
            .collect();
        self.floor.set_roles(everyone, roles, core.config.limits.roles);
        self.unsettled = true;
        self.changed(core);
        for (name, role, silenced) in before {
            if self.floor.silenced(&name) != silenced {
                self.refresh_voice(&name, core);
            } else if self.floor.role(&name) != role {
                self.standing_news(&name, core);
            }
        }
    }
}
