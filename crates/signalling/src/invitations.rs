//! Which homeservers invited users of ours into rooms of theirs: whoever is to decline must know whom to ask whether the invitation is
//! stored there yet.
//!
//! What an invitation leads to never lives here. Nothing of it survives a restart, and need not: what is remembered counts for seconds.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use confocal::conference::{FocusUser, Input, RoomKey};
use ruma_common::{OwnedServerName, RoomId, ServerName, UserId};

/// Invitations that are remembered. One that is forgotten is declined without asking.
const REMEMBERED: usize = 1000;

/// The invitations from elsewhere that were neither taken nor declined yet, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Invitations(Mutex<VecDeque<Invitation>>);

#[derive(Debug)]
struct Invitation {
    user: FocusUser,
    room: RoomKey,
    by: OwnedServerName,
}

impl Invitations {
    /// Remembers an invitation, if `input` is one and comes from another homeserver than `own`.
    pub(crate) fn note(&self, input: &Input, own: &ServerName) {
        let Some((user, room, by)) = invitation(input).filter(|(.., by)| by != own) else { return };
        let mut all = self.lock();
        all.retain(|it| !it.is(user.as_str(), room.as_str()));
        all.push_back(Invitation { user: user.clone(), room: room.clone(), by });
        if all.len() > REMEMBERED {
            all.pop_front();
        }
    }

    /// Forgets the invitation of `user` into `room`, and tells which homeserver it came from.
    pub(crate) fn take(&self, user: &UserId, room: &RoomId) -> Option<OwnedServerName> {
        let mut all = self.lock();
        let position = all.iter().position(|it| it.is(user.as_str(), room.as_str()))?;
        all.remove(position).map(|it| it.by)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Invitation>> {
        // Nothing that holds the lock can leave the list half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Invitation {
    fn is(&self, user: &str, room: &str) -> bool {
        self.user.as_str() == user && self.room.as_str() == room
    }
}

/// Who was invited where, and by which homeserver as far as that is told: else by the one that made the room.
fn invitation(input: &Input) -> Option<(&FocusUser, &RoomKey, OwnedServerName)> {
    let (user, room, via) = match input {
        Input::FocusInvited { focus: user, room, via, .. }
        | Input::NamedFocusInvited { focus: user, room, via, .. }
        | Input::BotInvited { bot: user, room, via, .. } => (user, room, via.first()),
        Input::NobodyInvited { focus: user, room } => (user, room, None),
        Input::RoomEncrypted { .. }
        | Input::FocusRemoved { .. }
        | Input::MemberRemoved { .. }
        | Input::RolesChanged { .. }
        | Input::RoomReplaced { .. }
        | Input::Commanded { .. }
        | Input::CallInvited(_)
        | Input::CallCandidates { .. }
        | Input::CallSelected { .. }
        | Input::CallHungUp { .. }
        | Input::CallNegotiated { .. }
        | Input::CallNegotiateAnswered { .. }
        | Input::CallMetadataChanged { .. }
        | Input::RequestDone { .. }
        | Input::Media(_)
        | Input::EngineLost
        | Input::CameBack => return None,
    };
    let by = via.map(|server| server.as_str());
    let by = by.or_else(|| room.as_str().split_once(':').map(|(_, server)| server))?;
    Some((user, room, ServerName::parse(by).ok()?))
}

#[cfg(test)]
mod tests {
    use ruma_common::{owned_server_name, room_id, user_id};

    use super::*;

    const OWN: &str = "hs.test";

    fn noted(input: &Input) -> Invitations {
        let invitations = Invitations::default();
        invitations.note(input, <&ServerName>::try_from(OWN).unwrap());
        invitations
    }

    fn invited(room: &str, server: &str) -> Input {
        Input::NamedFocusInvited {
            focus: "@conf_xa:hs.test".into(),
            room: room.into(),
            by: "@bert:else.test".into(),
            via: vec![server.into()],
        }
    }

    #[test]
    fn one_from_elsewhere_is_told_once_and_one_of_our_own_homeserver_never() {
        let user = user_id!("@conf_xa:hs.test");
        let elsewhere = noted(&invited("!a", "else.test"));
        assert_eq!(elsewhere.take(user, room_id!("!b")), None);
        assert_eq!(elsewhere.take(user, room_id!("!a")), Some(owned_server_name!("else.test")));
        assert_eq!(elsewhere.take(user, room_id!("!a")), None);
        assert_eq!(noted(&invited("!a", OWN)).take(user, room_id!("!a")), None);
    }

    #[test]
    fn one_whose_inviter_is_not_told_is_of_the_rooms_homeserver() {
        let nobody =
            |room: &str| Input::NobodyInvited { focus: "@conf_xa:hs.test".into(), room: room.into() };
        let user = user_id!("@conf_xa:hs.test");
        let of = |room: &str| noted(&nobody(room)).take(user, <&RoomId>::try_from(room).unwrap());
        assert_eq!(of("!a:else.test"), Some(owned_server_name!("else.test")));
        assert_eq!((of("!a:hs.test"), of("!a")), (None, None));
    }

    #[test]
    fn of_too_many_the_oldest_is_forgotten_and_a_repeated_one_counts_once() {
        let invitations = Invitations::default();
        let own = <&ServerName>::try_from(OWN).unwrap();
        for number in 0..=REMEMBERED {
            for _ in 0..2 {
                invitations.note(&invited(&format!("!room{number}"), "else.test"), own);
            }
        }
        let user = user_id!("@conf_xa:hs.test");
        assert_eq!(invitations.take(user, room_id!("!room0")), None);
        assert!(invitations.take(user, room_id!("!room1")).is_some());
        assert!(invitations.take(user, room_id!("!room1000")).is_some());
    }
}
