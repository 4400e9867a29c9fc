//! Drives the conference machine through generated histories until so many steps are done: `soak_machine [steps] [seed]`.
//!
//! Names of invariants that follow are passed over. What a history is never lives here.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use confocal_conference_model::action::Action;
use confocal_conference_model::coverage::Coverage;
use confocal_conference_model::generate::Bytes;
use confocal_conference_model::{Violation, play, shrink};

/// How many actions the longest history has; the shortest has one.
const LONGEST: u64 = 240;

/// What was seen less often than once in so many steps is called rare.
const RARE: u64 = 20_000;

struct Wish {
    steps: u64,
    seed: u64,
    except: BTreeSet<String>,
}

#[derive(Default)]
struct Done {
    steps: u64,
    turns: u64,
    histories: u64,
    coverage: Coverage,
}

fn main() -> ExitCode {
    let wish = match wish(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(error) => {
            say(&format!("{error}\nusage: soak_machine [steps] [seed] [invariant to pass over]..."));
            return ExitCode::from(2);
        }
    };
    say(&format!("seed {}", wish.seed));
    match soak(&wish) {
        Ok(done) => {
            summary(&done);
            ExitCode::SUCCESS
        }
        Err(violation) => {
            say(&format!(
                "seed {}: a violation, made short:\n{}",
                wish.seed,
                shrink::shrink(violation, &wish.except)
            ));
            ExitCode::FAILURE
        }
    }
}

fn wish(mut arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
    let number =
        |text: String| text.replace('_', "").parse::<u64>().map_err(|_| format!("`{text}` is no number"));
    let steps = arguments.next().map_or(Ok(1_000_000), number)?;
    let seed = arguments.next().map_or_else(|| Ok(chance()), number)?;
    Ok(Wish { steps, seed, except: arguments.collect() })
}

/// A seed for a run that names none.
fn chance() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| since.as_millis() as u64)
}

fn soak(wish: &Wish) -> Result<Done, Violation> {
    let (mut bytes, mut done) = (Bytes::new(wish.seed), Done::default());
    let (begun, mut told) = (Instant::now(), Instant::now());
    while done.steps < wish.steps {
        let length = 1 + bytes.number() % LONGEST;
        let history = bytes.history(length as usize);
        let summary = play(history[0], &Action::decode_all(&history[1..]), &wish.except)?;
        done.histories += 1;
        done.steps += summary.actions as u64;
        done.turns += summary.turns as u64;
        done.coverage.merge(&summary.coverage);
        if told.elapsed() >= Duration::from_secs(1) {
            told = Instant::now();
            let rate = done.steps as f64 / begun.elapsed().as_secs_f64();
            let left = wish.steps.saturating_sub(done.steps) as f64 / rate;
            say(&format!("{} of {} steps, {rate:.0} a second, {left:.0} s left", done.steps, wish.steps));
        }
    }
    Ok(done)
}

fn summary(done: &Done) {
    say(&done.coverage.to_string());
    for (kind, name, count) in done.coverage.rare(done.steps / RARE) {
        say(&format!("warning: {kind} {name} was seen {count} times"));
    }
    say(&format!(
        "{} steps in {} histories, {} turns of the machine, no violation",
        done.steps, done.histories, done.turns
    ));
}

/// A line on standard error, which may be closed: then nobody listens.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
