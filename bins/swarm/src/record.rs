//! Recordings of a run, for whoever scores them: the clip that was sent, and what was heard of it.

use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::listen::decode;
use crate::plan::Plan;
use crate::pump::Seat;

/// Writes the clip, and what the first listener heard each time that the first talker sent it.
pub(crate) fn write(
    plan: &Plan,
    seats: &[Seat],
    window: &Range<i64>,
    clip: &[i16],
    folder: &Path,
) -> anyhow::Result<()> {
    let talker = plan.talkers_of(0).next();
    let watched = talker.and_then(|talker| seats.get(talker)?.watch.as_ref()).context("nobody talked")?;
    let times: Vec<i64> = watched.1.iter().copied().filter(|time| window.contains(time)).collect();
    let listener = seats.iter().enumerate().find(|(caller, seat)| {
        plan.conference(*caller) == 0 && Some(*caller) != talker && seat.caller.payloads.is_some()
    });
    let caller = &listener.context("there is nobody to record")?.1.caller;
    let decoded = decode(&caller.arrivals, caller.payloads.as_deref().unwrap_or_default())?;
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    write_wav(&folder.join("sent.wav"), clip)?;
    let mut heard = 0;
    for time in times {
        let first = decoded.starts.partition_point(|(_, at)| *at < time);
        let Some(&(from, _)) = decoded.starts.get(first) else { continue };
        // What follows the clip is silence, as long as a delay may be.
        if let Some(samples) = decoded.samples.get(from..from + clip.len()) {
            heard += 1;
            write_wav(&folder.join(format!("heard-{heard}.wav")), samples)?;
        }
    }
    let seconds = clip.len() / 48_000 + 1;
    ensure!(heard > 0, "--record: the clip of {seconds} s was not once heard whole within --seconds");
    Ok(())
}

fn write_wav(path: &Path, samples: &[i16]) -> anyhow::Result<()> {
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let named = || format!("could not write {}", path.display());
    let mut writer = hound::WavWriter::create(path, format).with_context(named)?;
    for &sample in samples {
        writer.write_sample(sample).with_context(named)?;
    }
    writer.finalize().with_context(named)
}
