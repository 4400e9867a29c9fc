//! Running the machine in the small world: each turn is drained, looked at, and compared with what a restarted machine does.
//!
//! What an action means never lives here (`acts.rs`), nor what must hold (`invariants.rs`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use confocal_conference::{Focus, Input, Millis, RequestId, RoomKey, SignalRequest, Timestamp};

use crate::action::Action;
use crate::coverage::Coverage;
use crate::invariants::sameness::{self, Output, Records};
use crate::invariants::{self, Broken};
use crate::outside::Outside;
use crate::seen::{Cause, Seen, Turn};
use crate::setup::{GROUPS, Setup};

/// Where chance begins in every machine of this world.
const SEED: u64 = 7;

/// When every history begins.
const BEGINNING: Timestamp = Timestamp::from_unix_millis(1_700_000_000_000);

/// How many turns a machine that was not restarted goes along with the one that was.
const ALONG: usize = 40;

/// At every so many turns a machine restored from the records is compared with the live one.
const PROBE: usize = 7;

/// How many turns are kept for a report.
const KEPT: usize = 12;

/// The small world.
#[derive(Clone, Debug)]
pub struct World {
    focus: Focus,
    now: Timestamp,
    /// What stands outside.
    pub outside: Outside,
    /// What was seen.
    pub seen: Seen,
    shadow: Option<Shadow>,
    told: Vec<Told>,
    coverage: Coverage,
    except: BTreeSet<String>,
    turns: usize,
    last_turns: VecDeque<String>,
    thorough: bool,
    writes_down: bool,
}

/// A machine that was not restarted when the one of the world was.
#[derive(Clone, Debug)]
struct Shadow {
    focus: Focus,
    records: Records,
    left: usize,
}

/// What a machine was told, to tell it another one.
#[derive(Clone, Debug)]
enum Told {
    Input(Input, Timestamp),
    Time(Timestamp),
    Restored(Records, Timestamp),
}

impl World {
    /// A world in which nothing has happened. The invariants that are named are passed over.
    #[must_use]
    pub fn new(setup: Setup, except: BTreeSet<String>) -> Self {
        let mut focus = Focus::new(setup.config.clone(), SEED, BEGINNING);
        let mut seen = Seen::new(setup, BEGINNING);
        write(&mut seen.records, &drain(&mut focus));
        Self {
            focus,
            now: BEGINNING,
            outside: Outside::default(),
            seen,
            shadow: None,
            told: Vec::new(),
            coverage: Coverage::default(),
            except,
            turns: 0,
            last_turns: VecDeque::new(),
            thorough: true,
            writes_down: false,
        }
    }

    /// Does not compare with restarted and repeated machines: for searches that go through all orders of restarts anyhow.
    #[must_use]
    pub const fn without_comparisons(mut self) -> Self {
        self.thorough = false;
        self
    }

    /// Writes the last turns down, for a report.
    #[must_use]
    pub const fn writing_down(mut self) -> Self {
        self.writes_down = true;
        self
    }

    /// Lets an action happen.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn apply(&mut self, action: &Action) -> Result<(), Broken> {
        self.coverage.action(action.name());
        self.act(action)
    }

    /// The history is over: a machine that is told the same does the same.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn finish(&mut self) -> Result<(), Broken> {
        if !self.thorough {
            return Ok(());
        }
        let (one, two) = (self.told_again()?, self.told_again()?);
        sameness::equal(&one, &two).or_else(|broken| self.unless_excepted(broken))
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// How many turns the machine has had.
    #[must_use]
    pub const fn turns(&self) -> usize {
        self.turns
    }

    /// What was reached.
    #[must_use]
    pub fn into_coverage(self) -> Coverage {
        self.coverage
    }

    /// The last turns, in words.
    #[must_use]
    pub fn last_turns(&self) -> Vec<String> {
        self.last_turns.iter().cloned().collect()
    }

    /// Something that no action is made for happens.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn say(&mut self, input: Input) -> Result<(), Broken> {
        self.tell(input)
    }

    /// A request is carried out.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn carried_out(&mut self, id: RequestId) -> Result<(), Broken> {
        self.carry(id, 0)
    }

    /// Time passes, and the machine is told.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn wait(&mut self, span: Millis) -> Result<(), Broken> {
        self.pass(span)
    }

    // ---- turns -----------------------------------------------------------------------------------------------------

    /// Tells the machine something.
    pub(crate) fn tell(&mut self, input: Input) -> Result<(), Broken> {
        self.focus.handle(input.clone(), self.now);
        if self.thorough {
            self.told.push(Told::Input(input.clone(), self.now));
        }
        self.turn(Cause::Input(input))
    }

    /// Tells the machine the time.
    pub(crate) fn tell_time(&mut self) -> Result<(), Broken> {
        self.focus.handle_timeout(self.now);
        if self.thorough {
            self.told.push(Told::Time(self.now));
        }
        self.turn(Cause::Time)
    }

    /// Time goes on and the machine is told at each deadline.
    pub(crate) fn pass(&mut self, span: Millis) -> Result<(), Broken> {
        let end = self.now + span;
        for deadlines in 0.. {
            let next = self.focus.poll_timeout().filter(|deadline| deadline.at <= end);
            let Some(deadline) = &next else { break };
            let circles = sameness::no_circles(deadlines, Some(deadline));
            circles.or_else(|broken| self.unless_excepted(broken))?;
            self.now = self.now.max(deadline.at);
            self.tell_time()?;
        }
        self.now = end;
        Ok(())
    }

    /// Time goes on and the machine is not told.
    pub(crate) fn pass_untold(&mut self, span: Millis) {
        self.now = self.now + span;
    }

    /// When the machine wants to be told the time.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.focus.poll_timeout().map(|deadline| deadline.at)
    }

    /// The machine is told the time when nothing is due, and an earlier one: nothing comes of it.
    pub(crate) fn tell_time_early(&mut self, by: Millis) -> Result<(), Broken> {
        let earlier = Timestamp::from_unix_millis(self.now.as_unix_millis().saturating_sub(by.0));
        if self.next_deadline().is_some_and(|at| at <= self.now) {
            return Ok(());
        }
        self.focus.handle_timeout(earlier);
        let output = drain(&mut self.focus);
        sameness::nothing_more(&output).or_else(|broken| self.unless_excepted(broken))
    }

    /// The process dies and comes back: a machine made of the records, without sessions.
    pub(crate) fn restart(&mut self, away: Millis) -> Result<(), Broken> {
        self.now = self.now + away;
        let (config, records) = (self.seen.setup.config.clone(), self.seen.records.clone());
        let restored = sameness::readable(Focus::restore(config, SEED + 1, self.now, records.clone()))?;
        let live = std::mem::replace(&mut self.focus, restored);
        self.outside.sessions.clear();
        self.outside.closed = None;
        // Asked before the restart, and of no use after it: what comes of it is told to none.
        self.outside.requests.retain(|(_, request)| !matches!(request, SignalRequest::AskRooms { .. }));
        self.shadow = None;
        if self.thorough {
            self.told.push(Told::Restored(records.clone(), self.now));
        }
        self.turn(Cause::Restored)?;
        self.shadow = self.thorough.then_some(Shadow { focus: live, records, left: ALONG });
        self.tell(Input::EngineLost)
    }

    /// The engine loses all sessions.
    pub(crate) fn engine_lost(&mut self) -> Result<(), Broken> {
        self.outside.sessions.clear();
        self.outside.closed = None;
        self.tell(Input::EngineLost)
    }

    fn turn(&mut self, cause: Cause) -> Result<(), Broken> {
        let output = drain(&mut self.focus);
        self.along(&cause, &output)?;
        self.outside.take(&output.effects);
        let turn = Turn {
            now: self.now,
            cause,
            effects: output.effects,
            changes: output.changes,
            deadline: output.deadline,
            rolls: self.rolls(),
        };
        self.coverage.turn(&turn, self.seen.after.legs.len());
        self.seen.look(turn);
        self.turns += 1;
        self.write_down();
        invariants::check(&self.seen, &self.except)?;
        if self.thorough {
            self.tell_time_again()?;
            if self.turns.is_multiple_of(PROBE) {
                self.probe()?;
            }
        }
        Ok(())
    }

    fn rolls(&self) -> BTreeMap<RoomKey, confocal_conference::Roll> {
        let rolls = GROUPS.iter().map(|group| RoomKey::from(*group));
        rolls.filter_map(|group| Some((group.clone(), self.focus.roll(&group)?))).collect()
    }

    fn write_down(&mut self) {
        if self.last_turns.len() == KEPT {
            self.last_turns.pop_front();
        }
        let Turn { now, cause, effects, .. } = &self.seen.turn;
        let now = now.since(BEGINNING);
        if self.writes_down {
            self.last_turns.push_back(format!("{now}: {cause:?} -> {effects:?}"));
        }
    }

    // ---- comparisons -----------------------------------------------------------------------------------------------

    fn unless_excepted(&self, broken: Broken) -> Result<(), Broken> {
        if self.except.contains(broken.name) { Ok(()) } else { Err(broken) }
    }

    /// With nothing due, the machine is told the time once more.
    fn tell_time_again(&mut self) -> Result<(), Broken> {
        if self.next_deadline().is_some_and(|at| at <= self.now) {
            return Ok(());
        }
        self.focus.handle_timeout(self.now);
        let output = drain(&mut self.focus);
        sameness::nothing_more(&output).or_else(|broken| self.unless_excepted(broken))
    }

    /// The machine that was not restarted is told the same.
    fn along(&mut self, cause: &Cause, output: &Output) -> Result<(), Broken> {
        let Some(shadow) = &mut self.shadow else { return Ok(()) };
        match cause {
            Cause::Input(input) => shadow.focus.handle(input.clone(), self.now),
            Cause::Time => shadow.focus.handle_timeout(self.now),
            Cause::Restored => return Ok(()),
        }
        let live = drain(&mut shadow.focus);
        write(&mut shadow.records, &live);
        let mut records = self.seen.records.clone();
        write(&mut records, output);
        let same = sameness::as_if_never_restarted((&live, &shadow.records), (output, &records));
        shadow.left -= 1;
        if shadow.left == 0 || same.is_err() {
            self.shadow = None;
        }
        same.or_else(|broken| self.unless_excepted(broken))
    }

    /// A machine is made of the records, and both lose their sessions.
    fn probe(&self) -> Result<(), Broken> {
        let (config, records) = (self.seen.setup.config.clone(), self.seen.records.clone());
        let restored = Focus::restore(config, SEED + 1, self.now, records.clone());
        let mut restored = sameness::readable(restored)?;
        let mut live = self.focus.clone();
        let mut stored = records.clone();
        write(&mut stored, &drain(&mut restored));
        let (mut one, mut two) = (records, stored);
        live.handle(Input::EngineLost, self.now);
        restored.handle(Input::EngineLost, self.now);
        let (live, restored) = (drain(&mut live), drain(&mut restored));
        write(&mut one, &live);
        write(&mut two, &restored);
        let same = sameness::as_if_never_restarted((&live, &one), (&restored, &two));
        same.or_else(|broken| self.unless_excepted(broken))
    }

    /// Another machine is told all that this one was; what it did is given back.
    fn told_again(&self) -> Result<Output, Broken> {
        let config = &self.seen.setup.config;
        let mut focus = Focus::new(config.clone(), SEED, BEGINNING);
        let mut done = Output::default();
        for told in &self.told {
            match told {
                Told::Input(input, now) => focus.handle(input.clone(), *now),
                Told::Time(now) => focus.handle_timeout(*now),
                Told::Restored(records, now) => {
                    let restored = Focus::restore(config.clone(), SEED + 1, *now, records.clone());
                    focus = sameness::readable(restored)?;
                }
            }
            let output = drain(&mut focus);
            done.effects.extend(output.effects);
            done.changes.extend(output.changes);
            done.deadline = output.deadline;
        }
        Ok(done)
    }
}

fn drain(focus: &mut Focus) -> Output {
    let (mut effects, mut changes) = (Vec::new(), Vec::new());
    while let Some(effect) = focus.poll_effect() {
        effects.push(effect);
    }
    while let Some(change) = focus.poll_change() {
        changes.push(change);
    }
    Output { effects, changes, deadline: focus.poll_timeout() }
}

fn write(records: &mut Records, output: &Output) {
    for change in &output.changes {
        match &change.value {
            Some(value) => drop(records.insert(change.key.clone(), value.clone())),
            None => drop(records.remove(&change.key)),
        }
    }
}
