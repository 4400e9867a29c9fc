//! What happens in rooms: invitations, roles, and what people ask for in words.
//!
//! What the homeserver says to the machine's requests never lives here, see `outcomes.rs`.

use confocal_conference::{Input, Role};

use crate::action::{self, About};
use crate::invariants::Broken;
use crate::setup::{self, USERS};
use crate::world::World;

impl World {
    pub(super) fn invite_to_direct(&mut self, user: u8, room: u8, door: u8) -> Result<(), Broken> {
        let (focus, group) = setup::door(door);
        // Now and then someone else brings the focus user in.
        let by = setup::user(if door >= 224 { user.wrapping_add(1) } else { user });
        let (room, via) = (setup::direct(user, room), vec!["two.example".into()]);
        if room == group {
            return Ok(());
        }
        self.tell(Input::FocusInvited { focus, group, room, by, via })
    }

    pub(super) fn invite_by_name(&mut self, name: u8, by: u8) -> Result<(), Broken> {
        let names: Vec<_> = self.seen.after.names.values().collect();
        let known = usize::from(name >> 1).checked_rem(names.len()).map(|at| names[at]);
        let focus = known.map_or_else(|| "@conf_xnobody".into(), |name| name.focus.clone());
        let group = known.map_or_else(|| setup::group(name), |name| name.group.clone());
        let room = if name & 1 == 0 { group } else { setup::direct(by, 0) };
        self.tell(Input::NamedFocusInvited { focus, room, by: setup::user(by), via: Vec::new() })
    }

    pub(super) fn roles(&mut self, group: u8, pattern: u8) -> Result<(), Broken> {
        let everyone = action::role(pattern >> 6);
        let members =
            (0..USERS.len() as u8).map(|user| (setup::user(user), action::role(pattern >> (2 * user))));
        let members = members.filter(|(_, role)| *role != everyone).collect();
        self.tell(Input::RolesChanged { room: setup::group(group), everyone, members })
    }

    /// Mostly someone who is in a conference asks it for something about someone in it; now and then anyone about anyone.
    pub(super) fn command(&mut self, user: u8, place: u8, command: u8, target: u8) -> Result<(), Broken> {
        let asked = action::command(command, target);
        let people: Vec<_> = self.seen.after.legs.values().filter(|leg| leg.is_admitted()).collect();
        if people.is_empty() && user & 3 != 0 {
            return self.onward(target);
        }
        let person = usize::from(user).checked_rem(people.len()).filter(|_| user < 224).map(|at| people[at]);
        let Some(person) = person else {
            let room = match place % 4 {
                0 | 1 => setup::group(0),
                2 => setup::direct(user, 0),
                _ => setup::group(1),
            };
            return self.tell(Input::Commanded { room, by: setup::user(user), command: asked });
        };
        let group = person.group.clone();
        let here = people.iter().filter(|other| other.group == group);
        let about: Vec<_> = here.map(|other| other.key.caller.clone()).collect();
        let about = usize::from(target >> 1).checked_rem(about.len()).map(|at| about[at].clone());
        // Whoever may not ask for it is denied it often enough; here a moderator asks, if there is one.
        let reference = self.seen.reference.groups.get(&group);
        let moderator = reference.and_then(|it| {
            it.present.keys().find(|member| it.role(member) == Role::Moderator).filter(|_| user & 3 != 0)
        });
        let own = matches!(action::about(&asked), About::Oneself);
        let by = moderator.filter(|_| !own).unwrap_or(&person.key.caller).clone();
        let leg = people.iter().find(|leg| leg.key.caller == by && leg.group == group);
        let direct = leg.map(|leg| leg.key.room.clone()).filter(|_| place & 1 == 0);
        let room = direct.unwrap_or(group);
        let command = match about {
            Some(about) if target < 240 => action::about_member(asked, about),
            Some(_) | None => asked,
        };
        self.tell(Input::Commanded { room, by, command })
    }
}
