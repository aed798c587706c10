//! AES-128 for segments over HLS (RFC 8216 §4.3.2.4): CBC with PKCS #7 padding, a whole segment at
//! a time.

use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hmac, rand};
use bytes::Bytes;
use media::cmaf::RenditionName;
use media::hls::KeyRotation;
use model::StreamName;
use std::sync::OnceLock;

const KEY_BYTES: usize = 16;

/// Where all keys of this process come from: a key is made of a secret that never leaves the
/// process, and what it is for. So nothing is kept of keys, however many there were.
#[derive(Default)]
pub(crate) struct Keyring {
    secret: OnceLock<hmac::Key>,
}

/// Without random numbers there are no keys, and a stream that needs them is not served.
#[derive(Debug, thiserror::Error)]
#[error(
    "this system gives no random numbers to make keys of; what is to be encrypted is not served"
)]
pub(crate) struct NoRandomness;

/// What encrypts one rendition, or one transport stream.
pub(crate) struct Cipher {
    secret: hmac::Key,
    /// Of whom these keys are: no two renditions share one, since they share sequence numbers,
    /// and with them initialization vectors.
    whose: String,
    rotation: KeyRotation,
}

impl Keyring {
    /// For the segments of a stream that are under such keys; of its transport stream without a
    /// rendition.
    pub(crate) fn cipher(
        &self,
        stream: &StreamName,
        rendition: Option<RenditionName>,
        rotation: KeyRotation,
    ) -> Result<Cipher, NoRandomness> {
        let secret = self.secret()?.clone();
        let rendition = rendition.map_or_else(String::new, |name| name.to_string());
        Ok(Cipher {
            secret,
            // Names have no NUL, so no two pairs read the same.
            whose: format!("{stream}\0{rendition}"),
            rotation,
        })
    }

    fn secret(&self) -> Result<&hmac::Key, NoRandomness> {
        if let Some(secret) = self.secret.get() {
            return Ok(secret);
        }
        let mut seed = [0; 32];
        rand::fill(&mut seed).map_err(|Unspecified| NoRandomness)?;
        let fresh = || hmac::Key::new(hmac::HMAC_SHA256, &seed);
        Ok(self.secret.get_or_init(fresh))
    }
}

impl Cipher {
    /// The key of that number.
    pub(crate) fn key(&self, number: u64) -> [u8; KEY_BYTES] {
        let mut context = hmac::Context::with_key(&self.secret);
        context.update(self.whose.as_bytes());
        context.update(&[0]);
        context.update(&number.to_be_bytes());
        let mut key = [0; KEY_BYTES];
        for (byte, made) in key.iter_mut().zip(context.sign().as_ref()) {
            *byte = *made;
        }
        key
    }

    /// The segment of that media sequence number, which is also its initialization vector
    /// (RFC 8216 §5.2). Empty if it cannot be encrypted: it never leaves in the clear.
    pub(crate) fn encrypt<'a>(
        &self,
        sequence: u64,
        plain: impl Iterator<Item = &'a Bytes> + Clone,
    ) -> Bytes {
        let bytes: usize = plain.clone().map(Bytes::len).sum();
        let mut data = Vec::with_capacity(bytes + KEY_BYTES);
        plain.for_each(|piece| data.extend_from_slice(piece));
        match self.encrypt_in_place(sequence, &mut data) {
            Ok(()) => data.into(),
            Err(Unspecified) => {
                tracing::error!(
                    sequence,
                    "a segment could not be encrypted and is left empty"
                );
                Bytes::new()
            }
        }
    }

    fn encrypt_in_place(&self, sequence: u64, data: &mut Vec<u8>) -> Result<(), Unspecified> {
        let key = self.key(self.rotation.key_of(sequence));
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, &key)?)?;
        let vector = u128::from(sequence).to_be_bytes();
        let vector = EncryptionContext::Iv128(FixedLength::from(vector));
        key.less_safe_encrypt(data, vector).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::cipher::{DecryptionContext, PaddedBlockDecryptingKey};

    fn cipher(ring: &Keyring, stream: &str, segments: u32) -> Cipher {
        let rotation = KeyRotation::every(segments);
        ring.cipher(&stream.parse().unwrap(), None, rotation)
            .unwrap()
    }

    #[test]
    fn a_segment_is_deciphered_with_the_key_of_its_number_and_with_no_other() {
        let cipher = cipher(&Keyring::default(), "live/cam1", 3);
        let plain = [
            Bytes::from_static(b"a part"),
            Bytes::from_static(b" and another"),
        ];
        let sealed = cipher.encrypt(7, plain.iter());
        assert_eq!(sealed.len(), 32);
        let open = |number| {
            let key = UnboundCipherKey::new(&AES_128, &cipher.key(number)).unwrap();
            let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
            let vector = FixedLength::from(7u128.to_be_bytes());
            let mut data = sealed.to_vec();
            let plain = key.decrypt(&mut data, DecryptionContext::Iv128(vector));
            plain.map(|it| it.to_vec())
        };
        assert_eq!(open(2).unwrap(), b"a part and another");
        assert_ne!(open(3).ok(), open(2).ok());
    }

    #[test]
    fn keys_differ_by_number_stream_and_host() {
        let (ring, other) = (Keyring::default(), Keyring::default());
        let one = cipher(&ring, "live/cam1", 1);
        assert_eq!(one.key(1), cipher(&ring, "live/cam1", 9).key(1));
        assert_ne!(one.key(1), one.key(2));
        assert_ne!(one.key(1), cipher(&ring, "live/cam2", 1).key(1));
        assert_ne!(one.key(1), cipher(&other, "live/cam1", 1).key(1));
    }
}
