//! Going through every order of a few actions, breadth first: what is found first has the fewest actions.
//!
//! Two worlds are the same when nothing can be told from them that goes on: ids are replaced by their rank, moments by the time
//! that is left, and what only ever counts up is left out. What an action means never lives here.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::Violation;
use crate::action::Action;
use crate::setup::Setup;
use crate::world::World;

/// What is gone through.
#[derive(Clone, Debug)]
pub struct Search {
    /// The byte of the settings.
    pub setup: u8,
    /// What has happened before.
    pub beginning: Vec<Action>,
    /// What may happen.
    pub alphabet: Vec<Action>,
    /// How many actions in a row, at the most.
    pub depth: usize,
    /// How long it may take; what is unfinished then is not counted as reached. `None`: as long as it takes.
    pub time: Option<Duration>,
    /// How many states one depth may have; more than that do not fit into memory.
    pub states: usize,
}

/// What was gone through without a violation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Different states, the first included.
    pub states: usize,
    /// Actions that were tried in them.
    pub transitions: usize,
    /// The depth to which every order was tried.
    pub depth: usize,
    /// There was nothing new at that depth: the whole world was seen.
    pub whole: bool,
}

/// A state whose actions are still to be tried, and the way to it.
#[derive(Clone)]
struct Open {
    world: World,
    way: Vec<Action>,
}

impl Search {
    /// Goes through it.
    ///
    /// # Errors
    ///
    /// The first violation, by a shortest way.
    pub fn run(&self) -> Result<Report, Violation> {
        let begun = Instant::now();
        let mut world = World::new(Setup::from_byte(self.setup), BTreeSet::new()).without_comparisons();
        for action in &self.beginning {
            if world.apply(action).is_err() {
                return Err(self.violation(&[]));
            }
        }
        let mut known = BTreeSet::from([fingerprint(&world)]);
        let mut level = vec![Open { world, way: Vec::new() }];
        let mut report = Report { states: 1, ..Report::default() };
        for depth in 1..=self.depth {
            let mut next = Vec::new();
            for open in &level {
                for action in &self.alphabet {
                    if self.time.is_some_and(|time| begun.elapsed() > time) || next.len() > self.states {
                        return Ok(report);
                    }
                    let mut world = open.world.clone();
                    let mut way = open.way.clone();
                    way.push(*action);
                    if world.apply(action).is_err() {
                        return Err(self.violation(&way));
                    }
                    report.transitions += 1;
                    if known.insert(fingerprint(&world)) {
                        report.states += 1;
                        next.push(Open { world, way });
                    }
                }
            }
            report.depth = depth;
            if next.is_empty() {
                report.whole = true;
                return Ok(report);
            }
            level = next;
        }
        Ok(report)
    }

    /// The way once more, to tell what happened.
    fn violation(&self, way: &[Action]) -> Violation {
        let actions: Vec<Action> = self.beginning.iter().chain(way).copied().collect();
        let mut world = World::new(Setup::from_byte(self.setup), BTreeSet::new()).writing_down();
        for (step, action) in actions.iter().enumerate() {
            if let Err(broken) = world.apply(action) {
                let actions = actions[..=step].to_vec();
                return Violation { broken, setup: self.setup, step, actions, turns: world.last_turns() };
            }
        }
        let (name, rule) = crate::invariants::sameness::ALL[2];
        let what = "a history that was played twice ended in a violation only once".to_owned();
        let broken = crate::invariants::Broken { name, rule, what };
        Violation { broken, setup: self.setup, step: actions.len(), actions, turns: world.last_turns() }
    }
}

/// What goes on from a world, as a number.
fn fingerprint(world: &World) -> u64 {
    let mut state = state_of(world);
    let mut ids = Ids::default();
    ids.collect("", &state);
    let now = world.now().as_unix_millis();
    canonical("", &mut state, &ids.ranks(), now);
    let mut hasher = DefaultHasher::new();
    state.to_string().hash(&mut hasher);
    hasher.finish()
}

/// Records, requests under way, sessions, and what people remember of their calls.
fn state_of(world: &World) -> Value {
    let mut numbered: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut named = Map::new();
    for (key, value) in &world.seen.records {
        let (kind, _) = key.split_once('/').unwrap_or((key, ""));
        let value = serde_json::from_slice(value).unwrap_or_default();
        match kind {
            // What only counts up.
            "focus" => {}
            // Their numbers only grow, so their order is all that there is to know.
            "leg" | "ended" | "early" => numbered.entry(kind).or_default().push(value),
            _ => drop(named.insert(key.clone(), value)),
        }
    }
    let requests = world.outside.requests.iter();
    let requests: Vec<Value> =
        requests.map(|(id, request)| json!({ "request": id, "what": request })).collect();
    let sessions = world.outside.sessions.iter().map(
        |(leg, session)| json!({ "leg": leg, "wanted": format!("{:?}", session.wanted), "up": session.up }),
    );
    let sessions: Vec<Value> = sessions.collect();
    let calls = world.outside.calls.iter().map(|call| {
        let facts = world.seen.calls.get(&call.invite.key).and_then(|facts| facts.last());
        json!({ "key": call.invite.key, "offered": call.offered, "last": facts.map(std::mem::discriminant).map(|of| format!("{of:?}")) })
    });
    let calls: Vec<Value> = calls.collect();
    json!({ "numbered": numbered, "named": named, "requests": requests, "sessions": sessions, "calls": calls })
}

/// What a number is the id of, by the name under which it stands.
fn class_of(name: &str) -> Option<&'static str> {
    match name {
        "request" | "admission" | "answer" | "joining" | "looking" | "inviting" | "Asked" => Some("request"),
        "leg" | "id" | "newest" => Some("leg"),
        "participant" => Some("participant"),
        "hand" => Some("hand"),
        _ => None,
    }
}

/// All ids that occur.
#[derive(Default)]
struct Ids {
    found: BTreeMap<&'static str, BTreeSet<u64>>,
}

/// Each id's place in the order of its kind.
type Ranks = BTreeMap<(&'static str, u64), u64>;

impl Ids {
    fn collect(&mut self, name: &str, value: &Value) {
        match value {
            Value::Number(number) => {
                if let (Some(class), Some(number)) = (class_of(name), number.as_u64()) {
                    self.found.entry(class).or_default().insert(number);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.collect(name, value)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.collect(name, value)),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    fn ranks(self) -> Ranks {
        let rank = |(class, ids): (&'static str, BTreeSet<u64>)| {
            ids.into_iter().zip(0..).map(move |(id, rank)| ((class, id), rank))
        };
        self.found.into_iter().flat_map(rank).collect()
    }
}

/// Replaces ids by ranks, moments by the time that is left, and texts by what they are.
fn canonical(name: &str, value: &mut Value, ranks: &Ranks, now: u64) {
    match value {
        Value::Number(number) => {
            let Some(id) = number.as_u64() else { return };
            let is_time = matches!(
                name,
                "until"
                    | "due"
                    | "not_before"
                    | "look_at"
                    | "started"
                    | "expires"
                    | "linger_until"
                    | "redial_until"
                    | "compare_at"
                    | "media_until"
                    | "kicked_until"
                    | "call"
                    | "stranger_call"
                    | "command"
            );
            if is_time {
                *value = json!(id.saturating_sub(now));
            } else if let Some(rank) = class_of(name).and_then(|class| ranks.get(&(class, id))) {
                *value = json!(rank);
            }
        }
        Value::String(text) => {
            if text.starts_with("sdp:") || text.starts_with(crate::setup::CANDIDATE) {
                text.retain(|letter| !letter.is_ascii_digit());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| canonical(name, value, ranks, now)),
        Value::Object(fields) => {
            // Our own party is a name by chance, and the last hand's number only grows.
            fields.remove("party");
            fields.remove("last_hand");
            fields.iter_mut().for_each(|(name, value)| canonical(name, value, ranks, now));
        }
        Value::Null | Value::Bool(_) => {}
    }
}
