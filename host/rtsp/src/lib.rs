//! Sans-IO RTSP 1.0 (RFC 2326): messages, authentication, SDP, RTP and sessions.
