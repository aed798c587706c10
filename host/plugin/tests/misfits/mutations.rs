//! A thousand damaged components: refused, or harmless, and never a panic.

use crate::common::{Route, install};
use crate::forge::Misfit;
use crate::plane;
use plugin::routing::sample_state;
use serde_json::json;
use std::time::{Duration, Instant};

const MUTATIONS: u64 = 1_000;

/// For each of them; what takes longer hangs.
const BOUND: Duration = Duration::from_secs(10);

/// SplitMix64: the same mutations in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound.max(1) as u64) as usize
    }
}

fn mutate(original: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = original.to_vec();
    match dice.below(6) {
        // Bits turn over; most often only a few, so that some come far.
        0 | 1 => {
            for _ in 0..=dice.below(4) {
                let at = dice.below(bytes.len());
                bytes[at] ^= 1 << dice.below(8);
            }
        }
        2 => bytes.truncate(dice.below(original.len())),
        // A length or an index becomes a huge one (LEB128).
        3 => {
            let at = dice.below(bytes.len() - 5);
            bytes[at..at + 5].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
        }
        // A part comes twice, or takes the place of another.
        4 => {
            let (from, len) = (dice.below(bytes.len()), dice.below(200));
            let part = original[from..(from + len).min(original.len())].to_vec();
            let at = dice.below(bytes.len());
            bytes.splice(at..at, part);
        }
        _ => {
            let (from, len) = (dice.below(bytes.len()), dice.below(200));
            let part = original[from..(from + len).min(original.len())].to_vec();
            let at = dice.below(bytes.len() - part.len());
            bytes[at..at + part.len()].copy_from_slice(&part);
        }
    }
    bytes
}

#[tokio::test]
async fn a_thousand_damaged_components_are_refused_or_harmless() {
    let original = Misfit::default().forge();
    let (plugins, _dir) = plane().await;
    install(&plugins, "good", original.clone()).await.unwrap();
    let good = plugins.get("good").unwrap();
    let (mut refused, mut taken) = (0, 0);
    for seed in 0..MUTATIONS {
        let bytes = mutate(&original, &mut Dice(seed));
        let began = Instant::now();
        match install(&plugins, "damaged", bytes).await {
            Err(error) => {
                assert!(error.is_components_fault(), "seed {seed}: {error}");
                assert!(!error.to_string().is_empty(), "seed {seed}");
                refused += 1;
            }
            // Damage that changes nothing that matters, or a constant; then it may be asked.
            Ok(_) => {
                let plugin = plugins.get("damaged").unwrap();
                if let Ok(config) = plugin.config("test", &json!({})) {
                    let _ = plugin.route(&sample_state(), &config).await;
                }
                plugins.remove(&"damaged".parse().unwrap()).await.unwrap();
                taken += 1;
            }
        }
        assert!(
            began.elapsed() < BOUND,
            "seed {seed}: {:?}",
            began.elapsed()
        );
    }
    eprintln!("{refused} refused, {taken} taken");
    assert!(
        refused > MUTATIONS / 2,
        "{refused} of {MUTATIONS} were refused"
    );
    let config = good.config("test", &json!({})).unwrap();
    good.route(&sample_state(), &config).await.unwrap();
}
