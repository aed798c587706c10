//! Every SRT backend against every peer: srt-live-transmit, ffmpeg, and itself.
//!
//! The cases are functions of any backend. The default backend must pass all of them; the
//! second one runs the same table when its cargo feature is on, with what it is known to fail
//! marked and left out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bounds;
mod media;
mod peers;
mod refusals;
mod support;

/// The table, once for each backend: `case = path, known failure or none`.
macro_rules! table {
    ($make:expr; $($(#[$mark:meta])* $case:ident = $path:path;)*) => {
        $(
            $(#[$mark])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $path(&$make).await;
            }
        )*
    };
}

mod libsrt {
    use gateway::srt::backend::Libsrt;

    table! { Libsrt::new().unwrap();
        peers_publish_with_every_key_length_and_stream_id_form = crate::media::publishing;
        peers_read_what_is_sent_with_every_key_length = crate::media::reading;
        a_call_reaches_listening_peers_with_every_key_length = crate::media::calling;
        the_larger_latency_of_both_sides_holds = crate::media::latency;
        twenty_readers_on_one_port_get_every_message = crate::media::many_readers;
        a_peer_that_leaves_ends_the_connection_after_its_last_message = crate::media::leaving;
        a_wrong_or_missing_passphrase_is_refused_before_media = crate::refusals::secrets;
        an_unknown_stream_is_refused_with_its_reason = crate::refusals::unknown_stream;
        a_call_that_is_refused_or_unanswered_says_why = crate::refusals::calls;
        a_passphrase_of_the_verdict_counts_for_that_caller_alone = crate::refusals::own_secret;
        a_flood_of_handshakes_is_bounded_and_leaves_the_rest_alone = crate::bounds::flood;
        connections_are_bounded_and_make_room_when_they_end = crate::bounds::connections;
        a_reader_that_does_not_read_costs_only_its_own_messages = crate::bounds::slow_reader;
        a_port_closed_and_opened_again_leaves_its_connections_alone = crate::bounds::reopening;
    }
}

#[cfg(feature = "srt-tokio")]
mod srt_tokio {
    use gateway::srt::backend::SrtTokio;

    table! { SrtTokio::new();
        peers_publish_with_every_key_length_and_stream_id_form = crate::media::publishing;
        peers_read_what_is_sent_with_every_key_length = crate::media::reading;
        a_call_reaches_listening_peers_with_every_key_length = crate::media::calling;
        the_larger_latency_of_both_sides_holds = crate::media::latency;
        twenty_readers_on_one_port_get_every_message = crate::media::many_readers;
        a_peer_that_leaves_ends_the_connection_after_its_last_message = crate::media::leaving;
        #[ignore = "known: an unexpected passphrase panics the listener's task; a wrong one is accepted"]
        a_wrong_or_missing_passphrase_is_refused_before_media = crate::refusals::secrets;
        #[ignore = "known: a refused call does not export its reason"]
        an_unknown_stream_is_refused_with_its_reason = crate::refusals::unknown_stream;
        #[ignore = "known: a refused call does not export its reason"]
        a_call_that_is_refused_or_unanswered_says_why = crate::refusals::calls;
        #[ignore = "known: another key size than expected panics the listener's task"]
        a_passphrase_of_the_verdict_counts_for_that_caller_alone = crate::refusals::own_secret;
        #[ignore = "known: all handshakes of one address are taken for one session"]
        a_flood_of_handshakes_is_bounded_and_leaves_the_rest_alone = crate::bounds::flood;
        #[ignore = "known: a refused call does not export its reason"]
        connections_are_bounded_and_make_room_when_they_end = crate::bounds::connections;
        a_reader_that_does_not_read_costs_only_its_own_messages = crate::bounds::slow_reader;
        #[ignore = "known: a closed port stays bound"]
        a_port_closed_and_opened_again_leaves_its_connections_alone = crate::bounds::reopening;
    }
}
