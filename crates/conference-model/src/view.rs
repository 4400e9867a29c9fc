//! What the machine's records say, as far as the invariants look at it: what a store sees of the machine.
//!
//! What ought to be in them never lives here.

use std::collections::BTreeMap;

use confocal_conference::{
    Agreed, Announcement, CallKey, CallVersion, ConferenceId, FocusUser, Generation, LayoutChoice, LegId,
    MemberId, Millis, OfferNumber, ParticipantId, PartyId, RecordingId, RequestId, RoomKey, StreamMetadata,
    StreamPurpose, Timestamp,
};
use serde::Deserialize;

/// The least time between two words of there being something to see, and how long it must be gone.
pub(crate) const APART: Millis = Millis::from_secs(5);

/// The records, read.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The legs that go on.
    pub legs: BTreeMap<LegId, LegView>,
    /// The conferences, by group room.
    pub conferences: BTreeMap<RoomKey, ConferenceView>,
    /// The 1:1 rooms.
    pub directs: BTreeMap<RoomKey, DirectView>,
    /// The calls that are over.
    pub ended: BTreeMap<String, EndedView>,
    /// Candidates that came before their call.
    pub early: BTreeMap<String, EarlyView>,
    /// The rooms of the bot.
    pub bots: BTreeMap<RoomKey, BotView>,
    /// Names that were made up.
    pub names: BTreeMap<String, NameView>,
    /// What members have done lately.
    pub deeds: BTreeMap<String, DeedsView>,
    /// Rooms that are to be left.
    pub departures: BTreeMap<RequestId, DepartureView>,
}

/// A leg.
#[derive(Clone, Debug, Deserialize)]
pub struct LegView {
    /// Its group room: not in the leg itself.
    #[serde(skip, default = "nowhere")]
    pub group: RoomKey,
    /// The call.
    pub key: CallKey,
    /// The focus user that is called.
    pub focus: FocusUser,
    /// Whose it is.
    pub participant: ParticipantId,
    /// Its version.
    pub version: CallVersion,
    /// The caller's party.
    pub caller_party: Option<PartyId>,
    /// Ours.
    pub party: PartyId,
    /// Its client describes its streams.
    #[serde(default)]
    pub wants_metadata: bool,
    /// Its microphone is off.
    #[serde(default)]
    pub muted: bool,
    /// The answer that is under way.
    pub answer: Option<RequestId>,
    /// What was agreed.
    #[serde(default)]
    pub agreed: Agreed,
    /// The caller's last offer.
    pub offer: OfferNumber,
    /// An offer is being answered.
    pub negotiating: Option<NegotiatingView>,
    /// They were told that they are in.
    #[serde(default)]
    pub greeted: bool,
    /// What its streams are for.
    pub theirs: Option<StreamMetadata>,
    /// The screen that it shares.
    pub sharing: Option<SharingView>,
    /// The line for another's screen.
    #[serde(default)]
    pub second: SecondLineView,
    /// When it ends for want of packets.
    pub media_until: Option<Timestamp>,
    /// Its session.
    pub generation: Generation,
    /// Where it is.
    pub state: StateView,
}

/// A screen that is shared.
#[derive(Clone, Debug, Deserialize)]
pub struct SharingView {
    /// Since when.
    pub since: Timestamp,
    /// A moderator stopped it.
    pub stopped: bool,
}

/// A line for another's screen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SecondLineView {
    /// The client has taken it.
    pub on: bool,
    /// The next offer of it.
    pub asking: AskingView,
}

/// Where an offer of a line is.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
pub enum AskingView {
    /// There is none.
    #[default]
    Quiet,
    /// It is made later.
    Pausing {
        /// When.
        until: Timestamp,
    },
    /// The engine makes it.
    Making {
        /// Until when.
        until: Timestamp,
    },
    /// The client has it.
    Out {
        /// Until when.
        until: Timestamp,
        /// The request that brought it.
        request: RequestId,
    },
    /// It was not answered in time.
    Late {
        /// Whether it was for a screen, or took the line away.
        screen: bool,
    },
    /// No more are made.
    Never,
}

impl AskingView {
    /// When it goes on.
    #[must_use]
    pub const fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Pausing { until } | Self::Making { until } | Self::Out { until, .. } => Some(*until),
            Self::Quiet | Self::Late { .. } | Self::Never => None,
        }
    }
}

/// An offer that is being answered.
#[derive(Clone, Debug, Deserialize)]
pub struct NegotiatingView {
    /// When it runs out.
    pub expires: Timestamp,
}

/// Where a leg is.
#[derive(Clone, Debug, Deserialize)]
pub enum StateView {
    /// Not let in yet.
    Ringing {
        /// When the invite runs out.
        expires: Timestamp,
        /// The question under way.
        admission: Option<RequestId>,
    },
    /// The answer is being made.
    Answering {
        /// When the invite runs out.
        expires: Timestamp,
    },
    /// Answered.
    Connecting {
        /// Until when.
        until: Timestamp,
    },
    /// Connected.
    Active,
    /// Interrupted.
    Reconnecting {
        /// Until when.
        until: Timestamp,
    },
    /// Being set up anew.
    Recovering(RecoveryView),
}

/// A step of setting up anew.
#[derive(Clone, Debug, Deserialize)]
pub enum RecoveryView {
    /// The answer is on its way.
    Delivering,
    /// A moment for the client.
    Pausing {
        /// Until when.
        until: Timestamp,
    },
    /// An offer is being made.
    Offering {
        /// Until when.
        until: Timestamp,
    },
    /// The client has the offer.
    Offered {
        /// Until when.
        until: Timestamp,
        /// The request that brought it.
        request: RequestId,
    },
    /// The caller's offer is being answered.
    Reopening {
        /// Until when.
        until: Timestamp,
    },
    /// Connecting again.
    Resuming {
        /// Until when.
        until: Timestamp,
    },
}

impl LegView {
    /// The homeserver has let it in.
    #[must_use]
    pub const fn is_admitted(&self) -> bool {
        !matches!(self.state, StateView::Ringing { .. })
    }

    /// An answer was given.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        !matches!(self.state, StateView::Ringing { .. } | StateView::Answering { .. })
    }

    /// It is heard, as far as caller and connection go.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.state, StateView::Active) && !self.agreed.held
    }

    /// The camera is on, and can be shown.
    #[must_use]
    pub fn shows_camera(&self) -> bool {
        let mut cameras = self
            .theirs
            .iter()
            .flatten()
            .filter(|(_, stream)| stream.purpose == StreamPurpose::UserMedia)
            .peekable();
        let dark = cameras.peek().is_some() && cameras.all(|(_, stream)| stream.video_muted);
        self.is_live() && self.agreed.camera && !dark
    }

    /// The deadline of its state.
    #[must_use]
    pub const fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            StateView::Ringing { expires, .. } | StateView::Answering { expires } => Some(*expires),
            StateView::Connecting { until }
            | StateView::Reconnecting { until }
            | StateView::Recovering(
                RecoveryView::Pausing { until }
                | RecoveryView::Offering { until }
                | RecoveryView::Offered { until, .. }
                | RecoveryView::Reopening { until }
                | RecoveryView::Resuming { until },
            ) => Some(*until),
            StateView::Active | StateView::Recovering(RecoveryView::Delivering) => None,
        }
    }
}

/// A conference.
#[derive(Clone, Debug, Deserialize)]
pub struct ConferenceView {
    /// Its id.
    pub id: ConferenceId,
    /// Its doors.
    pub doors: BTreeMap<FocusUser, DoorView>,
    /// Someone was in it.
    pub used: bool,
    /// When the focus leaves because it is empty.
    pub linger_until: Option<Timestamp>,
    /// When memberships are compared.
    pub compare_at: Option<Timestamp>,
    /// Told as open.
    pub opened: bool,
    /// What moderators decided.
    #[serde(default)]
    pub floor: FloorView,
    /// The room that takes its place.
    pub replaced_by: Option<RoomKey>,
    /// A moderator wants the focus to stay.
    #[serde(default)]
    pub stay: bool,
    /// When the first call was answered.
    pub started: Option<Timestamp>,
    /// What the room's state says of it.
    #[serde(default)]
    pub announcing: AnnouncingView,
    /// The recording that is being made.
    pub recording: Option<RecordingView>,
    /// Whether someone is alone in it.
    #[serde(default)]
    pub alone: AloneView,
    /// How pictures are shown.
    #[serde(default)]
    pub showing: ShowingView,
    /// Whether there is something to see.
    pub sight: ToldView,
}

/// What there is to see, and what was told of it.
#[derive(Clone, Debug, Deserialize)]
pub struct ToldView {
    /// What was told last.
    pub told: SightView,
    /// When.
    pub at: Option<Timestamp>,
    /// What there is.
    pub seen: SightView,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Somebody sees screens elsewhere than when they were told.
    pub loose: bool,
}

/// For whom there is something to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SightView {
    /// For all.
    pub any: bool,
    /// But not for this one.
    pub but: Option<ParticipantId>,
    /// Whose screen is shown to those who have no line for it.
    pub screen: Option<ParticipantId>,
}

impl ToldView {
    /// When what there is, is told; `None` where it was.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let (told, seen) = (self.told, self.seen);
        let camera = told.any && (!seen.any || seen.but.is_some_and(|but| told.cameras_of(but)));
        let screen = told.screen.is_some() && seen.screen != told.screen;
        let loses = camera || screen;
        let from = if loses { self.at.max(self.since) } else { self.at };
        from.filter(|_| told != seen).map(|from| from + APART)
    }
}

impl SightView {
    /// Whether there is something for one.
    #[must_use]
    pub fn of(self, leg: &LegView) -> bool {
        let screen = self.screen.is_some_and(|sharer| sharer != leg.participant);
        self.cameras_of(leg.participant) || (screen && !leg.second.on)
    }

    /// Whether there is a camera for one, or the grid.
    #[must_use]
    pub fn cameras_of(self, who: ParticipantId) -> bool {
        self.any && self.but != Some(who)
    }
}

/// How pictures are shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ShowingView {
    /// What a moderator has chosen.
    pub chosen: Option<LayoutChoice>,
    /// More are in it than the grid is for.
    pub crowded: bool,
    /// The grid is not tried before.
    pub rests_until: Option<Timestamp>,
    /// That time has come, and a moderator may ask for it.
    pub rested: bool,
    /// How often that was.
    pub rests: u32,
    /// Whose screen is shown.
    pub screen: Option<LegId>,
}

/// Whether someone is alone in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
pub enum AloneView {
    /// Nobody is.
    #[default]
    No,
    /// They are told so then.
    At(Timestamp),
    /// They were told.
    Told,
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordingView {
    /// Its number.
    pub id: RecordingId,
    /// Who started it.
    pub by: MemberId,
}

/// What a room's state says of its conference.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AnnouncingView {
    /// What stands there, and whose it is.
    pub standing: Option<(FocusUser, Announcement)>,
    /// The request under way.
    pub request: Option<RequestId>,
    /// When the next one is made.
    pub due: Option<Timestamp>,
    /// It was not allowed.
    pub refused: bool,
}

/// Whether one of us is counted as a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum CountedOutView {
    /// As far as we know.
    Not,
    /// It is asked for.
    Asked(RequestId),
    /// Not any more.
    Done,
}

impl CountedOutView {
    /// The request under way.
    #[must_use]
    pub const fn asked(self) -> Option<RequestId> {
        match self {
            Self::Asked(request) => Some(request),
            Self::Not | Self::Done => None,
        }
    }
}

/// A room of the bot.
#[derive(Clone, Debug, Deserialize)]
pub struct BotView {
    /// The bot.
    pub bot: FocusUser,
    /// The room's focus user.
    pub focus: Option<FocusUser>,
    /// Who invited it.
    pub by: MemberId,
    /// Its join.
    pub joining: Option<RequestId>,
    /// The invitation of the focus user.
    pub inviting: Option<RequestId>,
    /// The question whether it is alone.
    pub looking: Option<RequestId>,
    /// When that is asked next.
    pub look_at: Option<Timestamp>,
    /// Whether it is counted.
    pub counted_out: CountedOutView,
}

/// A focus user's name that was made up.
#[derive(Clone, Debug, Deserialize)]
pub struct NameView {
    /// The name.
    pub focus: FocusUser,
    /// The room that it stands for.
    pub group: RoomKey,
}

/// What is remembered of roles and people: only how much.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FloorView {
    /// Roles that are not everyone's.
    pub roles: BTreeMap<MemberId, serde::de::IgnoredAny>,
    /// People of whom something is remembered.
    pub people: BTreeMap<MemberId, serde::de::IgnoredAny>,
}

/// A focus user in its group room.
#[derive(Clone, Debug, Deserialize)]
pub struct DoorView {
    /// Whether it is counted as a person.
    pub counted_out: CountedOutView,
    /// Where it is.
    pub state: DoorStateView,
    /// The comparison that it asked for.
    pub comparing: Option<ComparisonView>,
}

/// A comparison of memberships under way.
#[derive(Clone, Debug, Deserialize)]
pub struct ComparisonView {
    /// The question.
    pub request: RequestId,
    /// The last call that there was when it was asked.
    pub newest: LegId,
}

/// Where a door is.
#[derive(Clone, Debug, Deserialize)]
pub enum DoorStateView {
    /// Its join is under way.
    Joining {
        /// The join.
        request: RequestId,
    },
    /// It may not join.
    Uninvited {
        /// Until when it is waited for an invitation.
        until: Timestamp,
    },
    /// Nobody has called.
    Waiting {
        /// Until when it waits.
        until: Option<Timestamp>,
    },
    /// Called.
    Active,
    /// Its leave is under way.
    Leaving {
        /// The leave.
        request: RequestId,
    },
}

impl DoorView {
    /// It is joined, as far as the machine knows.
    #[must_use]
    pub const fn is_joined(&self) -> bool {
        matches!(self.state, DoorStateView::Waiting { .. } | DoorStateView::Active)
    }
}

/// A 1:1 room.
#[derive(Clone, Debug, Deserialize)]
pub struct DirectView {
    /// Who invited us.
    pub with: MemberId,
    /// The focus users in it.
    pub doors: BTreeMap<FocusUser, DirectDoorView>,
    /// When the focus leaves it.
    pub until: Timestamp,
}

/// A focus user in a 1:1 room.
#[derive(Clone, Debug, Deserialize)]
pub struct DirectDoorView {
    /// Its group room.
    pub group: RoomKey,
    /// Its join, if that is under way.
    pub joining: Option<RequestId>,
}

/// Candidates that came before their call.
#[derive(Clone, Debug, Deserialize)]
pub struct EarlyView {
    /// Their call.
    pub key: CallKey,
    /// Until when they are kept.
    pub until: Timestamp,
    /// What they are.
    pub candidates: Vec<serde::de::IgnoredAny>,
}

/// A call that is over.
#[derive(Clone, Debug, Deserialize)]
pub struct EndedView {
    /// Until when it is remembered.
    pub until: Timestamp,
}

/// A room that is to be left.
#[derive(Clone, Debug, Deserialize)]
pub struct DepartureView {
    /// By whom.
    pub focus: FocusUser,
    /// Which.
    pub room: RoomKey,
    /// How often it has failed before.
    pub failures: u32,
    /// When it is tried again.
    pub again: Option<Timestamp>,
}

/// What a member has done lately.
#[derive(Clone, Debug, Deserialize)]
pub struct DeedsView {
    call: Option<Timestamp>,
    stranger_call: Option<Timestamp>,
    command: Option<Timestamp>,
}

impl DeedsView {
    /// When all of it is forgotten.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        [self.call, self.stranger_call, self.command].into_iter().flatten().max()
    }
}

fn nowhere() -> RoomKey {
    RoomKey::from("")
}

#[derive(Deserialize)]
struct StoredLeg {
    group: RoomKey,
    leg: LegView,
}

impl View {
    /// Takes a change in. An error names a record that can't be read, or whose name is none of ours.
    ///
    /// # Errors
    ///
    /// With what is wrong, in words.
    pub fn take(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), String> {
        if key == "focus" {
            return Ok(());
        }
        let (kind, rest) = key.split_once('/').ok_or_else(|| format!("the record {key} is of no kind"))?;
        let unreadable = |error| format!("the record {key} can't be read: {error}");
        match kind {
            "leg" => {
                let id = LegId(rest.parse().map_err(|_| format!("the record {key} names no leg"))?);
                match value {
                    Some(value) => {
                        let StoredLeg { group, leg } = serde_json::from_slice(value).map_err(unreadable)?;
                        self.legs.insert(id, LegView { group, ..leg });
                    }
                    None => drop(self.legs.remove(&id)),
                }
            }
            "leave" => {
                let id = RequestId(rest.parse().map_err(|_| format!("the record {key} names no request"))?);
                match value {
                    Some(value) => {
                        self.departures.insert(id, serde_json::from_slice(value).map_err(unreadable)?);
                    }
                    None => drop(self.departures.remove(&id)),
                }
            }
            "conf" => match value {
                Some(value) => {
                    let conference = serde_json::from_slice(value).map_err(unreadable)?;
                    self.conferences.insert(rest.into(), conference);
                }
                None => drop(self.conferences.remove(&RoomKey::from(rest))),
            },
            "direct" => match value {
                Some(value) => {
                    self.directs.insert(rest.into(), serde_json::from_slice(value).map_err(unreadable)?);
                }
                None => drop(self.directs.remove(&RoomKey::from(rest))),
            },
            "bot" => match value {
                Some(value) => {
                    self.bots.insert(rest.into(), serde_json::from_slice(value).map_err(unreadable)?);
                }
                None => drop(self.bots.remove(&RoomKey::from(rest))),
            },
            "early" => put(&mut self.early, key, value).map_err(unreadable)?,
            "ended" => put(&mut self.ended, key, value).map_err(unreadable)?,
            "name" => put(&mut self.names, key, value).map_err(unreadable)?,
            "deeds" => put(&mut self.deeds, key, value).map_err(unreadable)?,
            _ => return Err(format!("the record {key} is of no kind that is known")),
        }
        Ok(())
    }

    /// The leg of a call.
    #[must_use]
    pub fn leg_of(&self, key: &CallKey) -> Option<(LegId, &LegView)> {
        self.legs.iter().find(|(_, leg)| leg.key == *key).map(|(id, leg)| (*id, leg))
    }
}

fn put<T: serde::de::DeserializeOwned>(
    records: &mut BTreeMap<String, T>,
    key: &str,
    value: Option<&[u8]>,
) -> Result<(), serde_json::Error> {
    match value {
        Some(value) => drop(records.insert(key.to_owned(), serde_json::from_slice(value)?)),
        None => drop(records.remove(key)),
    }
    Ok(())
}
