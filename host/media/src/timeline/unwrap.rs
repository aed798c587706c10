//! Wire clocks of limited width.

/// Ticks in one turn of the 33-bit 90 kHz clock of MPEG-TS (ISO/IEC 13818-1 §2.4.3.7).
pub const TS_WRAP: i64 = 1 << 33;

/// Undoes the wraps of a clock of limited width.
///
/// Each value is taken as the one nearest to the value before it, so steps back within half a
/// turn (B-frames, interleaving) stay steps back.
#[derive(Debug, Clone)]
pub struct Unwrap {
    turn: i64,
    last: Option<i64>,
    /// Turns between zero and the newest value; the first value's.
    newest_turn: i64,
    turns: u64,
}

impl Unwrap {
    /// For 33-bit PTS, DTS and PCR bases, in 90 kHz ticks.
    pub const fn mpeg_ts() -> Self {
        Self::of(TS_WRAP)
    }

    /// For 32-bit millisecond timestamps (RTMP, FLV); yields milliseconds.
    pub const fn ms32() -> Self {
        Self::of(1 << 32)
    }

    const fn of(turn: i64) -> Self {
        Self {
            turn,
            last: None,
            newest_turn: 0,
            turns: 0,
        }
    }

    /// The unwrapped value of `wire`; bits above the clock's width are ignored.
    ///
    /// The first value is taken as it is.
    pub fn unwrap(&mut self, wire: u64) -> i64 {
        let value = self.peek(wire);
        self.last = Some(value);
        let turn = value.div_euclid(self.turn);
        if turn > self.newest_turn {
            self.newest_turn = turn;
            self.turns += 1;
        }
        value
    }

    /// How often the clock has wrapped.
    pub const fn turns(&self) -> u64 {
        self.turns
    }

    /// As [`Unwrap::unwrap`], without moving the reference: for a PTS beside its DTS.
    pub fn peek(&self, wire: u64) -> i64 {
        // Both turns are powers of two, far below 2^63: neither the cast nor the sums overflow.
        let wire = (wire & (self.turn as u64 - 1)) as i64;
        let Some(last) = self.last else { return wire };
        let ahead = (wire - last).rem_euclid(self.turn);
        let step = if ahead >= self.turn / 2 {
            ahead - self.turn
        } else {
            ahead
        };
        last.saturating_add(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_33_bit_turn_is_crossed_forward_and_back() {
        let mut clock = Unwrap::mpeg_ts();
        let top = (1u64 << 33) - 10;
        assert_eq!(clock.unwrap(top), TS_WRAP - 10);
        assert_eq!(clock.unwrap(5), TS_WRAP + 5);
        assert_eq!(clock.unwrap(top), TS_WRAP - 10);
        assert_eq!(clock.unwrap(20), TS_WRAP + 20);
        assert_eq!(
            clock.turns(),
            1,
            "crossed once, however often tracks go back over it"
        );
    }

    #[test]
    fn many_turns_of_32_bit_milliseconds_are_counted() {
        let mut clock = Unwrap::ms32();
        let mut time = 0i64;
        for _ in 0..10 {
            time += 1 << 30;
            assert_eq!(clock.unwrap(time as u64), time);
        }
        assert_eq!(clock.turns(), 2);
    }

    #[test]
    fn time_may_go_below_zero_at_the_start() {
        let mut clock = Unwrap::mpeg_ts();
        assert_eq!(clock.unwrap(100), 100);
        assert_eq!(clock.unwrap((1 << 33) - 100), -100);
        assert_eq!(clock.unwrap(200), 200);
        assert_eq!(clock.turns(), 0);
    }
}
