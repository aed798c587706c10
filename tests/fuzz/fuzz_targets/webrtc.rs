//! What strangers send to the WebRTC port and to a session, and what an encoder answers.
#![no_main]
#[path = "../../../host/gateway/src/webrtc/stun.rs"]
mod stun;
#[path = "../../../host/gateway/src/webrtc/trickle.rs"]
mod trickle;

use libfuzzer_sys::fuzz_target;
use media::ogg::OpusReader;

fuzz_target!(|data: &[u8]| {
    if let Some(fragment) = stun::local_fragment(data) {
        assert!(fragment.len() <= 256 && !fragment.contains(':'));
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(Some(user)) = trickle::user_fragment(text)
    {
        assert!(user.len() < text.len());
    }
    let read = |cut: usize| {
        let (mut reader, mut packets) = (OpusReader::new(), Vec::new());
        let mut pieces = data.chunks(cut);
        let read = pieces.try_for_each(|piece| reader.push(piece, &mut packets));
        (packets, read)
    };
    assert_eq!(read(data.len().max(1)).0, read(7).0);
});
