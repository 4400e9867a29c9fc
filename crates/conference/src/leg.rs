//! One call of one device, as a lifecycle.
//!
//! ```text
//!            admitted          answer ready         transport up
//!  Ringing ───────────► Answering ───────────► Connecting ───────────► Active (⇄ Held) ⇄ Reconnecting
//!     │                     │                      │ │                   │   ▲ │             │
//!     │                     │                      │ └───────┐ sessions  │   │ │   ┌─────────┘
//!     │                     │                      │         ▼ lost      ▼   │ │   ▼
//!     │                     │                      │         Recovering ─────┘ │
//!     └─────────────────────┴───────────► Left(reason) ◄─────────┴─────────────┘
//!
//!  Recovering:  Delivering ─► Pausing ─► Offering ─► Offered ─► Resuming ─► (Active)
//!                  │             │          │           │           ▲
//!                  └─────────────┴──────────┴───────────┴─► Reopening   the caller offers first: its offer counts
//! ```
//!
//! `Held` is `Active` with [`Agreed::held`]; both may become the other at each answer. Who is admitted and what the caller is
//! told when a leg ends never live here: see `conference.rs`.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::call::{CallAddress, CallVersion, Candidate, Sdp, SessionMemo, StreamMetadata, StreamPurpose};
use crate::effect::LegNews;
use crate::id::{
    CallKey, ConferenceId, FocusUser, Generation, LegId, OfferNumber, ParticipantId, PartyId, RequestId,
};
use crate::input::Agreed;
use crate::label::label;
use crate::quality::Connection;
use crate::record::is_usual;
use crate::second_line::SecondLine;
use crate::time::Timestamp;
use crate::timer::{TimerTable, Wait};

/// How many streams of one caller are remembered; clients have two.
const STREAMS: usize = 16;

/// A call. Its record is this value; it is gone when the leg has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) key: CallKey,
    pub(crate) focus: FocusUser,
    pub(crate) participant: ParticipantId,
    pub(crate) version: CallVersion,
    /// The caller's party, if it has one.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) caller_party: Option<PartyId>,
    /// Ours in this call.
    pub(crate) party: PartyId,
    /// The client described its streams, so ours are described to it.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) wants_metadata: bool,
    /// What the caller's streams are for, as it said last.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) theirs: Option<StreamMetadata>,
    /// What our streams are for, as of the last description, where the client wants it said. Records of before it was kept have none.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) ours: Option<StreamMetadata>,
    /// The caller was told last that there is something to see.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) lit: bool,
    /// What the caller is called in pictures; empty until it is let in, and in records of before there were any.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) name: String,
    /// The caller has its microphone off.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) muted: bool,
    /// The request that answers the invite, until it is known to be delivered.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) answer: Option<RequestId>,
    /// What the last answer agreed on.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) agreed: Agreed,
    /// What the engine wants kept of its session. Records of before it was asked for have none.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) memo: Option<SessionMemo>,
    /// The number of the caller's last offer.
    pub(crate) offer: OfferNumber,
    /// An offer of the caller that is being answered in the running call.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) negotiating: Option<Negotiating>,
    /// It shares its screen.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) sharing: Option<Sharing>,
    /// Another's screen is sent in it.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) second: SecondLine,
    /// How many candidates were taken since the last offer.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) candidates_taken: usize,
    /// They were told that they are in the conference.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) greeted: bool,
    /// Of whom they were told last that they speak, and when.
    #[serde(skip)]
    pub(crate) identified: Option<(ParticipantId, Timestamp)>,
    /// How well its packets get through.
    #[serde(skip)]
    pub(crate) connection: Connection,
    /// No packets come.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) stopped: bool,
    /// When the leg ends for want of packets: a time runs while none come and they should.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) media_until: Option<Timestamp>,
    /// Its sound goes into the mix, as far as that is not the caller's own to decide.
    #[serde(skip)]
    pub(crate) heard: bool,
    /// The deadlines that are set for it.
    #[serde(skip)]
    pub(crate) armed: [Option<(Wait, Timestamp)>; 3],
    pub(crate) generation: Generation,
    pub(crate) state: LegState,
}

/// A screen that a leg shares, whether or not it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sharing {
    /// Since when.
    pub(crate) since: Timestamp,
    /// A moderator stopped it.
    pub(crate) stopped: bool,
    /// What the caller was told of it last.
    pub(crate) told: Told,
}

/// What one who shares a screen was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Told {
    /// Nothing.
    Nothing,
    /// Or nothing was to be told: it is shown.
    Shown,
    /// Another one is shown.
    Waits,
    /// Only those who may speak may share.
    Audience,
}

/// An offer of the caller that is being answered. It is kept until then: after a loss of the sessions it is answered by a new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Negotiating {
    pub(crate) offer: Sdp,
    pub(crate) expires: Timestamp,
}

/// Where a leg is; each state holds what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum LegState {
    /// Not admitted yet: the focus is joining the group room, or the homeserver is being asked about the caller.
    Ringing {
        offer: Sdp,
        expires: Timestamp,
        candidates: Vec<Candidate>,
        /// The question that was asked, once the focus has joined.
        admission: Option<RequestId>,
    },
    /// The engine is making the answer.
    Answering { offer: Sdp, expires: Timestamp, candidates: Vec<Candidate> },
    /// Answered; media is connecting.
    Connecting { until: Timestamp },
    /// Media is connected.
    Active,
    /// Media is interrupted.
    Reconnecting { until: Timestamp },
    /// The session was lost on our side and is being set up anew.
    Recovering(Recovery),
}

/// Setting up a lost session anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Recovery {
    /// Our answer to the invite may not have arrived: a new offer must not overtake it.
    Delivering,
    /// The client gets a moment to deal with our answer, or to offer by itself.
    Pausing { until: Timestamp },
    /// The engine is making an offer.
    Offering { until: Timestamp },
    /// The client has the offer.
    Offered { until: Timestamp, request: RequestId },
    /// The engine is answering an offer of the caller, in a new session.
    Reopening { until: Timestamp },
    /// Both descriptions are known; media is connecting.
    Resuming { until: Timestamp },
}

/// Where a leg belongs and whether it is heard: all that a report of levels asks, and those come more often than anything else.
/// Kept apart from the leg, since a leg is large, and to visit each would cost more than all that is done then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Voice {
    pub(crate) conference: ConferenceId,
    pub(crate) participant: ParticipantId,
    /// It can be heard, and may be.
    pub(crate) heard: bool,
}

impl Leg {
    /// What reports of levels ask of it.
    pub(crate) const fn voice(&self, conference: ConferenceId) -> Voice {
        Voice { conference, participant: self.participant, heard: self.is_live() && self.heard }
    }

    /// What the engine calls the participant.
    pub(crate) fn label(&self) -> Arc<str> {
        if self.name.is_empty() { label(None, &self.key.caller).into() } else { self.name.as_str().into() }
    }

    /// The caller says what its streams are for, and whether they are muted. True if its microphone went off or on.
    pub(crate) fn describe(&mut self, mut theirs: StreamMetadata) -> bool {
        while theirs.len() > STREAMS {
            theirs.pop_last();
        }
        let (before, now) = (self.muted, is_muted(&theirs));
        self.muted = now;
        self.theirs = Some(theirs);
        before != now
    }

    /// How events of this call are addressed.
    pub(crate) fn address(&self) -> CallAddress {
        CallAddress {
            focus: self.focus.clone(),
            room: self.key.room.clone(),
            caller: self.key.caller.clone(),
            call: self.key.call.clone(),
            version: self.version,
            party: self.party.clone(),
        }
    }

    /// Whether an event of the caller's side belongs to the party that placed this call. Version 0 knows no parties, and a
    /// client that left its party out once is not held to it.
    pub(crate) fn is_party(&self, party: Option<&PartyId>) -> bool {
        match (&self.caller_party, party) {
            (Some(ours), Some(theirs)) => ours == theirs,
            (None, _) | (_, None) => true,
        }
    }

    /// The homeserver has said that the caller may be in the conference.
    pub(crate) const fn is_admitted(&self) -> bool {
        !matches!(self.state, LegState::Ringing { .. })
    }

    /// An answer has been given, so the call is ended by a hangup rather than by a reject.
    pub(crate) const fn is_answered(&self) -> bool {
        !matches!(self.state, LegState::Ringing { .. } | LegState::Answering { .. })
    }

    /// The engine has a session for this leg.
    pub(crate) const fn has_media(&self) -> bool {
        !matches!(
            self.state,
            LegState::Ringing { .. } | LegState::Recovering(Recovery::Delivering | Recovery::Pausing { .. })
        )
    }

    /// Its sound can be heard, as far as it is for the caller and the connection to decide.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.state, LegState::Active) && !self.agreed.held
    }

    /// The caller sends pictures. One that is interrupted for a moment still does.
    pub(crate) const fn sends_pictures(&self) -> bool {
        let Agreed { held, camera, screen, .. } = self.agreed;
        !held && (camera || screen)
    }

    /// The caller's camera is on and can be shown.
    pub(crate) fn shows_camera(&self) -> bool {
        self.is_live() && self.agreed.camera && !self.theirs.as_ref().is_some_and(is_dark)
    }

    /// Begins and ends what is known of the screen that it shares. One that is interrupted for a moment still shares it.
    pub(crate) fn note_sharing(&mut self, now: Timestamp) {
        if !self.agreed.screen || self.agreed.held {
            self.sharing = None;
        } else if self.sharing.is_none() {
            self.sharing = Some(Sharing { since: now, stopped: false, told: Told::Nothing });
        }
    }

    /// Offers can be made to its client while the call runs: only version 1 knows `m.call.negotiate`, and who does not say
    /// what its streams are for would not know what a second one is.
    pub(crate) const fn may_be_offered_lines(&self) -> bool {
        matches!(self.version, CallVersion::V1) && self.wants_metadata
    }

    /// Packets should come: the caller sends sound and is not muted. Who is muted may send nothing at all.
    pub(crate) const fn should_flow(&self) -> bool {
        self.is_live() && !self.muted
    }

    /// The deadline of the state it is in.
    const fn deadline(&self) -> Option<(Wait, Timestamp)> {
        match &self.state {
            LegState::Ringing { expires, .. } | LegState::Answering { expires, .. } => {
                Some((Wait::Answer, *expires))
            }
            LegState::Connecting { until } => Some((Wait::Connection, *until)),
            LegState::Reconnecting { until } => Some((Wait::Reconnection, *until)),
            LegState::Recovering(
                Recovery::Pausing { until }
                | Recovery::Offering { until }
                | Recovery::Offered { until, .. }
                | Recovery::Reopening { until }
                | Recovery::Resuming { until },
            ) => Some((Wait::Recovery, *until)),
            LegState::Active | LegState::Recovering(Recovery::Delivering) => None,
        }
    }

    /// Sets the deadlines of the state it is in, in place of those of the state it was in.
    pub(crate) fn arm(&mut self, timers: &mut TimerTable) {
        let media = self.media_until.map(|at| (Wait::Packets, at));
        let asking = self.second.asking.deadline().map(|at| (Wait::Line, at));
        let wanted = [self.deadline(), media, asking];
        if wanted == self.armed {
            return;
        }
        self.disarm(timers);
        for (wait, at) in wanted.into_iter().flatten() {
            timers.arm(wait, self.id, at);
        }
        self.armed = wanted;
    }

    /// Takes back its deadlines.
    pub(crate) fn disarm(&mut self, timers: &mut TimerTable) {
        for (wait, at) in core::mem::take(&mut self.armed).into_iter().flatten() {
            timers.disarm(wait, self.id, at);
        }
    }

    /// Its state, as news.
    pub(crate) const fn news(&self) -> LegNews {
        match self.state {
            LegState::Ringing { .. } => LegNews::Ringing,
            LegState::Answering { .. } => LegNews::Answering,
            LegState::Connecting { .. } => LegNews::Connecting,
            LegState::Active if self.agreed.held => LegNews::Held,
            LegState::Active => {
                LegNews::Active { muted: self.muted, camera: self.agreed.camera, screen: self.agreed.screen }
            }
            LegState::Reconnecting { .. } | LegState::Recovering(_) => LegNews::Reconnecting,
        }
    }
}

/// Whether metadata says that the microphone is off: it is, when every microphone stream says so.
fn is_muted(metadata: &StreamMetadata) -> bool {
    let mut microphones =
        metadata.values().filter(|stream| stream.purpose == StreamPurpose::UserMedia).peekable();
    microphones.peek().is_some() && microphones.all(|stream| stream.audio_muted)
}

/// Whether metadata says that the camera is off, as [`is_muted`] of the microphone.
fn is_dark(metadata: &StreamMetadata) -> bool {
    let mut cameras =
        metadata.values().filter(|stream| stream.purpose == StreamPurpose::UserMedia).peekable();
    cameras.peek().is_some() && cameras.all(|stream| stream.video_muted)
}
