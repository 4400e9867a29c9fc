//! Any bytes as a history of the machine: no panic, and no invariant broken. What bytes mean is said by the model.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(violation) = confocal_conference_model::replay(bytes) {
        panic!("{violation}");
    }
});
