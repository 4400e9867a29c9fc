//! Callers that are no browser, in both versions of the protocol and with less than js-sdk sends.

use confocal_testing::parts::{AiortcCaller, CallerOptions, FocusProcess, Levels, Sound, Version};

use serde_json::json;

use crate::world::{SOON, World, call_event, invite};

const TONES: [f64; 5] = [437.0, 631.0, 1013.0, 1511.0, 2027.0];

#[tokio::test]
async fn callers_of_both_versions_trickling_without_metadata_and_like_nheko_hear_each_other() {
    let world = World::start("clients", "").await;
    let kinds = [
        ("old", CallerOptions { version: Version::V0, ..CallerOptions::new("") }),
        ("plain", CallerOptions::new("")),
        ("trickling", CallerOptions { trickle_only: true, ..CallerOptions::new("") }),
        ("terse", CallerOptions { metadata: false, ..CallerOptions::new("") }),
        ("nheko", CallerOptions { like_nheko: true, ..CallerOptions::new("") }),
    ];
    let mut users = Vec::new();
    for (name, _) in &kinds {
        users.push(world.user(name).await);
    }
    let room = world.group_room(&users.iter().collect::<Vec<_>>()).await;
    let mut callers = Vec::new();
    for ((user, (name, kind)), tone) in users.iter().zip(kinds).zip(TONES) {
        // Four are heard at a time: the first one makes room for the fifth.
        if callers.len() == 4 {
            all_hear_the_others(&mut callers).await;
            let (_, _, mut first) = callers.remove(0);
            first.hang_up().unwrap();
        }
        let options = CallerOptions {
            focus_user: FocusProcess::user_id(&room),
            group_room: Some(room.clone()),
            sound: Sound::Tone { hertz: tone, dbfs: -20.0 },
            listen_hertz: TONES.to_vec(),
            ..kind
        };
        let mut caller = AiortcCaller::start(&world.places, &world.directory, user, &options).unwrap();
        caller.connected(SOON).await.unwrap();
        callers.push((name, tone, caller));
    }
    all_hear_the_others(&mut callers).await;
}

/// Each of them, with its name and tone, hears the tones of the others and not its own.
async fn all_hear_the_others(callers: &mut [(&str, f64, AiortcCaller)]) {
    let tones: Vec<f64> = callers.iter().map(|(_, tone, _)| *tone).collect();
    for (name, own, caller) in callers {
        let others_and_not_itself = |levels: &Levels| {
            let others = tones.iter().filter(|tone| *tone != own).map(|&tone| levels.tone(tone));
            let quietest = others.fold(f64::INFINITY, f64::min);
            quietest > -45.0 && levels.tone(*own) < quietest - 40.0
        };
        let what = format!("({name}) the others and not itself");
        caller.hears(&what, SOON, others_and_not_itself).await.unwrap();
    }
}

/// As matrix-js-sdk and matrix-dart-sdk did until 2025: they look for metadata under the name under which they wrote it.
#[tokio::test]
async fn a_client_of_before_2025_finds_our_stream_under_the_name_it_knows() {
    let world = World::start("clients-older", "").await;
    let user = world.user("old").await;
    let room = world.group_room(&[&user]).await;
    let focus_user = FocusProcess::user_id(&room);
    user.invite(&room, &focus_user).await.unwrap();
    let direct = world.direct_room(&user, &focus_user).await;
    let older = "org.matrix.msc3077.sdp_stream_metadata";
    let metadata = json!({ "s": { "purpose": "m.usermedia", "audio_muted": false, "video_muted": true } });
    invite(&user, &direct, "older", json!({ (older): metadata })).await;
    let content = call_event(&user, &direct, "m.call.answer", "older").await["content"].take();
    let stream = content["answer"]["sdp"].as_str().unwrap().split("a=msid:").nth(1).unwrap();
    let stream = stream.split(' ').next().unwrap();
    assert_eq!(content[older][stream]["purpose"], "m.usermedia");
    assert_eq!(content[older], content["sdp_stream_metadata"]);

    invite(&user, &direct, "plain", json!({})).await;
    let content = call_event(&user, &direct, "m.call.answer", "plain").await["content"].take();
    assert_eq!((content.get(older), content.get("sdp_stream_metadata")), (None, None));
}

/// The setting of a fresh installation. Callers begin the checks, so where they come from is seen, not believed.
#[tokio::test]
async fn callers_in_private_networks_connect_although_their_candidates_are_not_taken() {
    let world = World::start("clients-private", "[media]\nallow_private_candidates = false\n").await;
    let (first, second) = (world.user("first").await, world.user("second").await);
    let room = world.group_room(&[&first, &second]).await;
    let mut one = world.caller(&first, &room, TONES[0], &TONES).await;
    let mut two = world.caller(&second, &room, TONES[1], &TONES).await;
    one.hears("the second", SOON, |levels| levels.tone(TONES[1]) > -45.0).await.unwrap();
    two.hears("the first", SOON, |levels| levels.tone(TONES[0]) > -45.0).await.unwrap();
}
