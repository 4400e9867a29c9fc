//! One group room's conference: who is let in, who must go, and when the focus leaves.
//!
//! Routing between conferences never lives here (`focus.rs`), nor the shapes of doors and legs (`door.rs`, `leg.rs`).

use alloc::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

mod admission;
mod announcing;
mod awaited;
mod calls;
mod commands;
mod comparison;
mod doors;
mod ejection;
mod identity;
mod lines;
mod negotiation;
mod people;
mod pictures;
mod quality;
mod recording;
mod recovery;
mod restore;
mod screens;
mod sight;
mod tones;

use crate::cameras::Cameras;
use crate::core::Core;
use crate::door::Door;
use crate::effect::ConferenceEvent;
use crate::floor::Floor;
use crate::id::{ConferenceId, FocusUser, LegId, MemberId, ParticipantId, RoomKey};
use crate::legs::Legs;
use crate::picture::View;
use crate::record::{RecordKey, is_usual};
use crate::speakers::Speakers;
use crate::table::Table;
use crate::time::Timestamp;
use crate::timer::TimerKind;

use announcing::Announcing;
pub(crate) use comparison::Comparison;
pub(crate) use negotiation::Answered;
use people::Member;
use pictures::Showing;
use recording::Recording;
pub(crate) use recovery::Offered;
use sight::SightTold;
use tones::Alone;

/// The conference of one group room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Conference {
    pub(crate) id: ConferenceId,
    pub(crate) group: RoomKey,
    pub(crate) doors: BTreeMap<FocusUser, Door>,
    /// Someone has been in it, so that its being empty means that all have left (rule R7).
    used: bool,
    /// When the focus leaves because it is empty.
    #[serde(default, skip_serializing_if = "is_usual")]
    linger_until: Option<Timestamp>,
    /// Until then someone whose call we had to end may call again, and the focus stays for it.
    #[serde(default, skip_serializing_if = "is_usual")]
    redial_until: Option<Timestamp>,
    /// When memberships are compared next; `None`: nobody is in it.
    #[serde(default, skip_serializing_if = "is_usual")]
    compare_at: Option<Timestamp>,
    /// Told to the world as open.
    opened: bool,
    #[serde(default, skip_serializing_if = "is_usual")]
    floor: Floor,
    /// A moderator wants the focus to stay.
    #[serde(default, skip_serializing_if = "is_usual")]
    stay: bool,
    /// When the first call was answered.
    #[serde(default, skip_serializing_if = "is_usual")]
    started: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_usual")]
    announcing: Announcing,
    /// The group room was upgraded to this one: nobody new comes in here.
    #[serde(default, skip_serializing_if = "is_usual")]
    replaced_by: Option<RoomKey>,
    /// The group room is encrypted.
    #[serde(default, skip_serializing_if = "is_usual")]
    encrypted: bool,
    /// Whoever is in it was told what that means for calls.
    #[serde(default, skip_serializing_if = "is_usual")]
    told_encrypted: bool,
    #[serde(default, skip_serializing_if = "is_usual")]
    recording: Option<Recording>,
    /// When somebody's coming or going was heard last.
    #[serde(default, skip_serializing_if = "is_usual")]
    tone_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_usual")]
    alone: Alone,
    #[serde(default, skip_serializing_if = "is_usual")]
    showing: Showing,
    #[serde(default = "SightTold::before")]
    sight: SightTold,
    /// Each leg is a record of its own.
    #[serde(skip)]
    pub(crate) legs: Legs,
    /// Everyone who has a leg, also one that still rings.
    #[serde(skip)]
    members: Table<MemberId, Member>,
    /// Those of them who were let in, in the order in which they came.
    #[serde(skip)]
    present: BTreeSet<(ParticipantId, MemberId)>,
    /// The legs whose callers send pictures: it is asked after each input.
    #[serde(skip)]
    pictures: BTreeSet<LegId>,
    #[serde(skip)]
    speakers: Speakers,
    /// What the engine was told to show last; `None`: it was told nothing yet, or has forgotten.
    #[serde(skip)]
    shown: Option<View>,
    #[serde(skip)]
    cameras: Cameras,
    /// The legs that share their screens.
    #[serde(skip)]
    sharers: BTreeSet<LegId>,
    /// Legs that may have to be offered a line for a screen.
    #[serde(skip)]
    to_offer: BTreeSet<LegId>,
    /// Something has happened that may change what is shown.
    #[serde(skip)]
    unsettled: bool,
}

impl Conference {
    pub(crate) fn new(group: RoomKey, core: &mut Core) -> Self {
        Self {
            id: core.new_conference(),
            group,
            doors: BTreeMap::new(),
            used: false,
            linger_until: None,
            redial_until: None,
            compare_at: None,
            opened: false,
            floor: Floor::new(core.config.audience),
            stay: false,
            started: None,
            announcing: Announcing::default(),
            replaced_by: None,
            encrypted: false,
            told_encrypted: false,
            recording: None,
            tone_at: None,
            alone: Alone::No,
            showing: Showing::default(),
            sight: SightTold::new(),
            legs: Legs::new(core.seed),
            members: Table::new(core.seed),
            present: BTreeSet::new(),
            pictures: BTreeSet::new(),
            speakers: Speakers::default(),
            shown: None,
            cameras: Cameras::default(),
            sharers: BTreeSet::new(),
            to_offer: BTreeSet::new(),
            unsettled: false,
        }
    }

    /// It is over: its record goes, its watchers are told.
    pub(crate) fn close(&self, core: &mut Core) {
        core.timers.cancel(&TimerKind::Linger(self.group.clone()));
        core.timers.cancel(&TimerKind::Announce(self.group.clone()));
        core.timers.cancel(&TimerKind::Alone(self.group.clone()));
        core.timers.cancel(&TimerKind::Picture(self.group.clone()));
        core.timers.cancel(&TimerKind::Layout(self.group.clone()));
        core.staying -= usize::from(self.stay);
        self.changed(core);
        if self.opened {
            core.notify(ConferenceEvent::Closed { conference: self.id });
        }
    }

    /// Nothing is left of it.
    pub(crate) fn is_over(&self) -> bool {
        self.doors.is_empty() && self.legs.is_empty()
    }

    /// Rules R7 and R8 are off. A room that was upgraded is of no more use, so there they hold.
    fn stays(&self, core: &Core) -> bool {
        self.replaced_by.is_none() && (self.stay || core.config.stay.contains(&self.group))
    }

    /// Its own record must be written.
    fn changed(&self, core: &mut Core) {
        core.changed(RecordKey::Conference(self.group.clone()));
    }

    /// A leg has entered a state: its deadlines, its voice and pictures, its record, its news.
    fn entered(&mut self, id: LegId, core: &mut Core) {
        self.watch_pictures(id, core);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.arm(&mut core.timers);
        core.voices.insert(id, leg.voice(self.id));
        if leg.sends_pictures() {
            self.pictures.insert(id);
        } else {
            self.pictures.remove(&id);
        }
        core.changed(RecordKey::Leg(id));
        self.news(id, core);
    }

    fn news(&self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get(&id) else { return };
        core.notify(ConferenceEvent::Leg {
            conference: self.id,
            participant: leg.participant,
            member: leg.key.caller.clone(),
            leg: id,
            state: leg.news(),
        });
    }
}
