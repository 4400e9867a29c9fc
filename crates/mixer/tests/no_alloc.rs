//! A tick in the steady state allocates nothing, nor does a packet that arrives. Shown by counting, in a process of its own.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::tone;
use confocal_mixer::{
    Encoder, EncoderSettings, LegKey, MAX_PAYLOAD_BYTES, Micros, Mixer, MixerConfig, RtpAudio, SpeakerKey,
};

struct Counting;

thread_local! {
    /// Of this thread alone: the thread that runs the test program allocates when it likes.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn calls() -> u64 {
    CALLS.with(Cell::get)
}

fn count() {
    // A thread that is ending has none, and is not the one that is looked at.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// Only the calls are counted; everything is the system's. libopus allocates with malloc and so past this, but only in its
// `create` functions.
#[expect(unsafe_code, reason = "an allocator can't be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count();
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LEGS: u64 = 12;
const TICKS: u64 = 300;

#[test]
fn a_tick_does_not_allocate() {
    // Fewer decoded than speak, so that choosing runs too.
    let mut mixer = Mixer::new(MixerConfig { hot_max: 4, ..MixerConfig::default() });
    for leg in 0..LEGS {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg / 2)).unwrap();
    }
    let mut encoder = Encoder::new(&EncoderSettings::default()).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let mut frames = 0_u64;

    let before = calls();
    for tick in 0..TICKS {
        let now = Micros::from_millis(tick * 20);
        let bytes = encoder.encode(&tone(440.0, 9000.0, tick as u32), &mut payload).unwrap();
        for leg in 0..LEGS {
            // Loss, jitter, silence by announcement, doubles, and packets that are none.
            let payload = match (tick * 31 + leg * 17) % 23 {
                0 => continue,
                1 => &payload[..1],
                2 => &[0xff, 0xff, 0xff],
                _ => &payload[..bytes],
            };
            for _ in 0..=u64::from(leg == 3) {
                let arrival = Micros::from_millis(tick * 20 + (tick * 7 + leg) % 30);
                let (sequence, timestamp) = (tick as u16, tick as u32 * 960);
                mixer.push_packet(
                    LegKey(leg),
                    RtpAudio { sequence, timestamp, marker: false, level: None, payload, arrival },
                );
            }
        }
        if tick % 50 == 0 {
            mixer.set_receiving(LegKey(5), tick % 100 == 0);
            mixer.set_sending(LegKey(6), tick % 100 == 0);
        }
        mixer.tick(now, |_, frame| frames += u64::from(!frame.payload.is_empty()));
        frames += mixer.levels().filter(|measure| measure.speaking).count() as u64;
        assert!(mixer.stats(LegKey(0)).is_some());
    }
    let made = calls() - before;

    assert!(frames > TICKS * (LEGS - 1), "the mixer worked: {frames} frames");
    assert_eq!(made, 0, "calls of the allocator in {TICKS} ticks");

    // The counter counts: what is allowed to allocate does.
    mixer.add_leg(LegKey(99), SpeakerKey(99)).unwrap();
    assert!(calls() > before);
}
