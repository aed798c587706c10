//! Whose a STUN message is (RFC 8489), before anything is believed of it.

/// Message type: a binding request (RFC 8489 §3).
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
/// RFC 8489 §5.
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// The attribute USERNAME (RFC 8489 §14.3).
const USERNAME: u16 = 0x0006;
/// Attributes looked at; more is no browser's.
const MAX_ATTRIBUTES: usize = 32;
/// RFC 8445 §5.3: at most 256 characters.
const MAX_FRAGMENT_BYTES: usize = 256;

/// The receiver's fragment of the user name in a binding request, which is ours: what stands
/// before the colon (RFC 8445 §7.2.2). Nothing says yet that the sender knows the password.
pub fn local_fragment(datagram: &[u8]) -> Option<&str> {
    let (head, mut rest) = datagram.split_at_checked(20)?;
    if head.get(..2)? != BINDING_REQUEST || head.get(4..8)? != MAGIC_COOKIE {
        return None;
    }
    for _ in 0..MAX_ATTRIBUTES {
        let &[k0, k1, l0, l1] = rest.first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let value = rest.get(4..4 + length)?;
        if u16::from_be_bytes([k0, k1]) == USERNAME {
            let name = std::str::from_utf8(value).ok()?;
            let (local, _) = name.split_once(':')?;
            return (local.len() <= MAX_FRAGMENT_BYTES).then_some(local);
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend((value.len() as u16).to_be_bytes());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut message = BINDING_REQUEST.to_vec();
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(MAGIC_COOKIE);
        message.extend([7; 12]);
        message.extend(body);
        message
    }

    #[test]
    fn the_fragment_before_the_colon_is_found_behind_other_attributes() {
        let message = request(&[
            (0x8022, b"abc"),
            (USERNAME, b"ours:theirs"),
            (0x8, &[0; 20]),
        ]);
        assert_eq!(local_fragment(&message), Some("ours"));
    }

    #[test]
    fn whatever_is_cut_or_wrong_has_no_fragment_and_does_no_harm() {
        let whole = request(&[(0x8022, b"abc"), (USERNAME, b"ours:theirs")]);
        for end in 0..whole.len() {
            let _ = local_fragment(&whole[..end]);
        }
        assert_eq!(local_fragment(&request(&[(USERNAME, b"nocolon")])), None);
        assert_eq!(
            local_fragment(&request(&[(USERNAME, &[0xff, b':', 1])])),
            None
        );
        assert_eq!(local_fragment(&request(&[(0x8022, &[][..]); 40])), None);
        let long = [&[b'a'; 300][..], b":x"].concat();
        assert_eq!(local_fragment(&request(&[(USERNAME, &long)])), None);
        let mut lying = request(&[(USERNAME, b"a:b")]);
        lying[22..24].copy_from_slice(&u16::MAX.to_be_bytes());
        assert_eq!(local_fragment(&lying), None);
        let mut response = whole.clone();
        response[..2].copy_from_slice(&[1, 1]);
        assert_eq!(local_fragment(&response), None);
    }
}
