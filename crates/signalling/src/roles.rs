//! Roles from power levels: who may speak and keep order in a conference, as the group room's own rules have it.
//!
//! What a role allows never lives here, nor when a room is asked for its rules.

use std::collections::{BTreeMap, BTreeSet};

use confocal::conference::{Input, MemberId, Role, RoomKey};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Event, or_none};

/// What `kick` is where nothing is said (<https://spec.matrix.org/v1.15/client-server-api/#mroompower_levels>).
const DEFAULT_KICK: i64 = 50;

/// `m.room.power_levels`, as far as it is read. Rooms of versions below 10 may have levels that are texts.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PowerLevels {
    #[serde(default, deserialize_with = "or_none")]
    users: Option<BTreeMap<String, Box<RawValue>>>,
    #[serde(default, deserialize_with = "or_none")]
    users_default: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "or_none")]
    kick: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "or_none")]
    invite: Option<Box<RawValue>>,
}

impl PowerLevels {
    /// The roles of a room: who may kick is a moderator of its conference too, and whoever is above the ordinary member is
    /// a speaker.
    pub(crate) fn roles(&self, room: &RoomKey) -> Input {
        let told = |field: Option<&Box<RawValue>>| field.and_then(|field| level(field));
        let ordinary = told(self.users_default.as_ref()).unwrap_or(0);
        let kick = told(self.kick.as_ref()).unwrap_or(DEFAULT_KICK);
        let role = |level: i64| match level {
            level if level >= kick => Role::Moderator,
            level if level > ordinary => Role::Speaker,
            _ => Role::Member,
        };
        let everyone = role(ordinary);
        let users = self.users.iter().flatten();
        let members = users
            .filter_map(|(user, field)| Some((MemberId::from(user.as_str()), role(level(field)?))))
            .filter(|(_, role)| *role != everyone)
            .collect();
        Input::RolesChanged { room: room.clone(), everyone, members }
    }
}

impl PowerLevels {
    /// Those by name who may invite, the most powerful first and of equals the first by name. Where nothing is said everyone may.
    pub(crate) fn inviters(&self) -> Vec<MemberId> {
        let needed = self.invite.as_ref().and_then(|field| level(field)).unwrap_or(0);
        let users = self.users.iter().flatten();
        let mut may: Vec<(i64, &String)> = users
            .filter_map(|(user, field)| Some((level(field)?, user)))
            .filter(|(level, _)| *level >= needed)
            .collect();
        may.sort_by_key(|(level, user)| (std::cmp::Reverse(*level), *user));
        may.into_iter().map(|(_, user)| MemberId::from(user.as_str())).collect()
    }
}

/// A level as it is written: a whole number, or one as a text.
fn level(field: &RawValue) -> Option<i64> {
    let text = field.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.trim().parse().ok()
}

/// Makes creators moderators, whatever else is said of them.
pub(crate) fn add_creators(input: &mut Input, creators: &BTreeSet<MemberId>) {
    if let Input::RolesChanged { everyone, members, .. } = input {
        for creator in creators {
            if *everyone == Role::Moderator {
                members.remove(creator);
            } else {
                members.insert(creator.clone(), Role::Moderator);
            }
        }
    }
}

/// Who made a room, from its `m.room.create`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Creators {
    pub(crate) members: BTreeSet<MemberId>,
    /// They have more power than any level, as from room version 12 on; below, only as long as there are no power levels.
    pub(crate) above_all: bool,
}

/// `m.room.create`, as far as it is read.
#[derive(Debug, Default, Deserialize)]
struct CreateContent {
    #[serde(default, deserialize_with = "or_none")]
    room_version: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    additional_creators: Option<Vec<String>>,
}

impl Creators {
    /// Reads the whole event; `None` if it can't be read.
    pub(crate) fn of(event: &RawValue) -> Option<Self> {
        let event: Event = serde_json::from_str(event.get()).ok()?;
        let content: CreateContent = serde_json::from_str(event.content.get()).ok()?;
        // A room without a version is of the first one, and versions that are no number are experiments upon older ones.
        let version = content.room_version.as_deref().unwrap_or("1").parse::<u32>().unwrap_or(1);
        let above_all = version >= 12;
        let mut members = BTreeSet::from([MemberId::from(event.sender.as_str())]);
        if above_all {
            let additional = content.additional_creators.unwrap_or_default();
            members.extend(additional.iter().map(|user| MemberId::from(user.as_str())));
        }
        Some(Self { members, above_all })
    }
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a test may stop at the first surprise")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn roles(content: Value) -> (Role, Vec<(String, Role)>) {
        let levels: PowerLevels = serde_json::from_value(content).unwrap();
        match levels.roles(&RoomKey::from("!room:hs.test")) {
            Input::RolesChanged { everyone, members, .. } => {
                (everyone, members.into_iter().map(|(member, role)| (member.to_string(), role)).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    fn named(user: &str, role: Role) -> (String, Role) {
        (user.to_owned(), role)
    }

    #[test]
    fn who_may_kick_moderates_and_who_is_above_the_rest_speaks() {
        let users = json!({ "@admin:x": 100, "@mod:x": 50, "@speaker:x": 1, "@member:x": 0, "@low:x": -1 });
        assert_eq!(
            roles(json!({ "users": users })),
            (
                Role::Member,
                vec![
                    named("@admin:x", Role::Moderator),
                    named("@mod:x", Role::Moderator),
                    named("@speaker:x", Role::Speaker)
                ]
            )
        );
        assert_eq!(
            roles(json!({ "users": users, "kick": 60, "users_default": 10 })),
            (Role::Member, vec![named("@admin:x", Role::Moderator), named("@mod:x", Role::Speaker)])
        );
        // A room in which everybody may kick, but two.
        assert_eq!(roles(json!({ "users": users, "users_default": 50 })).0, Role::Moderator);
        assert_eq!(
            roles(json!({ "users": { "@low:x": 0, "@same:x": 50 }, "users_default": 50 })).1,
            [named("@low:x", Role::Member)]
        );
    }

    #[test]
    fn levels_of_old_rooms_and_odd_ones() {
        let users = json!({
            "@text:x": "50", "@spaced:x": " 100 ", "@plus:x": "+60", "@odd:x": "fifty", "@half:x": 50.5,
            "@null:x": null, "@list:x": [100], "@huge:x": 1e300,
        });
        let moderators = vec![
            named("@plus:x", Role::Moderator),
            named("@spaced:x", Role::Moderator),
            named("@text:x", Role::Moderator),
        ];
        assert_eq!(
            roles(json!({ "users": users, "kick": "50", "users_default": "0" })),
            (Role::Member, moderators)
        );
        assert_eq!(roles(json!({ "users": [], "kick": {}, "users_default": false })), (Role::Member, vec![]));
        assert_eq!(roles(json!({})), (Role::Member, vec![]));
    }

    #[test]
    fn who_may_invite_is_named_the_most_powerful_first() {
        let users = json!({ "@a:x": 0, "@b:x": 100, "@mod:x": 50, "@odd:x": "much", "@admin:x": "100" });
        let inviters = |content: Value| -> Vec<String> {
            let levels: PowerLevels = serde_json::from_value(content).unwrap();
            levels.inviters().iter().map(ToString::to_string).collect()
        };
        assert_eq!(inviters(json!({ "users": users, "invite": 50 })), ["@admin:x", "@b:x", "@mod:x"]);
        assert_eq!(inviters(json!({ "users": users })), ["@admin:x", "@b:x", "@mod:x", "@a:x"]);
        assert!(inviters(json!({ "invite": 50 })).is_empty());
    }

    fn creators(content: Value) -> Option<Creators> {
        let event = json!({ "type": "m.room.create", "sender": "@a:x", "state_key": "", "content": content });
        Creators::of(&RawValue::from_string(event.to_string()).unwrap())
    }

    #[test]
    fn creators_are_above_all_from_version_12_on() {
        let a = || BTreeSet::from([MemberId::from("@a:x")]);
        for version in [json!("1"), json!("11"), json!(null), json!("org.example.12")] {
            let content = json!({ "room_version": version, "additional_creators": ["@b:x"] });
            assert_eq!(creators(content), Some(Creators { members: a(), above_all: false }), "{version}");
        }
        assert_eq!(
            creators(json!({ "room_version": "12" })),
            Some(Creators { members: a(), above_all: true })
        );
        let both = BTreeSet::from([MemberId::from("@a:x"), MemberId::from("@b:x")]);
        assert_eq!(
            creators(json!({ "room_version": "13", "additional_creators": ["@b:x"] })),
            Some(Creators { members: both, above_all: true })
        );
    }

    #[test]
    fn a_creator_is_a_moderator_whatever_the_levels_say() {
        let levels: PowerLevels = serde_json::from_value(json!({ "users": { "@a:x": 0 } })).unwrap();
        let mut input = levels.roles(&RoomKey::from("!room"));
        add_creators(&mut input, &BTreeSet::from([MemberId::from("@a:x")]));
        let members = BTreeMap::from([(MemberId::from("@a:x"), Role::Moderator)]);
        assert_eq!(
            input,
            Input::RolesChanged { room: RoomKey::from("!room"), everyone: Role::Member, members }
        );
    }
}
