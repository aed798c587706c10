//! What FFmpeg says of itself, by `-progress`.

/// A line is at most so long; beyond that it is none of FFmpeg's.
const LINE_BYTES: usize = 256;

/// How far FFmpeg is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// Pictures encoded, of its first output.
    pub frames: u64,
    /// Of them a second, since it began.
    pub fps: f64,
    /// Media time to real time since it began; none before there is any.
    pub speed: Option<f64>,
    /// Pictures left out to keep the rate.
    pub dropped: u64,
    /// Pictures shown twice to keep the rate.
    pub duplicated: u64,
    /// The newest time of what it wrote, µs; none before there is any.
    pub out_time_us: Option<i64>,
}

/// Takes `key=value` lines apart; each block of them ends with `progress=...`.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    block: Progress,
}

impl Parser {
    /// The last block that these bytes complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<Progress> {
        let mut whole = None;
        for &byte in bytes {
            match byte {
                b'\n' => {
                    if self.take_line() {
                        whole = Some(std::mem::take(&mut self.block));
                    }
                    self.line.clear();
                }
                _ if self.line.len() < LINE_BYTES => self.line.push(byte),
                _ => {}
            }
        }
        whole
    }

    /// Whether the line ends a block. What it does not know it passes over.
    fn take_line(&mut self) -> bool {
        let line = String::from_utf8_lossy(&self.line);
        let Some((key, value)) = line.split_once('=') else {
            return false;
        };
        let (value, block) = (value.trim(), &mut self.block);
        match key {
            "frame" => block.frames = value.parse().unwrap_or_default(),
            "fps" => block.fps = value.parse().unwrap_or_default(),
            "speed" => block.speed = value.trim_end_matches('x').trim().parse().ok(),
            "drop_frames" => block.dropped = value.parse().unwrap_or_default(),
            "dup_frames" => block.duplicated = value.parse().unwrap_or_default(),
            "out_time_us" => block.out_time_us = value.parse().ok(),
            _ => {}
        }
        key == "progress"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_taken_whole_in_whatever_cut_it_comes() {
        let text = "frame=50\nfps=24.97\nstream_0_0_q=28.0\nbitrate=N/A\ntotal_size=940\n\
            out_time_us=1960000\nout_time_ms=1960000\nout_time=00:00:01.960000\ndup_frames=1\n\
            drop_frames=2\nspeed=0.98x\nprogress=continue\n";
        let expected = Progress {
            frames: 50,
            fps: 24.97,
            speed: Some(0.98),
            dropped: 2,
            duplicated: 1,
            out_time_us: Some(1_960_000),
        };
        for cut in [1, 7, text.len()] {
            let mut parser = Parser::default();
            let blocks = text.as_bytes().chunks(cut);
            let found: Vec<_> = blocks.filter_map(|it| parser.push(it)).collect();
            assert_eq!(found, [expected], "cut every {cut} bytes");
        }
    }

    #[test]
    fn what_is_not_known_yet_is_none_and_lines_without_end_are_not_kept() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(&[b'x'; 100_000]), None);
        assert!(parser.line.len() <= LINE_BYTES);
        let found = parser.push(b"\nout_time_us=N/A\nspeed=N/A\nnonsense\nprogress=end\n");
        assert_eq!(found, Some(Progress::default()));
    }
}
