//! Deadlines: one table for all conferences, in order of time, then of kind.
//!
//! What happens when one is due never lives here.

use alloc::collections::BTreeSet;

use crate::id::{FocusUser, LegId, RequestId, RoomKey};
use crate::table::Table;
use crate::time::Timestamp;

/// Which deadline. Deadlines due together fire in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// A call's invite runs out.
    InviteExpires(LegId),
    /// An answered call should have connected.
    ConnectTimeout(LegId),
    /// An interrupted call should have recovered.
    ReconnectGrace(LegId),
    /// A call whose session was lost should have gone on by now, or may be offered to.
    Recovery(LegId),
    /// No packets came from someone who should send some.
    MediaTimeout(LegId),
    /// A focus user that may not join the group room should have been invited.
    InvitationGrace(RoomKey, FocusUser),
    /// Nobody called a focus user that has joined (rule R8).
    Idle(RoomKey, FocusUser),
    /// A conference has been empty for long enough (rule R7).
    Linger(RoomKey),
    /// Who is in a conference is to be compared with who is in its group room (rule R4).
    Compare(RoomKey),
    /// What is announced of a conference is no longer right, and may be said anew.
    Announce(RoomKey),
    /// Someone has been alone in a conference for long enough to be told so.
    Alone(RoomKey),
    /// Whoever speaks may have the picture from then on.
    Picture(RoomKey),
    /// The machine may compose the grid again.
    Layout(RoomKey),
    /// An offer of a line for a screen should have been made or answered by now, or may be made.
    OfferAgain(LegId),
    /// Someone left a room that the bot is in: it may be alone.
    BotAlone(RoomKey),
    /// Nobody has called in a 1:1 room for long.
    DirectIdle(RoomKey),
    /// A room that could not be left is to be left; named by the request that failed.
    LeaveAgain(RequestId),
    /// Something that is remembered of calls that are over is of no more use.
    Forget,
}

/// What a leg waits for, each for so long only: its [`TimerKind`] without the number, in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wait {
    Answer,
    Connection,
    Reconnection,
    Recovery,
    Packets,
    Line,
}

impl Wait {
    const fn of(self, leg: LegId) -> TimerKind {
        match self {
            Self::Answer => TimerKind::InviteExpires(leg),
            Self::Connection => TimerKind::ConnectTimeout(leg),
            Self::Reconnection => TimerKind::ReconnectGrace(leg),
            Self::Recovery => TimerKind::Recovery(leg),
            Self::Packets => TimerKind::MediaTimeout(leg),
            Self::Line => TimerKind::OfferAgain(leg),
        }
    }
}

/// The next moment at which the machine wants to be told the time, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// What for.
    pub why: TimerKind,
}

/// All deadlines that are set.
#[derive(Clone, Debug)]
pub(crate) struct TimerTable {
    /// Those of legs: set and taken back some times in each call, but few at a time, and so apart from the others, of which there is
    /// one for each room.
    legs: BTreeSet<(Timestamp, Wait, LegId)>,
    /// All others but [`TimerKind::Forget`].
    due: BTreeSet<(Timestamp, TimerKind)>,
    /// When the latter are due.
    set: Table<TimerKind, Timestamp>,
    /// When [`TimerKind::Forget`] is due: it moves with nearly every call, and there is one.
    forget: Option<Timestamp>,
}

impl TimerTable {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { legs: BTreeSet::new(), due: BTreeSet::new(), set: Table::new(seed), forget: None }
    }

    /// Sets a deadline, in place of the one of that kind if there is one.
    pub(crate) fn set(&mut self, kind: TimerKind, at: Timestamp) {
        if let Some(old) = self.set.insert(kind.clone(), at) {
            self.due.remove(&(old, kind.clone()));
        }
        self.due.insert((at, kind));
    }

    /// Takes a deadline back; nothing if it isn't set.
    pub(crate) fn cancel(&mut self, kind: &TimerKind) {
        if let Some(at) = self.set.remove(kind) {
            self.due.remove(&(at, kind.clone()));
        }
    }

    /// Sets a deadline of a leg, which remembers when it is due and gives it back then ([`disarm`](Self::disarm)) before it sets another.
    pub(crate) fn arm(&mut self, wait: Wait, leg: LegId, at: Timestamp) {
        self.legs.insert((at, wait, leg));
    }

    /// Takes back what was set by [`arm`](Self::arm); nothing if it is over.
    pub(crate) fn disarm(&mut self, wait: Wait, leg: LegId, at: Timestamp) {
        self.legs.remove(&(at, wait, leg));
    }

    /// Sets the deadline [`TimerKind::Forget`], or takes it back.
    pub(crate) const fn set_forget(&mut self, at: Option<Timestamp>) {
        self.forget = at;
    }

    /// The first deadline.
    pub(crate) fn next(&self) -> Option<Deadline> {
        let leg = self.legs.first().map(|(at, wait, leg)| Deadline { at: *at, why: wait.of(*leg) });
        let other = self.due.first().map(|(at, why)| Deadline { at: *at, why: why.clone() });
        let forget = self.forget.map(|at| Deadline { at, why: TimerKind::Forget });
        [leg, other, forget].into_iter().flatten().min()
    }

    /// Takes the first deadline if it is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<TimerKind> {
        let Deadline { at, why } = self.next()?;
        if at > now {
            return None;
        }
        match why {
            TimerKind::Forget => self.forget = None,
            TimerKind::InviteExpires(_)
            | TimerKind::ConnectTimeout(_)
            | TimerKind::ReconnectGrace(_)
            | TimerKind::Recovery(_)
            | TimerKind::MediaTimeout(_)
            | TimerKind::OfferAgain(_) => drop(self.legs.pop_first()),
            TimerKind::InvitationGrace(..)
            | TimerKind::Idle(..)
            | TimerKind::Linger(_)
            | TimerKind::Compare(_)
            | TimerKind::Announce(_)
            | TimerKind::Alone(_)
            | TimerKind::Picture(_)
            | TimerKind::Layout(_)
            | TimerKind::BotAlone(_)
            | TimerKind::DirectIdle(_)
            | TimerKind::LeaveAgain(_) => {
                self.due.pop_first();
                self.set.remove(&why);
            }
        }
        Some(why)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    #[test]
    fn fires_in_order_of_time_then_kind_and_only_when_due() {
        let mut timers = TimerTable::new(1);
        timers.set(TimerKind::Linger("!a".into()), at(5));
        timers.set(TimerKind::LeaveAgain(RequestId(3)), at(5));
        timers.arm(Wait::Line, LegId(1), at(5));
        timers.arm(Wait::Answer, LegId(2), at(5));
        timers.arm(Wait::Answer, LegId(1), at(9));
        assert_eq!(timers.pop_due(at(4)), None);
        let due: Vec<TimerKind> = core::iter::from_fn(|| timers.pop_due(at(5))).collect();
        let inner = [TimerKind::Linger("!a".into()), TimerKind::OfferAgain(LegId(1))];
        let first = TimerKind::InviteExpires(LegId(2));
        assert_eq!(due, [&[first], &inner[..], &[TimerKind::LeaveAgain(RequestId(3))]].concat());
        assert_eq!(timers.next(), Some(Deadline { at: at(9), why: TimerKind::InviteExpires(LegId(1)) }));
    }

    #[test]
    fn what_legs_wait_for_is_in_the_order_of_its_kinds() {
        let waits =
            [Wait::Answer, Wait::Connection, Wait::Reconnection, Wait::Recovery, Wait::Packets, Wait::Line];
        assert!(waits.is_sorted() && waits.map(|wait| wait.of(LegId(1))).is_sorted());
        for wait in waits {
            let mut timers = TimerTable::new(1);
            timers.arm(wait, LegId(1), at(1));
            assert_eq!(timers.pop_due(at(1)), Some(wait.of(LegId(1))));
            assert_eq!(timers.next(), None);
        }
    }

    #[test]
    fn what_is_forgotten_is_so_in_its_time_and_after_all_that_is_due_with_it() {
        let mut timers = TimerTable::new(1);
        timers.set_forget(Some(at(5)));
        assert_eq!(timers.next(), Some(Deadline { at: at(5), why: TimerKind::Forget }));
        timers.arm(Wait::Answer, LegId(1), at(5));
        timers.arm(Wait::Answer, LegId(2), at(6));
        assert_eq!(timers.pop_due(at(4)), None);
        assert_eq!(timers.pop_due(at(9)), Some(TimerKind::InviteExpires(LegId(1))));
        assert_eq!(timers.pop_due(at(9)), Some(TimerKind::Forget));
        timers.set_forget(Some(at(7)));
        timers.disarm(Wait::Answer, LegId(2), at(6));
        timers.set_forget(None);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn setting_again_moves_and_cancelling_removes() {
        let mut timers = TimerTable::new(1);
        let kind = TimerKind::Linger("!a".into());
        timers.set(kind.clone(), at(5));
        timers.set(kind.clone(), at(7));
        assert_eq!(timers.pop_due(at(6)), None);
        timers.cancel(&kind);
        timers.cancel(&kind);
        assert_eq!(timers.next(), None);
    }
}
