//! What people ask for in words, and who may (rule R10): see `command.rs` for the table.
//!
//! The words never live here.

use alloc::vec::Vec;

use super::Conference;
use crate::command::{Command, Denial, Reply, Role, Silenced, Whom};
use crate::core::Core;
use crate::effect::EndReason;
use crate::floor::Mute;
use crate::id::{LegId, MemberId};
use crate::routes::Routes;

impl Conference {
    /// Someone asks for something. `in_group`: it was said in the group room, whose members the homeserver knows; in a 1:1 room
    /// only participants are heard, since they alone are known to be members still.
    pub(crate) fn command(
        &mut self,
        by: &MemberId,
        in_group: bool,
        command: &Command,
        core: &mut Core,
        routes: &mut Routes,
    ) -> Reply {
        let of_everyone = matches!(command, Command::Help | Command::Start);
        if !in_group && !of_everyone && !self.is_present(by) {
            return Reply::Denied(Denial::NotInConference);
        }
        let done = match command {
            Command::Help => return Reply::Help,
            Command::Who => return Reply::Who(self.roll(core)),
            // Whoever of us hears it is one who can be called.
            Command::Start => return Reply::Done,
            Command::RaiseHand | Command::LowerHand(Whom::Oneself) => self.hand_of_oneself(by, command),
            Command::Mute(Whom::Oneself) => self.mute_oneself(by, core),
            Command::Unmute(Whom::Oneself) => self.unmute_oneself(by, core),
            Command::LowerHand(_)
            | Command::Mute(_)
            | Command::Unmute(_)
            | Command::Kick(_)
            | Command::Unkick(_)
            | Command::Lock
            | Command::Unlock
            | Command::StartAudience
            | Command::EndAudience
            | Command::Grant(_)
            | Command::Revoke(_)
            | Command::Record
            | Command::StopRecording
            | Command::Layout(_)
            | Command::StopScreen
            | Command::End
            | Command::Stay
            | Command::EndStay => {
                // Who is a moderator is told with the join.
                if in_group && self.coming_door().is_some() {
                    Err(Denial::NotNow)
                } else if self.floor.is_moderator(by) {
                    self.moderate(by, command, core, routes)
                } else {
                    Err(Denial::NotAModerator)
                }
            }
        };
        self.unsettled = true;
        self.changed(core);
        match done {
            Ok(about) => {
                self.forget_people(core);
                for member in about {
                    self.standing_news(&member, core);
                }
                Reply::Done
            }
            Err(why) => Reply::Denied(why),
        }
    }

    /// The members whose hands went up or down are given back.
    fn hand_of_oneself(&mut self, by: &MemberId, command: &Command) -> Result<Vec<MemberId>, Denial> {
        if !self.is_present(by) {
            return Err(Denial::NotInConference);
        }
        if matches!(command, Command::RaiseHand) {
            self.floor.raise_hand(by);
        } else {
            self.floor.lower_hand(by);
        }
        Ok(Vec::from([by.clone()]))
    }

    fn mute_oneself(&mut self, by: &MemberId, core: &mut Core) -> Result<Vec<MemberId>, Denial> {
        if !self.is_present(by) {
            return Err(Denial::NotInConference);
        }
        // A moderator's mute is not made one's own, which could be taken back.
        if self.floor.silenced(by) != Some(Silenced::ByModerator) {
            self.floor.set_mute(by, Mute::Themselves);
            self.refresh_voice(by, core);
        }
        Ok(Vec::new())
    }

    fn unmute_oneself(&mut self, by: &MemberId, core: &mut Core) -> Result<Vec<MemberId>, Denial> {
        if !self.is_present(by) {
            return Err(Denial::NotInConference);
        }
        if self.floor.silenced(by) == Some(Silenced::ByModerator) && !self.floor.is_moderator(by) {
            return Err(Denial::MutedByModerator);
        }
        self.floor.set_mute(by, Mute::Nobody);
        self.refresh_voice(by, core);
        match self.floor.silenced(by) {
            Some(_) => Err(Denial::Audience),
            None => Ok(Vec::new()),
        }
    }

    /// What only moderators may do. The members whose hands went down are given back.
    fn moderate(
        &mut self,
        by: &MemberId,
        command: &Command,
        core: &mut Core,
        routes: &mut Routes,
    ) -> Result<Vec<MemberId>, Denial> {
        match command {
            Command::Mute(Whom::Member(member)) => self.mute_member(member, Mute::Moderator, core)?,
            Command::Unmute(Whom::Member(member)) => self.mute_member(member, Mute::Nobody, core)?,
            Command::Mute(_) => self.mute_everyone(core),
            Command::Unmute(_) => self.unmute_everyone(core),
            Command::Kick(member) => self.kick(member, core, routes)?,
            Command::Record => self.record(by, core)?,
            Command::StopRecording => self.stop_recording_by(by, core),
            Command::Layout(choice) => self.choose_layout(*choice, core)?,
            Command::StopScreen => self.stop_screen(core)?,
            Command::Stay => self.stay_from_now_on(core)?,
            Command::EndStay => self.stay_no_more(core)?,
            Command::Unkick(member) => self.floor.unkick(member),
            Command::Lock | Command::Unlock => {
                self.floor.locked = matches!(command, Command::Lock);
                self.floor_news(core);
            }
            Command::StartAudience | Command::EndAudience => {
                self.floor.audience = matches!(command, Command::StartAudience);
                self.floor_news(core);
                self.refresh_voices(core);
            }
            Command::Grant(member) | Command::Revoke(member) => {
                if !self.is_present(member) {
                    return Err(Denial::NoSuchParticipant);
                }
                self.floor.set_granted(member, matches!(command, Command::Grant(_)));
                self.refresh_voice(member, core);
                return Ok(Vec::from([member.clone()]));
            }
            Command::LowerHand(Whom::Member(member)) => {
                if !self.is_present(member) {
                    return Err(Denial::NoSuchParticipant);
                }
                self.floor.lower_hand(member);
                return Ok(Vec::from([member.clone()]));
            }
            Command::LowerHand(_) => {
                let up: Vec<MemberId> = self.floor.hands().into_iter().cloned().collect();
                for member in &up {
                    self.floor.lower_hand(member);
                }
                return Ok(up);
            }
            // It is allowed; once the reply is said, it is done.
            Command::End | Command::Help | Command::Who | Command::RaiseHand | Command::Start => {}
        }
        Ok(Vec::new())
    }

    fn stay_from_now_on(&mut self, core: &mut Core) -> Result<(), Denial> {
        if self.stay || core.config.stay.contains(&self.group) {
            return Ok(());
        }
        if core.staying >= core.config.limits.stay_rooms {
            return Err(Denial::TooManyStay);
        }
        self.stay = true;
        core.staying += 1;
        self.stay_as_configured_now(core);
        Ok(())
    }

    fn stay_no_more(&mut self, core: &mut Core) -> Result<(), Denial> {
        if self.stay {
            self.stay = false;
            core.staying -= 1;
            self.stay_as_configured_now(core);
        }
        if core.config.stay.contains(&self.group) { Err(Denial::StaysAnyhow) } else { Ok(()) }
    }

    fn mute_member(&mut self, member: &MemberId, mute: Mute, core: &mut Core) -> Result<(), Denial> {
        if !self.is_present(member) {
            return Err(Denial::NoSuchParticipant);
        }
        self.floor.set_mute(member, mute);
        self.refresh_voice(member, core);
        Ok(())
    }

    fn mute_everyone(&mut self, core: &mut Core) {
        self.floor.everyone_muted = true;
        for (_, member) in &self.present {
            if !self.floor.is_moderator(member) {
                self.floor.set_mute(member, Mute::Moderator);
            }
        }
        self.refresh_voices(core);
    }

    fn unmute_everyone(&mut self, core: &mut Core) {
        self.floor.unmute_everyone();
        self.refresh_voices(core);
    }

    fn kick(&mut self, member: &MemberId, core: &mut Core, routes: &mut Routes) -> Result<(), Denial> {
        let Some(legs) = self.members.get(member).map(|member| member.legs.clone()) else {
            return Err(Denial::NoSuchParticipant);
        };
        if self.floor.role(member) == Role::Moderator {
            return Err(Denial::TargetIsModerator);
        }
        self.floor.kick(member, core.now + core.config.kick_lasts);
        for leg in legs {
            self.end_leg(leg, EndReason::Kicked, core, routes);
        }
        Ok(())
    }

    /// Everyone is hung up, what moderators decided ends, and the focus leaves at once.
    pub(crate) fn end(&mut self, core: &mut Core, routes: &mut Routes) {
        let all: Vec<LegId> = self.legs.ids().collect();
        for leg in all {
            self.end_leg(leg, EndReason::Ended, core, routes);
        }
        self.all_over(core);
        if !self.stays(core) {
            self.leave_all(core, routes);
        }
    }
}
