//! Two machines that ought to do the same: told the same, one restored from the other's records, or one told the time twice.
//!
//! Running them never lives here, see `world.rs`.

use std::collections::BTreeMap;

use confocal_conference::{Change, Deadline, Effect};

use super::{Broken, ensure};

/// What a machine did in one turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// What it wants done.
    pub effects: Vec<Effect>,
    /// What it wants stored.
    pub changes: Vec<Change>,
    /// When it wants to be told the time.
    pub deadline: Option<Deadline>,
}

/// The records of a machine.
pub type Records = BTreeMap<String, Vec<u8>>;

/// The invariants here, by name and rule.
pub const ALL: [(&str, &str); 5] = [
    (RESTART.0, RESTART.1),
    (TWICE.0, TWICE.1),
    (EQUAL.0, EQUAL.1),
    (READABLE.0, READABLE.1),
    (CIRCLES.0, CIRCLES.1),
];

const RESTART: (&str, &str) = (
    "a_restart_changes_nothing_but_the_sessions",
    "design 3: restore(records) + the same inputs = the same effects",
);
const TWICE: (&str, &str) =
    ("telling_the_time_twice_changes_nothing", "style 2: early or repeated timeouts do nothing");
const EQUAL: (&str, &str) = (
    "equal_inputs_give_equal_effects",
    "style 2: same inputs, times and seed: same effects in the same order",
);
const READABLE: (&str, &str) = ("what_was_written_can_be_restored", "design 3: restore takes records");
const CIRCLES: (&str, &str) =
    ("the_machine_does_not_run_in_circles", "style 7: a step limit that catches livelock");

fn broken((name, rule): (&'static str, &'static str)) -> impl FnOnce(String) -> Broken {
    move |what| Broken { name, rule, what }
}

/// A machine restored from the records does as the live one would, but for news, which it tells anew. Early candidates are
/// numbered anew after a restart; their order is the same.
///
/// # Errors
///
/// When they differ.
pub fn as_if_never_restarted(live: (&Output, &Records), restored: (&Output, &Records)) -> Result<(), Broken> {
    let wanted = |output: &Output| -> Vec<Effect> {
        let news = |effect: &&Effect| !matches!(effect, Effect::Notify(_));
        output.effects.iter().filter(news).cloned().collect()
    };
    let (one, two) = (wanted(live.0), wanted(restored.0));
    ensure(one == two, || format!("live: {one:?}; restored: {two:?}"))
        .and_then(|()| {
            ensure(live.0.deadline == restored.0.deadline, || {
                format!("live: {:?}; restored: {:?}", live.0.deadline, restored.0.deadline)
            })
        })
        .and_then(|()| same_records(live.1, restored.1))
        .map_err(broken(RESTART))
}

fn same_records(live: &Records, restored: &Records) -> Result<(), String> {
    let is_early = |key: &&String| key.starts_with("early/");
    let early = |records: &Records| -> Vec<Vec<u8>> {
        records.iter().filter(|(key, _)| is_early(key)).map(|(_, value)| value.clone()).collect()
    };
    ensure(early(live) == early(restored), || "early candidates differ".to_owned())?;
    for key in live.keys().chain(restored.keys()).filter(|key| !is_early(key)) {
        let (one, two) = (live.get(key), restored.get(key));
        if key == "focus" && counters(one) == counters(two) {
            continue;
        }
        ensure(one == two, || {
            let text =
                |value: Option<&Vec<u8>>| value.map(|value| String::from_utf8_lossy(value).into_owned());
            format!("the record {key}: live {:?}, restored {:?}", text(one), text(two))
        })?;
    }
    Ok(())
}

/// What the record `focus` says but for the time at which it was written: a restored machine writes it at once.
fn counters(record: Option<&Vec<u8>>) -> Option<serde_json::Value> {
    let mut focus: serde_json::Value = serde_json::from_slice(record?).ok()?;
    focus.as_object_mut()?.remove("now");
    Some(focus)
}

/// A machine that was just told the time, or has nothing due, does nothing when told it again.
///
/// # Errors
///
/// When it does something.
pub fn nothing_more(output: &Output) -> Result<(), Broken> {
    ensure(output.effects.is_empty() && output.changes.is_empty(), || {
        let changed: Vec<&String> = output.changes.iter().map(|change| &change.key).collect();
        format!("{:?}, records {changed:?}", output.effects)
    })
    .map_err(broken(TWICE))
}

/// Two machines told the same do the same.
///
/// # Errors
///
/// When they differ.
pub fn equal(one: &Output, two: &Output) -> Result<(), Broken> {
    ensure(one == two, || format!("one: {one:?}; two: {two:?}")).map_err(broken(EQUAL))
}

/// What a machine wrote can be restored.
///
/// # Errors
///
/// When it can't.
pub fn readable<T, E: ToString>(restored: Result<T, E>) -> Result<T, Broken> {
    restored.map_err(|error| broken(READABLE)(error.to_string()))
}

/// Time comes to pass after so many deadlines at most.
///
/// # Errors
///
/// When there were more.
pub fn no_circles(deadlines: usize, next: Option<&Deadline>) -> Result<(), Broken> {
    const MANY: usize = 2000;
    ensure(deadlines < MANY, || format!("{deadlines} deadlines without end, the next: {next:?}"))
        .map_err(broken(CIRCLES))
}
