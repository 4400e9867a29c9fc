//! Recordings: started and stopped by moderators, made known to everyone who is in the conference, in words and by sound, before or
//! with the first of their sound that is recorded.
//!
//! Who is a moderator is decided elsewhere; files never live here.

use alloc::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Conference;
use crate::command::Denial;
use crate::core::Core;
use crate::effect::{ConferenceEvent, Notice, SignalRequest};
use crate::engine::MediaCommand;
use crate::id::{FocusUser, MemberId, RecordingId, RoomKey};
use crate::sound::{Audience, RecordingEnd, RecordingFailure, Sound};

/// A recording that is being made; part of the conference's record, so that it can be told after a restart that it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recording {
    pub(super) id: RecordingId,
    /// Who started it.
    pub(super) by: MemberId,
}

impl Conference {
    /// A moderator wants the conference recorded.
    pub(super) fn record(&mut self, by: &MemberId, core: &mut Core) -> Result<(), Denial> {
        if !core.config.recordings {
            return Err(Denial::NoRecordings);
        }
        if self.recording.is_some() {
            return Ok(());
        }
        if self.present.is_empty() {
            return Err(Denial::NobodyToRecord);
        }
        let id = core.new_recording();
        self.recording = Some(Recording { id, by: by.clone() });
        // Whoever hears it has heard it before the first of the recording.
        self.play(Audience::Everyone, Sound::RecordingStarted, core);
        self.say_of_recording(Notice::RecordingStarted { group: self.group.clone(), by: by.clone() }, core);
        core.media(MediaCommand::Record { conference: self.id, recording: id });
        self.recording_news(core);
        self.changed(core);
        Ok(())
    }

    /// A moderator wants it recorded no more.
    pub(super) fn stop_recording_by(&mut self, by: &MemberId, core: &mut Core) {
        self.stop_recording(RecordingEnd::StoppedBy(by.clone()), core);
    }

    /// The recording is over, if there is one: the engine is told, and everyone who was recorded.
    pub(super) fn stop_recording(&mut self, why: RecordingEnd, core: &mut Core) {
        if let Some(Recording { id: recording, .. }) = self.recording {
            core.media(MediaCommand::StopRecording { conference: self.id, recording });
            self.recording_over(why, core);
        }
    }

    /// The engine has no recording any more, with all its sessions.
    pub(super) fn recording_lost(&mut self, core: &mut Core) {
        if self.recording.is_some() {
            self.recording_over(RecordingEnd::Restarted, core);
        }
    }

    /// A recording has failed. One that is over already, or another, is no matter.
    pub(crate) fn recording_failed(&mut self, id: RecordingId, why: RecordingFailure, core: &mut Core) {
        if self.recording.as_ref().is_some_and(|recording| recording.id == id) {
            self.stop_recording(RecordingEnd::Failed(why), core);
        }
    }

    fn recording_over(&mut self, why: RecordingEnd, core: &mut Core) {
        self.recording = None;
        // After a restart nobody is there yet who could hear it.
        if !self.present.is_empty() && why != RecordingEnd::Restarted {
            self.play(Audience::Everyone, Sound::RecordingStopped, core);
        }
        self.say_of_recording(Notice::RecordingStopped { group: self.group.clone(), why }, core);
        self.recording_news(core);
        self.changed(core);
    }

    /// Says something in the group room, and to everyone in their 1:1 room who was told already that they are in the conference;
    /// whoever is about to come in is told all of it then.
    fn say_of_recording(&self, notice: Notice, core: &mut Core) {
        if let Some(focus) = self.joined_door().cloned() {
            let (room, notice) = (self.group.clone(), notice.clone());
            core.send(SignalRequest::Notice { focus, room, notice });
        }
        let rooms: BTreeSet<(FocusUser, RoomKey)> = self
            .legs
            .values()
            .filter(|leg| leg.greeted)
            .map(|leg| (leg.focus.clone(), leg.key.room.clone()))
            .collect();
        for (focus, room) in rooms {
            core.send(SignalRequest::Notice { focus, room, notice: notice.clone() });
        }
    }

    /// Who has the conference recorded.
    pub(super) fn recorded_by(&self) -> Option<&MemberId> {
        self.recording.as_ref().map(|recording| &recording.by)
    }

    pub(super) fn recording_news(&self, core: &mut Core) {
        core.notify(ConferenceEvent::Recording { conference: self.id, by: self.recorded_by().cloned() });
    }

    pub(super) fn play(&self, to: Audience, sound: Sound, core: &mut Core) {
        core.media(MediaCommand::Play { conference: self.id, to, sound });
    }
}
