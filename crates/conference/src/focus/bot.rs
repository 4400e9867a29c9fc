//! The service's bot: it comes when it is invited, says how the conference is called, brings the focus user in when it is asked
//! to, and goes when it is alone.
//!
//! What is asked of a conference never lives here: where a focus user is, the bot is silent.

use alloc::vec::Vec;

use super::Focus;
use crate::bots::BotRoom;
use crate::command::{Command, Denial, Reply};
use crate::core::Core;
use crate::door::CountedOut;
use crate::effect::{Notice, SignalRequest};
use crate::id::{FocusUser, MemberId, RequestId, RoomKey, ServerName};
use crate::input::{FocusName, RequestFailure, RequestOutcome};
use crate::rates::Deed;
use crate::record::RecordKey;
use crate::routes::{Purpose, Routes};
use crate::time::Millis;
use crate::timer::TimerKind;

/// How long after someone's leaving the bot looks whether it is alone: whoever leaves with others makes one question.
const LOOK_AFTER: Millis = Millis::from_secs(10);

impl Focus {
    pub(super) fn bot_invited(
        &mut self,
        bot: FocusUser,
        focus: FocusName,
        room: RoomKey,
        by: MemberId,
        via: Vec<ServerName>,
    ) {
        let (limits, bots) = (&self.core.config.limits, &self.routes.bots);
        let known = bots.get(&room).is_some();
        if !self.core.config.policy.allows(&by) {
            // Whoever may not take part does not make us leave a room in which others do.
            if !known {
                self.core.send(SignalRequest::Leave { focus: bot, room });
            }
            return;
        }
        let too_many =
            !known && (bots.len() >= limits.bot_rooms || bots.count_of(&by) >= limits.bot_rooms_per_member);
        if too_many || !self.core.may(&by, Deed::Command) {
            self.core.send(SignalRequest::Leave { focus: bot, room: room.clone() });
            self.forget_bot_room(&room);
            return;
        }
        self.core.count(&by, Deed::Command);
        let focus = self.named(&room, focus);
        let request = self.core.send(SignalRequest::JoinAsBot { bot: bot.clone(), room: room.clone(), via });
        self.routes.requests.insert(request, Purpose::Bot { room: room.clone() });
        // Whatever was believed of the room, an invitation says that the bot is not in it.
        self.forget_bot_room(&room);
        let it = BotRoom {
            bot,
            focus,
            by,
            joining: Some(request),
            told_encrypted: false,
            counted_out: CountedOut::Not,
            inviting: None,
            looking: None,
            look_at: None,
        };
        self.routes.bots.insert(room.clone(), it);
        self.core.changed(RecordKey::Bot(room));
    }

    /// The focus user of a room; `None`: it has none, or as many names were made up as may be and all are in use.
    fn named(&mut self, room: &RoomKey, focus: FocusName) -> Option<FocusUser> {
        let (before, after) = match focus {
            FocusName::Id(focus) => return Some(focus),
            FocusName::MadeUp { before, after } => (before, after),
            FocusName::Nobody => return None,
        };
        let Self { core, routes, conferences, .. } = self;
        let Routes { names, bots, .. } = routes;
        if let Some(known) = names.of(room) {
            return Some(known.clone());
        }
        let in_use = |room: &RoomKey| bots.get(room).is_some() || conferences.id_of(room).is_some();
        while names.len() >= core.config.limits.made_up_names {
            if !names.forget_one(in_use, core) {
                return None;
            }
        }
        Some(names.make_up(room.clone(), &before, &after, core))
    }

    /// What the bot asked for is done, or never will be.
    pub(super) fn bot_request_done(&mut self, id: RequestId, room: &RoomKey, outcome: &RequestOutcome) {
        let Some(it) = self.routes.bots.get_mut(room) else { return };
        if it.joining == Some(id) {
            self.bot_joined(room, outcome);
        } else if it.looking == Some(id) {
            it.looking = None;
            self.core.changed(RecordKey::Bot(room.clone()));
            if *outcome == RequestOutcome::Alone(true) {
                self.forget_bot_room(room);
            }
        } else if it.inviting == Some(id) {
            self.focus_asked_in(room, outcome);
        }
    }

    fn bot_joined(&mut self, room: &RoomKey, outcome: &RequestOutcome) {
        let Some(it) = self.routes.bots.get_mut(room) else { return };
        let encrypted = match outcome {
            RequestOutcome::Failed(_) => {
                self.forget_bot_room(room);
                return;
            }
            RequestOutcome::Joined { encrypted } => *encrypted,
            RequestOutcome::Done
            | RequestOutcome::Admission(_)
            | RequestOutcome::Membership(_)
            | RequestOutcome::Rooms(_)
            | RequestOutcome::Alone(_)
            | RequestOutcome::NotAllowed { .. } => false,
        };
        it.joining = None;
        it.told_encrypted = encrypted;
        // Whoever left before we knew that we are there makes no look.
        let look_at = self.core.now + LOOK_AFTER;
        it.look_at = Some(look_at);
        self.core.timers.set(TimerKind::BotAlone(room.clone()), look_at);
        let (bot, focus) = (it.bot.clone(), it.focus.clone());
        self.core.changed(RecordKey::Bot(room.clone()));
        let notice = Notice::Welcome { group: room.clone(), focus, encrypted };
        self.core.send(SignalRequest::Notice { focus: bot, room: room.clone(), notice });
        self.count_bot_out(room);
    }

    /// Asks the room's clients not to count the bot as a person, unless they know.
    pub(super) fn count_bot_out(&mut self, room: &RoomKey) {
        if !self.core.config.discovery.count_out {
            return;
        }
        let Some(it) = self.routes.bots.get_mut(room).filter(|it| it.joining.is_none()) else { return };
        if it.counted_out == CountedOut::Not {
            let request =
                self.core.send(SignalRequest::CountOut { focus: it.bot.clone(), room: room.clone() });
            it.counted_out = CountedOut::Asked(request);
            let purpose = Purpose::CountOut { room: room.clone(), focus: it.bot.clone() };
            self.routes.requests.insert(request, purpose);
            self.core.changed(RecordKey::Bot(room.clone()));
        }
    }

    /// It was asked for by this request that the bot is not counted.
    pub(super) fn bot_awaits_count_out(&self, id: RequestId, room: &RoomKey) -> bool {
        self.routes.bots.get(room).is_some_and(|it| it.counted_out == CountedOut::Asked(id))
    }

    /// The fate of that is known. True if it was about the bot.
    pub(super) fn bot_counted_out(
        &mut self,
        id: RequestId,
        room: &RoomKey,
        failure: Option<RequestFailure>,
    ) -> bool {
        if !self.bot_awaits_count_out(id, room) {
            return false;
        }
        let Some(it) = self.routes.bots.get_mut(room) else { return false };
        it.counted_out = if failure.is_none() { CountedOut::Done } else { CountedOut::Not };
        self.core.changed(RecordKey::Bot(room.clone()));
        true
    }

    /// The room was encrypted: it is told once that the bot can't read it any more.
    pub(super) fn bot_room_encrypted(&mut self, room: &RoomKey) {
        let there = |it: &&mut BotRoom| it.joining.is_none() && !it.told_encrypted;
        let Some(it) = self.routes.bots.get_mut(room).filter(there) else { return };
        it.told_encrypted = true;
        let (bot, notice) = (it.bot.clone(), Notice::Deaf { group: room.clone() });
        self.core.changed(RecordKey::Bot(room.clone()));
        self.core.send(SignalRequest::Notice { focus: bot, room: room.clone(), notice });
    }

    /// One of us is no longer in a room; if it is the bot, the room is forgotten.
    pub(super) fn bot_removed(&mut self, bot: &FocusUser, room: &RoomKey) {
        if self.routes.bots.get(room).is_some_and(|it| it.bot == *bot) {
            self.forget_bot_room(room);
        }
    }

    /// Someone has left a room: the bot may be alone in it, which it asks a moment later.
    pub(super) fn someone_left_the_bot(&mut self, room: &RoomKey) {
        let there = |it: &&mut BotRoom| it.joining.is_none() && it.look_at.is_none();
        let Some(it) = self.routes.bots.get_mut(room).filter(there) else { return };
        let at = self.core.now + LOOK_AFTER;
        it.look_at = Some(at);
        self.core.timers.set(TimerKind::BotAlone(room.clone()), at);
        self.core.changed(RecordKey::Bot(room.clone()));
    }

    pub(super) fn bot_alone_due(&mut self, room: &RoomKey) {
        let Some(it) = self.routes.bots.get_mut(room) else { return };
        it.look_at = None;
        self.core.changed(RecordKey::Bot(room.clone()));
        if it.looking.is_some() {
            // The last answer is not there yet.
            self.someone_left_the_bot(room);
            return;
        }
        let request = self.core.send(SignalRequest::LeaveIfAlone { bot: it.bot.clone(), room: room.clone() });
        it.looking = Some(request);
        self.routes.requests.insert(request, Purpose::Bot { room: room.clone() });
    }

    fn forget_bot_room(&mut self, room: &RoomKey) {
        if self.routes.bots.get(room).is_some() {
            self.routes.bots.remove(room);
            self.core.timers.cancel(&TimerKind::BotAlone(room.clone()));
            self.core.changed(RecordKey::Bot(room.clone()));
        }
    }

    // ---- what it is asked for --------------------------------------------------------------------------------------

    /// The bot, if it is the one who hears what is said in a room.
    pub(super) fn hearing_bot(&self, room: &RoomKey) -> Option<&BotRoom> {
        self.routes.bots.get(room).filter(|it| it.joining.is_none())
    }

    /// The focus user is to come into a room where only the bot is. `None`: what is replied is known later.
    pub(super) fn start(&mut self, room: &RoomKey, by: &MemberId) -> Option<Reply> {
        let Some(it) = self.routes.bots.get_mut(room) else { return Some(Reply::Denied(Denial::NotStarted)) };
        if !self.core.config.policy.allows(by) {
            return Some(Reply::Denied(Denial::NotAllowed));
        }
        let Some(focus) = it.focus.clone() else { return Some(Reply::Denied(Denial::NoFocusUser)) };
        if it.inviting.is_some() {
            return Some(Reply::Invited { focus });
        }
        let (bot, room) = (it.bot.clone(), room.clone());
        let request = self.core.send(SignalRequest::InviteFocus { bot, room: room.clone(), focus });
        it.inviting = Some(request);
        self.core.changed(RecordKey::Bot(room.clone()));
        self.routes.requests.insert(request, Purpose::Bot { room });
        None
    }

    /// Whether the focus user could be invited is known, and told.
    fn focus_asked_in(&mut self, room: &RoomKey, outcome: &RequestOutcome) {
        let Some(it) = self.routes.bots.get_mut(room) else { return };
        it.inviting = None;
        self.core.changed(RecordKey::Bot(room.clone()));
        let Some(focus) = it.focus.clone() else { return };
        let reply = match outcome {
            RequestOutcome::Done => Reply::Invited { focus },
            RequestOutcome::NotAllowed { ask } => Reply::MayNotInvite { focus, ask: ask.clone() },
            RequestOutcome::Failed(RequestFailure::Forbidden) => {
                Reply::MayNotInvite { focus, ask: Vec::new() }
            }
            RequestOutcome::Failed(_)
            | RequestOutcome::Admission(_)
            | RequestOutcome::Membership(_)
            | RequestOutcome::Rooms(_)
            | RequestOutcome::Joined { .. }
            | RequestOutcome::Alone(_) => Reply::Denied(Denial::NotNow),
        };
        let notice = Notice::Reply { group: room.clone(), command: Command::Start, reply };
        self.core.send(SignalRequest::Notice { focus: it.bot.clone(), room: room.clone(), notice });
    }

    /// Takes a room up from its record.
    pub(super) fn restore_bot_room(&mut self, room: RoomKey, it: BotRoom) {
        restore(&room, &it, &mut self.core, &mut self.routes);
        self.routes.bots.insert(room, it);
    }
}

fn restore(room: &RoomKey, it: &BotRoom, core: &mut Core, routes: &mut Routes) {
    for request in [it.joining, it.looking, it.inviting].into_iter().flatten() {
        routes.requests.insert(request, Purpose::Bot { room: room.clone() });
    }
    if let CountedOut::Asked(request) = it.counted_out {
        let purpose = Purpose::CountOut { room: room.clone(), focus: it.bot.clone() };
        routes.requests.insert(request, purpose);
    }
    if let Some(at) = it.look_at {
        core.timers.set(TimerKind::BotAlone(room.clone()), at);
    }
}
