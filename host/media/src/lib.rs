//! Sans-IO media formats: MPEG-TS, FLV, H.264, HEVC and AAC headers, HLS playlists, the timeline.
