//! Bytes as a history of the small world: every invariant of the model holds after every turn of the machine.
//!
//! What bytes mean never lives here, see `confocal-conference-model`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(violation) = confocal_conference_model::replay(bytes) {
        panic!("{violation}");
    }
});
