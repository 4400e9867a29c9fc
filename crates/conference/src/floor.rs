//! Who may speak, come in, and what moderators decided: the floor of one conference.
//!
//! Who is in the conference never lives here, nor what becomes of calls: this only answers questions about people.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::command::{Role, Silenced};
use crate::id::MemberId;
use crate::time::Timestamp;

/// The floor; part of the conference's record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Floor {
    pub(crate) locked: bool,
    pub(crate) audience: bool,
    /// Whoever comes in is muted, but moderators.
    pub(crate) everyone_muted: bool,
    /// The role of those not in `roles`.
    everyone: Role,
    roles: BTreeMap<MemberId, Role>,
    people: BTreeMap<MemberId, Standing>,
    /// The number of the last hand that was raised: who raised first has the lowest.
    last_hand: u64,
}

/// What is remembered of one member. Nothing to remember is not stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    mute: Mute,
    /// Was given the word.
    granted: bool,
    hand: Option<u64>,
    kicked_until: Option<Timestamp>,
}

/// Who muted someone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mute {
    #[default]
    Nobody,
    Themselves,
    Moderator,
}

impl Floor {
    pub(crate) fn new(audience: bool) -> Self {
        Self { audience, ..Self::default() }
    }

    /// The conference is over: what moderators decided ends with it, the roles are the room's.
    pub(crate) fn end(&mut self, audience: bool) {
        let (everyone, roles) = (self.everyone, core::mem::take(&mut self.roles));
        *self = Self { audience, everyone, roles, ..Self::default() };
    }

    /// Whether there is anything that [`end`](Self::end) would take back.
    pub(crate) fn is_fresh(&self, audience: bool) -> bool {
        self.people.is_empty() && !self.locked && !self.everyone_muted && self.audience == audience
    }

    // ---- roles -----------------------------------------------------------------------------------------------------

    pub(crate) fn role(&self, member: &MemberId) -> Role {
        self.roles.get(member).copied().unwrap_or(self.everyone)
    }

    pub(crate) fn is_moderator(&self, member: &MemberId) -> bool {
        self.role(member) == Role::Moderator
    }

    /// Takes the roles of a room; of more than `limit` the highest are kept, and of those the first by name.
    pub(crate) fn set_roles(&mut self, everyone: Role, mut roles: BTreeMap<MemberId, Role>, limit: usize) {
        roles.retain(|_, role| *role != everyone);
        if roles.len() > limit {
            let mut highest: Vec<(MemberId, Role)> = roles.into_iter().collect();
            highest.sort_by_key(|(_, role)| core::cmp::Reverse(*role));
            highest.truncate(limit);
            roles = highest.into_iter().collect();
        }
        (self.everyone, self.roles) = (everyone, roles);
    }

    // ---- voice -----------------------------------------------------------------------------------------------------

    /// Why a member is not heard; `None`: they are.
    pub(crate) fn silenced(&self, member: &MemberId) -> Option<Silenced> {
        let standing = self.people.get(member).copied().unwrap_or_default();
        match standing.mute {
            Mute::Moderator => Some(Silenced::ByModerator),
            Mute::Themselves => Some(Silenced::ByThemselves),
            Mute::Nobody if self.has_the_word(member) => None,
            Mute::Nobody => Some(Silenced::Audience),
        }
    }

    /// Whether a member may speak, and so show something, as far as the audience goes: a mute is another matter.
    pub(crate) fn has_the_word(&self, member: &MemberId) -> bool {
        !self.audience
            || self.role(member) != Role::Member
            || self.people.get(member).is_some_and(|standing| standing.granted)
    }

    pub(crate) fn set_mute(&mut self, member: &MemberId, mute: Mute) {
        self.change(member, |standing| standing.mute = mute);
    }

    /// Takes back what moderators muted.
    pub(crate) fn unmute_everyone(&mut self) {
        self.everyone_muted = false;
        self.people.retain(|_, standing| {
            if standing.mute == Mute::Moderator {
                standing.mute = Mute::Nobody;
            }
            *standing != Standing::default()
        });
    }

    /// Gives a member the word, or takes it back. Whoever is given it needs no raised hand any more.
    pub(crate) fn set_granted(&mut self, member: &MemberId, granted: bool) {
        self.change(member, |standing| {
            standing.granted = granted;
            if granted {
                standing.hand = None;
            }
        });
    }

    // ---- hands -----------------------------------------------------------------------------------------------------

    pub(crate) fn has_hand_up(&self, member: &MemberId) -> bool {
        self.people.get(member).is_some_and(|standing| standing.hand.is_some())
    }

    /// Raises a hand, behind those raised before; one that is up stays where it is.
    pub(crate) fn raise_hand(&mut self, member: &MemberId) {
        if !self.has_hand_up(member) {
            self.last_hand += 1;
            let number = self.last_hand;
            self.change(member, |standing| standing.hand = Some(number));
        }
    }

    pub(crate) fn lower_hand(&mut self, member: &MemberId) {
        self.change(member, |standing| standing.hand = None);
    }

    /// The members with a raised hand, the first one first.
    pub(crate) fn hands(&self) -> Vec<&MemberId> {
        let mut hands: Vec<(u64, &MemberId)> =
            self.people.iter().filter_map(|(member, standing)| Some((standing.hand?, member))).collect();
        hands.sort_unstable();
        hands.into_iter().map(|(_, member)| member).collect()
    }

    // ---- the door --------------------------------------------------------------------------------------------------

    pub(crate) fn kick(&mut self, member: &MemberId, until: Timestamp) {
        self.change(member, |standing| standing.kicked_until = Some(until));
    }

    pub(crate) fn unkick(&mut self, member: &MemberId) {
        self.change(member, |standing| standing.kicked_until = None);
    }

    /// Whether a moderator's removal of the member still stands.
    pub(crate) fn is_kicked(&self, member: &MemberId, now: Timestamp) -> bool {
        self.people.get(member).and_then(|standing| standing.kicked_until).is_some_and(|until| until > now)
    }

    // ---- memory ----------------------------------------------------------------------------------------------------

    /// Someone comes in. True if that changes what is remembered.
    pub(crate) fn entered(&mut self, member: &MemberId) -> bool {
        self.everyone_muted
            && !self.is_moderator(member)
            && self.change(member, |standing| standing.mute = Mute::Moderator)
    }

    /// Someone has left: a hand and one's own mute are over, what a moderator decided is not. True if that changes what is remembered.
    pub(crate) fn left(&mut self, member: &MemberId) -> bool {
        self.change(member, |standing| {
            standing.hand = None;
            if standing.mute == Mute::Themselves {
                standing.mute = Mute::Nobody;
            }
        })
    }

    /// Forgets people that are not here until at most `limit` of them are remembered: those first whose removal ends first.
    /// True if any was.
    pub(crate) fn forget_beyond(&mut self, limit: usize, is_here: impl Fn(&MemberId) -> bool) -> bool {
        if self.people.len() <= limit {
            return false;
        }
        let mut gone: Vec<(Option<Timestamp>, MemberId)> = self
            .people
            .iter()
            .filter(|(member, _)| !is_here(member))
            .map(|(member, standing)| (standing.kicked_until, member.clone()))
            .collect();
        gone.sort_unstable();
        let surplus = gone.len().saturating_sub(limit);
        for (_, member) in gone.into_iter().take(surplus) {
            self.people.remove(&member);
        }
        surplus > 0
    }

    /// True if it made a difference.
    fn change(&mut self, member: &MemberId, act: impl FnOnce(&mut Standing)) -> bool {
        let before = self.people.get(member).copied().unwrap_or_default();
        let mut standing = before;
        act(&mut standing);
        if standing == before {
            return false;
        }
        if standing == Standing::default() {
            self.people.remove(member);
        } else {
            self.people.insert(member.clone(), standing);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    #[test]
    fn what_is_back_to_nothing_is_not_remembered() {
        let (mut floor, anna) = (Floor::default(), "@anna".into());
        floor.set_mute(&anna, Mute::Moderator);
        floor.raise_hand(&anna);
        floor.kick(&anna, at(5));
        assert!(!floor.is_fresh(false));
        floor.set_mute(&anna, Mute::Nobody);
        floor.lower_hand(&anna);
        floor.unkick(&anna);
        assert!(floor.is_fresh(false) && floor.people.is_empty());
    }

    #[test]
    fn hands_are_in_the_order_in_which_they_were_raised() {
        let (mut floor, anna, bert): (_, MemberId, MemberId) =
            (Floor::default(), "@anna".into(), "@bert".into());
        floor.raise_hand(&bert);
        floor.raise_hand(&anna);
        floor.raise_hand(&bert);
        assert_eq!(floor.hands(), [&bert, &anna]);
        floor.lower_hand(&bert);
        floor.raise_hand(&bert);
        assert_eq!(floor.hands(), [&anna, &bert]);
    }

    #[test]
    fn of_too_many_roles_the_highest_are_kept() {
        let mut floor = Floor::default();
        let roles =
            [("@a", Role::Speaker), ("@b", Role::Moderator), ("@c", Role::Speaker), ("@d", Role::Member)];
        floor.set_roles(Role::Member, roles.map(|(member, role)| (member.into(), role)).into(), 2);
        assert_eq!(
            ["@a", "@b", "@c", "@d"].map(|member| floor.role(&member.into())),
            [Role::Speaker, Role::Moderator, Role::Member, Role::Member]
        );
    }

    #[test]
    fn of_too_many_absent_people_the_longest_removed_are_kept_and_those_here_always() {
        let mut floor = Floor::default();
        for (member, until) in [("@a", 30), ("@b", 10), ("@c", 20)] {
            floor.kick(&member.into(), at(until));
        }
        floor.set_mute(&"@here".into(), Mute::Moderator);
        assert!(floor.forget_beyond(2, |member| member.as_str() == "@here"));
        assert!(!floor.forget_beyond(2, |member| member.as_str() == "@here"));
        let kicked = |member: &str| floor.is_kicked(&member.into(), at(0));
        assert_eq!(["@a", "@b", "@c"].map(kicked), [true, false, true]);
        assert_eq!(floor.silenced(&"@here".into()), Some(Silenced::ByModerator));
    }

    #[test]
    fn as_many_roles_as_there_may_be_are_all_kept() {
        let mut floor = Floor::default();
        floor.set_roles(
            Role::Speaker,
            [("@a".into(), Role::Member), ("@b".into(), Role::Moderator)].into(),
            2,
        );
        assert_eq!(
            ["@a", "@b", "@c"].map(|member| floor.role(&member.into())),
            [Role::Member, Role::Moderator, Role::Speaker]
        );
    }

    #[test]
    fn the_end_takes_back_what_was_decided_and_leaves_the_roles() {
        let mut floor = Floor::new(false);
        floor.set_roles(Role::Speaker, [("@a".into(), Role::Moderator)].into(), 9);
        (floor.locked, floor.everyone_muted) = (true, true);
        floor.kick(&"@b".into(), at(10));
        floor.end(true);
        assert!(floor.is_fresh(true) && !floor.is_fresh(false) && floor.audience);
        assert!(!floor.is_kicked(&"@b".into(), at(0)));
        assert_eq!((floor.role(&"@a".into()), floor.role(&"@b".into())), (Role::Moderator, Role::Speaker));
    }

    #[test]
    fn each_thing_that_was_decided_is_not_fresh() {
        let fresh = |change: fn(&mut Floor)| {
            let mut floor = Floor::new(false);
            change(&mut floor);
            floor.is_fresh(false)
        };
        assert!(fresh(|_| {}));
        assert!(!fresh(|floor| floor.locked = true));
        assert!(!fresh(|floor| floor.everyone_muted = true));
        assert!(!fresh(|floor| floor.audience = true));
        assert!(!fresh(|floor| floor.raise_hand(&"@a".into())));
    }

    #[test]
    fn unmuting_everyone_forgets_moderators_mutes_and_nothing_else() {
        let mut floor = Floor::default();
        for (member, mute) in [("@a", Mute::Moderator), ("@b", Mute::Moderator), ("@c", Mute::Themselves)] {
            floor.set_mute(&member.into(), mute);
        }
        floor.kick(&"@b".into(), at(10));
        floor.unmute_everyone();
        assert_eq!(floor.people.keys().map(MemberId::as_str).collect::<Vec<_>>(), ["@b", "@c"]);
        assert_eq!(floor.silenced(&"@b".into()), None);
        assert_eq!(floor.silenced(&"@c".into()), Some(Silenced::ByThemselves));
    }

    #[test]
    fn a_removal_stands_until_its_moment() {
        let mut floor = Floor::default();
        floor.kick(&"@a".into(), at(10));
        assert!(floor.is_kicked(&"@a".into(), at(9)));
        assert!(!floor.is_kicked(&"@a".into(), at(10)));
    }
}
